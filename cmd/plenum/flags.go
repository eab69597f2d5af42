package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/alecthomas/kong"

	"plenum/cmd/plenum/internal/gate"
	"plenum/signaling"
	"plenum/signaling/bucket"
	"plenum/signaling/visitor"
)

// serveCommand is the configuration of a server. Each field is a flag, an
// environment variable PLENUM_… and a key of the YAML file; the flag wins over the
// variable, and the variable over the file.
type serveCommand struct {
	Config kong.ConfigFlag `placeholder:"FILE" help:"YAML file with any of these settings, keyed by flag name."`

	Listen        string `default:":8080" placeholder:"ADDRESS" help:"Address of the web app and signaling; port 0 picks a free one (default ${default})."`
	MetricsListen string `placeholder:"ADDRESS" help:"Serve /metrics here, to whoever reaches it, instead of on --listen, where it needs the --admin-token if there is a --key-file."`

	MediaPort    uint16       `default:"8081" placeholder:"PORT" help:"UDP and TCP port of all media; 0 picks a free one (default ${default})."`
	MediaAddress []netip.Addr `placeholder:"IP" help:"Address to bind for media (repeatable); by default every interface, or the loopback address that --listen names."`
	PublicIP     []netip.Addr `name:"public-ip" placeholder:"IP" help:"Address that clients are told to send media to, where it differs from the bound one (repeatable)."`
	ICEServer    []iceServer  `name:"ice-server" placeholder:"URL" help:"STUN or TURN server that clients are told to use (repeatable): stun:host:port, turn:user:pass@host:port, or turns:…"`

	TLSCert       string `name:"tls-cert" placeholder:"FILE" help:"Certificate chain in PEM form: serve HTTPS."`
	TLSKey        string `name:"tls-key" placeholder:"FILE" help:"Private key of --tls-cert."`
	TLSSelfSigned bool   `name:"tls-self-signed" help:"Serve HTTPS with a certificate made up at start, for tests on a local network."`

	AllowOrigin []string `placeholder:"ORIGIN" help:"Web origin that may connect, such as https://example.org, or * for any (repeatable); by default any where tokens are required, else the same host and localhost."`
	KeyFile     string   `placeholder:"FILE" help:"File of signing keys, a line 'id: secret' each: clients need a token. Without it rooms are open."`
	AdminToken  string   `placeholder:"TOKEN" help:"What operators show to /debug from other machines, 16 characters or more; better set as PLENUM_ADMIN_TOKEN, for flags can be seen by everyone on this machine."`

	TrustedProxy []network `placeholder:"CIDR" help:"Network or address of the reverse proxies in front, whose X-Forwarded-For is believed (repeatable); by default nobody's is."`

	MaxRoomParticipants int `default:"0" placeholder:"N" help:"Participants in one room; 0 is no limit."`
	MaxParticipants     int `default:"0" placeholder:"N" help:"Participants on this server; 0 is no limit."`

	MaxConnections        int          `default:"8192" placeholder:"N" help:"Connections to --listen, those of WebSockets included (default ${default}); 0 is no limit."`
	MaxAddressConnections int          `default:"2048" placeholder:"N" help:"Of these from one address that is no --trusted-proxy (default ${default}); 0 is no limit."`
	LimitConnections      bucket.Limit `default:"100:2000" placeholder:"RATE:BURST" help:"New ones a second and at once of such an address (default ${default}); 0 is no limit."`
	MaxRequests           int          `default:"2048" placeholder:"N" help:"HTTP requests at once (default ${default}); 0 is no limit."`
	MaxAddressRequests    int          `default:"256" placeholder:"N" help:"Of these of one client (default ${default}); 0 is no limit."`

	LimitJoins      bucket.Limit `default:"50:300" placeholder:"RATE:BURST" help:"Joins a second and at once of one client, by WebSocket (default ${default}); 0 is no limit."`
	LimitResumes    bucket.Limit `default:"50:500" placeholder:"RATE:BURST" help:"WebSockets of one client that go on with a session (default ${default}); 0 is no limit."`
	LimitTokenJoins bucket.Limit `default:"50:300" placeholder:"RATE:BURST" help:"Joins with one token (default ${default}); 0 is no limit."`
	LimitGuesses    bucket.Limit `default:"5:300" placeholder:"RATE:BURST" help:"Tokens of one client that don't verify (default ${default}); 0 is no limit."`
	LimitLookups    bucket.Limit `default:"20:100" placeholder:"RATE:BURST" help:"Requests of one client for who is in a room (default ${default}); 0 is no limit."`

	MaxIngressBitrate int `default:"40000000" placeholder:"N" help:"Media in bit/s that one participant may send; the rest is dropped, video first (default ${default})."`
	MaxIngressPackets int `default:"8000" placeholder:"N" help:"Packets of media a second that one participant may send (default ${default})."`

	DrainTimeout  time.Duration `default:"30s" placeholder:"DURATION" help:"How long sessions may take to move away after SIGTERM (default ${default})."`
	ResumeTimeout time.Duration `default:"30s" placeholder:"DURATION" help:"How long a participant whose WebSocket broke is kept (default ${default})."`

	SeatTimeout time.Duration `default:"1m" placeholder:"DURATION" help:"How long a participant who makes no offer is kept; 0 is for ever (default ${default}). Where there is no other place, newcomers get those of participants who have had no media path for 10 s."`

	LogLevel  slog.Level `default:"info" placeholder:"LEVEL" help:"debug, info, warn or error (default ${default})."`
	LogFormat string     `default:"text" enum:"text,json" placeholder:"FORMAT" help:"text or json (default ${default})."`
}

