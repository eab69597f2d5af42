package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"plenum/signaling/protocol"
)

const (
	subprotocol = protocol.Subprotocol
	// writeWait bounds one write to a server that does not read.
	writeWait = 5 * time.Second
	// silenceWait is how long the server, which pings several times within it,
	// may be silent before its connection counts as dead.
	silenceWait = 45 * time.Second
	// maxMessage bounds one message of the server; an SDP with hundreds of
	// m-lines stays below.
	maxMessage = 8 << 20
)

type socket struct {
	conn  *websocket.Conn
	write sync.Mutex
}

// dialSocket opens the WebSocket. Secrets travel as subprotocol entries, to stay
// out of access logs.
func dialSocket(ctx context.Context, o *Options, session string) (Signal, error) {
	u, err := url.Parse(o.URL)
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	q := u.Query()
	q.Set("room", o.Room)
	if o.Name != "" {
		q.Set("name", o.Name)
	}
	u.RawQuery = q.Encode()

	dialer := *websocket.DefaultDialer
	if o.Dialer != nil {
		dialer = *o.Dialer
	}
	dialer.Subprotocols = []string{subprotocol}
	if o.Token != "" {
		dialer.Subprotocols = append(dialer.Subprotocols, protocol.TokenPrefix+o.Token)
	}
	if session != "" {
		dialer.Subprotocols = append(dialer.Subprotocols, protocol.SessionPrefix+session)
	}
	conn, response, err := dialer.DialContext(ctx, u.String(), nil)
	if err != nil {
		if response != nil {
			body, _ := io.ReadAll(io.LimitReader(response.Body, 512))
			return nil, fmt.Errorf("dial: %w: %s: %s", err, response.Status, body)
		}
		return nil, fmt.Errorf("dial: %w", err)
	}
	return newSocket(conn), nil
}

func newSocket(conn *websocket.Conn) *socket {
	conn.SetReadLimit(maxMessage)
	pong := conn.PingHandler()
	conn.SetPingHandler(func(data string) error {
		_ = conn.SetReadDeadline(time.Now().Add(silenceWait))
		return pong(data)
	})
	return &socket{conn: conn}
}

func (s *socket) Send(m Message) error {
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	s.write.Lock()
	defer s.write.Unlock()
	if err := s.conn.SetWriteDeadline(time.Now().Add(writeWait)); err != nil {
		return err
	}
	return s.conn.WriteMessage(websocket.TextMessage, b)
}

func (s *socket) Receive(ctx context.Context) (Message, error) {
	if err := s.conn.SetReadDeadline(time.Now().Add(silenceWait)); err != nil {
		return Message{}, err
	}
	stop := context.AfterFunc(ctx, func() { _ = s.conn.NetConn().Close() })
	defer stop()
	_, b, err := s.conn.ReadMessage()
	if err != nil {
		if ctx.Err() != nil {
			return Message{}, context.Cause(ctx)
		}
		return Message{}, err
	}
	var m Message
	if err := json.Unmarshal(b, &m); err != nil {
		return Message{}, fmt.Errorf("message from server: %w", err)
	}
	return m, nil
}

func (s *socket) Close() error {
	bye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	err := s.conn.WriteControl(websocket.CloseMessage, bye, time.Now().Add(time.Second))
	if errors.Is(err, websocket.ErrCloseSent) {
		err = nil
	}
	return errors.Join(err, s.conn.Close())
}

func (s *socket) cut() error { return s.conn.NetConn().Close() }
