// Package forward decides, for one subscription, which packets of a track a
// viewer gets and under which numbers.
//
// A track has one or more layers (simulcast encodings); a viewer sees a single
// RTP stream. Stream.Push is given every packet of every layer and answers with
// a verdict and, to forward, with an edit: a sequence number, a timestamp and,
// for VP8, a patched payload descriptor. Stream.Lookup gives that edit again
// when the viewer asks for a repeat.
//
// # Runs
//
// What flows between two breaks is a run: packets of one layer, unbroken. A
// switch of layers, a pause, a restart of the source or a hole too wide to
// repair ends a run. A new one begins at a keyframe of the target layer (video)
// or at its next packet (audio), never at a packet that came late: what followed
// it has been dropped already. Late packets from before a run are dropped.
//
// # Sequence numbers
//
// A run begins one above the highest number sent. Within it the outgoing number
// is the source's minus a shift, so that a packet lost upstream leaves a hole and
// gets exactly that number if it arrives or is repaired later. A packet dropped
// on purpose (padding) raises the shift for those behind it; the shifts
// are kept as spans, so that a late packet finds the one of its time. A padding
// packet that arrives late has had a hole left for it already; it is forwarded
// without payload to fill it, because a hole that nobody can fill stalls decoders
// which rely on unbroken numbers.
//
// # Timestamps
//
// Within a run they are the source's plus an offset: its own deltas, DTX
// included. A run's first timestamp is, in this order: the source's own clock,
// if the run goes on with the layer of the last one; both layers' sender reports,
// which place both on the publisher's wall clock; the time passed since the
// newest frame. One that strays more than 2 s from the time passed is not
// believed. It is after everything sent: by a frame, or by 1 ms for video whose place is
// known. How far that pushed it ahead is taken back at the next breaks, so that
// switches do not add up.
//
// # VP8
//
// Picture id, TL0PICIDX and KEYIDX (RFC 7741 §4.2) carry an offset per run, so that
// its first picture follows the last one sent. Pictures lost upstream leave a gap as
// in the source.
//
// # Memory
//
// A ring remembers what was sent under each of the newest numbers. It tells
// duplicates, and answers Lookup at most three times per packet and once per
// round trip.
//
// Numbers are 64 bits wide inside and cut to 16 and 32 on the wire. The package is
// pure: no clock, no lock, no goroutine, and no allocation after NewStream.
package forward
