package jsep

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"plenum/sfu/internal/codec"
)

// known is one codec of the model client: an rtpmap with its fmtp.
type known struct {
	kind, rtpmap, fmtp string
}

var clientCodecs = []known{
	{"audio", "opus/48000/2", "minptime=10;useinbandfec=1"},
	{"video", "VP8/90000", ""},
	{"video", "VP9/90000", "profile-id=0"},
	{"video", "H264/90000", "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"},
	{"video", "AV1/90000", ""},
	{"audio", "PCMU/8000", ""},
}

// modelLine is an m-line as the model client sees it.
type modelLine struct {
	mid, kind    string
	ours         bool // offered by the session
	sends, wants bool
	stopped      bool
	agreed       bool              // both sides know that it is stopped
	accepted     map[string]string // rtpmaps by format, of our last offer
}

// client is a model of a browser: it keeps every m-line, knows some of the
// codecs, each under a number that it gives out once, and decides by chance.
type client struct {
	t       *testing.T
	random  *rand.Rand
	knows   []known
	numbers map[string]int // by rtpmap, and by "rtx " and the number repeated
	taken   map[int]bool   // by anybody
	lines   []*modelLine
	nextMid int
	most    int // m-lines of its own that it ever had at once
}

func newClient(t *testing.T, random *rand.Rand) *client {
	c := &client{t: t, random: random, numbers: map[string]int{}, taken: map[int]bool{}}
	for _, k := range clientCodecs {
		if random.IntN(3) > 0 {
			c.knows = append(c.knows, k)
		}
	}
	return c
}

func (c *client) number(name string) int {
	if n, ok := c.numbers[name]; ok {
		return n
	}
	for {
		if n := 96 + c.random.IntN(32); !c.taken[n] {
			c.taken[n] = true
			c.numbers[name] = n
			return n
		}
	}
}

// section is the client's m-line with all codecs of its kind.
func (c *client) section(l *modelLine) string {
	const stopped = " 0 UDP/TLS/RTP/SAVPF 0\na=inactive\na=mid:"
	if l.stopped {
		return "m=" + l.kind + stopped + l.mid + "\n"
	}
	var formats []string
	var attributes []string
	for _, k := range c.knows {
		if k.kind != l.kind {
			continue
		}
		n := c.number(k.rtpmap)
		formats = append(formats, strconv.Itoa(n))
		attributes = append(attributes, fmt.Sprintf("a=rtpmap:%d %s", n, k.rtpmap))
		if k.fmtp != "" {
			attributes = append(attributes, fmt.Sprintf("a=fmtp:%d %s", n, k.fmtp))
		}
		if k.kind == "video" {
			rtx := c.number(fmt.Sprintf("rtx %d", n))
			formats = append(formats, strconv.Itoa(rtx))
			attributes = append(attributes, fmt.Sprintf("a=rtpmap:%d rtx/90000", rtx), fmt.Sprintf("a=fmtp:%d apt=%d", rtx, n))
		}
	}
	if len(formats) == 0 {
		return "m=" + l.kind + stopped + l.mid + "\n"
	}
	return "m=" + l.kind + " 9 UDP/TLS/RTP/SAVPF " + strings.Join(formats, " ") + "\na=mid:" + l.mid + "\na=" +
		l.direction().String() + "\n" + lines(attributes)
}

func (l *modelLine) direction() (d direction) {
	if l.sends {
		d |= sendonly
	}
	if l.ours && l.wants {
		d |= recvonly
	}
	return d
}

