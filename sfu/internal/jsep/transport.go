package jsep

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pion/sdp/v3"
)

// transport is what attributes say about ICE and DTLS, at either level.
type transport struct {
	ufrag, pwd      string
	fingerprints    []Fingerprint
	setup           string
	candidates      []string
	endOfCandidates bool
}

// Bounds of ICE credentials, in characters (RFC 8839 §5.4).
const (
	minUfrag      = 4
	minPwd        = 22
	maxCredential = 256
)

// maxFingerprints bounds the list; clients write one, or one per hash.
const maxFingerprints = 16

func parseTransport(attributes []sdp.Attribute) (t transport) {
	for _, a := range attributes {
		value := strings.TrimSpace(a.Value)
		switch a.Key {
		case "ice-ufrag":
			t.ufrag = value
		case "ice-pwd":
			t.pwd = value
		case "setup":
			t.setup = strings.ToLower(value)
		case "fingerprint":
			if f, ok := parseFingerprint(value); ok && len(t.fingerprints) < maxFingerprints && !slices.Contains(t.fingerprints, f) {
				t.fingerprints = append(t.fingerprints, f)
			}
		case "candidate":
			// Component 2 is RTCP of its own, which never comes: RTCP is multiplexed.
			if fields := strings.Fields(value); len(fields) >= 8 && fields[1] == "1" {
				t.candidates = append(t.candidates, value)
			}
		case "end-of-candidates":
			t.endOfCandidates = true
		}
	}
	return t
}

func parseFingerprint(value string) (f Fingerprint, ok bool) {
	algorithm, sum, ok := strings.Cut(strings.TrimSpace(value), " ")
	return Fingerprint{strings.ToLower(algorithm), strings.ToUpper(strings.TrimSpace(sum))}, ok
}

// Foreign reports whether a description is of another RTCPeerConnection than the one that
// the session began with: none of its fingerprints is one of that (RFC 8842 §5.5:
// another certificate is another DTLS association). It does not parse the rest.
func (s *Session) Foreign(text string) bool {
	foreign := false
	for line := range strings.SplitSeq(text, "\n") {
		value, is := strings.CutPrefix(line, "a=fingerprint:")
		if !is {
			continue
		}
		if f, ok := parseFingerprint(value); ok {
			if slices.Contains(s.remote.Fingerprints, f) {
				return false
			}
			foreign = s.opened
		}
	}
	return foreign
}

// over is t where t says something, else below: an m-line over the session.
func (t transport) over(below transport) transport {
	if t.ufrag == "" {
		t.ufrag = below.ufrag
	}
	if t.pwd == "" {
		t.pwd = below.pwd
	}
	if len(t.fingerprints) == 0 {
		t.fingerprints = below.fingerprints
	}
	if t.setup == "" {
		t.setup = below.setup
	}
	t.candidates = append(slices.Clone(t.candidates), below.candidates...)
	t.endOfCandidates = t.endOfCandidates || below.endOfCandidates
	return t
}

// remote checks that t suffices to connect.
func (t transport) remote(lite bool) (Remote, error) {
	switch {
	case len(t.ufrag) < minUfrag || len(t.ufrag) > maxCredential:
		return Remote{}, errors.New("no valid ice-ufrag")
	case len(t.pwd) < minPwd || len(t.pwd) > maxCredential:
		return Remote{}, errors.New("no valid ice-pwd")
	case len(t.fingerprints) == 0:
		return Remote{}, errors.New("no fingerprint")
	}
	switch t.setup {
	case "":
		t.setup = "actpass"
	case "actpass", "active", "passive":
	default:
		return Remote{}, fmt.Errorf("setup %q is not supported", t.setup)
	}
	return Remote{
		Ufrag: t.ufrag, Pwd: t.pwd, Lite: lite,
		Fingerprints: t.fingerprints, Setup: t.setup,
		Candidates: t.candidates, EndOfCandidates: t.endOfCandidates,
	}, nil
}
