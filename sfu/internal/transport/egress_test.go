package transport

import (
	"encoding/binary"
	"net"
	"reflect"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"plenum/sfu/internal/bwe"
	"plenum/sfu/internal/wire"
)

// viewer is a peer whose packets come back decrypted.
type viewer struct {
	*testing.T
	engine  *Engine
	peer    *Peer
	socket  *net.UDPConn
	in      *receiver
	decrypt *srtp.Context
	out     *Batch
}

func newViewer(t *testing.T) *viewer {
	t.Helper()
	v := &viewer{T: t, engine: testEngine(t), socket: listenLoopback(t)}
	v.peer, v.decrypt = keyed(t, v.engine, addrPort(v.socket))
	v.peer.paced = make(chan struct{}, 1)
	var err error
	v.out = v.engine.NewBatch()
	if v.in, err = newReceiver(v.socket, 8, 2048); err != nil {
		t.Fatal(err)
	}
	return v
}

// send sends n packets of size bytes, numbered from first, with room for a
// transport-wide number under id 3.
func (v *viewer) send(now time.Duration, first uint16, n, size int, o Outgoing) {
	f := wire.Format{SSRC: 2, PayloadType: 96}
	f.Extensions[wire.ExtensionTransportCC] = 3
	v.out.Begin(now)
	v.out.Reserve(n)
	for i := range n {
		edit := wire.Edit{Sequence: first + uint16(i)} //nolint:gosec // small
		v.out.Put(f.Append(v.out.Next(), &wire.Packet{Payload: make([]byte, size)}, &edit))
	}
	v.peer.Send(v.out, o)
	v.out.Flush()
}

// expect reads one packet for each of the sequence numbers, in order, and
// returns their transport-wide numbers.
func (v *viewer) expect(sequences ...uint16) (numbers []uint16) {
	v.Helper()
	for i, b := range collect(v.T, v.in, v.socket, len(sequences)) {
		plain, err := v.decrypt.DecryptRTP(nil, b, nil)
		if err != nil {
			v.Fatal(err)
		}
		var got rtp.Packet
		if err := got.Unmarshal(plain); err != nil {
			v.Fatal(err)
		}
		if got.SequenceNumber != sequences[i] {
			v.Fatalf("packet %d where %d was due", got.SequenceNumber, sequences[i])
		}
		numbers = append(numbers, binary.BigEndian.Uint16(got.GetExtension(3)))
	}
	return numbers
}

func TestSendStampsAndLogs(t *testing.T) {
	v := newViewer(t)
	v.send(time.Second, 10, 2, 100, Outgoing{Stamp: true})
	v.send(2*time.Second, 12, 1, 50, Outgoing{}) // not counted
	v.send(3*time.Second, 13, 1, 200, Outgoing{Stamp: true, Probe: 7})
	if got := v.expect(10, 11, 12, 13); !reflect.DeepEqual(got, []uint16{0, 1, 0, 2}) {
		t.Errorf("numbers %v", got)
	}
	const around = 12 + 8 + Overhead + Headers
	want := []Sent{
		{At: time.Second, Sequence: 0, Number: 10, Size: 100 + around}, {At: time.Second, Sequence: 1, Number: 11, Size: 100 + around},
		{At: 3 * time.Second, Sequence: 2, Number: 13, Size: 200 + around, Probe: 7},
	}
	log := v.peer.TakeSent(nil)
	for i := range want {
		want[i].SSRC = log[0].SSRC
	}
	if !reflect.DeepEqual(log, want) {
		t.Errorf("log %v, want %v", log, want)
	}
	v.send(4*time.Second, 14, 1, 10, Outgoing{Stamp: true, Repair: true})
	if log = v.peer.TakeSent(log); len(log) != 1 || log[0].Sequence != 3 || !log[0].Repair {
		t.Errorf("then %v", log)
	}
}

