package main

import (
	"os/exec"
	"strconv"
)

// Priorities (nice(1)) at which a trial's processes run. What is measured comes before
// everything else that this machine does, if that is allowed, and before the attackers,
// who in real life have processors of their own.
type priorities struct{ measured, attackers int }

// ranks finds the priorities that this process may give.
func ranks() priorities {
	if mayLift() {
		return priorities{measured: -10, attackers: 0}
	}
	return priorities{measured: 0, attackers: 10}
}

// rank makes a command run at a priority; what it becomes is no longer the child of our
// terminal. Once it is started, rankGroup must be called.
func rank(c *exec.Cmd, niceness int) {
	if nice, err := exec.LookPath("nice"); err == nil && niceness != 0 {
		c.Args = append([]string{nice, "-n", strconv.Itoa(niceness)}, c.Args...)
		c.Path = nice
	}
	detach(c)
}
