package main

import "testing"

func TestParseUse(t *testing.T) {
	heap, goroutines := parseUse([]byte("# HELP x\ngo_gc_gogc_percent 25\ngo_goroutines 123\ngo_memstats_next_gc_bytes 1.25e+07\nplenum_x{a=\"b c\"} 3\n"))
	if heap != 10_000_000 || goroutines != 123 {
		t.Errorf("%d bytes, %d goroutines", heap, goroutines)
	}
	if heap, goroutines := parseUse(nil); heap != 0 || goroutines != 0 {
		t.Errorf("of nothing: %d bytes, %d goroutines", heap, goroutines)
	}
}

func TestParseResident(t *testing.T) {
	if n, err := parseResident("VmPeak:\t  999 kB\nVmRSS:\t   12 kB\n"); n != 12<<10 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	for _, bad := range []string{"", "VmRSS:\tx kB\n"} {
		if _, err := parseResident(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}
