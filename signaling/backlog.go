package signaling

// backlog holds the `message`s for a client that is away: the newest ones, as
// far as its two bounds allow.
type backlog struct {
	frames []frame
	bytes  int
}

// add appends a frame and reports how many of the oldest gave way. The newest
// one is always held, whatever its size.
func (b *backlog) add(f frame, maxFrames, maxBytes int) (dropped int) {
	for len(b.frames) > 0 && (len(b.frames) >= maxFrames || b.bytes+f.size() > maxBytes) {
		b.bytes -= b.frames[0].size()
		b.frames[0] = frame{} // the array may live on for a while
		b.frames = b.frames[1:]
		dropped++
	}
	b.frames = append(b.frames, f)
	b.bytes += f.size()
	return dropped
}

// take empties the backlog.
func (b *backlog) take() []frame {
	frames := b.frames
	*b = backlog{}
	return frames
}
