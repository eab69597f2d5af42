// Package bwe estimates the bandwidth of the path to one viewer.
package bwe
