package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// attack is one way to harm a call.
type attack struct {
	name  string
	about string
	variant

	nearby   bool          // bystanders are in the attacker's room
	noJoins  bool          // nobody new comes: there is no seat for them
	forgive  time.Duration // joins that begin before it are not counted, and it lasts longer
	stall    bool          // nobody reads the server's log meanwhile
	pressing bool          // the attackers have the priority of the server

	// strike attacks until ctx is done, or returns earlier. It is run by the attackers'
	// process.
	strike func(ctx context.Context, s *striker) error
	// check looks for harm afterwards; it is run by the process of the honest.
	check func(ctx context.Context, t *trial) error
}

// attacks lists all of them, by family.
func attacks() []attack {
	return slices.Concat(strangersMedia, strangersPort, strangersWeb, strangersSockets,
		participantsSignaling, participantsRoom, participantsReports, participantsMedia, badLuck)
}

// choose finds attacks by name; no names are all.
func choose(names []string) ([]attack, error) {
	all := attacks()
	if len(names) == 0 {
		return all, nil
	}
	var chosen []attack
	for _, name := range names {
		i := slices.IndexFunc(all, func(a attack) bool { return a.name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no attack %q; --list lists them", name)
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

// errSkipped is why an attack can't be carried out on this machine.
var errSkipped = errors.New("skipped")

// striker is what attackers know and count.
type striker struct {
	target
	duration time.Duration

	mu     sync.Mutex // guards counts
	counts map[string]int
}

// count adds n of what happened.
func (s *striker) count(what string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.counts == nil {
		s.counts = make(map[string]int)
	}
	s.counts[what] += n
}

// report is what the attackers did, for the table.
func (s *striker) report() deeds {
	s.mu.Lock()
	defer s.mu.Unlock()
	return deeds{Counts: maps.Clone(s.counts)}
}

// deeds are how an attack went, as the attackers' process prints it.
type deeds struct {
	Counts  map[string]int `json:"counts"`
	Skipped string         `json:"skipped,omitempty"`
}

func (d deeds) String() string {
	var words []string
	for _, what := range slices.Sorted(maps.Keys(d.Counts)) {
		words = append(words, fmt.Sprintf("%d %s", d.Counts[what], what))
	}
	return strings.Join(words, ", ")
}

// strikeCommand is the attackers' process.
type strikeCommand struct {
	Name string `arg:"" help:"The attack."`
	target
	Duration time.Duration `default:"8s" help:"How long."`
}

// Run attacks and prints what was done.
func (c *strikeCommand) Run(ctx context.Context, out streams) error {
	chosen, err := choose([]string{c.Name})
	if err != nil {
		return err
	}
	done, err := carryOut(ctx, chosen[0], c.target, c.Duration)
	if err != nil {
		return err
	}
	return json.NewEncoder(out.out).Encode(done)
}

// carryOut attacks for a time, in this process.
func carryOut(ctx context.Context, a attack, t target, d time.Duration) (deeds, error) {
	if err := t.validate(); err != nil {
		return deeds{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	s := &striker{target: t, duration: d}
	err := a.strike(ctx, s)
	done := s.report()
	if errors.Is(err, errSkipped) {
		done.Skipped, err = err.Error(), nil
	}
	if ctx.Err() != nil {
		err = nil // what fails at the end fails because of it
	}
	return done, err
}

// every calls f rate times a second until ctx is done or f fails; what is missed is
// made up for. f gets the number of the call.
func every(ctx context.Context, rate float64, f func(i int) error) error {
	tick := time.NewTicker(max(5*time.Millisecond, time.Duration(float64(time.Second)/rate)))
	defer tick.Stop()
	began := time.Now()
	for done := 0; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		for due := int(time.Since(began).Seconds() * rate); done < due && ctx.Err() == nil; done++ {
			if err := f(done); err != nil {
				return err
			}
		}
	}
}

// together runs n attackers until all are done, and returns the first error.
func together(n int, f func(i int) error) error {
	var all sync.WaitGroup
	errs := make([]error, n)
	for i := range n {
		all.Go(func() { errs[i] = f(i) })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
