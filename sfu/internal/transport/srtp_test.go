package transport

import (
	"crypto/rand"
	"encoding/binary"
	"testing"

	"github.com/pion/srtp/v3"
)

// inboundKeys are keys that decrypt what the context encrypts.
func inboundKeys(t *testing.T, e *Engine) (*keys, *srtp.Context) {
	t.Helper()
	key, salt := make([]byte, 16), make([]byte, 12)
	_, _ = rand.Read(key)
	_, _ = rand.Read(salt)
	create := func() *srtp.Context {
		c, err := srtp.CreateContext(key, salt, srtp.ProtectionProfileAeadAes128Gcm,
			srtp.SRTPReplayProtection(replayWindow), srtp.SRTCPReplayProtection(replayWindow))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	return &keys{inRTP: newInbound(create, &e.counters.Evicted), inRTCP: newInbound(create, &e.counters.Evicted)}, create()
}

func streamPacket(t *testing.T, c *srtp.Context, ssrc uint32, sequence uint16) []byte {
	t.Helper()
	b := packet(nil, sequence, 100)
	binary.BigEndian.PutUint32(b[8:], ssrc)
	b, err := c.EncryptRTP(nil, b, nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestForgedPacketsLeaveNoState(t *testing.T) {
	e := testEngine(t)
	k, remote := inboundKeys(t, e)
	p := &Peer{engine: e, receiver: deaf{}}
	for ssrc := range uint32(4 * maxInSSRCs) {
		for _, kind := range []byte{96, 200} {
			forged := make([]byte, 100)
			forged[0], forged[1] = 0x80, kind
			binary.BigEndian.PutUint32(forged[4:], ssrc)
			binary.BigEndian.PutUint32(forged[8:], ssrc)
			p.receive(0, k, forged, nil)
		}
	}
	if rtp, rtcp := len(k.inRTP.streams), len(k.inRTCP.streams); rtp+rtcp != 0 {
		t.Errorf("forged packets left state of %d RTP and %d RTCP streams", rtp, rtcp)
	}
	if n := e.counters.Discarded[DiscardedSRTP].Load(); n != 8*maxInSSRCs {
		t.Errorf("%d discarded packets are counted, want %d", n, 8*maxInSSRCs)
	}
	if _, err := k.decryptRTP(streamPacket(t, remote, 7, 1)); err != nil {
		t.Errorf("a new stream after the flood: %v", err)
	}
}

func TestReplaysAndRolloversOfStreams(t *testing.T) {
	k, remote := inboundKeys(t, testEngine(t))
	for _, sequence := range []uint16{65534, 65535, 0, 1} {
		b := streamPacket(t, remote, 7, sequence)
		if _, err := k.decryptRTP(append([]byte(nil), b...)); err != nil {
			t.Errorf("packet %d: %v", sequence, err)
		}
		if _, err := k.decryptRTP(b); err == nil {
			t.Errorf("packet %d counts twice", sequence)
		}
	}
}

func TestIdlestStreamGivesWay(t *testing.T) {
	e := testEngine(t)
	k, remote := inboundKeys(t, e)
	take := func(ssrc uint32, sequence uint16) {
		t.Helper()
		if _, err := k.decryptRTP(streamPacket(t, remote, ssrc, sequence)); err != nil {
			t.Fatalf("stream %d: %v", ssrc, err)
		}
	}
	for ssrc := range uint32(maxInSSRCs) {
		take(ssrc, 1)
	}
	take(0, 2) // so that stream 1 is the idlest
	take(maxInSSRCs, 1)
	if k.inRTP.streams[0] == nil || k.inRTP.streams[1] != nil || len(k.inRTP.streams) != maxInSSRCs {
		t.Errorf("of %d streams the idlest didn't give way", len(k.inRTP.streams))
	}
	if n := e.counters.Evicted.Load(); n != 1 {
		t.Errorf("%d evictions are counted", n)
	}
	take(1, 2) // and comes back
}
