package main

import (
	"fmt"
	"sync/atomic"

	"github.com/pion/interceptor"
	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"plenum/signaling/client"
)

// Payload types of the generator's offers.
const (
	vp8Payload  = 96
	rtxPayload  = 97
	opusPayload = 111
)

// newAPI makes what a peer connection of the generator needs and no more: VP8
// with repair, Opus, and no interceptor at all. numbered asks for transport-wide
// sequence numbers.
func newAPI(s webrtc.SettingEngine, numbered bool) (*webrtc.API, error) {
	m := new(webrtc.MediaEngine)
	feedback := []webrtc.RTCPFeedback{{Type: "ccm", Parameter: "fir"}, {Type: "nack"}, {Type: "nack", Parameter: "pli"}}
	video, audio := client.VP8, client.Opus
	if numbered {
		feedback = append(feedback, webrtc.RTCPFeedback{Type: webrtc.TypeRTCPFBTransportCC})
		audio.RTCPFeedback = []webrtc.RTCPFeedback{{Type: webrtc.TypeRTCPFBTransportCC}}
	}
	video.RTCPFeedback = feedback
	repair := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeRTX, ClockRate: 90000, SDPFmtpLine: fmt.Sprintf("apt=%d", vp8Payload)}
	for _, c := range []struct {
		codec   webrtc.RTPCodecCapability
		payload webrtc.PayloadType
		kind    webrtc.RTPCodecType
	}{
		{video, vp8Payload, webrtc.RTPCodecTypeVideo},
		{repair, rtxPayload, webrtc.RTPCodecTypeVideo},
		{audio, opusPayload, webrtc.RTPCodecTypeAudio},
	} {
		if err := m.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: c.codec, PayloadType: c.payload}, c.kind); err != nil {
			return nil, err
		}
	}
	type extension struct {
		uri  string
		kind webrtc.RTPCodecType
	}
	extensions := []extension{
		{sdp.SDESMidURI, webrtc.RTPCodecTypeAudio},
		{sdp.SDESMidURI, webrtc.RTPCodecTypeVideo},
		{sdp.AudioLevelURI, webrtc.RTPCodecTypeAudio},
		{sdp.SDESRTPStreamIDURI, webrtc.RTPCodecTypeVideo},
	}
	if numbered {
		extensions = append(extensions, extension{sdp.TransportCCURI, webrtc.RTPCodecTypeAudio},
			extension{sdp.TransportCCURI, webrtc.RTPCodecTypeVideo})
	}
	for _, e := range extensions {
		if err := m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: e.uri}, e.kind); err != nil {
			return nil, err
		}
	}
	return webrtc.NewAPI(
		webrtc.WithMediaEngine(m),
		webrtc.WithInterceptorRegistry(new(interceptor.Registry)),
		webrtc.WithSettingEngine(s),
	), nil
}

// track is a webrtc.TrackLocal that writes the extensions of a browser: mid, rid
// where there are several layers, the loudness of audio.
type track struct {
	id, stream, rid string
	mid             string // known once the client has joined, before Bind
	kind            webrtc.RTPCodecType
	mime            string

	binding atomic.Pointer[binding]
	wanted  atomic.Bool // a keyframe
}

// binding is what negotiation made of a track.
type binding struct {
	writer webrtc.TrackLocalWriter
	header rtp.Header // with SSRC, payload type and extensions
}

// audioLevel is what every audio packet claims: voice at -30 dBov (RFC 6464).
const audioLevel = 0x80 | 30

// Bind implements webrtc.TrackLocal.
func (t *track) Bind(c webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	for _, codec := range c.CodecParameters() {
		if codec.MimeType != t.mime {
			continue
		}
		b := &binding{writer: c.WriteStream()}
		b.header = rtp.Header{Version: 2, SSRC: uint32(c.SSRC()), PayloadType: uint8(codec.PayloadType)}
		for _, e := range c.HeaderExtensions() {
			var value []byte
			switch {
			case e.URI == sdp.SDESMidURI:
				value = []byte(t.mid)
			case e.URI == sdp.SDESRTPStreamIDURI && t.rid != "":
				value = []byte(t.rid)
			case e.URI == sdp.AudioLevelURI:
				value = []byte{audioLevel}
			default:
				continue
			}
			if err := b.header.SetExtension(uint8(e.ID), value); err != nil { //nolint:gosec // ids are 1..255
				return codec, err
			}
		}
		t.binding.Store(b)
		return codec, nil
	}
	return webrtc.RTPCodecParameters{}, webrtc.ErrUnsupportedCodec
}

// Unbind implements webrtc.TrackLocal.
func (t *track) Unbind(webrtc.TrackLocalContext) error {
	t.binding.Store(nil)
	return nil
}

// ID, RID, StreamID and Kind implement webrtc.TrackLocal.
func (t *track) ID() string                { return t.id }
func (t *track) RID() string               { return t.rid }
func (t *track) StreamID() string          { return t.stream }
func (t *track) Kind() webrtc.RTPCodecType { return t.kind }

// RequestKeyframe implements client.KeyframeRequester.
func (t *track) RequestKeyframe() { t.wanted.Store(true) }
