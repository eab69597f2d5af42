package main

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"plenum/cmd/plenum-load/internal/usage"
)

func TestPercentile(t *testing.T) {
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(100 - i) // unsorted
	}
	for _, c := range []struct {
		values []time.Duration
		p      float64
		want   time.Duration
	}{
		{nil, 0.5, 0},
		{[]time.Duration{7}, 0, 7},
		{[]time.Duration{7}, 1, 7},
		{[]time.Duration{2, 1}, 0.5, 1},
		{[]time.Duration{3, 1, 2}, 0.5, 2},
		{hundred, 0.5, 50},
		{hundred, 0.95, 95},
		{hundred, 0.99, 99},
		{hundred, 1, 100},
	} {
		if got := percentile(slices.Clone(c.values), c.p); got != c.want {
			t.Errorf("p%v of %d values: %v, want %v", c.p*100, len(c.values), got, c.want)
		}
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{{nil, 0}, {[]float64{4}, 4}, {[]float64{4, 1}, 2.5}, {[]float64{9, 1, 4}, 4}} {
		if got := median(c.values); got != c.want {
			t.Errorf("median of %v: %v", c.values, got)
		}
	}
}

// The histogram agrees with exact percentiles to 3.2 % or a microsecond.
func TestHistogramIsExactEnough(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 2))
	var h, half histogram
	var values []time.Duration
	for i := range 20_000 {
		d := time.Duration(1000 << chance.UintN(31))
		d += time.Duration(chance.Int64N(int64(d)))
		values = append(values, d)
		if i%2 == 0 {
			h.observe(d)
		} else {
			half.observe(d)
		}
	}
	h.add(&half)
	if h.total != 20_000 {
		t.Fatalf("%d values", h.total)
	}
	for _, p := range []float64{0, 0.1, 0.5, 0.95, 0.99, 0.999} {
		// The histogram's rank is the value after the nearest rank's.
		low, high := percentile(values, p), percentile(values, p+1e-4)
		got := h.percentile(p)
		if float64(got) < float64(low)*0.999 || float64(got) > float64(high)*1.033+1000 {
			t.Errorf("p%v: %v, want %v to %v", p*100, got, low, high)
		}
	}
	if h.max != percentile(values, 1) || h.percentile(1) != h.max {
		t.Errorf("max %v and %v, want %v", h.max, h.percentile(1), percentile(values, 1))
	}
	var empty histogram
	empty.observe(-time.Second)
	if empty.percentile(0.5) != 0 || empty.total != 1 {
		t.Error("a negative time is none")
	}
}

func TestFrameSizes(t *testing.T) {
	for _, c := range []struct{ size, limit, packets, base, short int }{
		{6250, 1094, 6, 1041, 2}, // two of 1041, four of 1042
		{1094, 1094, 1, 1094, 1},
		{1095, 1094, 2, 547, 1},
		{2188, 1094, 2, 1094, 2},
		{1, 1094, 1, 1, 1},
		{0, 1094, 1, 0, 1},
	} {
		packets, base, short := frameSizes(c.size, c.limit)
		if packets != c.packets || base != c.base || short != c.short {
			t.Errorf("%d bytes: %d packets of %d, %d of them short", c.size, packets, base, short)
		}
	}
	for size := 1; size < 20_000; size += 7 {
		packets, base, short := frameSizes(size, 1094)
		sum := short*base + (packets-short)*(base+1)
		largest := base
		if short < packets {
			largest++
		}
		if sum != size || largest > 1094 || (packets > 1 && (packets-1)*1094 >= size) {
			t.Fatalf("%d bytes: %d packets of %d, %d of them short", size, packets, base, short)
		}
	}
}

