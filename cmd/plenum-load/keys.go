package main

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"

	"crypto/sha256"
	"hash"

	"github.com/pion/dtls/v3"
	"github.com/pion/dtls/v3/pkg/crypto/prf"
	"github.com/pion/srtp/v3"
	"github.com/pion/webrtc/v4"
)

// Pion's peer connection shows its SRTP keys to nobody, and its own way from the
// socket to a track costs several times what a packet's arrival does. So the
// generator derives the keys of incoming media by itself: the master secret comes
// from the key log that pion offers for debugging, the server's random from the
// handshake as it passes through the socket.

// cipherSuite is the only one that the generator offers: its hash decides how
// keys are derived.
const cipherSuite = dtls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256

const srtpProfile = srtp.ProtectionProfileAeadAes128Gcm

// limitCiphers lets a peer connection agree on nothing else.
func limitCiphers(s *webrtc.SettingEngine) {
	s.SetDTLSCipherSuites(cipherSuite)
	s.SetSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM)
}

// handshake is one DTLS 1.2 handshake as the key log and the socket tell it.
type handshake struct {
	master       []byte
	clientRandom []byte
	serverRandom []byte
	client       bool // we are the DTLS client
}

// serverHello finds the server's random in a datagram that holds a ServerHello
// (RFC 6347 section 4.2.2): record header 13 bytes, handshake header 12.
func serverHello(b []byte) (random []byte, ok bool) {
	const record, message, version, length = 13, 12, 2, 32
	const handshakeType, serverHelloType = 22, 2
	if len(b) < record+message+version+length || b[0] != handshakeType || b[record] != serverHelloType {
		return nil, false
	}
	if fragment := b[record+6 : record+9]; fragment[0]|fragment[1]|fragment[2] != 0 {
		return nil, false
	}
	begin := record + message + version
	return b[begin : begin+length], true
}

// parseKeyLog reads a line of the key log: CLIENT_RANDOM, random, master secret.
func parseKeyLog(line string) (clientRandom, master []byte, err error) {
	fields := strings.Fields(line)
	if len(fields) != 3 || fields[0] != "CLIENT_RANDOM" {
		return nil, nil, fmt.Errorf("key log: no DTLS 1.2 line")
	}
	if clientRandom, err = hex.DecodeString(fields[1]); err != nil {
		return nil, nil, fmt.Errorf("key log: %w", err)
	}
	if master, err = hex.DecodeString(fields[2]); err != nil {
		return nil, nil, fmt.Errorf("key log: %w", err)
	}
	return clientRandom, master, nil
}

// ExportKeyingMaterial is RFC 5705 without a context.
func (h *handshake) ExportKeyingMaterial(label string, _ []byte, length int) ([]byte, error) {
	seed := append([]byte(label), h.clientRandom...)
	seed = append(seed, h.serverRandom...)
	return prf.PHash(h.master, seed, length, func() hash.Hash { return sha256.New() })
}

// incoming makes the context that decrypts what the server sends.
func (h *handshake) incoming() (*srtp.Context, error) {
	config := srtp.Config{Profile: srtpProfile}
	if err := config.ExtractSessionKeysFromDTLS(h, h.client); err != nil {
		return nil, fmt.Errorf("SRTP keys: %w", err)
	}
	return srtp.CreateContext(config.Keys.RemoteMasterKey, config.Keys.RemoteMasterSalt, srtpProfile)
}

// media tells RTP and RTCP from the other protocols on the socket (RFC 7983),
// and from one another (RFC 5761 section 4).
func media(b []byte) (rtp, rtcp bool) {
	if len(b) < 12 || b[0]>>6 != 2 {
		return false, false
	}
	rtcp = b[1] >= 192 && b[1] < 224
	return !rtcp, rtcp
}

// senderReport finds SSRC and the middle of the NTP time in a compound packet
// that begins with a sender report (RFC 3550 section 6.4.1).
func senderReport(b []byte) (ssrc, middle uint32, ok bool) {
	const header, size, senderReportType = 4, 28, 200
	if len(b) < size || b[1] != senderReportType {
		return 0, 0, false
	}
	return binary.BigEndian.Uint32(b[header:]), binary.BigEndian.Uint32(b[header+6:]), true
}
