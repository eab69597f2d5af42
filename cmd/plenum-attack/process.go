package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// launcher carries out an attack and returns when it is over.
type launcher func(ctx context.Context, a attack, t target, d time.Duration) (deeds, error)

// separately runs the attackers as a process of their own.
func separately(ctx context.Context, a attack, t target, d time.Duration) (deeds, error) {
	self, err := os.Executable()
	if err != nil {
		return deeds{}, err
	}
	args := []string{self, "strike", a.name, "--url", t.URL, "--token", t.Token, "--room", t.Room, "--duration", d.String()}
	if t.Media.IsValid() {
		args = append(args, "--media", t.Media.String())
	}
	if t.Victim.IsValid() {
		args = append(args, "--victim", t.Victim.String())
	}
	ctx, cancel := context.WithTimeout(ctx, d+20*time.Second)
	defer cancel()
	command := exec.CommandContext(ctx, args[0], args[1:]...)
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = 5 * time.Second
	niceness := ranks().attackers
	if a.pressing {
		niceness = ranks().measured
	}
	rank(command, niceness)
	var out, complaints bytes.Buffer
	command.Stdout, command.Stderr = &out, &complaints
	if err := command.Start(); err != nil {
		return deeds{}, err
	}
	rankGroup(command.Process.Pid, niceness)
	if err := command.Wait(); err != nil {
		lines := strings.Split(strings.TrimSpace(complaints.String()), "\n")
		return deeds{}, fmt.Errorf("attackers: %w: %s", err, strings.Join(lines[:min(len(lines), keptLog)], "\n"))
	}
	var done deeds
	if err := json.Unmarshal(out.Bytes(), &done); err != nil {
		return deeds{}, errors.Join(errors.New("attackers said nothing"), err)
	}
	return done, nil
}