// What leaves late, because its goroutine had no processor, counts as sent when it left:
// otherwise the estimator takes our lateness for a queue in the network.
func TestLateSendIsStampedWhenItLeaves(t *testing.T) {
	v := newViewer(t)
	v.peer.egress.sequence = 65535 // the numbers wrap in between
	began := v.engine.config.Now()
	v.send(began, 10, 2, 100, Outgoing{Stamp: true})
	late := began - time.Second // a round that began a second ago
	v.send(late, 12, 2, 100, Outgoing{Stamp: true})
	v.expect(10, 11, 12, 13)
	log := v.peer.TakeSent(nil)
	if len(log) != 4 || log[2].At < began || log[3].At != log[2].At {
		t.Errorf("%+v; the last two left after %v", log, began)
	}
	if len(v.out.stamped) != 0 {
		t.Errorf("%d runs are still to be corrected", len(v.out.stamped))
	}
}

func TestSendPaces(t *testing.T) {
	v := newViewer(t)
	const paced, urgent = true, false
	now := time.Second
	v.peer.SetEstimate(now, 400_000, false) // 125 kB/s and 5 kB ahead
	v.send(now, 0, 10, 1200, Outgoing{Stamp: true, Pace: paced})
	v.send(now, 10, 1, 100, Outgoing{Stamp: true, Pace: urgent})
	if got := v.expect(0, 1, 2, 3, 10); !reflect.DeepEqual(got, []uint16{0, 1, 2, 3, 4}) {
		t.Errorf("numbers %v", got)
	}
	select {
	case <-v.peer.Paced():
	default:
		t.Fatal("nobody was told that packets wait")
	}
	if v.peer.Waiting() == 0 {
		t.Error("nothing waits")
	}
	// What is paced waits behind what waits already, however small.
	v.send(now, 11, 1, 1, Outgoing{Stamp: true, Pace: paced})
	var waited time.Duration
	for wait := v.peer.Release(now); wait > 0; wait = v.peer.Release(now + waited) {
		waited += wait
	}
	if got := v.expect(4, 5, 6, 7, 8, 9, 11); !reflect.DeepEqual(got, []uint16{5, 6, 7, 8, 9, 10, 11}) {
		t.Errorf("numbers %v", got)
	}
	if waited < 40*time.Millisecond || waited > 100*time.Millisecond {
		t.Errorf("the last one waited %v", waited)
	}
	if n := v.peer.Waiting(); n != 0 {
		t.Errorf("%d bytes still wait", n)
	}
	if s := v.engine.counters.PacerDelay.Snapshot(); s.Count != 7 {
		t.Errorf("%d delays observed", s.Count)
	}
}

func TestPacerIsBounded(t *testing.T) {
	v := newViewer(t)
	v.peer.SetEstimate(0, 50_000, false)
	for i := range 20 {
		v.send(0, uint16(100*i), 100, 1000, Outgoing{Pace: true}) //nolint:gosec // small
	}
	if n := len(v.peer.egress.waiting); n != maxWaiting {
		t.Errorf("%d packets wait", n)
	}
	if v.engine.counters.PacerDrops.Load() == 0 {
		t.Error("no drop is counted")
	}
	v.peer.SetEstimate(0, 0, false)
	released := 0
	for wait := time.Duration(1); wait > 0; released++ {
		wait = v.peer.Release(time.Second)
	}
	if most := maxWaiting/mostReleased + 1; released > most || v.peer.Waiting() != 0 {
		t.Errorf("%d bytes wait after %d releases", v.peer.Waiting(), released)
	}
}

// TestDiscard: what waits of one stream goes, and the others' packets keep their order.
func TestDiscard(t *testing.T) {
	v := newViewer(t)
	v.peer.SetEstimate(time.Second, 400_000, false)
	v.send(time.Second, 0, 4, 1200, Outgoing{Pace: true}) // fills the pacer
	v.expect(0, 1, 2, 3)
	v.send(time.Second, 4, 3, 1000, Outgoing{Pace: true})
	waiting := v.peer.Waiting()
	v.peer.Discard(1) // another's
	if got := v.peer.Waiting(); got != waiting || waiting == 0 {
		t.Errorf("%d bytes wait, %d before another's were discarded", got, waiting)
	}
	v.peer.Discard(2)
	if got := v.peer.Waiting(); got != 0 || v.engine.counters.PacerStale.Load() != 3 {
		t.Errorf("%d bytes wait, %d packets were stale", got, v.engine.counters.PacerStale.Load())
	}
	v.send(2*time.Second, 7, 1, 100, Outgoing{Pace: true})
	v.expect(7)
}

