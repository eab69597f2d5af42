package transport

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

func addrs(text string) (list []netip.Addr) {
	for _, field := range strings.Fields(text) {
		list = append(list, netip.MustParseAddr(field))
	}
	return list
}

func TestAddressBook(t *testing.T) {
	type step struct {
		at      time.Duration
		present string
		changed bool
		fails   string // addresses that can't be bound
		want    string
	}
	for name, c := range map[string]struct {
		named, start string
		steps        []step
	}{
		"an address that can't be bound yet": {start: "192.0.2.1 2001:db8::1", steps: []step{
			{0, "192.0.2.1 2001:db8::1", false, "2001:db8::1", "bind 192.0.2.1, bind 2001:db8::1"},
			{bindPause / 2, "192.0.2.1 2001:db8::1", false, "", ""},
			{bindPause, "192.0.2.1 2001:db8::1", false, "2001:db8::1", "bind 2001:db8::1"},
			{2 * bindPause, "192.0.2.1 2001:db8::1", false, "", ""},
			{2 * bindPause, "192.0.2.1 2001:db8::1", true, "", "bind 2001:db8::1"},
			{time.Hour, "192.0.2.1 2001:db8::1", true, "", ""},
		}},
		"another address": {start: "192.0.2.1", steps: []step{
			{0, "192.0.2.1", false, "", "bind 192.0.2.1"},
			{time.Second, "192.0.2.2", true, "", "withdraw 192.0.2.1, bind 192.0.2.2"},
			{time.Second + leaveAfter - 1, "192.0.2.2", false, "", ""},
			{time.Second + leaveAfter, "192.0.2.2", false, "", "close 192.0.2.1"},
			{time.Hour, "192.0.2.1 192.0.2.2", true, "", "bind 192.0.2.1"},
		}},
		"a cable pulled for a moment": {start: "192.0.2.1", steps: []step{
			{0, "192.0.2.1", false, "", "bind 192.0.2.1"},
			{time.Second, "127.0.0.1", true, "", "withdraw 192.0.2.1"},
			{2 * time.Second, "127.0.0.1 192.0.2.1", true, "", "announce 192.0.2.1"},
			{time.Hour, "127.0.0.1 192.0.2.1", false, "", ""},
		}},
		"no network at the start": {start: "127.0.0.1", steps: []step{
			{0, "127.0.0.1", false, "", "bind 127.0.0.1"},
			{time.Second, "127.0.0.1 192.0.2.1", true, "", "bind 192.0.2.1"},
		}},
		"named by the operator": {named: "192.0.2.1 192.0.2.9", start: "192.0.2.1 192.0.2.2", steps: []step{
			{0, "192.0.2.1 192.0.2.2", false, "192.0.2.9", "bind 192.0.2.1, bind 192.0.2.9"},
			{bindPause, "192.0.2.2", false, "", "bind 192.0.2.9"},
			{time.Hour, "192.0.2.2", true, "", ""},
		}},
		"gone before it could be bound": {start: "192.0.2.1 192.0.2.2", steps: []step{
			{0, "192.0.2.1 192.0.2.2", false, "192.0.2.2", "bind 192.0.2.1, bind 192.0.2.2"},
			{time.Minute, "192.0.2.1", true, "", ""},
		}},
	} {
		b := newAddressBook(addrs(c.named), addrs(c.start))
		for i, s := range c.steps {
			var did []string
			for _, a := range b.update(s.at, addrs(s.present), s.changed) {
				verb := [...]string{"bind", "announce", "withdraw", "close"}[a.do]
				did = append(did, fmt.Sprint(verb, " ", a.address))
				if a.do == bindAddress {
					b.bound(s.at, a.address, !slices.Contains(addrs(s.fails), a.address))
				}
			}
			if got := strings.Join(did, ", "); got != s.want {
				t.Errorf("%s, step %d: %q, want %q", name, i, got, s.want)
			}
		}
		if at, ok := b.next(); ok {
			t.Errorf("%s: something is to be done at %v", name, at)
		}
	}
}

func TestAttemptsBecomeRare(t *testing.T) {
	b := newAddressBook(nil, addrs("192.0.2.1"))
	attempts := 0
	for now := time.Duration(0); now < 10*time.Minute; {
		for range b.update(now, addrs("192.0.2.1"), false) {
			attempts++
			b.bound(now, netip.MustParseAddr("192.0.2.1"), false)
		}
		now, _ = b.next()
	}
	if attempts < 20 || attempts > 25 { // 1, 2, 4, 8, 16, then 30 seconds
		t.Errorf("%d attempts in ten minutes", attempts)
	}
}