// Validate is called by kong once all settings are known.
func (c *serveCommand) Validate() error {
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	if c.MetricsListen != "" {
		if _, _, err := net.SplitHostPort(c.MetricsListen); err != nil {
			return fmt.Errorf("--metrics-listen: %w", err)
		}
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return errors.New("--tls-cert and --tls-key need each other")
	}
	if c.TLSCert != "" && c.TLSSelfSigned {
		return errors.New("--tls-self-signed makes its own certificate: leave out --tls-cert")
	}
	if c.AdminToken != "" && len(c.AdminToken) < minAdminToken {
		return fmt.Errorf("--admin-token must have %d characters or more", minAdminToken)
	}
	for name, value := range map[string]int64{
		"max-room-participants":   int64(c.MaxRoomParticipants),
		"max-participants":        int64(c.MaxParticipants),
		"max-connections":         int64(c.MaxConnections),
		"max-address-connections": int64(c.MaxAddressConnections),
		"max-requests":            int64(c.MaxRequests),
		"max-address-requests":    int64(c.MaxAddressRequests),
		"max-ingress-bitrate":     int64(c.MaxIngressBitrate),
		"max-ingress-packets":     int64(c.MaxIngressPackets),
		"drain-timeout":           int64(c.DrainTimeout),
		"seat-timeout":            int64(c.SeatTimeout),
		"resume-timeout":          int64(c.ResumeTimeout),
	} {
		if value < 0 {
			return fmt.Errorf("--%s must not be negative", name)
		}
	}
	return nil
}

// network is one of --trusted-proxy.
type network struct{ netip.Prefix }

// UnmarshalText implements encoding.TextUnmarshaler.
func (n *network) UnmarshalText(text []byte) (err error) {
	n.Prefix, err = visitor.ParseNetwork(string(text))
	return err
}

func (c *serveCommand) trustedProxies() visitor.Proxies {
	var proxies visitor.Proxies
	for _, n := range c.TrustedProxy {
		proxies = append(proxies, n.Prefix)
	}
	return proxies
}

// mediaAddresses are the addresses to bind for media; none means every interface. A
// server that listens on loopback alone keeps its media there too.
func (c *serveCommand) mediaAddresses() []netip.Addr {
	if len(c.MediaAddress) > 0 {
		return c.MediaAddress
	}
	host, _, _ := net.SplitHostPort(c.Listen) // checked by Validate
	if host == "localhost" {
		host = "127.0.0.1"
	}
	if address, err := netip.ParseAddr(host); err == nil && address.IsLoopback() {
		return []netip.Addr{address}
	}
	return nil
}

func (c *serveCommand) connectionLimits() gate.Limits {
	return gate.Limits{
		Connections: c.MaxConnections, AddressConnections: c.MaxAddressConnections,
		Rate: c.LimitConnections, Proxies: c.trustedProxies(),
	}
}

func (c *serveCommand) clientLimits() signaling.Limits {
	return signaling.Limits{
		Joins: c.LimitJoins, Resumes: c.LimitResumes, TokenJoins: c.LimitTokenJoins,
		Guesses: c.LimitGuesses, Lookups: c.LimitLookups,
	}
}

// restricted reports whether not everyone who reaches --listen may see everything there:
// where people need tokens, so does who asks how many of them there are.
func (c *serveCommand) restricted() bool { return c.KeyFile != "" }

func (c *serveCommand) secure() bool { return c.TLSCert != "" || c.TLSSelfSigned }