// change is what a user does between two offers.
func (c *client) change() {
	var stopped []*modelLine
	for _, l := range c.lines {
		if l.stopped {
			stopped = append(stopped, l)
		}
	}
	if len(c.lines) > 0 {
		l := c.lines[c.random.IntN(len(c.lines))]
		switch c.random.IntN(4) {
		case 0:
			if l.mid != "dc" {
				l.stopped, l.sends = true, false
			}
		case 1:
			l.sends = !l.sends && !l.stopped && l.mid != "dc"
		case 2:
			l.wants = !l.wants
		}
	}
	if c.random.IntN(3) > 0 {
		return
	}
	fresh := &modelLine{mid: "c" + strconv.Itoa(c.nextMid), kind: []string{"audio", "video"}[c.random.IntN(2)], sends: true}
	c.nextMid++
	for _, l := range stopped {
		if l.agreed { // only a stop that both sides have seen frees an m-line
			*l = *fresh
			return
		}
	}
	c.lines = append(c.lines, fresh)
}

// count notes how many m-lines of its own live.
func (c *client) count() {
	n := 0
	for _, l := range c.lines {
		if !l.ours && !l.agreed {
			n++
		}
	}
	c.most = max(c.most, n)
}

// stop notes that both sides know the m-line as stopped.
func (l *modelLine) stop() { l.stopped, l.agreed, l.sends = true, true, false }

func (c *client) offer() string {
	sections := []string{}
	for _, l := range c.lines {
		if l.mid == "dc" {
			sections = append(sections, "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\na=mid:dc\na=sctp-port:5000\n")
			continue
		}
		sections = append(sections, c.section(l))
	}
	return bundled(sections...)
}

// takeAnswer notes which m-lines the session's answer stopped.
func (c *client) takeAnswer(answer string) {
	for i, md := range parsed(c.t, answer).MediaDescriptions {
		l := c.lines[i]
		if mid, _ := md.Attribute("mid"); mid != l.mid {
			c.t.Fatalf("m-line %d of the answer has mid %q instead of %q", i, mid, l.mid)
		}
		if md.MediaName.Port.Value == 0 {
			l.stop()
		}
	}
}

// answer takes an offer of the session, takes what it knows of it, refuses or
// pauses some by chance, and says so.
func (c *client) answer(offer string) string {
	var sections []string
	for i, md := range parsed(c.t, offer).MediaDescriptions {
		mid, _ := md.Attribute("mid")
		if i == len(c.lines) {
			c.lines = append(c.lines, &modelLine{stopped: true, agreed: true})
		}
		l := c.lines[i]
		if mid != l.mid {
			if !l.agreed {
				c.t.Fatalf("m-line %d, %q, was taken over as %q while it lives", i, l.mid, mid)
			}
			*l = modelLine{mid: mid, kind: md.MediaName.Media, ours: true, wants: true}
		}
		sections = append(sections, c.answerSection(l, offer, md.MediaName.Port.Value == 0))
	}
	return strings.Replace(bundled(sections...), "actpass", "active", 1)
}

func (c *client) answerSection(l *modelLine, offer string, zero bool) string {
	if l.mid == "dc" {
		return "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\na=mid:dc\na=sctp-port:5000\n"
	}
	l.accepted = map[string]string{}
	if zero || l.stopped {
		l.stop()
		return "m=" + l.kind + " 0 UDP/TLS/RTP/SAVPF 0\na=mid:" + l.mid + "\na=inactive\n"
	}
	var said, formats []string
	fmtps := attributes(c.t, offer, l.mid, "fmtp")
	for _, value := range attributes(c.t, offer, l.mid, "rtpmap") {
		number, rtpmap, _ := strings.Cut(value, " ")
		n, _ := strconv.Atoi(number)
		if !c.decodes(rtpmap, number, fmtps) {
			c.taken[n] = true
			continue
		}
		if _, ok := c.numbers[rtpmap]; !ok {
			c.numbers[rtpmap], c.taken[n] = n, true
		}
		formats = append(formats, number)
		said = append(said, "a=rtpmap:"+value)
		l.accepted[number] = rtpmap
	}
	for _, value := range fmtps {
		if number, _, _ := strings.Cut(value, " "); slices.Contains(formats, number) {
			said = append(said, "a=fmtp:"+value)
		}
	}
	if len(formats) == 0 || l.ours && c.random.IntN(8) == 0 {
		l.stop()
		return "m=" + l.kind + " 0 UDP/TLS/RTP/SAVPF 0\na=mid:" + l.mid + "\na=inactive\n"
	}
	theirs := inactive
	for d := inactive; d <= sendrecv; d++ {
		if len(attributes(c.t, offer, l.mid, d.String())) > 0 {
			theirs = d
		}
	}
	d := l.direction() & theirs.reversed()
	return "m=" + l.kind + " 9 UDP/TLS/RTP/SAVPF " + strings.Join(formats, " ") + "\na=mid:" + l.mid + "\na=" + d.String() + "\n" + lines(said)
}

