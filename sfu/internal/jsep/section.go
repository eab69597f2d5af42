package jsep

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"

	"plenum/sfu/internal/wire"
)

const (
	maxRIDs      = 3  // simulcast layers that are accepted per m-line
	maxRIDLength = 16 // bytes: what a one-byte header extension holds (RFC 8285 §4.2)
	maxSSRCs     = 32 // announced streams that are read per m-line
	// maxExtensionID is the largest id of a two-byte header (RFC 8285 §4.3).
	maxExtensionID = 255
)

// section is one m-line of a client's description, read.
type section struct {
	media, proto string
	formats      []string
	mid          string // empty where there is none
	zeroPort     bool
	bundleOnly   bool // RFC 9143 §6: a zero port that does not mean rejected
	direction    direction
	payloads     []payload
	codecs       []Codec // the supported ones
	extensions   []extension
	rids         []string        // that the client can send
	paused       map[string]bool // of rids: those that the client doesn't send for now
	ssrcs        []SSRC
	stream,
	track string
	allowMixed bool
	rsize      bool
	sctp       []sdp.Attribute // what an m=application says about SCTP
	transport  transport
}

// extension is one a=extmap (RFC 8285 §8).
type extension struct {
	id        uint8
	uri       string
	direction direction
	explicit  bool // the direction was written
}

// parseSection reads one m-line. session has the attributes of the session
// level, which apply where the m-line doesn't say otherwise.
func parseSection(md *sdp.MediaDescription, session *sdp.SessionDescription) *section {
	s := &section{
		media:     md.MediaName.Media,
		proto:     strings.Join(md.MediaName.Protos, "/"),
		formats:   md.MediaName.Formats,
		zeroPort:  md.MediaName.Port.Value == 0,
		direction: sendrecv,
		transport: parseTransport(md.Attributes),
	}
	for _, a := range session.Attributes {
		if d, ok := parseDirection(a.Key); ok {
			s.direction = d
		}
	}
	for _, a := range md.Attributes {
		s.read(a)
	}
	if s.isMedia() {
		s.payloads = parsePayloads(md)
		s.codecs = supported(s.payloads, s.media == "video")
		s.rids, s.paused = parseSimulcast(md.Attributes)
		s.ssrcs = parseSSRCs(md.Attributes)
	}
	return s
}

func (s *section) read(a sdp.Attribute) {
	switch a.Key {
	case "mid":
		s.mid = strings.TrimSpace(a.Value)
	case "bundle-only":
		s.bundleOnly = true
	case "extmap-allow-mixed":
		s.allowMixed = true
	case "rtcp-rsize":
		s.rsize = true
	case "extmap":
		s.readExtension(a.Value)
	case "msid":
		s.readMsid(a.Value)
	case "ssrc":
		if _, rest, _ := strings.Cut(a.Value, " "); s.stream == "" {
			if msid, ok := strings.CutPrefix(rest, "msid:"); ok {
				s.readMsid(msid)
			}
		}
	case "sctp-port", "sctpmap":
		if v := printable(a.Value); v != "" {
			s.sctp = append(s.sctp, sdp.Attribute{Key: a.Key, Value: v})
		}
	default:
		if d, ok := parseDirection(a.Key); ok {
			s.direction = d
		}
	}
}

func (s *section) isMedia() bool { return s.media == "audio" || s.media == "video" }

// acceptable reports whether the m-line is of a kind that Plenum can take.
func (s *section) acceptable() bool {
	switch {
	case s.zeroPort && !s.bundleOnly:
		return false
	case s.isMedia():
		return strings.HasSuffix(s.proto, "RTP/SAVPF") && len(s.codecs) > 0
	default:
		return s.media == "application" && strings.HasSuffix(s.proto, "DTLS/SCTP")
	}
}

// readExtension reads ID[/DIRECTION] URI [ATTRIBUTES]. Of lines with one id or
// one URI the first counts.
func (s *section) readExtension(value string) {
	fields := strings.Fields(value)
	if len(fields) < 2 {
		return
	}
	e := extension{uri: fields[1], direction: sendrecv}
	number, name, explicit := strings.Cut(fields[0], "/")
	id, err := strconv.ParseUint(number, 10, 16)
	if err != nil || id == 0 || id > maxExtensionID {
		return
	}
	e.id, e.explicit = uint8(id), explicit
	if explicit {
		var ok bool
		if e.direction, ok = parseDirection(name); !ok {
			return
		}
	}
	if !slices.ContainsFunc(s.extensions, func(x extension) bool { return x.id == e.id || x.uri == e.uri }) {
		s.extensions = append(s.extensions, e)
	}
}