// TestRepairsAreBounded: while a queue stands in the network repairs may take a share
// of the estimate, none of it waits, and without a limit all may go.
func TestRepairsAreBounded(t *testing.T) {
	v := newViewer(t)
	repair := func(now time.Duration) (n int) {
		for v.peer.MayRepair(now) && n < 1000 {
			v.send(now, uint16(n), 1, 1000, Outgoing{Stamp: true, Repair: true}) //nolint:gosec // small
			n++
		}
		return n
	}
	second := func(from time.Duration) (n int) {
		for at := time.Duration(0); at < time.Second; at += 10 * time.Millisecond {
			n += repair(from + at)
		}
		return n
	}
	v.peer.SetEstimate(time.Second, 800_000, true)
	if got := second(time.Second); got < 25 || got > 40 {
		t.Errorf("%d repairs of 1 kB in a second while 100 kB/s leave", got)
	}
	v.peer.SetEstimate(3*time.Second, 800_000, false)
	if got := second(3 * time.Second); got < 90 || got > 120 {
		t.Errorf("%d repairs of 1 kB in a second once the queue is gone", got)
	}
	if n := v.peer.Waiting(); n != 0 {
		t.Errorf("%d bytes wait", n)
	}
	v.peer.SetEstimate(5*time.Second, 0, false)
	if got := repair(5 * time.Second); got != 1000 {
		t.Errorf("%d repairs without a limit", got)
	}
}

// listening is a Receiver that keeps what is told of feedback and keyframes.
type listening struct {
	deaf
	arrivals  []bwe.Arrival
	feedbacks int
	keyframes []uint32
}

func (l *listening) ReceiveFeedback(_ time.Duration, a []bwe.Arrival, _ *Batch) {
	l.feedbacks++
	l.arrivals = append(l.arrivals, a...)
}

func (l *listening) ReceiveKeyframeRequest(_ time.Duration, ssrc uint32) {
	l.keyframes = append(l.keyframes, ssrc)
}