// decodes reports whether the client has the codec of an rtpmap; of the codecs
// with profiles only the one profile that it knows.
func (c *client) decodes(rtpmap, number string, fmtps []string) bool {
	for _, k := range c.knows {
		if k.rtpmap != rtpmap {
			continue
		}
		if profile, ok := strings.CutPrefix(k.fmtp, "profile-id="); ok {
			return slices.Contains(fmtps, number+" profile-id="+profile)
		}
		return true
	}
	return false
}

// trial is one run of random operations.
type trial struct {
	t      *testing.T
	random *rand.Rand
	s      *Session
	c      *client
	slots  []*Slot
	serial int
	most   map[bool]int // by video: m-lines that slots ever needed at once
}

func (r *trial) add() {
	r.serial++
	var track Sending
	switch r.random.IntN(6) {
	case 0, 1:
		track = opusTrack(r.serial)
	case 2:
		track = vp8Track(r.serial)
		track.Codec = Codec{Codec: codec.VP9, Fmtp: "profile-id=" + strconv.Itoa(r.random.IntN(4))}
	case 3:
		track = vp8Track(r.serial)
		track.Codec = Codec{Codec: codec.H264, Fmtp: "packetization-mode=1;profile-level-id=42e01f"}
	case 4:
		track = opusTrack(r.serial)
		track.RED = true
	default:
		track = vp8Track(r.serial)
	}
	r.slots = append(r.slots, r.s.Add(track))
}

func (r *trial) remove() {
	if len(r.slots) > 0 {
		i := r.random.IntN(len(r.slots))
		r.s.Remove(r.slots[i])
		r.slots = slices.Delete(r.slots, i, i+1)
	}
}

// clientOffers is a round of offer and answer that the client begins.
func (r *trial) clientOffers() {
	r.c.change()
	r.c.count()
	offer := r.c.offer()
	if _, err := r.s.ApplyOffer(offer); err != nil {
		r.t.Fatalf("%v in\n%s", err, offer)
	}
	answer := r.s.Answer()
	for i, md := range parsed(r.t, answer).MediaDescriptions {
		for _, f := range md.MediaName.Formats {
			if md.MediaName.Port.Value != 0 && !slices.Contains(parsed(r.t, offer).MediaDescriptions[i].MediaName.Formats, f) {
				r.t.Fatalf("format %s is not in the offer's m-line %d", f, i)
			}
		}
	}
	r.c.takeAnswer(answer)
	r.dropEnded()
}

func (r *trial) dropEnded() {
	r.slots = slices.DeleteFunc(r.slots, func(s *Slot) bool {
		_, sending := s.Sending()
		return !sending
	})
}

// serverOffers is a round that the session begins. Tracks come and go while the
// offer is in flight.
func (r *trial) serverOffers() {
	if !r.s.NeedsOffer() && r.random.IntN(4) > 0 {
		return
	}
	r.count()
	active := slices.Clone(r.slots)
	offer := r.s.Offer()
	checkNumbers(r.t, offer)
	r.checkOffer(offer, active)
	answer := r.c.answer(offer)
	for range r.random.IntN(3) {
		if r.random.IntN(2) == 0 {
			r.add()
		} else {
			r.remove()
		}
	}
	results := applied(r.t, r.s, answer)
	if len(results) != len(active) {
		r.t.Fatalf("%d results of %d slots", len(results), len(active))
	}
	for _, result := range results {
		r.checkResult(result)
	}
	r.dropEnded()
}

