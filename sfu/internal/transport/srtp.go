package transport

import (
	"encoding/binary"
	"fmt"
	"math"
	"sync"

	"github.com/pion/dtls/v3"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"plenum/sfu/stat"
)

// replayWindow is how far behind the newest a packet may arrive, in packets:
// a second of any video, where RFC 3711 §3.3.2 asks for 64 at least.
const replayWindow = 1024

// keys are a peer's SRTP and SRTCP contexts. Inbound ones belong to
// whoever holds Peer.ingress. Outbound ones are shared by all publishers' goroutines: one
// context per direction and peer encrypts every SSRC, so that no key and SSRC
// ever meet in two contexts (a repeated GCM nonce would reveal both packets).
type keys struct {
	dtls *dtls.Conn

	inRTP, inRTCP inbound
	inHeader      rtp.Header

	outRTP    *srtp.Context // under Peer.egressMu, as its header
	outHeader rtp.Header

	outRTCPMu sync.Mutex
	outRTCP   *srtp.Context
}

func newKeys(conn *dtls.Conn, isClient bool, evicted *stat.Counter) (*keys, error) {
	profile, ok := conn.SelectedSRTPProtectionProfile()
	if !ok {
		return nil, fmt.Errorf("no SRTP profile in common")
	}
	state, ok := conn.ConnectionState()
	if !ok {
		return nil, fmt.Errorf("no DTLS state")
	}
	var config srtp.Config
	switch profile {
	case dtls.SRTP_AEAD_AES_128_GCM:
		config.Profile = srtp.ProtectionProfileAeadAes128Gcm
	case dtls.SRTP_AEAD_AES_256_GCM:
		config.Profile = srtp.ProtectionProfileAeadAes256Gcm
	case dtls.SRTP_AES128_CM_HMAC_SHA1_80:
		config.Profile = srtp.ProtectionProfileAes128CmHmacSha1_80
	default:
		return nil, fmt.Errorf("SRTP profile %d", profile)
	}
	if err := config.ExtractSessionKeysFromDTLS(&state, isClient); err != nil {
		return nil, fmt.Errorf("SRTP keys: %w", err)
	}
	k := &keys{dtls: conn}
	local, remote := config.Keys.LocalMasterKey, config.Keys.RemoteMasterKey
	localSalt, remoteSalt := config.Keys.LocalMasterSalt, config.Keys.RemoteMasterSalt
	var err error
	make := func(key, salt []byte, options ...srtp.ContextOption) *srtp.Context {
		c, e := srtp.CreateContext(key, salt, config.Profile, options...)
		if e != nil {
			err = e
		}
		return c
	}
	k.inRTP = newInbound(func() *srtp.Context {
		return make(remote, remoteSalt, srtp.SRTPReplayProtection(replayWindow))
	}, evicted)
	k.inRTCP = newInbound(func() *srtp.Context {
		return make(remote, remoteSalt, srtp.SRTCPReplayProtection(replayWindow))
	}, evicted)
	k.outRTP = make(local, localSalt)
	k.outRTCP = make(local, localSalt)
	if err != nil {
		return nil, fmt.Errorf("SRTP context: %w", err)
	}
	return k, nil
}

// maxInSSRCs bounds the streams of one peer and kind for which the rollover
// counter and the replay window are kept.
const maxInSSRCs = 512

// inbound holds the decryption state of one direction and kind (SRTP or SRTCP):
// a context for each SSRC that authenticated a packet, so that the least recently
// used one can be forgotten, which pion's contexts can't. A packet of an unknown
// SSRC is tried with spare, in which pion stores nothing unless it authenticates:
// forged packets leave nothing behind.
type inbound struct {
	create  func() *srtp.Context
	streams map[uint32]*inStream
	spare   *srtp.Context
	clock   uint64 // packets that authenticated
	evicted *stat.Counter
}

type inStream struct {
	context *srtp.Context
	used    uint64 // inbound.clock when it last authenticated a packet
}

func newInbound(create func() *srtp.Context, evicted *stat.Counter) inbound {
	return inbound{create: create, streams: map[uint32]*inStream{}, spare: create(), evicted: evicted}
}

// context is what decrypts packets of that SSRC; the stream is nil as long as
// none has authenticated.
func (in *inbound) context(ssrc uint32) (*srtp.Context, *inStream) {
	if s := in.streams[ssrc]; s != nil {
		return s.context, s
	}
	return in.spare, nil
}

// authenticated notes that a packet of ssrc, whose stream was s before, decrypted.
func (in *inbound) authenticated(ssrc uint32, s *inStream) {
	in.clock++
	if s == nil {
		if len(in.streams) >= maxInSSRCs {
			in.evict()
		}
		s = &inStream{context: in.spare}
		in.streams[ssrc] = s
		in.spare = in.create()
	}
	s.used = in.clock
}

// authenticated is how many packets of either kind did so far.
func (k *keys) authenticated() uint64 { return k.inRTP.clock + k.inRTCP.clock }

// evict forgets the stream that has been idle for longest.
func (in *inbound) evict() {
	var idlest uint32
	oldest := uint64(math.MaxUint64)
	for ssrc, s := range in.streams {
		if s.used < oldest {
			idlest, oldest = ssrc, s.used
		}
	}
	delete(in.streams, idlest)
	in.evicted.Inc()
}

// decryptRTP works in place.
func (k *keys) decryptRTP(b []byte) ([]byte, error) {
	ssrc := binary.BigEndian.Uint32(b[8:])
	context, stream := k.inRTP.context(ssrc)
	plain, err := context.DecryptRTP(b[:0], b, &k.inHeader)
	if err == nil {
		k.inRTP.authenticated(ssrc, stream)
	}
	return plain, err
}

func (k *keys) decryptRTCP(b []byte) ([]byte, error) {
	ssrc := binary.BigEndian.Uint32(b[4:])
	context, stream := k.inRTCP.context(ssrc)
	plain, err := context.DecryptRTCP(nil, b, nil)
	if err == nil {
		k.inRTCP.authenticated(ssrc, stream)
	}
	return plain, err
}

// Overhead is the room that encryption needs behind a packet: the largest
// authentication tag of the profiles above.
const Overhead = 16

// encryptRTCP returns nil before the peer is connected.
func (p *Peer) encryptRTCP(packet []byte) []byte {
	k := p.keys.Load()
	if k == nil {
		return nil
	}
	k.outRTCPMu.Lock()
	defer k.outRTCPMu.Unlock()
	b, err := k.outRTCP.EncryptRTCP(nil, packet, nil)
	if err != nil {
		return nil
	}
	return b
}

// writeRTCP encrypts and sends a compound RTCP packet. The known path serves
// while ICE restarts, when pion has none and would make the caller wait.
func (p *Peer) writeRTCP(packet []byte) {
	b := p.encryptRTCP(packet)
	if b == nil {
		return
	}
	if to := p.path.Load(); to != nil {
		_, _ = to.port.WriteToAddrPort(b, to.remote)
		return
	}
	_, _ = p.conn.Write(b)
}

// queueRTCP is writeRTCP by way of a Batch.
func (p *Peer) queueRTCP(packet []byte, out *Batch) {
	b := p.encryptRTCP(packet)
	to := p.path.Load()
	switch {
	case b == nil:
	case to == nil:
		_, _ = p.conn.Write(b)
	default:
		if n := len(out.part(to.port).datagrams); n+batchPackets-out.packets >= batchDatagrams {
			out.Flush()
		}
		out.queue(to, b)
	}
}
