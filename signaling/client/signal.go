package client

import (
	"context"
	"io"
	"sync"
)

// Signal carries messages between a client and its server, in order. Send may be
// called from several goroutines, Receive from one. Close ends both ends.
type Signal interface {
	Send(Message) error
	// Receive returns the next message, or an error once the connection is
	// gone or ctx is done; after an error the Signal is of no more use.
	Receive(ctx context.Context) (Message, error)
	Close() error
}

// cutter is a Signal that can drop its connection without a goodbye.
type cutter interface{ cut() error }

// pipeDepth is how many messages wait in each direction before Send blocks.
const pipeDepth = 256

type pipeEnd struct {
	in, out chan Message
	gone    chan struct{}
	once    *sync.Once
}

// Pipe returns the two ends of an in-memory Signal. It works inside
// testing/synctest if made there.
func Pipe() (client, server Signal) {
	a, b := make(chan Message, pipeDepth), make(chan Message, pipeDepth)
	gone, once := make(chan struct{}), new(sync.Once)
	return &pipeEnd{a, b, gone, once}, &pipeEnd{b, a, gone, once}
}

func (p *pipeEnd) Send(m Message) error {
	select {
	case <-p.gone:
		return io.ErrClosedPipe
	default:
	}
	select {
	case p.out <- m:
		return nil
	case <-p.gone:
		return io.ErrClosedPipe
	}
}

// Receive hands out what was sent before Close, then io.EOF.
func (p *pipeEnd) Receive(ctx context.Context) (Message, error) {
	select {
	case m := <-p.in:
		return m, nil
	default:
	}
	select {
	case m := <-p.in:
		return m, nil
	case <-p.gone:
	case <-ctx.Done():
		return Message{}, context.Cause(ctx)
	}
	select {
	case m := <-p.in:
		return m, nil
	default:
		return Message{}, io.EOF
	}
}

func (p *pipeEnd) Close() error {
	p.once.Do(func() { close(p.gone) })
	return nil
}
