package main

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// target is what the attackers' process is told.
type target struct {
	URL    string         `required:"" help:"WebSocket of the server, of loopback."`
	Media  netip.AddrPort `help:"The server's media port."`
	Victim netip.AddrPort `help:"Where a victim's media comes from."`
	Token  string         `help:"A token for every room."`
	Room   string         `default:"crowd" help:"Room to attack from."`
}

// validate refuses whatever is not on loopback.
func (t *target) validate() error {
	u, err := url.Parse(t.URL)
	if err != nil {
		return err
	}
	address, err := netip.ParseAddrPort(u.Host)
	if err != nil {
		return fmt.Errorf("%q must name an address and a port: a name could be anyone's", t.URL)
	}
	for _, a := range []netip.AddrPort{address, t.Media, t.Victim} {
		if a.IsValid() && !a.Addr().Unmap().IsLoopback() {
			return fmt.Errorf("%v is not on loopback: nothing else is attacked", a)
		}
	}
	return nil
}

// host is the address and port of the server's HTTP.
func (t *target) host() string {
	u, _ := url.Parse(t.URL) // validated
	return u.Host
}

// secure reports whether that is HTTPS.
func (t *target) secure() bool { return strings.HasPrefix(t.URL, "wss:") }

// page is the URL of something else that the server serves over HTTP.
func (t *target) page(path string) string {
	scheme := "http://"
	if t.secure() {
		scheme = "https://"
	}
	return scheme + t.host() + path
}

// strangerAddress is the i-th address of loopback that attackers come from.
func strangerAddress(i int) net.IP { return net.IPv4(127, 0, byte(i>>8), byte(2+i&0x7f)) }
