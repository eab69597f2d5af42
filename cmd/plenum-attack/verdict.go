package main

import (
	"fmt"
	"time"
)

// Bounds of what people who have nothing to do with an attack may notice of it.
const (
	maxGap    = 200 * time.Millisecond // of sound
	maxFreeze = time.Second            // of a picture
	maxJoin   = time.Second
	// A camera that makes a keyframe for each wish has no bits left for anything else.
	maxKeyframes = 2 // a second, of one camera
	// What the server uses afterwards may be a tenth more than before, and what comes
	// and goes by itself: garbage, people who just join, pages that Go gives back in
	// its own time.
	memoryShare     = 0.1
	heapFloor       = 4 << 20  // bytes
	residentFloor   = 24 << 20 // bytes
	goroutinesFloor = 40       // two people who join right now
)

// memory is what the server's process uses at one moment.
type memory struct {
	heap       uint64 // bytes in use after the latest garbage collection; 0: unknown
	resident   uint64 // bytes of RSS; 0: unknown
	goroutines int
}

// grownFrom lists what is larger than it was before, beyond the bounds.
func (m memory) grownFrom(before memory) (what []string) {
	for _, of := range []struct {
		name       string
		from, to   uint64
		floor      uint64
		unit       string
		bytesInOne uint64
	}{
		{"heap", before.heap, m.heap, heapFloor, " MiB", 1 << 20},
		{"RSS", before.resident, m.resident, residentFloor, " MiB", 1 << 20},
		{"goroutines", uint64(before.goroutines), uint64(m.goroutines), goroutinesFloor, "", 1},
	} {
		if of.from != 0 && of.to > of.from+uint64(float64(of.from)*memoryShare)+of.floor {
			what = append(what, fmt.Sprintf("%s %d → %d%s", of.name, of.from/of.bytesInOne, of.to/of.bytesInOne, of.unit))
		}
	}
	return what
}

// phase is what honest people noticed in one stretch of time.
type phase struct {
	gap, freeze time.Duration // longest, of sound and of pictures
	join        time.Duration // longest of those that succeeded, or are still under way
	joins       int
	refused     []string      // joins that failed
	keyframes   float64       // a second of a camera that the attacker watches
	nearby      time.Duration // longest gap of sound in the attacker's room
	ended       []string      // calls that ended
	complaints  []string      // errors that people were told, calls that were interrupted
	own         time.Duration // how late this process was itself at worst
}

// harms lists what people had to suffer.
func (p *phase) harms() (what []string) {
	if p.gap > maxGap {
		what = append(what, "silence of "+milliseconds(p.gap))
	}
	if p.freeze > maxFreeze {
		what = append(what, "picture stood for "+milliseconds(p.freeze))
	}
	if p.join > maxJoin {
		what = append(what, "a join took "+milliseconds(p.join))
	}
	if p.keyframes > maxKeyframes {
		what = append(what, fmt.Sprintf("%.1f keyframes a second", p.keyframes))
	}
	if n := len(p.refused); n > 0 {
		what = append(what, fmt.Sprintf("%d of %d joins failed: %s", n, p.joins, p.refused[0]))
	}
	if n := len(p.ended); n > 0 {
		what = append(what, fmt.Sprintf("%d calls ended: %s", n, p.ended[0]))
	}
	return what
}

// outcome is all about one attack, once.
type outcome struct {
	attack   string
	baseline phase
	attacked phase

	before, peak, after memory
	recovery            time.Duration // until memory was back, or was given up

	crashed string // the server's last words, if it ended
	failed  string // a check after the attack that failed
	invalid string // why the attack could not be carried out
	skipped string
	did     string // what the attackers did, in their words
}

// verdict is one word for the table.
type verdict string

const (
	unharmed verdict = "ok"
	harmed   verdict = "HARM"
	noisy    verdict = "noisy" // what was found is found without an attack as well
	broken   verdict = "ERROR" // the attack could not be carried out
	passedBy verdict = "skipped"
)

// judge says whether an attack did harm, and lists what is wrong.
func (o *outcome) judge() (verdict, []string) {
	switch {
	case o.skipped != "":
		return passedBy, []string{o.skipped}
	case o.crashed != "":
		return harmed, []string{"the server ended: " + o.crashed}
	}
	harms := append(o.attacked.harms(), o.after.grownFrom(o.before)...)
	if o.failed != "" {
		harms = append(harms, o.failed)
	}
	switch {
	case o.invalid != "":
		return broken, append(harms, o.invalid)
	case len(harms) == 0:
		return unharmed, nil
	case len(o.baseline.harms()) > 0:
		return noisy, append(harms, "but in peace as well: "+o.baseline.harms()[0])
	}
	return harmed, harms
}

func milliseconds(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }
