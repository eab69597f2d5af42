package main

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// Linux shares its processors first between sessions (autogroups, sched(7)), and only
// within one of them does the priority of a process count. So each process gets a session
// of its own, and the session the priority.

func autogroup(pid string) string { return "/proc/" + pid + "/autogroup" }

// mayLift reports whether priorities above the usual can be had.
func mayLift() bool { return os.Geteuid() == 0 }

func detach(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

// rankGroup gives the session of a started process a priority.
func rankGroup(pid, niceness int) {
	_ = os.WriteFile(autogroup(strconv.Itoa(pid)), []byte(strconv.Itoa(niceness)), 0) // there may be none
}

// rankSelf gives this process's session a priority until undo is called.
func rankSelf(niceness int) (undo func()) {
	before, err := os.ReadFile(autogroup("self"))
	if err != nil || niceness == 0 {
		return func() {}
	}
	_, was, _ := strings.Cut(strings.TrimSpace(string(before)), " nice ")
	_ = os.WriteFile(autogroup("self"), fmt.Append(nil, niceness), 0) // it may be forbidden after all
	return func() { _ = os.WriteFile(autogroup("self"), []byte(was), 0) }
}
