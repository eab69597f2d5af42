package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"plenum/cmd/plenum-load/internal/datagram"
)

// receive reads n sockets until the input ends, having written their ports in one
// line.
func receive(n int, in io.Reader, out io.Writer) error {
	ports := make([]string, 0, n)
	for range n {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			return err
		}
		_ = c.SetReadBuffer(1 << 20)
		r, err := datagram.NewReader(c, 32, 1500)
		if err != nil {
			return err
		}
		ports = append(ports, strconv.Itoa(c.LocalAddr().(*net.UDPAddr).Port))
		go func() {
			for {
				if _, err := r.Read(); err != nil {
					return
				}
			}
		}()
	}
	if _, err := fmt.Fprintln(out, strings.Join(ports, " ")); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, in)
	return err
}

// startReceiver runs receive in a process of its own, whose time is not counted;
// it ends with this one.
func startReceiver(n int) (sinks []*sink, stop func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	c := exec.Command(self, "-drain", strconv.Itoa(n))
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := c.Start(); err != nil {
		return nil, nil, err
	}
	stop = func() {
		_ = in.Close()
		_ = c.Wait() // it has nothing to say
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		stop()
		return nil, nil, fmt.Errorf("the receiver: %w", err)
	}
	for _, field := range strings.Fields(line) {
		port, err := strconv.ParseUint(field, 10, 16)
		if err != nil {
			stop()
			return nil, nil, fmt.Errorf("the receiver: %w", err)
		}
		s, err := newSink(netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(port)))
		if err != nil {
			stop()
			return nil, nil, err
		}
		sinks = append(sinks, s)
	}
	return sinks, stop, nil
}
