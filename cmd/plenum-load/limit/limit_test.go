package main

import (
	"bytes"
	"io"
	"net/netip"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// The test binary is the receiver when it is started as one.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "-drain" {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestEveryWay(t *testing.T) {
	o := &options{size: 1070, sockets: 5, fanout: 4, burst: 6, duration: 50 * time.Millisecond}
	if err := o.validate(); err != nil {
		t.Fatal(err)
	}
	sinks, stop, err := startReceiver(o.sockets)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	for _, mode := range []string{"sendto", "sendmmsg", "gso"} {
		r, err := o.measure(mode, sinks)
		if mode == "gso" && err != nil {
			t.Skip("no segmentation here:", err)
		}
		if err != nil {
			t.Fatalf("%s: %v", mode, err)
		}
		if r.Mode != mode || r.Paced || r.Packets < 24 || r.PerPacket <= 0 || r.Seconds < 0.05 {
			t.Errorf("%+v", r)
		}
	}
	if _, err := o.measure("pigeon", sinks); err == nil {
		t.Error("an unknown way is accepted")
	}
}

func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &options{fanout: 10, burst: 2, rate: 2000, duration: 200 * time.Millisecond}
		calls := 0
		n, err := o.pace(func() error { calls++; return nil })
		if err != nil || n != calls*20 || n != 400 {
			t.Errorf("%d packets in %d calls: %v", n, calls, err)
		}
		if _, err := o.pace(func() error { return io.ErrClosedPipe }); err != io.ErrClosedPipe {
			t.Errorf("%v", err)
		}
	})
}

// Every packet is encrypted under another nonce, and can be decrypted.
func TestEncrypt(t *testing.T) {
	s, err := newSink(netip.MustParseAddrPort("127.0.0.1:9"))
	if err != nil {
		t.Fatal(err)
	}
	plain := bytes.Repeat([]byte{7}, 100)
	one := bytes.Clone(s.encrypt(make([]byte, 0, 200), plain))
	two := s.encrypt(make([]byte, 0, 200), plain)
	if len(one) != 100+tag || len(two) != len(one) || bytes.Equal(one[rtpHeader:], two[rtpHeader:]) {
		t.Errorf("%d and %d bytes", len(one), len(two))
	}
	nonce := make([]byte, 12)
	nonce[11] = 2
	if got, err := s.seal.Open(nil, nonce, two[rtpHeader:], two[:rtpHeader]); err != nil || !bytes.Equal(got, plain[rtpHeader:]) {
		t.Errorf("%v", err)
	}
}

func TestReceiveEndsWithItsInput(t *testing.T) {
	var out bytes.Buffer
	if err := receive(3, strings.NewReader(""), &out); err != nil || len(strings.Fields(out.String())) != 3 {
		t.Errorf("%q %v", out.String(), err)
	}
}

func TestBadOptions(t *testing.T) {
	good := options{size: 100, sockets: 1, fanout: 1, burst: 1, duration: 1}
	if err := good.validate(); err != nil {
		t.Error(err)
	}
	for _, spoil := range []func(*options){
		func(o *options) { o.size = 10 }, func(o *options) { o.size = 2000 }, func(o *options) { o.sockets = 0 },
		func(o *options) { o.burst = 0 }, func(o *options) { o.rate = -1 }, func(o *options) { o.duration = 0 },
	} {
		o := good
		spoil(&o)
		if o.validate() == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
}
