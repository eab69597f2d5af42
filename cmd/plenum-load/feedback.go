package main

import (
	"context"
	"encoding/binary"
	"strconv"
	"strings"
	"time"

	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtcp"
	"github.com/pion/sdp/v3"
)

// feedbackInterval is how often each participant tells of arrivals: browsers do
// every 50 to 250 ms.
const feedbackInterval = 100 * time.Millisecond

// feedback lets everyone send transport-wide feedback until ctx is done, a part of
// them at a time so that they don't all speak at once.
func (r *run) feedback(ctx context.Context) {
	const turns = 10
	everyone := r.everyone()
	ticker := time.NewTicker(feedbackInterval / turns)
	defer ticker.Stop()
	for turn := 0; ; turn = (turn + 1) % turns {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for i := turn; i < len(everyone); i += turns {
			everyone[i].feedback()
		}
	}
}

// feedback tells of what arrived since the last time.
func (p *person) feedback() {
	if !p.in.Load() {
		return
	}
	pc := p.client.PeerConnection()
	if pc == nil {
		return
	}
	if p.tally.numbering.Load() == 0 {
		if d := pc.RemoteDescription(); d != nil {
			p.tally.numbering.Store(numberingOf(d.SDP))
		}
		return
	}
	if packets := p.tally.feedback(); len(packets) > 0 {
		p.tell(packets)
	}
}

// numberingOf finds the id of the extension with transport-wide numbers, 0 if the
// description has none. In a bundle it is the same for all m-lines.
func numberingOf(description string) uint32 {
	for line := range strings.Lines(description) {
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), "a=extmap:")
		if !ok {
			continue
		}
		fields := strings.Fields(rest)
		if len(fields) < 2 || fields[1] != sdp.TransportCCURI {
			continue
		}
		id, _, _ := strings.Cut(fields[0], "/")
		if n, err := strconv.ParseUint(id, 10, 8); err == nil {
			return uint32(n)
		}
	}
	return 0
}

// Profiles of header extensions (RFC 8285 sections 4.2 and 4.3).
const oneByteProfile, twoByteProfile = 0xbede, 0x1000

// transportNumber reads the transport-wide number of an RTP packet from its
// extension with that id.
func transportNumber(b []byte, id uint32) (uint16, bool) {
	begin := 12 + 4*int(b[0]&0x0f)
	if b[0]&0x10 == 0 || len(b) < begin+4 {
		return 0, false
	}
	profile := binary.BigEndian.Uint16(b[begin:])
	end := begin + 4 + 4*int(binary.BigEndian.Uint16(b[begin+2:]))
	if end > len(b) || (profile != oneByteProfile && profile != twoByteProfile) {
		return 0, false
	}
	for at := begin + 4; at < end; {
		if b[at] == 0 { // padding
			at++
			continue
		}
		found, length, value := uint32(b[at]>>4), int(b[at]&0x0f)+1, at+1
		if profile == twoByteProfile {
			if at+2 > end {
				break
			}
			found, length, value = uint32(b[at]), int(b[at+1]), at+2
		}
		if found == id && length == 2 && value+2 <= end {
			return binary.BigEndian.Uint16(b[value:]), true
		}
		at = value + length
	}
	return 0, false
}

// record notes the arrival of a packet that carries a transport-wide number; t.mu
// is held.
func (t *tally) record(b []byte, at time.Duration) {
	id := t.numbering.Load()
	if id == 0 {
		return
	}
	if number, ok := transportNumber(b, id); ok {
		if t.recorder == nil {
			t.recorder = twcc.NewRecorder(1)
		}
		t.recorder.Record(binary.BigEndian.Uint32(b[8:]), number, at.Microseconds())
	}
}

// feedback is what a browser tells of arrivals since the last time.
func (t *tally) feedback() []rtcp.Packet {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.recorder == nil {
		return nil
	}
	packets := t.recorder.BuildFeedbackPacket()
	t.feedbacks += uint64(len(packets))
	return packets
}

// senderReport tells the clock of a source, as browsers do about every second.
func (s *source) senderReport(now time.Time) rtcp.Packet {
	b := s.binding.Load()
	if b == nil || s.packets == 0 {
		return nil
	}
	const epoch = 2208988800                                                                        // from 1900 to 1970, in seconds (RFC 868)
	seconds, fraction := uint64(now.Unix())+epoch, uint64(now.Nanosecond())<<32/uint64(time.Second) //nolint:gosec // positive
	return &rtcp.SenderReport{
		SSRC: b.header.SSRC, NTPTime: seconds<<32 | fraction, RTPTime: s.timestamp,
		PacketCount: s.packets, OctetCount: s.octets,
	}
}
