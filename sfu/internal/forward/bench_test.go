package forward

import (
	"testing"
	"time"

	"plenum/sfu/internal/codec"
)

// traffic pushes an endless course of VP8 packets through a Stream: with padding,
// holes, late packets, duplicates and a switch of layers every hundred packets.
type traffic struct {
	stream   *Stream
	payloads [2][]byte
	infos    [2]codec.Info
	n        int64
}

func newTraffic() *traffic {
	p := &traffic{stream: NewStream(Config{Codec: codec.VP8, ClockRate: 90000, FirstSequence: 65000, Memory: 1024})}
	for i := range p.payloads {
		p.payloads[i] = vp8Payload(vp8Fields{15, true, true}, true, i == 1, 7, 7, 7)
		p.infos[i] = parse(codec.VP8, p.payloads[i])
	}
	p.stream.SetTarget(all(0))
	return p
}

func (p *traffic) push() Verdict {
	p.n++
	n, layer, kind := p.n, int8(p.n/100%3), 0
	ext := n
	switch n % 100 {
	case 0:
		kind = 1
		p.stream.SetTarget(all(layer))
	case 20, 40:
		ext = n + 1
	case 21, 41:
		ext = n - 1
	case 60:
		ext = n - 1
	}
	in := Input{Layer: layer, Ext: ext, Timestamp: uint32(n * 1000), Payload: p.payloads[kind], Info: p.infos[kind]}
	if n%100 == 80 {
		in.Payload = nil
	}
	_, v := p.stream.Push(time.Duration(n)*time.Millisecond, &in)
	return v
}

func TestNoAllocation(t *testing.T) {
	p := newTraffic()
	var verdicts [NumVerdicts]int
	if n := testing.AllocsPerRun(5000, func() { verdicts[p.push()]++ }); n != 0 {
		t.Errorf("Push allocates %v times", n)
	}
	if verdicts[Forward] < 4500 || verdicts[DropEmpty] == 0 || verdicts[DropDuplicate] == 0 {
		t.Errorf("the traffic is not what it should be: %v", verdicts)
	}
	for p.n%100 != 99 { // a keyframe's whole group of pictures may be repeated
		p.push()
	}
	now, behind, hits := time.Duration(p.n)*time.Millisecond, uint16(0), 0
	if n := testing.AllocsPerRun(500, func() {
		if _, r := p.stream.Lookup(now, 0, uint16(p.stream.numbers.top)-behind%80); r == Hit {
			hits++
		}
		if behind++; behind%80 == 0 {
			now += 20 * time.Millisecond
		}
	}); n != 0 {
		t.Errorf("Lookup allocates %v times", n)
	}
	if hits < 400 {
		t.Errorf("only %d lookups hit", hits)
	}
	if n := testing.AllocsPerRun(100, func() {
		p.stream.SenderReport(0, ntpStart, 5, now)
		p.stream.Report(now)
	}); n != 0 {
		t.Errorf("reports allocate %v times", n)
	}
}

func BenchmarkPush(b *testing.B) {
	p := newTraffic()
	b.ReportAllocs()
	for b.Loop() {
		p.push()
	}
}

// BenchmarkPushDropped is the way of a packet of a layer that the viewer doesn't get.
func BenchmarkPushDropped(b *testing.B) {
	p := newTraffic()
	p.push()
	b.ReportAllocs()
	for b.Loop() {
		p.n++
		p.stream.Push(0, &Input{Layer: 1, Ext: p.n, Payload: p.payloads[0], Info: p.infos[0]})
	}
}

func BenchmarkLookup(b *testing.B) {
	p := newTraffic()
	for range 5000 {
		p.push()
	}
	now := time.Hour
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		p.stream.Lookup(now, 0, uint16(p.stream.numbers.top)-uint16(i&511))
	}
}
