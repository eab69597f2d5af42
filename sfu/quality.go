package sfu

import (
	"maps"
	"time"
)

// Wish is what a viewer wants of one remote track.
type Wish struct {
	ID      string // of the track
	Enabled bool   // false: nothing at all
	// Width and Height are the size of its tile in device pixels, at most 65535
	// each; 0 is no limit. FPS likewise.
	Width, Height int
	FPS           float64
	Priority      int // who matters more when bandwidth is short: -10 to 10, 0 unless said
}

// QualityReason says why a track isn't sent as well as its viewer wants it.
type QualityReason string

// The reasons of the protocol's `quality`; empty where the viewer gets what it wants.
const (
	QualityBandwidth    QualityReason = "bandwidth"
	QualitySubscription QualityReason = "subscription"
	QualityPublisher    QualityReason = "publisher"
	QualityMuted        QualityReason = "muted"
)

// LayerIndex names one way to see a track: 0 is the lowest of each.
type LayerIndex struct {
	Spatial  int `json:"spatial"`
	Temporal int `json:"temporal"`
}

// TrackQuality tells what of a track is being forwarded.
type TrackQuality struct {
	ID     string
	Layer  *LayerIndex // nil where it is paused
	Reason QualityReason
}

type (
	// Quality tells a viewer what it is being sent, and the estimate of its
	// downlink in bit/s, 0 where it gives no feedback to estimate from. Only
	// what changed is in Tracks.
	Quality struct {
		Tracks   []TrackQuality
		Downlink uint64
	}
	// Layers tells a publisher which simulcast layers of its own track anyone
	// wants, by rid. It is sent on change.
	Layers struct {
		Mid    string
		Active map[string]bool
	}
)

func (Quality) event() {}
func (Layers) event()  {}

// Explanation answers "why does this viewer see what it sees". Its JSON form is
// what GET /debug/participants/ID returns.
type Explanation struct {
	ID       string      `json:"id"`
	Name     string      `json:"name"`
	Room     string      `json:"room"`
	Joined   time.Time   `json:"joined"`
	State    string      `json:"state"` // of the media path: new, connected, disconnected, failed, closed
	Path     string      `json:"path"`  // "udp host", …; empty before it is connected
	RTT      float64     `json:"rttMs"`
	Copies   int         `json:"soundCopies"` // how often each packet of sound is carried once more
	Downlink *Downlink   `json:"downlink"`    // nil where the client gives no feedback
	Receives []Received  `json:"subscriptions"`
	Sends    []SentTrack `json:"tracks"`
	Time     time.Time   `json:"time"` // of this explanation
}

// Downlink is the state of a viewer's bandwidth estimate. Rates are in bit/s,
// times in milliseconds, shares from 0 to 1.
type Downlink struct {
	Target             uint64   `json:"target"`       // what the allocation may use
	DelayBased         uint64   `json:"delayBased"`   // before the draining of a queue is taken off
	LossBased          uint64   `json:"lossBased"`    // 0: no bound
	Acknowledged       uint64   `json:"acknowledged"` // what gets through
	Sent               uint64   `json:"sent"`
	Capacity           uint64   `json:"capacity"` // as the last overuses showed it; 0: not known
	Demand             uint64   `json:"demand"`   // of all that is wanted
	NextStep           uint64   `json:"nextStep"` // total after the next layer up
	Queue              float64  `json:"queueMs"`
	Trend              float64  `json:"trendMsPerS"`
	Threshold          float64  `json:"thresholdMsPerS"`
	Usage              string   `json:"usage"`
	Loss               float64  `json:"loss"`
	InherentLoss       float64  `json:"inherentLoss"`
	ApplicationLimited bool     `json:"applicationLimited"`
	Reason             string   `json:"reason"`      // of the last change
	ReasonAgo          float64  `json:"reasonAgoMs"` // how long that is ago
	Paced              int      `json:"pacedBytes"`  // that wait in the pacer now
	Probes             []Probe  `json:"probes"`      // the last ones, oldest first
	Falls              []Fall   `json:"falls"`       // of the estimate, the last ones, oldest first
	History            []Sample `json:"history"`     // of the last minute, oldest first
}

