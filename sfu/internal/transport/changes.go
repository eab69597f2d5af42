package transport

import (
	"context"
	"net/netip"
	"slices"
	"time"
)

// addressPause is how long a change of addresses may be followed by others before anyone looks.
const addressPause = 200 * time.Millisecond

// follow binds and announces the addresses that come, and gives up those that are gone,
// until ctx is done. changes delivers a value whenever there may be some.
func (e *Engine) follow(ctx context.Context, changes <-chan struct{}) {
	for {
		timer := time.NewTimer(e.untilNext())
		changed := false
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-changes:
			changed = true
			select {
			case <-ctx.Done():
			case <-time.After(addressPause):
			}
		case <-timer.C:
		}
		timer.Stop()
		present, err := interfaceAddresses()
		if err != nil {
			e.config.Log.Warn("this machine's addresses can't be read", "err", err)
			continue
		}
		e.carryOut(e.book.update(e.config.Now(), present, changed))
		e.countAddresses()
	}
}

// longestRest is how long follow waits at most: a change that nobody told it of is noticed then.
const longestRest = 30 * time.Second

func (e *Engine) untilNext() time.Duration {
	if at, ok := e.book.next(); ok {
		return min(max(at-e.config.Now(), 0), longestRest)
	}
	return longestRest
}

// carryOut does what the book decided.
func (e *Engine) carryOut(actions []addressAction) {
	did := false
	for _, a := range actions {
		switch p := e.ports.on(a.address); a.do {
		case bindAddress:
			err := e.bind(a.address)
			e.book.bound(e.config.Now(), a.address, err == nil)
			if err != nil {
				e.logUnbound(a.address, err)
				continue
			}
			delete(e.unbound, a.address)
		case announceAddress:
			p.announced.Store(true)
		case withdrawAddress:
			p.announced.Store(false)
		case closeAddress:
			if err := e.closePort(p); err != nil {
				e.config.Log.Warn("media address not closed", "address", a.address, "err", err)
			}
		}
		did = true
	}
	if did {
		e.logAddresses()
	}
}

// logUnbound says once why an address is left out.
func (e *Engine) logUnbound(address netip.Addr, err error) {
	if e.unbound[address] == err.Error() {
		return
	}
	e.unbound[address] = err.Error()
	e.config.Log.Warn("media address can't be bound: it is left out and tried again", "address", address, "err", err)
}

// logAddresses says what is bound, and what clients are told.
func (e *Engine) logAddresses() {
	var bound, announced []netip.Addr
	for _, p := range e.ports.all() {
		bound = append(bound, p.local.Addr())
		if p.announced.Load() {
			announced = append(announced, e.config.public(p.local.Addr())...)
		}
	}
	slices.SortFunc(announced, netip.Addr.Compare)
	announced = slices.Compact(announced)
	log := e.config.Log.Info
	if len(announced) == 0 {
		log = e.config.Log.Warn
	}
	log("media addresses", "bound", bound, "announced", announced)
}

// public is what clients are told in place of a bound address.
func (c *Config) public(local netip.Addr) []netip.Addr {
	var told []netip.Addr
	for _, public := range c.PublicIPs {
		if public.Is4() == local.Is4() {
			told = append(told, public)
		}
	}
	if told == nil {
		told = []netip.Addr{local}
	}
	return told
}

// AddressCounts is how many of the addresses that media could use are in which state.
type AddressCounts struct {
	Announced, Leaving, Unbound int
}

func (e *Engine) countAddresses() {
	e.addresses.Store(&AddressCounts{
		Announced: e.book.count(addressBound), Leaving: e.book.count(addressLeaving), Unbound: e.book.count(addressWaiting),
	})
}

// Addresses counts the addresses of the media port; it is zero on a virtual network.
func (e *Engine) Addresses() AddressCounts {
	if counts := e.addresses.Load(); counts != nil {
		return *counts
	}
	return AddressCounts{}
}
