package transport

import (
	"testing"
	"time"

	"github.com/pion/rtcp"

	"plenum/sfu/internal/bwe"
)

// counting counts what its peer's RTCP asks it to look at.
type counting struct {
	deaf
	n int
}

func (c *counting) ReceiveFeedback(_ time.Duration, a []bwe.Arrival, _ *Batch) { c.n += len(a) }
func (c *counting) ReceiveNACK(_ time.Duration, _ uint32, missed []uint16, _ *Batch) {
	c.n += len(missed)
}
func (c *counting) ReceiveKeyframeRequest(time.Duration, uint32) { c.n++ }
func (c *counting) ReceiveReception(time.Duration, Reception)    { c.n++ }

// A flood of RTCP that asks for as much as it can is looked at for some milliseconds of
// each second, and what any viewer sends always.
func TestRTCPFloodIsBounded(t *testing.T) {
	claim := func(count uint16) []byte { // transport-wide feedback that nothing came
		b, err := (&rtcp.TransportLayerCC{
			Header:             rtcp.Header{Count: rtcp.FormatTCC, Type: rtcp.TypeTransportSpecificFeedback, Length: 5},
			PacketStatusCount:  count,
			PacketChunks:       []rtcp.PacketStatusChunk{&rtcp.RunLengthChunk{Type: rtcp.TypeTCCRunLengthChunk, RunLength: count}},
			BaseSequenceNumber: 1,
		}).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	marshal := func(p rtcp.Packet) []byte {
		b, err := p.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	nack := &rtcp.TransportLayerNack{MediaSSRC: 1}
	for range 200 {
		nack.Nacks = append(nack.Nacks, rtcp.NackPair{LostPackets: 0xffff})
	}
	reports := &rtcp.ReceiverReport{Reports: make([]rtcp.ReceptionReport, 31)}
	for _, test := range []struct {
		name  string
		flood []byte
		most  int // packets, sequence numbers or reports in 10 s
	}{
		{"feedback", claim(4000), 11 * rtcpPerSecond / costArrival},
		{"nack", marshal(nack), 11 * rtcpPerSecond / costNACK},
		{"pli", marshal(&rtcp.PictureLossIndication{MediaSSRC: 1}), 11 * rtcpPerSecond / costPacket},
		{"reports", marshal(reports), 11 * rtcpPerSecond / costReport},
	} {
		heard := &counting{}
		p := &Peer{receiver: heard, engine: &Engine{}}
		for now := time.Duration(0); now < 10*time.Second; now += time.Millisecond {
			for range 10 {
				p.receiveRTCP(now, test.flood, nil)
			}
		}
		if n := heard.n; n == 0 || n > test.most {
			t.Errorf("%s: %d were looked at in 10 s, want %d at most", test.name, n, test.most)
		}
		if p.engine.counters.RTCPExcess.Load() == 0 {
			t.Errorf("%s: nothing is counted", test.name)
		}
	}
	// A viewer of much on a bad path: 5,000 packets a second, of which a tenth is asked for.
	heard := &counting{}
	p := &Peer{receiver: heard, engine: &Engine{}}
	few := &rtcp.TransportLayerNack{MediaSSRC: 1, Nacks: make([]rtcp.NackPair, 50)}
	for now := time.Duration(0); now < 10*time.Second; now += 50 * time.Millisecond {
		p.receiveRTCP(now, claim(250), nil)
		p.receiveRTCP(now, marshal(few), nil)
		p.receiveRTCP(now, marshal(reports), nil)
		p.receiveRTCP(now, marshal(&rtcp.PictureLossIndication{MediaSSRC: 1}), nil)
	}
	if n := p.engine.counters.RTCPExcess.Load(); n > 0 {
		t.Errorf("%d of an honest viewer's were ignored", n)
	}
}
