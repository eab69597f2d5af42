// Package gate bounds what strangers can have a server do over HTTP before they have
// shown who they are: connections, TLS handshakes, requests and scrapes at once. What is
// over a limit is refused at once or after a short wait, and counted.
//
// A Listener counts connections by the address of their TCP peer, a Requests what comes on
// them by the client that trusted proxies name. All types are safe for concurrent use.
package gate

import "plenum/sfu/stat"

// Reason is why something was turned away.
type Reason string

// Reasons, the labels of a metric.
const (
	Connections        Reason = "connections"         // more than the server may have
	AddressConnections Reason = "address_connections" // more than an address may have
	ConnectionRate     Reason = "connection_rate"     // an address opens them too fast
	Handshakes         Reason = "handshakes"          // TLS handshakes wait for too long
	Requests           Reason = "requests"            // more at once than the server carries out
	AddressRequests    Reason = "address_requests"    // more at once than an address may have
	Scrapes            Reason = "scrapes"             // more at once than one needs
)

// Rejections counts what was turned away. The zero value is of no use; see NewRejections.
type Rejections struct{ counts map[Reason]*stat.Counter }

// NewRejections has every reason, so that metrics start at zero.
func NewRejections() *Rejections {
	r := &Rejections{map[Reason]*stat.Counter{}}
	for _, reason := range []Reason{Connections, AddressConnections, ConnectionRate, Handshakes, Requests, AddressRequests, Scrapes} {
		r.counts[reason] = new(stat.Counter)
	}
	return r
}

func (r *Rejections) inc(reason Reason) { r.counts[reason].Inc() }

// Counts is how often each reason was met.
func (r *Rejections) Counts() map[string]uint64 {
	counts := make(map[string]uint64, len(r.counts))
	for reason, n := range r.counts {
		counts[string(reason)] = n.Load()
	}
	return counts
}
