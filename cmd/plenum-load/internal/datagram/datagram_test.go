package datagram

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"
)

func socket(t *testing.T) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func address(c *net.UDPConn) netip.AddrPort { return c.LocalAddr().(*net.UDPAddr).AddrPort() }

// receive reads n datagrams, with what each Read brought appended.
func receive(t *testing.T, c *net.UDPConn, n int, from netip.AddrPort) [][]byte {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	r, err := NewReader(c, 4, 1500)
	if err != nil {
		t.Fatal(err)
	}
	var got [][]byte
	for len(got) < n {
		k, err := r.Read()
		if err != nil {
			t.Fatal(err)
		}
		for i := range k {
			if r.From(i) != from {
				t.Fatalf("from %v, want %v", r.From(i), from)
			}
			got = append(got, bytes.Clone(r.Bytes(i)))
		}
	}
	return got
}

func TestWholeMessages(t *testing.T) {
	out, in := socket(t), socket(t)
	w, err := NewWriter(out, 8)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if err := w.Send(bytes.Repeat([]byte{byte(i)}, 100+i), address(in)); err != nil {
			t.Fatal(err)
		}
	}
	for i := 3; i < 7; i++ {
		w.Put(bytes.Repeat([]byte{byte(i)}, 100+i), address(in), 0)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if w.Len() != 0 {
		t.Errorf("%d wait after Flush", w.Len())
	}
	for i, b := range receive(t, in, 7, address(out)) {
		if !bytes.Equal(b, bytes.Repeat([]byte{byte(i)}, 100+i)) {
			t.Errorf("datagram %d: %d bytes of %d", i, len(b), b[0])
		}
	}
}

func TestSegments(t *testing.T) {
	out, in := socket(t), socket(t)
	w, err := NewWriter(out, 8)
	if err != nil {
		t.Fatal(err)
	}
	message := bytes.Repeat([]byte("0123456789"), 25) // 100, 100 and 50
	w.Put(message, address(in), 100)
	err = w.Flush()
	for _, no := range []error{errors.ErrUnsupported, syscall.EINVAL, syscall.EIO, syscall.ENOPROTOOPT} {
		if errors.Is(err, no) {
			t.Skip("no segmentation here:", err)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	got := receive(t, in, 3, address(out))
	if len(got[0]) != 100 || len(got[1]) != 100 || len(got[2]) != 50 || !bytes.Equal(bytes.Join(got, nil), message) {
		t.Errorf("%d datagrams, the first of %d bytes", len(got), len(got[0]))
	}
}

func TestReadOfClosed(t *testing.T) {
	c := socket(t)
	r, err := NewReader(c, 4, 1500)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() {
		_, err := r.Read()
		ended <- err
	}()
	_ = c.Close()
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}
