//go:build !linux

package main

import (
	"errors"
	"net/netip"
)

type rawSocket struct{}

func openRaw() (rawSocket, error) { return rawSocket{}, errors.ErrUnsupported }

func (rawSocket) close() {}

func (rawSocket) send(_, _ netip.AddrPort, _ []byte) error { return errors.ErrUnsupported }
