// Command wire makes a network slow and measures how slow it is. It belongs to the
// quality measurements (web/e2e/quality).
//
//	wire delay MS QUEUE…          hold every packet of these netfilter queues for MS
//	wire echo ADDRESS             answer UDP datagrams
//	wire ping ADDRESS EVERY       send one so often; a line each: when it was sent (Unix ms), its round trip (ms, -1 for lost)
//	wire serve ADDRESS            send zeros to each TCP connection, as fast as it reads
//	wire download ADDRESS COUNT   read from so many connections
package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, args []string) error {
	switch {
	case len(args) >= 3 && args[0] == "delay":
		return delay(ctx, args[1], args[2:])
	case len(args) == 2 && args[0] == "echo":
		return echo(ctx, args[1])
	case len(args) == 3 && args[0] == "ping":
		return ping(ctx, args[1], args[2])
	case len(args) == 2 && args[0] == "serve":
		return serve(ctx, args[1])
	case len(args) == 3 && args[0] == "download":
		return download(ctx, args[1], args[2])
	}
	return errors.New("usage: wire delay MS QUEUE… | echo ADDRESS | ping ADDRESS EVERY | serve ADDRESS | download ADDRESS COUNT")
}

func delay(ctx context.Context, milliseconds string, queues []string) error {
	n, err := strconv.ParseFloat(milliseconds, 64)
	if err != nil {
		return err
	}
	for _, q := range queues {
		number, err := strconv.ParseUint(q, 10, 16)
		if err != nil {
			return err
		}
		if err := hold(uint16(number), time.Duration(n*float64(time.Millisecond))); err != nil {
			return err
		}
	}
	fmt.Println("ready")
	<-ctx.Done()
	return nil
}

func echo(ctx context.Context, address string) error {
	c, err := net.ListenPacket("udp4", address)
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { _ = c.Close() })
	b := make([]byte, 1500)
	for {
		n, from, err := c.ReadFrom(b)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		_, _ = c.WriteTo(b[:n], from) // a client that is gone counts it as lost
	}
}

// lostAfter is how long a ping's answer may take.
const lostAfter = 3 * time.Second

// pings are the datagrams that have not come back yet.
type pings struct {
	mu   sync.Mutex
	sent map[uint32]time.Time
}

// send notes a datagram and prints those that are lost by now.
func (p *pings) send(id uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent[id] = time.Now()
	for old, at := range p.sent {
		if time.Since(at) > lostAfter {
			delete(p.sent, old)
			fmt.Printf("%d -1\n", at.UnixMilli())
		}
	}
}

func (p *pings) answer(id uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if at, ok := p.sent[id]; ok {
		delete(p.sent, id)
		fmt.Printf("%d %.2f\n", at.UnixMilli(), float64(time.Since(at))/1e6)
	}
}

func ping(ctx context.Context, address, every string) error {
	interval, err := time.ParseDuration(every)
	if err != nil {
		return err
	}
	c, err := net.Dial("udp4", address)
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { _ = c.Close() })
	p := pings{sent: map[uint32]time.Time{}}
	go func() {
		b := make([]byte, 1500)
		for ctx.Err() == nil {
			if n, err := c.Read(b); err == nil && n >= 4 {
				p.answer(binary.BigEndian.Uint32(b))
			}
		}
	}()
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	datagram := make([]byte, 40)
	for id := uint32(0); ; id++ {
		binary.BigEndian.PutUint32(datagram, id)
		p.send(id)
		_, _ = c.Write(datagram) // what doesn't leave is lost
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

func serve(ctx context.Context, address string) error {
	l, err := net.Listen("tcp4", address)
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { _ = l.Close() })
	for {
		c, err := l.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		go func() {
			defer func() { _ = c.Close() }()
			zeros := make([]byte, 64<<10)
			for ctx.Err() == nil {
				if _, err := c.Write(zeros); err != nil {
					return
				}
			}
		}()
	}
}

func download(ctx context.Context, address, count string) error {
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	for range n {
		c, err := net.Dial("tcp4", address)
		if err != nil {
			return err
		}
		context.AfterFunc(ctx, func() { _ = c.Close() })
		wg.Go(func() { _, _ = io.Copy(io.Discard, c) })
	}
	wg.Wait()
	return nil
}