// Probe is a cluster of padding and what became of it.
type Probe struct {
	Ago     float64 `json:"agoMs"`
	Rate    uint64  `json:"rate"`
	Result  uint64  `json:"result"`
	Outcome string  `json:"outcome"`
}

// Fall is a cut of the estimate, and what made it.
type Fall struct {
	Ago    float64 `json:"agoMs"`
	From   uint64  `json:"from"`
	To     uint64  `json:"to"`
	Reason string  `json:"reason"`  // delay, loss, silence or outage
	Queue  float64 `json:"queueMs"` // that stood
	Loss   float64 `json:"loss"`    // of the second before
}

// Sample is one second of a viewer's downlink.
type Sample struct {
	Ago          float64 `json:"agoMs"`
	Target       uint64  `json:"target"`
	Acknowledged uint64  `json:"acknowledged"`
	Sent         uint64  `json:"sent"`
	Queue        float64 `json:"queueMs"`
	Loss         float64 `json:"loss"`
	RTT          float64 `json:"rttMs"`
}

// Received explains one subscription.
type Received struct {
	Track       string      `json:"track"`
	Participant string      `json:"participant"`
	Kind        Kind        `json:"kind"`
	Source      Source      `json:"source"`
	Codec       string      `json:"codec"`
	Mid         string      `json:"mid"`
	Enabled     bool        `json:"enabled"`
	Width       int         `json:"width"`
	Height      int         `json:"height"`
	FPS         float64     `json:"fps"`
	Priority    int         `json:"priority"`
	Wanted      *LayerIndex `json:"wanted"`  // by the tile, whatever the bandwidth
	Allowed     *LayerIndex `json:"allowed"` // by the bandwidth at this moment, without hysteresis
	Chosen      *LayerIndex `json:"chosen"`  // by the allocation
	Sent        *LayerIndex `json:"sent"`    // what flows; differs from Chosen until a keyframe comes
	Bitrate     uint64      `json:"bitrate"` // bit/s, mean of what is chosen
	Reason      string      `json:"reason"`  // why it isn't what is wanted; empty if it is
	Cause       string      `json:"cause"`   // of the last change
	CauseAgo    float64     `json:"causeAgoMs"`
	Lost        int         `json:"lost"` // packets, as the viewer reports
	RTT         float64     `json:"rttMs"`
}

// SentTrack explains one track that the participant publishes.
type SentTrack struct {
	ID     string      `json:"id"`
	Kind   Kind        `json:"kind"`
	Source Source      `json:"source"`
	Codec  string      `json:"codec"`
	Mid    string      `json:"mid"`
	Muted  bool        `json:"muted"`
	Layers []SentLayer `json:"layers"` // ascending in quality
}

// SentLayer is one way to see a track, as measured.
type SentLayer struct {
	LayerIndex
	RID     string  `json:"rid"`
	Bitrate uint64  `json:"bitrate"` // bit/s of everything up to and including this layer
	Width   int     `json:"width"`
	Height  int     `json:"height"`
	FPS     float64 `json:"fps"`
	Live    bool    `json:"live"`
	Active  bool    `json:"active"` // someone wants it
}

// maxWishes bounds what is remembered of one client's wishes.
const maxWishes = 4096

func (p *Participant) handleSubscribe(wishes []Wish) {
	for _, w := range wishes {
		_, known := p.wishes[w.ID]
		if !known && len(p.wishes) >= maxWishes {
			p.forgetWishes()
		}
		if !known && len(p.wishes) >= maxWishes {
			p.problem(ProblemBadMessage, "That is too many tracks.")
			return
		}
		p.wishes[w.ID] = w
	}
	p.viewing.lookAt = 0
}

// forgetWishes drops what was said of tracks that aren't there: in a call of many
// hours most of those that were named are gone.
func (p *Participant) forgetWishes() {
	present := map[string]bool{}
	for _, m := range p.room.members() {
		for _, t := range m.info.Tracks {
			present[t.ID] = true
		}
	}
	maps.DeleteFunc(p.wishes, func(id string, _ Wish) bool { return !present[id] })
}

// wish is what the client wants of a track.
func (p *Participant) wish(t *Track) Wish {
	if w, said := p.wishes[t.id]; said {
		return w
	}
	return Wish{ID: t.id, Enabled: true}
}
