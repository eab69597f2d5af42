package signaling

import (
	"errors"
	"fmt"
	"math"

	"plenum/sfu"
	"plenum/signaling/protocol"
)

// decodeSubscribe reads wishes. A field that is unsaid or null takes what
// everyone has who says nothing: enabled, without limits, priority 0. An id that
// nobody has is fine, since the track may come later or be gone already. Where an
// id comes twice the last counts.
func decodeSubscribe(frame []byte) (command, error) {
	var m protocol.Subscribe
	if err := unmarshal(frame, &m); err != nil {
		return nil, err
	}
	if m.Tracks == nil {
		return nil, errors.New("tracks is missing")
	}
	if len(*m.Tracks) > protocol.MaxWishes {
		return nil, fmt.Errorf("more than %d tracks", protocol.MaxWishes)
	}
	wishes := make([]sfu.Wish, 0, len(*m.Tracks))
	for _, t := range *m.Tracks {
		if t.ID == nil || *t.ID == "" {
			return nil, errors.New("a track has no id")
		}
		if len(*t.ID) > protocol.MaxID {
			return nil, fmt.Errorf("id is over %d bytes", protocol.MaxID)
		}
		for _, limit := range []*float64{t.Width, t.Height, t.FPS} {
			if limit != nil && *limit < 0 {
				return nil, errors.New("width, height and fps must not be negative")
			}
		}
		wish := sfu.Wish{
			ID: *t.ID, Enabled: t.Enabled == nil || *t.Enabled,
			Width: pixels(t.Width), Height: pixels(t.Height),
		}
		if t.FPS != nil {
			wish.FPS = min(max(*t.FPS, 1), protocol.MaxFPS)
		}
		if t.Priority != nil {
			wish.Priority = int(math.Round(min(max(*t.Priority, -protocol.MaxPriority), protocol.MaxPriority)))
		}
		wishes = append(wishes, wish)
	}
	return subscribeCommand{wishes}, nil
}

// pixels is a limit as the engine has it, where 0 is none: a tile of no size at
// all, which wants the least that there is, counts as one pixel.
func pixels(limit *float64) int {
	if limit == nil {
		return 0
	}
	return int(math.Ceil(min(max(*limit, 1), protocol.MaxPixels)))
}
