package transport

import (
	"slices"
	"time"
)

// pollInterval is how often the machine's addresses are looked at where the system
// doesn't tell of changes.
const pollInterval = time.Second

// pollAddresses is watchAddresses by looking again and again.
func pollAddresses() (changes <-chan struct{}, stop func()) {
	told, done, ended := make(chan struct{}, 1), make(chan struct{}), make(chan struct{})
	before, _ := interfaceAddresses()
	go func() {
		defer close(ended)
		ticker := time.NewTicker(pollInterval)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
			}
			if now, err := interfaceAddresses(); err == nil && !slices.Equal(now, before) {
				before = now
				tell(told)
			}
		}
	}()
	return told, func() {
		close(done)
		<-ended
	}
}

// tell leaves a value in a channel of capacity 1 if there is none.
func tell(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