// feedback tells of two packets from sequence on, as pion writes it.
func feedback(t *testing.T, sequence uint16) []byte {
	t.Helper()
	b, err := (&rtcp.TransportLayerCC{
		Header:             rtcp.Header{Count: rtcp.FormatTCC, Type: rtcp.TypeTransportSpecificFeedback, Length: 5},
		BaseSequenceNumber: sequence, PacketStatusCount: 2, ReferenceTime: 10,
		PacketChunks: []rtcp.PacketStatusChunk{&rtcp.RunLengthChunk{
			Type: rtcp.TypeTCCRunLengthChunk, PacketStatusSymbol: rtcp.TypeTCCPacketReceivedSmallDelta, RunLength: 2,
		}},
		RecvDeltas: []*rtcp.RecvDelta{
			{Type: rtcp.TypeTCCPacketReceivedSmallDelta, Delta: 1000}, {Type: rtcp.TypeTCCPacketReceivedSmallDelta, Delta: 500},
		},
	}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestReceiveFeedback(t *testing.T) {
	heard := &listening{}
	p := &Peer{receiver: heard}
	pli, err := (&rtcp.PictureLossIndication{MediaSSRC: 42}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	p.receiveRTCP(0, append(append(pli, feedback(t, 5)...), pli...), nil)
	at := 640*time.Millisecond + time.Millisecond
	want := []bwe.Arrival{{Sequence: 5, Received: true, At: at}, {Sequence: 6, Received: true, At: at + 500*time.Microsecond}}
	if !reflect.DeepEqual(heard.arrivals, want) {
		t.Errorf("arrivals %v, want %v", heard.arrivals, want)
	}
	if !reflect.DeepEqual(heard.keyframes, []uint32{42, 42}) {
		t.Errorf("keyframe requests %v", heard.keyframes)
	}
}

func TestReceiveFeedbackIsBounded(t *testing.T) {
	heard := &listening{}
	p := &Peer{receiver: heard}
	var compound []byte
	for range 3 * maxFeedbacks {
		compound = append(compound, feedback(t, 1)...)
	}
	p.receiveRTCP(0, compound, nil)
	if heard.feedbacks != maxFeedbacks {
		t.Errorf("%d of %d were heard", heard.feedbacks, 3*maxFeedbacks)
	}
}

func TestReceiveTruncatedRTCP(t *testing.T) {
	heard := &listening{}
	p := &Peer{receiver: heard}
	whole := feedback(t, 1)
	for n := range len(whole) {
		p.receiveRTCP(0, whole[:n], nil)
	}
	if heard.feedbacks != 0 {
		t.Errorf("%d feedbacks of what was cut short", heard.feedbacks)
	}
}

// TestStandHolds: while bytes stand in the network, audio alone leaves; then what waited
// does, no faster than the path carries it, even if the queue is said to be gone.
func TestStandHolds(t *testing.T) {
	v := newViewer(t)
	now := time.Second
	v.peer.SetEstimate(now, 800_000, true) // 100 kB/s
	v.peer.Stand(now, 20_000)
	v.send(now, 0, 8, 1200, Outgoing{Stamp: true, Pace: true})
	v.send(now, 8, 1, 100, Outgoing{Stamp: true})
	v.expect(8)
	if v.peer.MayRepair(now) {
		t.Error("repairs may leave")
	}
	if wait := v.peer.Release(now + 150*time.Millisecond); wait < 40*time.Millisecond {
		t.Errorf("waits for %v more after 150 ms of 200", wait)
	}
	v.peer.SetEstimate(now+190*time.Millisecond, 800_000, false)
	waited := 190 * time.Millisecond
	for wait := v.peer.Release(now + waited); wait > 0; wait = v.peer.Release(now + waited) {
		waited += wait
	}
	v.expect(0, 1, 2, 3, 4, 5, 6, 7)
	if waited < 250*time.Millisecond || waited > 300*time.Millisecond {
		t.Errorf("the last left after %v", waited)
	}
	v.peer.SetEstimate(now+waited, 800_000, false)
	v.send(now+waited+time.Second, 9, 8, 1200, Outgoing{Stamp: true, Pace: true})
	v.expect(9, 10, 11, 12, 13, 14, 15, 16) // a window at the pacer's rate again
}

// A viewer whose DTLS handshake is under way gets what came meanwhile when it is done.
func TestVideoWaitsForTheKeys(t *testing.T) {
	v := newViewer(t)
	k := v.peer.keys.Swap(nil)
	v.peer.keysReady = make(chan struct{})
	v.send(time.Second, 10, 3, 100, Outgoing{Pace: true})
	v.send(time.Second, 90, 1, 100, Outgoing{}) // audio is late by then
	if wait := v.peer.Release(time.Second); wait != 0 || v.peer.Waiting() == 0 {
		t.Fatalf("%d bytes wait, look again in %v", v.peer.Waiting(), wait)
	}
	v.peer.useKeys(time.Second+mostEarly, k)
	<-v.peer.Paced()
	v.send(time.Second+mostEarly, 13, 1, 100, Outgoing{Pace: true, Stamp: true}) // behind them
	for v.peer.Release(time.Second+mostEarly) != 0 {
		t.Fatal("there is no estimate to wait for")
	}
	v.expect(10, 11, 12, 13)
	if v.peer.Spilled() {
		t.Error("nothing was lost")
	}
}

func TestLittleWaitsForTheKeys(t *testing.T) {
	for name, fill := range map[string]func(v *viewer) time.Duration{
		"too much": func(v *viewer) time.Duration {
			for i := range 3 * maxEarly {
				v.send(time.Second, uint16(i), 1, 100, Outgoing{Pace: true}) //nolint:gosec // small
			}
			return time.Second
		},
		"too old": func(v *viewer) time.Duration {
			v.send(time.Second, 10, 3, 100, Outgoing{Pace: true})
			return time.Second + mostEarly + 1
		},
	} {
		t.Run(name, func(t *testing.T) {
			v := newViewer(t)
			k := v.peer.keys.Swap(nil)
			v.peer.keysReady = make(chan struct{})
			v.peer.useKeys(fill(v), k)
			if n := v.peer.Waiting(); n != 0 {
				t.Errorf("%d bytes wait", n)
			}
			if !v.peer.Spilled() || v.peer.Spilled() {
				t.Error("nobody is told, or twice")
			}
			v.send(2*time.Second, 50, 1, 100, Outgoing{Pace: true, Stamp: true})
			v.expect(50)
		})
	}
}
