package signaling

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/gorilla/websocket"
	"golang.org/x/net/idna"

	"plenum/signaling/protocol"
)

// request is what a client asks for when it connects.
type request struct {
	room, name     string
	token, session string     // secrets: never logged
	client         netip.Addr // whom its limits count for
	early          bool       // tell the transport with `joined`, see sfu.JoinRequest
}

// parseRequest reads the query and the subprotocols. Secrets may be in either;
// the protocol.Subprotocol, which stays out of access logs, goes first.
func parseRequest(r *http.Request) (request, error) {
	query := r.URL.Query()
	q := request{
		room: query.Get("room"), name: query.Get("name"),
		token: query.Get("token"), session: query.Get("session"),
		early: query.Get("early") == "1",
	}
	version, foreign := false, ""
	for _, entry := range websocket.Subprotocols(r) {
		if token, found := strings.CutPrefix(entry, protocol.TokenPrefix); found {
			q.token = token
		} else if secret, found := strings.CutPrefix(entry, protocol.SessionPrefix); found {
			q.session = secret
		} else if entry == protocol.Subprotocol {
			version = true
		} else {
			foreign = entry
		}
	}
	if foreign != "" && !version {
		return request{}, fmt.Errorf("unknown protocol.Subprotocol %.40q: this server speaks %s", foreign, protocol.Subprotocol)
	}
	return q, nil
}

// origins decides which pages may connect.
type origins struct {
	any       bool
	localhost bool
	listed    map[string]bool
}

func newOrigins(allowed []string, tokens bool) (origins, error) {
	o := origins{listed: map[string]bool{}}
	if len(allowed) == 0 {
		o.any, o.localhost = tokens, true
	}
	for _, origin := range allowed {
		if origin == "*" {
			o.any = true
			continue
		}
		u, err := url.Parse(origin)
		if err != nil || u.Scheme == "" || u.Host == "" || strings.TrimSuffix(u.Path, "/") != "" || u.RawQuery != "" {
			return origins{}, errors.New("signaling: an allowed origin is a scheme and a host, like https://example.com, or *: " + origin)
		}
		o.listed[strings.ToLower(u.Scheme)+"://"+hostOf(u.Scheme, u.Host)] = true
	}
	return o, nil
}

// allow checks the Origin that browsers send; other clients send none.
func (o origins) allow(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" || o.any {
		return true
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return false
	}
	host := hostOf(u.Scheme, u.Host)
	return host == hostOf(u.Scheme, r.Host) ||
		o.listed[strings.ToLower(u.Scheme)+"://"+host] ||
		o.localhost && isLocalhost(u.Hostname())
}

// hostOf writes the host and port of an origin as browsers do (RFC 6454 §6.2): in lower
// case, with letters outside ASCII as IDNA has them, and without the scheme's own port.
func hostOf(scheme, host string) string {
	switch strings.ToLower(scheme) {
	case "http":
		host = strings.TrimSuffix(host, ":80")
	case "https":
		host = strings.TrimSuffix(host, ":443")
	}
	name, port := host, ""
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		name, port = host[:i], host[i:]
	}
	if ascii, err := idna.Lookup.ToASCII(name); err == nil {
		return ascii + port
	}
	return strings.ToLower(host) // an address of IPv6, say
}

func isLocalhost(host string) bool {
	host = strings.ToLower(host)
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback()
}
