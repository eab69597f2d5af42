// Package stat has the counters that domain code bumps and the metrics
// collector reads: plain atomics without names, labels or a registry.
//
// All types are safe for use from any goroutine, and no method but
// NewHistogram and Snapshot allocates. Values must not be copied after first
// use.
package stat