func TestParseStat(t *testing.T) {
	const stat = "4711 (odd) (name) S 1 4711 4711 0 -1 4194560 2137 0 0 0 250 75 5 6 20 0 9 0 81 1 2 3"
	got, err := parseStat([]byte(stat))
	if want := (usage.CPU{User: 2500 * time.Millisecond, System: 750 * time.Millisecond}); err != nil || got != want {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "1 (x", "1 (x) S 1 2", strings.Replace(stat, "250", "x", 1)} {
		if _, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func TestParsePeak(t *testing.T) {
	got, err := parsePeak([]byte("Name:\tplenum\nVmPeak:\t  999 kB\nVmHWM:\t   20480 kB\nVmRSS:\t 1 kB\n"))
	if err != nil || got != 20<<20 {
		t.Errorf("%d, %v", got, err)
	}
	for _, bad := range []string{"", "VmRSS: 1 kB\n", "VmHWM: 1 MB\n", "VmHWM: x kB\n"} {
		if _, err := parsePeak([]byte(bad)); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func TestParseMachine(t *testing.T) {
	got, err := parseMachine([]byte("cpu  100 10 50 800 20 3 7 10 5 0\ncpu0 1 2 3\n"))
	if want := (machineTime{total: 10 * time.Second, idle: 8200 * time.Millisecond, steal: 100 * time.Millisecond}); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range []string{"", "cpu 1 2 3\n", "cpu0 1 2 3 4 5 6 7 8 9\n", "cpu a 2 3 4 5 6 7 8 9\n"} {
		if _, err := parseMachine([]byte(bad)); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func TestParseMetrics(t *testing.T) {
	m := parseMetrics([]byte("# HELP a b 7\n# TYPE a counter\na{x=\"1 2\"} 3\na{x=\"2\"} 4.5\nb_sum 1e3\nbroken\nc NaNa\n"))
	if m["a"] != 7.5 || m["b_sum"] != 1000 || len(m) != 2 {
		t.Errorf("%v", m)
	}
}

func TestKeyLogAndHello(t *testing.T) {
	random, master, err := parseKeyLog("CLIENT_RANDOM 0102 0aff\n")
	if err != nil || string(random) != "\x01\x02" || string(master) != "\x0a\xff" {
		t.Errorf("%x %x %v", random, master, err)
	}
	for _, bad := range []string{"", "CLIENT_RANDOM 01", "OTHER 01 02", "CLIENT_RANDOM zz 01", "CLIENT_RANDOM 01 zz"} {
		if _, _, err := parseKeyLog(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
	hello := make([]byte, 13+12+2+32+40)
	hello[0], hello[13] = 22, 2
	for i := range 32 {
		hello[27+i] = byte(i)
	}
	got, ok := serverHello(hello)
	if !ok || len(got) != 32 || got[0] != 0 || got[31] != 31 {
		t.Errorf("%x", got)
	}
	for at, value := range map[int]byte{0: 23, 13: 1, 13 + 8: 1} { // application data, ClientHello, a later fragment
		bad := slices.Clone(hello)
		bad[at] = value
		if _, ok := serverHello(bad); ok {
			t.Errorf("with %d at %d it is a ServerHello", value, at)
		}
	}
}

func TestMediaIsTold(t *testing.T) {
	for first, want := range map[[2]byte][2]bool{
		{0x80, 96}: {true, false}, {0x90, 0x80 | 96}: {true, false}, {0x80, 111}: {true, false},
		{0x80, 200}: {false, true}, {0x81, 206}: {false, true},
		{0, 1}: {}, {22, 254}: {}, {0x40, 0}: {},
	} {
		b := make([]byte, 20)
		b[0], b[1] = first[0], first[1]
		if rtp, rtcp := media(b); rtp != want[0] || rtcp != want[1] {
			t.Errorf("%x: %v %v", first, rtp, rtcp)
		}
	}
}

func TestSenderReport(t *testing.T) {
	b := make([]byte, 28)
	b[0], b[1] = 0x80, 200
	binary.BigEndian.PutUint32(b[4:], 77)
	binary.BigEndian.PutUint64(b[8:], 0x1122334455667788)
	if ssrc, middle, ok := senderReport(b); !ok || ssrc != 77 || middle != 0x33445566 {
		t.Errorf("%d %x %v", ssrc, middle, ok)
	}
	if _, _, ok := senderReport(b[:27]); ok {
		t.Error("a short one")
	}
}

func TestScenariosAreRunnable(t *testing.T) {
	for _, s := range scenarios {
		o, err := s.options()
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		t.Log(s.name, o.limitFlags())
	}
	one := scenarios[1]
	o, err := one.options()
	if err != nil {
		t.Fatal(err)
	}
	want := "-size=1084 -destinations=101 -fanout=100 -burst=6 -rate=18000"
	if got := strings.Join(o.limitFlags(), " "); got != want {
		t.Errorf("%s: %s, want %s", one.name, got, want)
	}
	if _, err := choose([]string{"1-30", "none"}); err == nil {
		t.Error("an unknown scenario is accepted")
	}
	if chosen, err := choose([]string{"storm-100", "1-30"}); err != nil || len(chosen) != 2 || chosen[1].name != "1-30" {
		t.Errorf("%v %v", chosen, err)
	}
}
