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
// # Layers within a stream
//
// A run's stream may itself have temporal and spatial layers. codec says for each
// packet which selections of them its frame is part of; a selector holds the one that
// the viewer gets, and changes it where a picture begins, never within one. It
// may move to any selection that is intact: everything that belongs to it reached
// the viewer since a keyframe, or since a frame from which on it may be
// followed (VP8's layer sync, VP9's switching up point, a switch indication of the
// dependency descriptor). So fewer temporal layers count at once, and so do fewer
// spatial ones where they are part of the higher ones; with K-SVC a spatial change needs
// a keyframe. Where packets are missing nobody knows what they belong to: then only what
// is part of the current selection stays intact.
//
// What is left out closes the numbers. A hole may turn out to be of a frame that the
// viewer doesn't get: that packet fills it without payload, like padding. The marker
// bit moves to the end of the highest spatial layer that is sent.
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
// # Picture numbers
//
// Picture id, TL0PICIDX and KEYIDX of VP8 (RFC 7741 §4.2), the first two of VP9 (RFC
// 9628 §4.2) and the frame number of the dependency descriptor carry an offset per run,
// so that its first picture follows the last one sent: Chromium drops a keyframe
// whose template structure seems older than the one it has. Pictures lost upstream leave
// a gap as in the source. Pictures left out on purpose close VP8's picture ids, since
// receivers wait for what a gap there stands for; VP9's and frame numbers keep their
// distances, which references are counted in. The bitmask of active decode targets
// stays as it is: it concerns senders only.
//
// # Memory
//
// A ring remembers what was sent under each of the newest numbers. It tells
// duplicates, and answers Lookup at most ten times per packet, as often as browsers ask,
// and once per round trip. What went out before the newest keyframe isn't repeated: the
// viewer goes on with that. Lookup tells holes, which the publisher may still fill, from
// what nobody will send again.
//
// Numbers are 64 bits wide inside and cut to 16 and 32 on the wire. The package is
// pure: no clock, no lock, no goroutine, and no allocation after NewStream.
package forward
