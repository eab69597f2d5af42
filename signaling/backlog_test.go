package signaling

import "testing"

// A backlog holds the newest frames within its bounds, and the newest of all
// even where it alone is beyond them.
func TestBacklog(t *testing.T) {
	sized := func(n int) frame { return frame{kind: "message", data: make([]byte, n-frameOverhead)} }
	var b backlog
	for i, step := range []struct{ size, dropped, held, bytes int }{
		{100, 0, 1, 100}, {300, 0, 2, 400}, {600, 0, 3, 1000}, // as many bytes as fit
		{100, 1, 3, 1000}, // one more byte would not
		{100, 1, 3, 800},  // nor a fourth frame
		{5000, 3, 1, 5000}, {100, 1, 1, 100},
	} {
		if dropped := b.add(sized(step.size), 3, 1000); dropped != step.dropped {
			t.Errorf("step %d: dropped %d, want %d", i, dropped, step.dropped)
		}
		if len(b.frames) != step.held || b.bytes != step.bytes {
			t.Errorf("step %d: %d frames of %d bytes, want %d of %d", i, len(b.frames), b.bytes, step.held, step.bytes)
		}
	}
	if taken := b.take(); len(taken) != 1 || len(b.frames) != 0 || b.bytes != 0 {
		t.Errorf("took %d, left %+v", len(taken), b)
	}
}

// A message that found the connection closed comes after those which that had
// not sent yet.
func TestKeptInOrder(t *testing.T) {
	config := Config{}.withDefaults()
	s := &session{server: &Server{config: config, stats: newCounters()}, welcome: welcome{given: true}}
	s.socket = &socket{config: &config, cause: errSlow, queue: []frame{{kind: "message", data: []byte("1")}, {kind: "offer", data: []byte("2")}}}
	s.tell(frame{kind: "message", data: []byte("3")})
	s.releaseLocked()
	if kept := s.kept.take(); len(kept) != 2 || string(kept[0].data) != "1" || string(kept[1].data) != "3" {
		t.Errorf("kept %v", kept)
	}
}
