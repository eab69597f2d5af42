//go:build !linux

package transport

// watchAddresses delivers a value whenever the addresses of this machine have changed,
// until stop.
func watchAddresses() (changes <-chan struct{}, stop func()) { return pollAddresses() }