func (s *section) readMsid(value string) {
	if fields := strings.Fields(value); len(fields) > 0 && s.stream == "" {
		s.stream = fields[0]
		if len(fields) > 1 {
			s.track = fields[1]
		}
	}
}

// agreed are the extensions of known kinds that we accept for use in the given
// directions, which are the client's; in the order and with the ids of the
// client, and the directions turned round.
func (s *section) agreed(use direction, wanted func(wire.ExtensionKind) bool) []extension {
	var list []extension
	for _, e := range s.extensions {
		kind := wire.ExtensionByURI(e.uri)
		if kind == wire.ExtensionNone || e.direction&use == 0 || !wanted(kind) {
			continue
		}
		if e.explicit {
			e.direction = (e.direction & use).reversed()
		}
		list = append(list, e)
	}
	return list
}

func anyKind(wire.ExtensionKind) bool { return true }

func extensionIDs(list []extension) (ids wire.ExtensionIDs) {
	for _, e := range list {
		if kind := wire.ExtensionByURI(e.uri); kind != wire.ExtensionNone {
			ids[kind] = e.id
		}
	}
	return ids
}

// parseSimulcast lists the rids that a client can send, in the order of its
// a=simulcast (RFC 8853 §5.1): of alternatives the first, and only those that an a=rid
// line describes (RFC 8851 §4). paused are those with a "~", which begin paused.
func parseSimulcast(attributes []sdp.Attribute) (rids []string, paused map[string]bool) {
	described := map[string]bool{}
	for _, a := range attributes {
		if fields := strings.Fields(a.Value); a.Key == "rid" && len(fields) > 1 && fields[1] == "send" {
			described[fields[0]] = true
		}
	}
	for _, a := range attributes {
		if a.Key != "simulcast" || rids != nil {
			continue
		}
		fields := strings.Fields(a.Value)
		for i := 0; i+1 < len(fields); i += 2 {
			if fields[i] != "send" {
				continue
			}
			// Drafts before RFC 8853, still sent by old clients, wrote rid=q;h;f.
			streams := strings.TrimPrefix(fields[i+1], "rid=")
			for stream := range strings.SplitSeq(streams, ";") {
				first, _, _ := strings.Cut(stream, ",")
				rid := strings.TrimPrefix(first, "~")
				if described[rid] && isRID(rid) && !slices.Contains(rids, rid) && len(rids) < maxRIDs {
					rids = append(rids, rid)
					if rid != first {
						if paused == nil {
							paused = map[string]bool{}
						}
						paused[rid] = true
					}
				}
			}
		}
	}
	return rids, paused
}

// isRID: letters, digits, - and _ (RFC 8851 §10).
func isRID(rid string) bool {
	for _, c := range []byte(rid) {
		if !isTokenByte(c) || strings.IndexByte("!#$%&'*+.^`{|}~", c) >= 0 {
			return false
		}
	}
	return rid != "" && len(rid) <= maxRIDLength
}

// parseSSRCs lists the announced streams in the order of their first mention,
// each with the RTX stream that a=ssrc-group:FID pairs with it (RFC 5576 §4.2).
func parseSSRCs(attributes []sdp.Attribute) []SSRC {
	rtx := map[uint32]uint32{}
	repairs := map[uint32]bool{}
	for _, a := range attributes {
		fields := strings.Fields(a.Value)
		if a.Key != "ssrc-group" || len(fields) < 3 || len(repairs) >= maxSSRCs {
			continue
		}
		first, err := strconv.ParseUint(fields[1], 10, 32)
		second, err2 := strconv.ParseUint(fields[2], 10, 32)
		if err != nil || err2 != nil || first == 0 || second == 0 {
			continue
		}
		switch fields[0] {
		case "FID":
			rtx[uint32(first)] = uint32(second)
			repairs[uint32(second)] = true
		case "FEC", "FEC-FR":
			repairs[uint32(second)] = true
		}
	}
	var list []SSRC
	seen := map[uint32]bool{}
	for _, a := range attributes {
		if a.Key != "ssrc" || len(list) >= maxSSRCs {
			continue
		}
		text, _, _ := strings.Cut(a.Value, " ")
		n, err := strconv.ParseUint(text, 10, 32)
		ssrc := uint32(n)
		if err != nil || ssrc == 0 || seen[ssrc] || repairs[ssrc] {
			continue
		}
		seen[ssrc] = true
		list = append(list, SSRC{Primary: ssrc, RTX: rtx[ssrc]})
	}
	return list
}
