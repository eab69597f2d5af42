// Package codec says what an RTP payload is, for every codec that Plenum
// forwards: does a keyframe start here, which layer is it, to whom does it matter,
// may a viewer switch to it here; and it patches the picture ids of VP8 and VP9.
//
// Each stream of a publisher has a Parser, which reads every packet once; the Info
// travels with the packet. The Parser keeps what is told only at times: the template
// structure of the dependency descriptor, the spatial layers and their sizes.
//
// Layers are put in terms of selections, so that whoever forwards needn't know the
// codec: "up to spatial layer s and temporal layer t" is one of 64 bits, and each
// frame says in three masks which selections it is part of, which may begin with it and
// which are being sent. VP8 tells by temporal id and layer sync, VP9 by its payload
// descriptor, and everything else by the dependency descriptor, whose decode
// targets the selections are mapped to. Without any of these a stream has one layer.
//
// Nothing is decoded. Any bytes are safe input. The package is pure.
package codec
