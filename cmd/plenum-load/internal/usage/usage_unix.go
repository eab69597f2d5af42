//go:build unix

package usage

import (
	"syscall"
	"time"
)

// Self is what this process has used so far.
func Self() CPU {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return CPU{}
	}
	return CPU{time.Duration(u.Utime.Nano()), time.Duration(u.Stime.Nano())}
}
