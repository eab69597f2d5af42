package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// namespace makes a network namespace with one card that has an address, 10.99.7.2, and one
// without a cable, whose fd00:98::1 can't be bound (RFC 4862: it stays tentative).
func namespace(t *testing.T) (name string, ip func(line string)) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("network namespaces need root")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("there is no ip")
	}
	name = fmt.Sprintf("plenum-test-%d", os.Getpid())
	if out, err := exec.Command("ip", "netns", "add", name).CombinedOutput(); err != nil {
		t.Skipf("no network namespace: %v: %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", name).Run() })
	ip = func(line string) {
		t.Helper()
		if out, err := exec.Command("ip", append([]string{"-n", name}, strings.Fields(line)...)...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v: %s", line, err, out)
		}
	}
	for _, line := range []string{
		"link set lo up",
		"link add a0 type veth peer name a1", "link set a0 up", "link set a1 up", "addr add 10.99.7.2/24 dev a0",
		"link add b0 type veth peer name b1", "link set b0 up", "addr add fd00:98::1/64 dev b0",
	} {
		ip(line)
	}
	return name, ip
}

// TestAddressesChange: the server starts without the address that can't be bound yet, and
// follows what happens later.
func TestAddressesChange(t *testing.T) {
	name, ip := namespace(t)
	p := exec.CommandContext(t.Context(), "ip", "netns", "exec", name, os.Args[0], "--listen", ":0", "--media-port", "0")
	p.Env = append(os.Environ(), asPlenum+"=1")
	log, err := p.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(2*startTimeout, func() { _ = p.Process.Kill() })
	defer late.Stop()
	scan := bufio.NewScanner(log)
	await := func(text string) {
		t.Helper()
		for scan.Scan() {
			t.Log(scan.Text())
			if strings.Contains(scan.Text(), text) {
				return
			}
		}
		t.Fatalf("the log ends without %s", text)
	}
	await("address=fd00:98::1")
	await("announced=[10.99.7.2]")
	await("msg=serving")
	ip("link set b1 up") // the cable is plugged in
	await(`announced="[10.99.7.2 fd00:98::1]"`)
	ip("addr add 10.88.0.9/24 dev a0")
	await(`announced="[10.88.0.9 10.99.7.2 fd00:98::1]"`)
	ip("addr del 10.99.7.2/24 dev a0")
	await(`announced="[10.88.0.9 fd00:98::1]"`)
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	await("msg=drained")
	for scan.Scan() {
		t.Log(scan.Text())
	}
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
}
