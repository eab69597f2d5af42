package transport

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"
	"syscall"

	"github.com/pion/ice/v4"
)

// portTable is the ports that are bound. Whoever adds or removes one replaces the list:
// NewEngine, then the goroutine of follow, then Close.
type portTable struct {
	list atomic.Pointer[[]*udpPort]
	// What the ports that are closed have counted.
	muxDrops, socketDrops atomic.Uint64
}

func (t *portTable) all() []*udpPort {
	if list := t.list.Load(); list != nil {
		return *list
	}
	return nil
}

func (t *portTable) on(address netip.Addr) *udpPort {
	for _, p := range t.all() {
		if p.local.Addr() == address {
			return p
		}
	}
	return nil
}

// add gives p the lowest index that is free.
func (t *portTable) add(p *udpPort) {
	list := slices.Clone(t.all())
	for slices.ContainsFunc(list, func(q *udpPort) bool { return q.index == p.index }) {
		p.index++
	}
	list = append(list, p)
	t.list.Store(&list)
}

func (t *portTable) remove(p *udpPort) {
	list := slices.DeleteFunc(slices.Clone(t.all()), func(q *udpPort) bool { return q == p })
	t.list.Store(&list)
}

// interfaceAddresses are all addresses of this host that media could use.
func interfaceAddresses() ([]netip.Addr, error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	var found []netip.Addr
	for _, i := range interfaces {
		if i.Flags&net.FlagUp == 0 {
			continue
		}
		list, err := i.Addrs()
		if err != nil {
			continue // the interface went away meanwhile
		}
		for _, a := range list {
			prefix, err := netip.ParsePrefix(a.String())
			if err != nil {
				continue
			}
			addr := prefix.Addr().Unmap()
			if !addr.IsLinkLocalUnicast() && !addr.IsMulticast() && !slices.Contains(found, addr) {
				found = append(found, addr)
			}
		}
	}
	return found, nil
}

// bindAttempts is how often a free port is looked for that is free for UDP and
// TCP on all addresses.
const bindAttempts = 20

// listen opens the media port on every address that the book wants and that can be
// bound. It fails where there is none, or another process has the port.
func (e *Engine) listen(present []netip.Addr) error {
	var err error
	for range bindAttempts {
		e.port = e.config.Port
		if err = e.bindAll(present); err == nil || e.config.Port != 0 || !errors.Is(err, syscall.EADDRINUSE) {
			return err
		}
	}
	return err
}

func (e *Engine) bindAll(present []netip.Addr) error {
	e.book = newAddressBook(e.config.Addresses, present)
	failed := map[netip.Addr]error{}
	for _, a := range e.book.update(e.config.Now(), present, false) {
		err := e.bind(a.address)
		if errors.Is(err, syscall.EADDRINUSE) {
			return errors.Join(err, e.closePorts())
		}
		e.book.bound(e.config.Now(), a.address, err == nil)
		if err != nil {
			failed[a.address] = err
		}
	}
	if len(e.ports.all()) == 0 {
		err := errors.New("no usable address")
		for _, a := range failed {
			err = errors.Join(err, a)
		}
		return err
	}
	for address, err := range failed {
		e.logUnbound(address, err)
	}
	return nil
}

// bind opens the port on one address, for UDP and TCP alike.
func (e *Engine) bind(address netip.Addr) error {
	// TCP first: its port can't be shared with another process by mistake.
	l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(address, e.port)))
	if err != nil {
		return err
	}
	port := l.Addr().(*net.TCPAddr).AddrPort().Port()
	p, err := listenUDP(netip.AddrPortFrom(address, port))
	if err != nil {
		return errors.Join(err, l.Close())
	}
	var readers []*reader
	for i := range p.sockets {
		r, err := e.newReader(p, i)
		if err != nil {
			return errors.Join(err, l.Close(), p.Close())
		}
		readers = append(readers, r)
	}
	p.udp = ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: p, Net: e.net, Logger: e.loggers.NewLogger("ice-udp")})
	p.tcp = e.newTCPMux(l)
	p.announced.Store(true)
	e.port = port
	e.ports.add(p)
	for _, r := range readers {
		p.readers.Go(r.run)
	}
	return nil
}

// closePort ends one address: first nobody finds it any more, then pion's connections and
// the sockets end, and the readers with them. Peers whose path it was hear nothing more.
func (e *Engine) closePort(p *udpPort) error {
	e.ports.remove(p)
	e.ports.muxDrops.Add(p.drops.Load())
	for _, c := range p.sockets {
		e.ports.socketDrops.Add(socketDrops(c))
	}
	err := errors.Join(p.tcp.Close(), p.udp.Close(), p.Close())
	p.readers.Wait()
	return err
}

func (e *Engine) closePorts() (err error) {
	for _, p := range e.ports.all() {
		err = errors.Join(err, e.closePort(p))
	}
	return err
}

// listenVirtual binds on a virtual network of pion's, which has no TCP, nothing that changes, and none of our ports.
func (e *Engine) listenVirtual() error {
	addresses := e.config.Addresses
	if len(addresses) == 0 {
		return errors.New("a virtual network needs addresses")
	}
	e.port = e.config.Port
	var muxes []ice.UDPMux
	for _, a := range addresses {
		c, err := e.net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(a, e.port)))
		if err != nil {
			return errors.Join(fmt.Errorf("virtual network: %w", err), ice.NewMultiUDPMuxDefault(muxes...).Close())
		}
		e.port = c.LocalAddr().(*net.UDPAddr).AddrPort().Port()
		muxes = append(muxes, ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: c, Net: e.net, Logger: e.loggers.NewLogger("ice-udp")}))
	}
	e.udp = ice.NewMultiUDPMuxDefault(muxes...)
	return nil
}
