// Package visitor tells which client an HTTP request is from, for limits per address.
package visitor

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
)

// Proxies are the networks of reverse proxies that the operator trusts: whose
// X-Forwarded-For is believed. Nobody else's is, since any client can send one. None
// is the zero value.
type Proxies []netip.Prefix

// ParseNetwork reads a network in CIDR notation (RFC 4632, RFC 4291 §2.3), or one address.
func ParseNetwork(text string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(text); err == nil && address.Zone() == "" {
		address = address.Unmap()
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is neither an address nor a network such as 10.0.0.0/8", text)
	}
	return prefix.Masked(), nil
}

// Trusts reports whether an address belongs to a proxy.
func (p Proxies) Trusts(address netip.Addr) bool {
	address = plain(address)
	for _, network := range p {
		if network.Contains(address) {
			return true
		}
	}
	return false
}

// Address is the client that a request counts for: the TCP peer or, if that is a trusted
// proxy, the last hop of X-Forwarded-For that is none. What stands to the left of it
// was written by the client itself. IPv6 clients count by their /64, of which
// one customer has at least one. A request without a TCP peer gives the zero Addr.
func (p Proxies) Address(r *http.Request) netip.Addr {
	address, ok := parseHop(r.RemoteAddr)
	if !ok {
		return netip.Addr{}
	}
	lines := r.Header.Values("X-Forwarded-For")
	for i := len(lines) - 1; i >= 0; i-- {
		for line, more := lines[i], true; more; {
			if !p.Trusts(address) {
				return Group(address)
			}
			hop := line
			if comma := strings.LastIndexByte(line, ','); comma >= 0 {
				line, hop = line[:comma], line[comma+1:]
			} else {
				more = false
			}
			before, ok := parseHop(strings.TrimSpace(hop))
			if !ok {
				return Group(address) // the proxy doesn't say
			}
			address = before
		}
	}
	return Group(address)
}

// parseHop reads an address as peers and proxies write it: 192.0.2.1, 192.0.2.1:80,
// 2001:db8::1, [2001:db8::1], [2001:db8::1]:80, all IPv6 ones perhaps with a zone.
func parseHop(text string) (netip.Addr, bool) {
	if address, err := netip.ParseAddr(text); err == nil {
		return plain(address), true
	}
	if at, err := netip.ParseAddrPort(text); err == nil {
		return plain(at.Addr()), true
	}
	if inner, found := strings.CutPrefix(text, "["); found {
		if inner, found = strings.CutSuffix(inner, "]"); found {
			if address, err := netip.ParseAddr(inner); err == nil && address.Is6() {
				return plain(address), true
			}
		}
	}
	return netip.Addr{}, false
}

// Group is the address that a limit counts: all of a /64 of IPv6 are one.
func Group(address netip.Addr) netip.Addr {
	address = plain(address)
	if !address.Is6() {
		return address
	}
	prefix, err := address.Prefix(64)
	if err != nil {
		return address
	}
	return prefix.Addr()
}

// plain drops the zone, which is this machine's own name for a link, and the IPv6 form
// of IPv4 (RFC 4291 §2.5.5.2).
func plain(address netip.Addr) netip.Addr { return address.Unmap().WithZone("") }
