package main

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"plenum/cmd/plenum-load/internal/datagram"
	"plenum/cmd/plenum-load/internal/usage"
)

type options struct {
	size, sockets, fanout, burst int
	rate                         float64
	duration                     time.Duration
	modes                        []string
}

// result is one way of sending.
type result struct {
	Mode      string  `json:"mode"`
	Paced     bool    `json:"paced"`
	Packets   int     `json:"packets"`
	Seconds   float64 `json:"seconds"`
	PerPacket float64 `json:"us_per_packet"` // CPU time
}

const (
	rtpHeader = 12
	tag       = 16
	batch     = 64 // messages of one sendmmsg
	segments  = 6  // datagrams of one message
)

func (o *options) validate() error {
	if o.size < rtpHeader+tag+1 || o.size > 1472 {
		return errors.New("size out of range")
	}
	if o.sockets < 1 || o.fanout < 1 || o.burst < 1 || o.rate < 0 || o.duration <= 0 {
		return errors.New("counts must be positive")
	}
	return nil
}

// sink is a destination and its key.
type sink struct {
	to      netip.AddrPort
	seal    cipher.AEAD
	counter uint64
}

func newSink(to netip.AddrPort) (*sink, error) {
	key := make([]byte, 16)
	binary.BigEndian.PutUint16(key, to.Port())
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	seal, err := cipher.NewGCM(block)
	return &sink{to: to, seal: seal}, err
}

// encrypt makes the next packet for the sink in slot.
func (s *sink) encrypt(slot, plain []byte) []byte {
	var nonce [12]byte
	s.counter++
	binary.BigEndian.PutUint64(nonce[4:], s.counter)
	header := append(slot[:0], plain[:rtpHeader]...)
	binary.BigEndian.PutUint16(header[2:], uint16(s.counter)) //nolint:gosec // a sequence number
	return s.seal.Seal(header, nonce[:], plain[rtpHeader:], header)
}

// sender is one socket and the bursts that go out by it.
type sender struct {
	o      *options
	sinks  []*sink
	turn   int // of the sinks
	plain  []byte
	arena  []byte
	writer *datagram.Writer
}

// measure sends for the duration in one way.
func (o *options) measure(mode string, sinks []*sink) (result, error) {
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return result{}, err
	}
	defer func() { _ = socket.Close() }()
	_ = socket.SetWriteBuffer(4 << 20)
	writer, err := datagram.NewWriter(socket, batch)
	if err != nil {
		return result{}, err
	}
	s := &sender{
		o: o, sinks: sinks, writer: writer,
		plain: make([]byte, o.size-tag), arena: make([]byte, batch*segments*o.size),
	}
	s.plain[0] = 0x80
	send := map[string]func() error{"sendto": s.single, "sendmmsg": s.batched, "gso": s.segmented}[mode]
	if send == nil {
		return result{}, fmt.Errorf("unknown way of sending")
	}
	if err := send(); err != nil { // also warms up
		return result{}, err
	}
	began, used := time.Now(), usage.Self()
	n, err := o.pace(send)
	if err != nil {
		return result{}, err
	}
	r := result{Mode: mode, Paced: o.rate > 0, Packets: n, Seconds: time.Since(began).Seconds()}
	r.PerPacket = usage.Self().Sub(used).Total().Seconds() * 1e6 / float64(max(n, 1))
	return r, nil
}

// pace calls send, each time one burst for one publisher's viewers, at the rate.
func (o *options) pace(send func() error) (packets int, err error) {
	each := o.fanout * o.burst
	begin := time.Now()
	for n := 0; ; n++ {
		if o.rate > 0 {
			due := time.Duration(float64(n*each) / o.rate * float64(time.Second))
			time.Sleep(due - time.Since(begin))
		}
		if time.Since(begin) >= o.duration {
			return n * each, nil
		}
		if err := send(); err != nil {
			return 0, err
		}
	}
}

func (s *sender) nextSink() *sink {
	s.turn = (s.turn + 1) % len(s.sinks)
	return s.sinks[s.turn]
}

// slot is the i-th packet's place.
func (s *sender) slot(i int) []byte { return s.arena[i*s.o.size : i*s.o.size : (i+1)*s.o.size] }

// single sends a burst with a system call for each packet.
func (s *sender) single() error {
	for range s.o.fanout {
		to := s.nextSink()
		for range s.o.burst {
			if err := s.writer.Send(to.encrypt(s.slot(0), s.plain), to.to); err != nil {
				return err
			}
		}
	}
	return nil
}

// batched sends a burst with a system call for 64 packets.
func (s *sender) batched() error {
	n := 0
	for range s.o.fanout {
		to := s.nextSink()
		for range s.o.burst {
			s.writer.Put(to.encrypt(s.slot(n), s.plain), to.to, 0)
			if n++; n == batch {
				n = 0
				if err := s.writer.Flush(); err != nil {
					return err
				}
			}
		}
	}
	return s.writer.Flush()
}

// segmented sends as many packets, six for one destination in each message.
func (s *sender) segmented() error {
	n := 0
	for left := s.o.fanout * s.o.burst; left > 0; left -= segments {
		to := s.nextSink()
		first := n * segments
		count := min(left, segments)
		for i := range count {
			to.encrypt(s.slot(first+i), s.plain)
		}
		s.writer.Put(s.arena[first*s.o.size:(first+count)*s.o.size], to.to, s.o.size)
		if n++; n == batch {
			n = 0
			if err := s.writer.Flush(); err != nil {
				return err
			}
		}
	}
	return s.writer.Flush()
}
