package main

import (
	"fmt"
	"net/url"
	"strings"
)

// iceServer is one STUN or TURN server for clients to use. In a flag it is a URI of
// RFC 7064 or RFC 7065 with the credentials in front of the host:
//
//	stun:stun.example.org:3478
//	turn:ada:secret@turn.example.org:3478?transport=udp
//
// A colon or an at sign inside user or password is percent-encoded.
type iceServer struct {
	URL      string // without the credentials
	Username string
	Password string
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *iceServer) UnmarshalText(text []byte) error {
	scheme, rest, _ := strings.Cut(string(text), ":")
	at := strings.LastIndexByte(rest, '@')
	host := rest[at+1:]
	if host == "" || strings.HasPrefix(host, "//") {
		return fmt.Errorf("%q is not of the form stun:host:port or turn:user:pass@host:port", text)
	}
	*s = iceServer{URL: scheme + ":" + host}
	switch scheme {
	case "stun", "stuns":
		if at >= 0 {
			return fmt.Errorf("%s: takes no user and password", scheme)
		}
		return nil
	case "turn", "turns":
		if at < 0 {
			return fmt.Errorf("%s: needs user:pass@ in front of the host", scheme)
		}
		return s.setCredentials(rest[:at])
	default:
		return fmt.Errorf("%q is none of stun, stuns, turn and turns", scheme)
	}
}

func (s *iceServer) setCredentials(text string) error {
	user, pass, ok := strings.Cut(text, ":")
	if !ok || user == "" || pass == "" {
		return fmt.Errorf("%s needs both a user and a password", s.URL)
	}
	var err error
	if s.Username, err = url.PathUnescape(user); err != nil {
		return err
	}
	s.Password, err = url.PathUnescape(pass)
	return err
}