// count notes how many m-lines the offer to come may need at most: for what is
// active, and for what ended and is still to be told.
func (r *trial) count() {
	need := map[bool]int{}
	for _, s := range r.slots {
		need[s.sending.Video]++
	}
	for _, l := range r.s.lines {
		if l.slot != nil && l.slot.removed {
			need[l.slot.sending.Video]++
		}
	}
	for video, n := range need {
		r.most[video] = max(r.most[video], n)
	}
}

// checkOffer: every active slot is there once, at its mid, and no other.
func (r *trial) checkOffer(offer string, active []*Slot) {
	seen := map[string]string{}
	d := parsed(r.t, offer)
	for _, md := range d.MediaDescriptions {
		mid, _ := md.Attribute("mid")
		if _, twice := seen[mid]; twice || mid == "" {
			r.t.Fatalf("mid %q in\n%s", mid, sketch(r.t, offer))
		}
		seen[mid], _ = md.Attribute("msid")
	}
	for _, s := range active {
		if want := s.sending.Stream + " " + s.sending.Track; seen[s.Mid()] != want {
			r.t.Fatalf("m-line %q carries %q, not %q", s.Mid(), seen[s.Mid()], want)
		}
		delete(seen, s.Mid())
	}
	for mid, msid := range seen {
		if msid != "" {
			r.t.Fatalf("m-line %q carries %q, which has ended", mid, msid)
		}
	}
	if bound := r.most[true] + r.most[false] + r.c.most; len(d.MediaDescriptions) > bound {
		r.t.Fatalf("%d m-lines, where %d would do:\n%s", len(d.MediaDescriptions), bound, sketch(r.t, offer))
	}
}

// checkResult compares a result with what the client decided.
func (r *trial) checkResult(result Result) {
	i := slices.IndexFunc(r.c.lines, func(l *modelLine) bool { return l.mid == result.Slot.Mid() })
	l := r.c.lines[i]
	sent := result.Slot.sending.Codec.Codec
	alien := sent == codec.VP9 && result.Slot.sending.Codec.Fmtp != "profile-id=0" // the client knows profile 0 only
	possible := false
	for _, rtpmap := range l.accepted {
		name, _, _ := strings.Cut(rtpmap, "/")
		possible = possible || name == encodingName(sent)
	}
	if accepted := !l.stopped && l.wants && possible && !alien; result.Accepted != accepted {
		r.t.Fatalf("%q: accepted is %v, the client says %v", l.mid, result.Accepted, accepted)
	}
	if !result.Accepted {
		return
	}
	if red := l.accepted[strconv.Itoa(int(result.REDPayloadType))]; result.REDPayloadType != 0 && !strings.HasPrefix(red, "red/") {
		r.t.Fatalf("%q: RED as payload type %d, which the client takes for %q", l.mid, result.REDPayloadType, red)
	}
	rtpmap := l.accepted[strconv.Itoa(int(result.Format.PayloadType))]
	if name, _, _ := strings.Cut(rtpmap, "/"); name == "" || name != encodingName(result.Codec) {
		r.t.Fatalf("%q: %v as payload type %d, which the client takes for %q", l.mid, result.Codec, result.Format.PayloadType, rtpmap)
	}
}

// Random operations of both sides, against a model of a browser: numbers never
// collide, results say what the client decided, m-lines are reused.
func TestModel(t *testing.T) {
	for seed := range uint64(120) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			r := &trial{t: t, random: random, s: New(testLocal), c: newClient(t, random), most: map[bool]int{}}
			r.c.lines = []*modelLine{{mid: "dc", kind: "application"}}
			r.clientOffers()
			for range 60 {
				switch random.IntN(6) {
				case 0, 1:
					r.add()
				case 2:
					r.remove()
				case 3:
					r.clientOffers()
				default:
					r.serverOffers()
				}
			}
		})
	}
}
