// Package history holds the last packets of one layer, stored once for
// everyone: every subscription answers its viewer's NACKs from here and keeps
// only numbers of its own.
//
// A Ring is written by the layer's read loop and read by the feedback loops of
// its viewers, so it carries a lock, a leaf: nothing is called while it is
// held. In the steady state a packet costs one copy in and no allocation.
package history
