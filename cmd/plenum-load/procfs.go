package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"plenum/cmd/plenum-load/internal/usage"
)

// userHz is the unit of times in /proc, USER_HZ in proc(5): 100 on every
// architecture that Go runs on.
const userHz = 100

const tick = time.Second / userHz

// parseStat reads user and system time of /proc/PID/stat. The command in it may
// contain spaces and parentheses.
func parseStat(b []byte) (u usage.CPU, err error) {
	end := bytes.LastIndexByte(b, ')')
	if end < 0 {
		return u, fmt.Errorf("stat of a process: no command")
	}
	const utime, stime = 14 - 3, 15 - 3 // numbered from 1 in proc(5); the state, field 3, follows the command
	fields := strings.Fields(string(b[end+1:]))
	if len(fields) <= stime {
		return u, fmt.Errorf("stat of a process: %d fields", len(fields))
	}
	for i, at := range map[int]*time.Duration{utime: &u.User, stime: &u.System} {
		n, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return u, fmt.Errorf("stat of a process: %w", err)
		}
		*at = time.Duration(n) * tick
	}
	return u, nil
}

// processTime is the CPU time of a process so far.
func processTime(pid int) (usage.CPU, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return usage.CPU{}, err
	}
	return parseStat(b)
}

// parsePeak reads the largest resident size in bytes of /proc/PID/status.
func parsePeak(b []byte) (uint64, error) {
	for line := range strings.Lines(string(b)) {
		rest, ok := strings.CutPrefix(line, "VmHWM:")
		if !ok {
			continue
		}
		fields := strings.Fields(rest)
		if len(fields) != 2 || fields[1] != "kB" {
			return 0, fmt.Errorf("status of a process: %q", line)
		}
		n, err := strconv.ParseUint(fields[0], 10, 64)
		return n << 10, err
	}
	return 0, fmt.Errorf("status of a process: no VmHWM")
}

func processPeak(pid int) (uint64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	return parsePeak(b)
}

// machineTime is the time of all CPUs together since the machine started.
type machineTime struct{ total, idle, steal time.Duration }

// parseMachine reads the first line of /proc/stat.
func parseMachine(b []byte) (m machineTime, err error) {
	line, _, _ := strings.Cut(string(b), "\n")
	fields := strings.Fields(line)
	const idle, wait, steal = 4, 5, 8 // guest time, behind steal, is part of user
	if len(fields) <= steal || fields[0] != "cpu" {
		return m, fmt.Errorf("stat of the machine: %q", line)
	}
	for i, field := range fields[1 : steal+1] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return m, fmt.Errorf("stat of the machine: %w", err)
		}
		d := time.Duration(n) * tick
		m.total += d
		switch i + 1 {
		case idle, wait:
			m.idle += d
		case steal:
			m.steal = d
		}
	}
	return m, nil
}

func machineNow() (machineTime, error) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return machineTime{}, err
	}
	return parseMachine(b)
}

// metrics are the values of a Prometheus exposition, summed over labels.
type metrics map[string]float64

// parseMetrics reads the text format.
func parseMetrics(b []byte) metrics {
	m := metrics{}
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		at := strings.LastIndexByte(strings.TrimSpace(line), ' ')
		if at < 0 {
			continue
		}
		name, _, _ := strings.Cut(line[:at], "{")
		value, err := strconv.ParseFloat(strings.TrimSpace(line[at:]), 64)
		if err == nil {
			m[strings.TrimSpace(name)] += value
		}
	}
	return m
}
