package transport

import (
	"net/netip"
	"slices"
	"time"
)

const (
	// An address that can't be bound is tried again after bindPause, which doubles up to
	// bindPauseLimit, and whenever the machine's addresses change.
	bindPause, bindPauseLimit = time.Second, 30 * time.Second
	// leaveAfter is how long the sockets of an address that is gone are kept, which is no
	// longer announced: a cable pulled for a moment, or a lease renewed, brings it back, and
	// the sessions on it go on.
	leaveAfter = time.Minute
)

// addressBook decides which addresses have sockets and are announced. It is told what the
// machine has; it binds nothing itself.
type addressBook struct {
	fixed    bool // the operator named the addresses: they stay wanted
	loopback bool // loopback addresses are wanted too
	entries  []*addressEntry
}

type addressEntry struct {
	address netip.Addr
	state   addressState
	at      time.Duration // when to bind (addressWaiting), or to close (addressLeaving)
	pause   time.Duration // until the next attempt to bind
}

type addressState uint8

const (
	addressWaiting addressState = iota // to be bound
	addressBound                       // and announced
	addressLeaving                     // bound, no longer announced
)

// addressAction is what has to be done for an address.
type addressAction struct {
	do      addressVerb
	address netip.Addr
}

type addressVerb uint8

const (
	bindAddress     addressVerb = iota // open sockets; bound tells of the result
	announceAddress                    // bound as it is, it came back
	withdrawAddress                    // announce it no longer
	closeAddress                       // close its sockets
)

// newAddressBook wants the named addresses, or, without any, those that the machine has.
// Loopback ones are wanted only where there is no other at the start.
func newAddressBook(named, present []netip.Addr) *addressBook {
	b := &addressBook{fixed: len(named) > 0, loopback: !slices.ContainsFunc(present, isGlobal)}
	for _, a := range named {
		b.add(a)
	}
	return b
}

func isGlobal(a netip.Addr) bool { return !a.IsLoopback() }

func (b *addressBook) add(a netip.Addr) *addressEntry {
	e := &addressEntry{address: a, pause: bindPause}
	b.entries = append(b.entries, e)
	return e
}

// update returns what to do, now that the machine has the addresses of present. changed
// says that there are news, after which attempts don't wait.
func (b *addressBook) update(now time.Duration, present []netip.Addr, changed bool) []addressAction {
	if !b.fixed {
		for _, a := range present {
			if b.entry(a) == nil && (b.loopback || isGlobal(a)) {
				b.add(a).at = now
			}
		}
	}
	var actions []addressAction
	b.entries = slices.DeleteFunc(b.entries, func(e *addressEntry) bool {
		here := b.fixed || slices.Contains(present, e.address)
		switch {
		case e.state == addressWaiting && !here:
			return true
		case e.state == addressWaiting && (changed || now >= e.at):
			actions = append(actions, addressAction{bindAddress, e.address})
		case e.state == addressBound && !here:
			e.state, e.at = addressLeaving, now+leaveAfter
			actions = append(actions, addressAction{withdrawAddress, e.address})
		case e.state == addressLeaving && here:
			e.state = addressBound
			actions = append(actions, addressAction{announceAddress, e.address})
		case e.state == addressLeaving && now >= e.at:
			actions = append(actions, addressAction{closeAddress, e.address})
			return true
		}
		return false
	})
	return actions
}

// bound takes the result of a bindAddress.
func (b *addressBook) bound(now time.Duration, a netip.Addr, ok bool) {
	e := b.entry(a)
	if e == nil {
		return
	}
	if ok {
		e.state, e.pause = addressBound, bindPause
		return
	}
	e.at, e.pause = now+e.pause, min(2*e.pause, bindPauseLimit)
}

// next is when to update again though nothing changes; false if there is nothing to wait for.
func (b *addressBook) next() (at time.Duration, ok bool) {
	for _, e := range b.entries {
		if e.state != addressBound && (!ok || e.at < at) {
			at, ok = e.at, true
		}
	}
	return at, ok
}

// count is how many addresses are in that state.
func (b *addressBook) count(s addressState) (n int) {
	for _, e := range b.entries {
		if e.state == s {
			n++
		}
	}
	return n
}

func (b *addressBook) entry(a netip.Addr) *addressEntry {
	for _, e := range b.entries {
		if e.address == a {
			return e
		}
	}
	return nil
}
