package client

import (
	"fmt"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/nack"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"
)

// DependencyDescriptorURI names the AV1 dependency descriptor extension
// (AV1 RTP payload specification 1.0, appendix A).
const DependencyDescriptorURI = "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"

// historyPackets is how many packets of each published layer are kept to answer
// NACKs; a power of two. At 2.5 Mbit/s in packets of 1,100 bytes it is 3.6 s.
const historyPackets = 1024

// Capabilities of the codecs that the scripted media send.
var (
	VP8  = webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000}
	Opus = webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2, SDPFmtpLine: "minptime=10;useinbandfec=1"}
)

type codecLine struct {
	mime, fmtp string
	pt, rtx    webrtc.PayloadType
}

// Payload types as Chromium numbers them.
var videoCodecs = []codecLine{
	{webrtc.MimeTypeVP8, "", 96, 97},
	{webrtc.MimeTypeVP9, "profile-id=0", 98, 99},
	{webrtc.MimeTypeH264, "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f", 102, 103},
	{webrtc.MimeTypeAV1, "level-idx=5;profile=0;tier=0", 45, 46},
}

// RED is Opus with redundancy (RFC 2198), for tracks of a client with Options.RED.
var RED = webrtc.RTPCodecCapability{MimeType: "audio/red", ClockRate: 48000, Channels: 2, SDPFmtpLine: "111/111"}

func newMediaEngine(red bool) (*webrtc.MediaEngine, error) {
	m := new(webrtc.MediaEngine)
	opus := Opus
	opus.RTCPFeedback = []webrtc.RTCPFeedback{{Type: webrtc.TypeRTCPFBTransportCC}}
	if err := m.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: opus, PayloadType: 111}, webrtc.RTPCodecTypeAudio); err != nil {
		return nil, err
	}
	if red {
		if err := m.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: RED, PayloadType: 63}, webrtc.RTPCodecTypeAudio); err != nil {
			return nil, err
		}
	}
	feedback := []webrtc.RTCPFeedback{
		{Type: webrtc.TypeRTCPFBTransportCC},
		{Type: webrtc.TypeRTCPFBCCM, Parameter: "fir"},
		{Type: webrtc.TypeRTCPFBNACK},
		{Type: webrtc.TypeRTCPFBNACK, Parameter: "pli"},
	}
	for _, c := range videoCodecs {
		primary := webrtc.RTPCodecCapability{MimeType: c.mime, ClockRate: 90000, SDPFmtpLine: c.fmtp, RTCPFeedback: feedback}
		repair := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeRTX, ClockRate: 90000, SDPFmtpLine: fmt.Sprintf("apt=%d", c.pt)}
		if err := m.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: primary, PayloadType: c.pt}, webrtc.RTPCodecTypeVideo); err != nil {
			return nil, err
		}
		if err := m.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: repair, PayloadType: c.rtx}, webrtc.RTPCodecTypeVideo); err != nil {
			return nil, err
		}
	}
	return m, registerExtensions(m)
}

func registerExtensions(m *webrtc.MediaEngine) error {
	both := []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo}
	video := both[1:]
	for _, e := range []struct {
		uri   string
		kinds []webrtc.RTPCodecType
	}{
		{sdp.SDESMidURI, both},
		{sdp.TransportCCURI, both},
		{sdp.AudioLevelURI, both[:1]},
		{sdp.SDESRTPStreamIDURI, video},
		{sdp.SDESRepairRTPStreamIDURI, video},
		{DependencyDescriptorURI, video},
	} {
		for _, kind := range e.kinds {
			if err := m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: e.uri}, kind); err != nil {
				return err
			}
		}
	}
	return nil
}

// newRegistry builds the interceptors of one peer. The first is the nearest to
// the wire: transport-cc and names must also see what the NACK responder sends
// again, and transport-cc must not count what names holds back. There is no NACK generator (it can't see repairs that come over RTX and
// asks for them again and again): Receiver asks.
func newRegistry(names *namer) (*interceptor.Registry, error) {
	r := new(interceptor.Registry)
	header, err := twcc.NewHeaderExtensionInterceptor()
	if err != nil {
		return nil, err
	}
	r.Add(header)
	r.Add(names)
	responder, err := nack.NewResponderInterceptor(nack.ResponderSize(historyPackets))
	if err != nil {
		return nil, err
	}
	r.Add(responder)
	sender, err := report.NewSenderInterceptor()
	if err != nil {
		return nil, err
	}
	r.Add(sender)
	receiver, err := report.NewReceiverInterceptor()
	if err != nil {
		return nil, err
	}
	r.Add(receiver)
	feedback, err := twcc.NewSenderInterceptor()
	if err != nil {
		return nil, err
	}
	r.Add(feedback)
	return r, nil
}

// newAPI is the default of Options.API.
func newAPI(setting func(*webrtc.SettingEngine), names *namer, red bool) (*webrtc.API, error) {
	media, err := newMediaEngine(red)
	if err != nil {
		return nil, err
	}
	registry, err := newRegistry(names)
	if err != nil {
		return nil, err
	}
	var s webrtc.SettingEngine
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetIncludeLoopbackCandidate(true)
	if setting != nil {
		setting(&s)
	}
	return webrtc.NewAPI(
		webrtc.WithMediaEngine(media),
		webrtc.WithInterceptorRegistry(registry),
		webrtc.WithSettingEngine(s),
	), nil
}
