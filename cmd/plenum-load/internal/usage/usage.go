// Package usage tells what CPU time this process has used.
package usage

import "time"

// CPU is time on CPUs, of all threads.
type CPU struct{ User, System time.Duration }

// Total is both together.
func (c CPU) Total() time.Duration { return c.User + c.System }

// Sub is what was used since d.
func (c CPU) Sub(d CPU) CPU { return CPU{c.User - d.User, c.System - d.System} }
