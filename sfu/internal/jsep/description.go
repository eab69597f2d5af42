package jsep

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pion/sdp/v3"
)

// description is a client's offer or answer, read and checked by itself.
type description struct {
	sections   []*section
	groups     [][]string // of a=group:BUNDLE
	transport  transport  // of the session level
	lite       bool
	allowMixed bool
}

func parseDescription(text string) (*description, error) {
	var parsed sdp.SessionDescription
	if err := parsed.UnmarshalString(text); err != nil {
		return nil, fmt.Errorf("parse: %w", err)
	}
	if n := len(parsed.MediaDescriptions); n == 0 || n > maxLines {
		return nil, fmt.Errorf("%d m-lines", n)
	}
	d := &description{transport: parseTransport(parsed.Attributes)}
	for _, a := range parsed.Attributes {
		switch a.Key {
		case "group":
			if mids := strings.Fields(a.Value); len(mids) > 0 && mids[0] == "BUNDLE" {
				d.groups = append(d.groups, mids[1:])
			}
		case "ice-lite":
			d.lite = true
		case "extmap-allow-mixed":
			d.allowMixed = true
		}
	}
	mids := map[string]bool{}
	for _, md := range parsed.MediaDescriptions {
		s := parseSection(md, &parsed)
		if s.mid != "" && (!isToken(s.mid) || mids[s.mid]) {
			return nil, errors.New("a mid is no token or is there twice")
		}
		mids[s.mid] = true
		d.sections = append(d.sections, s)
	}
	return d, nil
}

// accepted says which m-lines of an offer share the one transport that we give:
// those of a BUNDLE group, in its order, or without one the first.
// A zero port with bundle-only counts only inside the group (RFC 9143 §7.3).
func (d *description) accepted() (in []bool, group []string, tag *section) {
	in = make([]bool, len(d.sections))
	index := map[string]int{}
	first := -1
	for i, s := range d.sections {
		if s.mid != "" {
			index[s.mid] = i
		}
		if first < 0 && s.acceptable() && !s.zeroPort {
			first = i
		}
	}
	for _, mids := range d.groups {
		for _, mid := range mids {
			i, ok := index[mid]
			if !ok || in[i] || !d.sections[i].acceptable() {
				continue
			}
			in[i] = true
			group = append(group, mid)
			if tag == nil {
				tag = d.sections[i]
			}
		}
		if tag != nil {
			return in, group, tag
		}
	}
	if first >= 0 {
		in[first], tag = true, d.sections[first]
	}
	return in, nil, tag
}

// bundles reports whether an answer leaves sec in the one transport: some clients write no
// group at all, and mean that.
func (d *description) bundles(sec *section) bool {
	return len(d.groups) == 0 || sec.mid == "" || slices.Contains(d.groups[0], sec.mid)
}

// remote is the client's end of the transport that belongs to the m-line tag.
// Some clients repeat it in every m-line, some write it only once.
func (d *description) remote(tag *section) (Remote, error) {
	t := tag.transport.over(d.transport)
	if t.ufrag == "" || len(t.fingerprints) == 0 {
		i := slices.IndexFunc(d.sections, func(s *section) bool {
			return !s.zeroPort && s.transport.ufrag != ""
		})
		if i >= 0 {
			t = t.over(d.sections[i].transport)
		}
	}
	r, err := t.remote(d.lite)
	r.DataChannels = slices.ContainsFunc(d.sections, func(s *section) bool {
		return s.media == "application" && s.acceptable()
	})
	return r, err
}
