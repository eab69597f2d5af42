package jsep

import (
	"slices"
	"strings"

	"plenum/sfu/internal/codec"
)

// This file is about which video a client can decode, and in which order its publisher
// should have its codecs for that.

// Decoders are the formats of video that a client ever listed. It never changes; nil
// knows nothing.
type Decoders struct{ formats map[format]bool }

// Can reports whether a track of codec c would be accepted.
func (d *Decoders) Can(c *Codec) bool {
	f := formatOf(c)
	return d.formats[f] || d.formats[constrained(f)]
}

// Decoders are the client's, nil if it never listed any video.
func (s *Session) Decoders() *Decoders { return s.decoders }

// with are the decoders and those that an offer lists beside.
func (d *Decoders) with(sections []*section) *Decoders {
	known := map[format]bool{}
	for _, s := range sections {
		if s.media != "video" || s.zeroPort && !s.bundleOnly {
			continue
		}
		for i := range s.codecs {
			if f := formatOf(&s.codecs[i]); d == nil || !d.formats[f] {
				known[f] = true
			}
		}
	}
	if len(known) == 0 {
		return d
	}
	if d != nil {
		for f := range d.formats {
			known[f] = true
		}
	}
	return &Decoders{known}
}

// constrained is the format of an H264 that calls itself plain Baseline as Constrained
// Baseline. No encoder for calls makes the tools in which they differ (RFC 6184 §8.1), and
// browsers that know only the latter decode it.
func constrained(f format) format {
	if mode, is := strings.CutPrefix(f.profile, "baseline/"); f.codec == codec.H264 && is {
		f.profile = "constrained-baseline/" + mode
	}
	return f
}

// Prefer says which video codecs everybody else can decode, for the offers that are applied
// from now on; nil if there is nobody of whom that is known.
func (s *Session) Prefer(everybody func(*Codec) bool) { s.everybody = everybody }

// answers are the codecs of a client's m-line in the order in which they are answered:
// clients send what an answer lists first. before is the m-line as it was, nil if new.
//
// Video that not everybody can decode comes last, unless the client has nothing else.
// What it was answered first last time stays first as long as its list is the same and
// everybody can decode it: not every newcomer and leaver may change the codec.
func (s *Session) answers(sec *section, before *line) []Codec {
	if sec.media != "video" {
		return sec.codecs
	}
	codecs := preferBaseline(sec.codecs)
	if s.everybody == nil || len(codecs) == 0 {
		return codecs
	}
	if before != nil && before.incoming != nil && slices.EqualFunc(before.incoming.Codecs, sec.codecs, sameNumber) {
		if was := before.receiving.codecs; len(was) > 0 {
			i := slices.IndexFunc(codecs, func(c Codec) bool { return sameNumber(c, was[0]) })
			if i >= 0 && s.everybody(&codecs[i]) {
				return toFront(codecs, i, 0)
			}
		}
	}
	if !s.everybody(&codecs[0]) {
		slices.SortStableFunc(codecs, func(a, b Codec) int { return rank(!s.everybody(&a)) - rank(!s.everybody(&b)) })
	}
	return codecs
}

func sameNumber(a, b Codec) bool { return a.PayloadType == b.PayloadType }

func rank(last bool) int {
	if last {
		return 1
	}
	return 0
}

// preferBaseline moves an H264 of Constrained Baseline, else of Baseline, in front of those
// of other profiles: Firefox and Chromium on Linux decode nothing else.
func preferBaseline(codecs []Codec) []Codec {
	codecs = slices.Clone(codecs)
	first, best, worth := -1, -1, 0
	for i := range codecs {
		if codecs[i].Codec != codec.H264 {
			continue
		}
		if first < 0 {
			first = i
		}
		name, _ := profile(codec.H264, parseParameters(codecs[i].Fmtp))
		found := 1
		switch {
		case strings.HasPrefix(name, "constrained-baseline/"):
			found = 3
		case strings.HasPrefix(name, "baseline/"):
			found = 2
		}
		if found > worth {
			best, worth = i, found
		}
	}
	if best > first {
		return toFront(codecs, best, first)
	}
	return codecs
}

// toFront moves the codec at from to the place to, which is before it.
func toFront(codecs []Codec, from, to int) []Codec {
	moved := codecs[from]
	copy(codecs[to+1:from+1], codecs[to:from])
	codecs[to] = moved
	return codecs
}
