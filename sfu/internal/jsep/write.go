package jsep

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"
)

// write makes a description of the session as it stands. setup is ours
// (RFC 8842), version that of the o= line.
func (s *Session) write(setup string, answer bool) string {
	d := &sdp.SessionDescription{
		Origin: sdp.Origin{
			Username: "-", SessionID: s.id, SessionVersion: s.version,
			NetworkType: "IN", AddressType: "IP4", UnicastAddress: "127.0.0.1",
		},
		SessionName:      "-",
		TimeDescriptions: []sdp.TimeDescription{{}},
	}
	if len(s.group) > 0 {
		d.WithValueAttribute("group", "BUNDLE "+strings.Join(s.group, " "))
	}
	if s.allowMixed {
		d.WithPropertyAttribute("extmap-allow-mixed")
	}
	d.WithValueAttribute("msid-semantic", " WMS *")
	tag := s.tag()
	for _, l := range s.lines {
		md := l.write(answer)
		if !l.stopped {
			s.writeTransport(md, setup, l == tag)
		}
		d.WithMedia(md)
	}
	text, err := d.Marshal()
	if err != nil {
		return "" // it never fails: pion's signature is that of json.Marshaler
	}
	return string(text)
}

// tag is the m-line whose transport the others share (RFC 9143 §7.2).
func (s *Session) tag() *line {
	for _, l := range s.lines {
		if !l.stopped && (len(s.group) == 0 || l.mid == s.group[0]) {
			return l
		}
	}
	return nil
}

func (s *Session) writeTransport(md *sdp.MediaDescription, setup string, tag bool) {
	md.WithValueAttribute("ice-ufrag", s.local.Ufrag)
	md.WithValueAttribute("ice-pwd", s.local.Pwd)
	md.WithValueAttribute("ice-options", "trickle")
	md.WithValueAttribute("fingerprint", s.local.Fingerprint)
	md.WithValueAttribute("setup", setup)
	if !tag || len(s.local.Candidates) == 0 {
		return
	}
	for _, c := range s.local.Candidates {
		md.WithValueAttribute("candidate", strings.TrimPrefix(c, "candidate:"))
	}
	md.WithPropertyAttribute("end-of-candidates")
}

// write makes the m-line but for its transport.
func (l *line) write(answer bool) *sdp.MediaDescription {
	md := &sdp.MediaDescription{
		MediaName: sdp.MediaName{Media: l.media, Protos: strings.Split(l.proto, "/"), Formats: l.formats},
		ConnectionInformation: &sdp.ConnectionInformation{
			NetworkType: "IN", AddressType: "IP4", Address: &sdp.Address{Address: "0.0.0.0"},
		},
	}
	if !l.anonymous || !answer {
		md.WithValueAttribute("mid", l.mid)
	}
	if l.stopped {
		if len(md.MediaName.Formats) == 0 {
			md.MediaName.Formats = []string{"0"}
		}
		return md.WithPropertyAttribute("inactive")
	}
	md.MediaName.Port.Value = 9 // discard: the real ones are in the candidates
	if l.media == "application" {
		md.Attributes = append(md.Attributes, l.sctp...)
		return md
	}
	l.writeMedia(md)
	return md
}

func (l *line) writeMedia(md *sdp.MediaDescription) {
	md.WithPropertyAttribute(l.direction.String())
	if l.sends() {
		md.WithValueAttribute("msid", l.slot.sending.Stream+" "+l.slot.sending.Track)
	}
	md.WithPropertyAttribute("rtcp-mux")
	if l.rsize {
		md.WithPropertyAttribute("rtcp-rsize")
	}
	if l.allowMixed {
		md.WithPropertyAttribute("extmap-allow-mixed")
	}
	content := l.content()
	for _, e := range content.extensions {
		id := strconv.Itoa(int(e.id))
		if e.explicit {
			id += "/" + e.direction.String()
		}
		md.WithValueAttribute("extmap", id+" "+e.uri)
	}
	md.MediaName.Formats = nil
	for i := range content.codecs {
		writeCodec(md, &content.codecs[i])
	}
	if len(l.rids) > 0 {
		for _, rid := range l.rids {
			md.WithValueAttribute("rid", rid+" recv")
		}
		streams := slices.Clone(l.rids)
		for i, rid := range streams {
			if l.paused[rid] { // RFC 8853 §5.3.2: without, the client would turn it on
				streams[i] = "~" + rid
			}
		}
		md.WithValueAttribute("simulcast", "recv "+strings.Join(streams, ";"))
	}
	if l.sends() {
		l.writeSSRCs(md)
	}
}

func (l *line) writeSSRCs(md *sdp.MediaDescription) {
	t := &l.slot.sending
	rtx := t.RTXSSRC
	if len(l.sending.codecs) == 0 || l.sending.codecs[0].RTXPayloadType == 0 {
		rtx = 0
	}
	if rtx != 0 {
		md.WithValueAttribute("ssrc-group", fmt.Sprintf("FID %d %d", t.SSRC, rtx))
	}
	for _, ssrc := range []uint32{t.SSRC, rtx} {
		if ssrc != 0 {
			md.WithValueAttribute("ssrc", fmt.Sprintf("%d cname:%s", ssrc, t.Stream))
		}
	}
}

// writeCodec adds a codec and its RTX, format and attributes.
func writeCodec(md *sdp.MediaDescription, c *Codec) {
	number := strconv.Itoa(int(c.PayloadType))
	md.MediaName.Formats = append(md.MediaName.Formats, number)
	encoding := fmt.Sprintf("%s/%d", encodingName(c.Codec), c.ClockRate)
	if c.Channels > 1 {
		encoding += "/" + strconv.Itoa(int(c.Channels))
	}
	md.WithValueAttribute("rtpmap", number+" "+encoding)
	if c.Fmtp != "" {
		md.WithValueAttribute("fmtp", number+" "+c.Fmtp)
	}
	for _, f := range []struct {
		on   bool
		name string
	}{{c.TransportCC, "transport-cc"}, {c.FIR, "ccm fir"}, {c.NACK, "nack"}, {c.PLI, "nack pli"}} {
		if f.on {
			md.WithValueAttribute("rtcp-fb", number+" "+f.name)
		}
	}
	if c.RTXPayloadType != 0 {
		rtx := strconv.Itoa(int(c.RTXPayloadType))
		md.MediaName.Formats = append(md.MediaName.Formats, rtx)
		md.WithValueAttribute("rtpmap", fmt.Sprintf("%s rtx/%d", rtx, c.ClockRate))
		md.WithValueAttribute("fmtp", rtx+" "+aptOf(c.PayloadType))
	}
}
