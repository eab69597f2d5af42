package transport

import (
	"errors"
	"net"
	"net/netip"

	piontransport "github.com/pion/transport/v5"
)

// portMux is what pion's ICE agents see of the ports: those that are announced are
// candidates, those that are leaving serve whom they served before. It is an ice.UDPMux
// and, as tcp, an ice.TCPMux.
type portMux struct{ ports *portTable }

var errNoPort = errors.New("no port on that address")

// GetListenAddresses implements ice.UDPMux.
func (m portMux) GetListenAddresses() (addresses []net.Addr) {
	for _, p := range m.ports.all() {
		if p.announced.Load() {
			addresses = append(addresses, p.LocalAddr())
		}
	}
	return addresses
}

// GetConn implements ice.UDPMux.
func (m portMux) GetConn(ufrag string, addr net.Addr) (net.PacketConn, error) {
	udp, ok := addr.(*net.UDPAddr)
	if !ok {
		return nil, errNoPort
	}
	p := m.ports.on(udp.AddrPort().Addr().Unmap())
	if p == nil {
		return nil, errNoPort
	}
	return p.udp.GetConn(ufrag, addr)
}

// RemoveConnByUfrag implements ice.UDPMux.
func (m portMux) RemoveConnByUfrag(ufrag string) {
	for _, p := range m.ports.all() {
		p.udp.RemoveConnByUfrag(ufrag)
	}
}

// Close does nothing: the engine closes its ports.
func (m portMux) Close() error { return nil }

// portTCPMux is the same for ICE-TCP.
type portTCPMux struct{ ports *portTable }

// GetConnByUfrag implements ice.TCPMux.
func (m portTCPMux) GetConnByUfrag(ufrag string, isIPv6 bool, local net.IP) (net.PacketConn, error) {
	address, _ := netip.AddrFromSlice(local)
	p := m.ports.on(address.Unmap())
	if p == nil {
		return nil, errNoPort
	}
	return p.tcp.GetConnByUfrag(ufrag, isIPv6, local)
}

// RemoveConnByUfrag implements ice.TCPMux.
func (m portTCPMux) RemoveConnByUfrag(ufrag string) {
	for _, p := range m.ports.all() {
		p.tcp.RemoveConnByUfrag(ufrag)
	}
}

// Close does nothing: the engine closes its ports.
func (m portTCPMux) Close() error { return nil }

// portNet is the network as pion's agents see it: one interface that has the announced
// addresses. They look for ICE-TCP there.
type portNet struct {
	piontransport.Net
	ports *portTable
}

// Interfaces implements transport.Net.
func (n portNet) Interfaces() ([]*piontransport.Interface, error) {
	media := piontransport.NewInterface(net.Interface{Index: 1, Name: "media", Flags: net.FlagUp})
	for _, p := range n.ports.all() {
		if a := p.local.Addr(); p.announced.Load() {
			media.AddAddress(&net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(a.BitLen(), a.BitLen())})
		}
	}
	return []*piontransport.Interface{media}, nil
}
