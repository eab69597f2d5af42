package transport

import (
	"fmt"
	"sync"

	"github.com/pion/dtls/v3"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
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

	inRTP, inRTCP *srtp.Context
	inHeader      rtp.Header
	inSSRCs       map[uint32]struct{} // that inRTP and inRTCP know

	outRTPMu  sync.Mutex
	outRTP    *srtp.Context
	outHeader rtp.Header
	egress    egress

	outRTCPMu sync.Mutex
	outRTCP   *srtp.Context
}

func newKeys(conn *dtls.Conn, isClient bool) (*keys, error) {
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
	k := &keys{dtls: conn, inSSRCs: map[uint32]struct{}{}}
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
	k.inRTP = make(remote, remoteSalt, srtp.SRTPReplayProtection(replayWindow))
	k.inRTCP = make(remote, remoteSalt, srtp.SRTCPReplayProtection(replayWindow))
	k.outRTP = make(local, localSalt)
	k.outRTCP = make(local, localSalt)
	if err != nil {
		return nil, fmt.Errorf("SRTP context: %w", err)
	}
	return k, nil
}

// maxInSSRCs bounds the streams of one peer, for pion keeps state of each for good.
const maxInSSRCs = 512

// admits reports whether there is room for the state of that SSRC.
func (k *keys) admits(ssrc uint32) bool {
	if _, known := k.inSSRCs[ssrc]; known {
		return true
	}
	if len(k.inSSRCs) >= maxInSSRCs {
		return false
	}
	k.inSSRCs[ssrc] = struct{}{}
	return true
}

// decryptRTP works in place.
func (k *keys) decryptRTP(b []byte) ([]byte, error) {
	return k.inRTP.DecryptRTP(b[:0], b, &k.inHeader)
}

func (k *keys) decryptRTCP(b []byte) ([]byte, error) {
	return k.inRTCP.DecryptRTCP(nil, b, nil)
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
		_, _ = p.engine.ports[to.port].WriteToAddrPort(b, to.remote)
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
		if n := len(out.parts[to.port].datagrams); n+batchPackets-out.packets >= batchDatagrams {
			out.Flush()
		}
		out.queue(to, b)
	}
}
