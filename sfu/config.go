package sfu

import (
	"errors"
	"log/slog"
	"net/netip"
	"time"

	"github.com/pion/transport/v5"
)

// Config is what an engine needs. The zero value listens on free ports of every
// interface, with no limits.
type Config struct {
	// MediaAddresses are the addresses to bind, one UDP socket and one ICE-TCP
	// listener each, all on MediaPort. Empty means every interface, IPv4 and IPv6.
	MediaAddresses []netip.Addr
	// MediaPort is the one port for everyone's media; 0 picks a free one.
	MediaPort uint16
	// PublicIPs are announced in place of the bound addresses of the same family.
	PublicIPs []netip.Addr
	// MaxRoomParticipants and MaxParticipants refuse joins beyond; 0 is no limit.
	MaxRoomParticipants int
	MaxParticipants     int
	// MaxIngressBitrate and MaxIngressPackets bound what one participant may send of
	// media, in bit/s and packets per second; what exceeds them is dropped, video first.
	// 0 is 40 Mbit/s and 8,000.
	MaxIngressBitrate int
	MaxIngressPackets int
	// MediaTimeout ends a participant whose media path stays dead; 0 is 30 s.
	MediaTimeout time.Duration
	// SeatTimeout ends a participant who has made no offer so long after joining; one
	// who has made one has MediaTimeout for a media path. Where the room or the server is
	// full, a newcomer gets the place of the first who has been without a media path for 10 s
	// since joining, offers or none. 0 is never.
	SeatTimeout time.Duration
	// Log receives one line per join and leave; nil is slog.Default().
	Log *slog.Logger

	// Net replaces the operating system's network in tests.
	Net transport.Net
}

// Reasons why Join refuses.
var (
	ErrRoomFull   = errors.New("the room is full")
	ErrServerFull = errors.New("the server is full")
	ErrClosed     = errors.New("the server is closed")
)

// Causes of a participant's end, as told by Ended and in the log.
var (
	ErrLeft      = errors.New("left")
	ErrMediaLost = errors.New("media path lost")
	ErrNoMedia   = errors.New("no media path in time")
	ErrTooSlow   = errors.New("too many commands waiting")
)

// Grants are what a participant may do.
type Grants struct {
	Publish   bool
	Subscribe bool
	Message   bool
}

// AllGrants permits everything.
var AllGrants = Grants{Publish: true, Subscribe: true, Message: true}

// JoinRequest asks for a place in a room.
type JoinRequest struct {
	Room   string
	Name   string
	Grants Grants
	Client Client
	// Early: the client learns the server's end of the transport with Joined and looks for
	// the path at once, and takes an offer of the server's right after its first answer,
	// which not every client can.
	Early bool
}
