package signaling

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"plenum/sfu"
	"plenum/signaling/protocol"
	"plenum/signaling/visitor"
)

// Config is what a Server needs. Zero fields take the default that each names.
type Config struct {
	// Engine holds the rooms.
	Engine *sfu.Server
	// Authenticator checks tokens; nil means open rooms.
	Authenticator Authenticator
	// AllowOrigins lists the web origins ("https://example.com") whose pages may
	// connect, or "*" for all. A page of the same host always may. Empty means
	// any origin where tokens are required, else also pages of localhost.
	AllowOrigins []string
	// TrustedProxies are those whose X-Forwarded-For names the client that a limit per
	// address counts; by default no one's does.
	TrustedProxies visitor.Proxies
	// Limits are those of addresses and tokens; none by default.
	Limits Limits
	// ICEServers are handed to every client.
	ICEServers []ICEServer
	// ResumeTimeout is how long a session waits without a WebSocket; 30 s.
	ResumeTimeout time.Duration

	// MaxMessageBytes bounds one frame from a client; 256 KiB, and 12 KiB more for each
	// m-line of the session: browsers list all their codecs in each.
	MaxMessageBytes int
	// MaxBodyBytes bounds the body of a `message`; 16 KiB.
	MaxBodyBytes int
	// MaxMessagesPerSecond and MessageBurst bound the messages of a session, beside
	// candidates, and as many pings and pongs; 100 per second with a burst of 1,000. More
	// end it: joining a room of a hundred costs an offer and some hundred answers, and an
	// app's cursors 30 messages a second. What messages cost is bounded beside.
	MaxMessagesPerSecond float64
	MessageBurst         int

	// MaxTalkPerSecond and TalkBurst bound the `message`s that a session sends; 30 per
	// second with a burst of 250. MaxBodyBytesPerSecond and BodyBurstBytes bound the bodies of the
	// `message`s that a session sends; 64 KiB per second with a burst of 256
	// KiB, since each goes out as often as there are others in the room. Chat,
	// and the cursors, hands and reactions of an app, need a tenth of it; files
	// don't belong here. The burst must hold a body of MaxBodyBytes. What is beyond is
	// refused, and its sender told.
	MaxTalkPerSecond      float64
	TalkBurst             int
	MaxBodyBytesPerSecond float64
	BodyBurstBytes        int

	// PingInterval is the time between pings, and PingTimeout how long nothing
	// at all may come from a client; 5 s and 12 s, so a dead peer is found
	// within 15 s of its last sign of life.
	PingInterval time.Duration
	PingTimeout  time.Duration
	// WriteTimeout bounds the sending of one message; 10 s.
	WriteTimeout time.Duration
	// CloseTimeout is how long a closing handshake may take; 2 s.
	CloseTimeout time.Duration
	// MaxQueueBytes bounds what may wait for one client, which is cut off when
	// that is not enough; 1 MiB. A `message` may use half of it, and is dropped
	// where that is full.
	MaxQueueBytes int
	// MaxKeptMessages bounds the `message`s kept for a session without a
	// WebSocket; 100, and a quarter of MaxQueueBytes. The oldest go first.
	MaxKeptMessages int

	// Log is told of lost connections, and of refused ones at debug level; nil
	// is slog.Default().
	Log *slog.Logger
}

// ICEServer is an RTCIceServer as `new RTCPeerConnection` takes it.
type ICEServer = protocol.ICEServer

// withDefaults fills in the zero fields.
func (c Config) withDefaults() Config {
	setDefault(&c.ResumeTimeout, 30*time.Second)
	setDefault(&c.MaxMessageBytes, protocol.MaxFrame)
	setDefault(&c.MaxBodyBytes, protocol.MaxBody)
	setDefault(&c.MaxMessagesPerSecond, 100)
	setDefault(&c.MessageBurst, 1000)
	setDefault(&c.MaxTalkPerSecond, 30)
	setDefault(&c.TalkBurst, 250)
	setDefault(&c.MaxBodyBytesPerSecond, 64<<10)
	setDefault(&c.BodyBurstBytes, max(256<<10, c.MaxBodyBytes))
	setDefault(&c.PingInterval, 5*time.Second)
	setDefault(&c.PingTimeout, 12*time.Second)
	setDefault(&c.WriteTimeout, 10*time.Second)
	setDefault(&c.CloseTimeout, 2*time.Second)
	setDefault(&c.MaxQueueBytes, 1<<20)
	setDefault(&c.MaxKeptMessages, 100)
	if c.ICEServers == nil {
		c.ICEServers = []ICEServer{} // the browser wants a list, not null
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// validate finds what no default can mend.
func (c Config) validate() error {
	if c.ResumeTimeout < 0 || c.PingTimeout < 0 || c.WriteTimeout < 0 || c.CloseTimeout < 0 ||
		c.MaxMessageBytes < 0 || c.MaxBodyBytes < 0 || c.MaxMessagesPerSecond < 0 ||
		c.MessageBurst < 0 || c.MaxTalkPerSecond < 0 || c.TalkBurst < 0 || c.MaxBodyBytesPerSecond < 0 || c.MaxQueueBytes < 0 || c.MaxKeptMessages < 0 {
		return errors.New("signaling: limits and timeouts must not be negative")
	}
	if c.BodyBurstBytes < c.MaxBodyBytes {
		return fmt.Errorf("signaling: no body of %d bytes fits a burst of %d", c.MaxBodyBytes, c.BodyBurstBytes)
	}
	if c.PingInterval <= 0 || c.PingInterval >= c.PingTimeout {
		return fmt.Errorf("signaling: the ping interval (%v) must be shorter than its timeout (%v)", c.PingInterval, c.PingTimeout)
	}
	for _, server := range c.ICEServers {
		if len(server.URLs) == 0 {
			return errors.New("signaling: an ICE server without a URL")
		}
	}
	return nil
}
