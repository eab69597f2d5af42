package jsep

import (
	"fmt"
	"strconv"
	"strings"

	"plenum/sfu/internal/codec"
)

// parameters are the key=value pairs of an a=fmtp line, keys in lower case.
type parameters map[string]string

func parseParameters(fmtp string) parameters {
	p := parameters{}
	for pair := range strings.SplitSeq(fmtp, ";") {
		key, value, found := strings.Cut(strings.TrimSpace(pair), "=")
		if key = strings.ToLower(strings.TrimSpace(key)); found && key != "" {
			p[key] = strings.TrimSpace(value)
		}
	}
	return p
}

// number is the value of key where that is a decimal of at most four digits,
// else fallback. Every numeric parameter that Plenum passes on is that short.
func (p parameters) number(key, fallback string) string {
	value, ok := p[key]
	if !ok || len(value) > 4 {
		return fallback
	}
	if n, err := strconv.ParseUint(value, 10, 16); err == nil {
		return strconv.FormatUint(n, 10)
	}
	return fallback
}

// defaultH264 is what libwebrtc assumes where profile-level-id is missing:
// Constrained Baseline, level 3.1.
const defaultH264 = "42e01f"

// h264Profiles are the profile_idc and profile_iop bits of each profile that
// browsers know (RFC 6184 §8.1, table 5).
var h264Profiles = [...]struct {
	idc, mask, bits uint8
	name            string
}{
	{0x42, 0x4F, 0x40, "constrained-baseline"},
	{0x4D, 0x8F, 0x80, "constrained-baseline"},
	{0x58, 0xCF, 0xC0, "constrained-baseline"},
	{0x42, 0x4F, 0x00, "baseline"},
	{0x58, 0xCF, 0x80, "baseline"},
	{0x4D, 0xAF, 0x00, "main"},
	{0x64, 0xFF, 0x00, "high"},
	{0x64, 0xFF, 0x0C, "constrained-high"},
	{0xF4, 0xFF, 0x00, "predictive-high-4:4:4"},
}

// h264Profile names the profile of a profile-level-id, whatever its level; it
// is empty for one that no browser knows.
func h264Profile(profileLevelID string) string {
	if len(profileLevelID) != 6 {
		return ""
	}
	id, err := strconv.ParseUint(profileLevelID, 16, 24)
	if err != nil {
		return ""
	}
	idc, iop := uint8(id>>16), uint8(id>>8)
	for _, p := range h264Profiles {
		if idc == p.idc && iop&p.mask == p.bits {
			return p.name
		}
	}
	return ""
}

// profile is the part of a codec's parameters that makes it another format, so
// that it needs a payload type of its own. ok is false for a profile that does
// not exist; such a format is declined rather than passed on to viewers.
func profile(c codec.Codec, p parameters) (name string, ok bool) {
	switch c {
	case codec.H264:
		id, said := p["profile-level-id"]
		if !said {
			id = defaultH264
		}
		name, mode := h264Profile(id), p.number("packetization-mode", "0")
		return name + "/" + mode, name != "" && (mode == "0" || mode == "1")
	case codec.VP9:
		name = p.number("profile-id", "0")
		return name, name <= "3" && len(name) == 1
	case codec.AV1:
		name = p.number("profile", "0")
		return name, name <= "2" && len(name) == 1
	default:
		return "", true
	}
}

// opusParameters is what Plenum says about Opus, whoever asks: in-band FEC
// always, stereo and DTX where the other side spoke of them (RFC 7587 §7).
func opusParameters(p parameters) string {
	fmtp := "minptime=10;useinbandfec=1"
	if p["stereo"] == "1" || p["sprop-stereo"] == "1" {
		fmtp += ";stereo=1;sprop-stereo=1"
	}
	if p["usedtx"] == "1" {
		fmtp += ";usedtx=1"
	}
	return fmtp
}

// answered is the fmtp with which a client's codec is accepted.
func answered(c codec.Codec, fmtp string) string {
	if c == codec.Opus {
		return opusParameters(parseParameters(fmtp))
	}
	return fmtp
}

// canonical rebuilds a publisher's fmtp from the parameters that a viewer needs.
// Nothing of a publisher's text reaches a viewer unchecked: a browser refuses a
// whole description for one line that it can't read.
func canonical(c codec.Codec, fmtp string) string {
	p := parseParameters(fmtp)
	switch c {
	case codec.Opus:
		return opusParameters(p)
	case codec.VP9:
		return "profile-id=" + p.number("profile-id", "0")
	case codec.H264:
		id := strings.ToLower(p["profile-level-id"])
		if h264Profile(id) == "" {
			id = defaultH264
		}
		return fmt.Sprintf("level-asymmetry-allowed=1;packetization-mode=%s;profile-level-id=%s",
			p.number("packetization-mode", "0"), id)
	case codec.H265:
		return p.numbers("level-id", "profile-id", "tier-flag")
	case codec.AV1:
		return p.numbers("level-idx", "profile", "tier")
	default:
		return ""
	}
}

// numbers are those of keys that p has, as an fmtp.
func (p parameters) numbers(keys ...string) string {
	var pairs []string
	for _, key := range keys {
		if value := p.number(key, ""); value != "" {
			pairs = append(pairs, key+"="+value)
		}
	}
	return strings.Join(pairs, ";")
}
