package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// parseUse reads from the text of /metrics how many bytes of heap were in use after
// the latest garbage collection, and how many goroutines there are. The heap's current
// size would tell more of when the collector ran last than of what is kept; the size at
// which it runs next is a fixed share (GOGC) above what was.
func parseUse(metrics []byte) (heap uint64, goroutines int) {
	values := map[string]float64{"go_gc_gogc_percent": 100}
	for line := range strings.Lines(string(metrics)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if v, err := strconv.ParseFloat(value, 64); err == nil {
			values[name] = v
		}
	}
	return uint64(values["go_memstats_next_gc_bytes"] / (1 + values["go_gc_gogc_percent"]/100)), int(values["go_goroutines"])
}

// residentOf is the resident size in bytes of a process, where there is a /proc.
func residentOf(pid int) (uint64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	return parseResident(string(b))
}

// parseResident reads VmRSS of /proc/PID/status (proc(5)).
func parseResident(status string) (uint64, error) {
	for line := range strings.Lines(status) {
		rest, ok := strings.CutPrefix(line, "VmRSS:")
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
		return n << 10, err
	}
	return 0, fmt.Errorf("status of a process: no VmRSS")
}
