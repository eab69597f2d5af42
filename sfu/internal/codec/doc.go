// Package codec says what an RTP payload is, for every codec that Plenum
// forwards: does a keyframe start here, which layer is it, may a viewer switch
// to it here; and it patches VP8's picture ids.
//
// Parse is called once per received packet; its Info travels with the packet.
// Nothing is decoded. Any bytes are safe input. The package is pure.
package codec
