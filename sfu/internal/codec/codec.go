package codec

import "strings"

// registered is what is registered about one codec for RTP: its media type
// (IANA), and the clock of its RTP timestamps in Hz.
type registered struct {
	name, mime string
	clock      uint32
}

// table is indexed by Codec. G.722 samples at 16 kHz but its RTP clock is 8000
// for historical reasons (RFC 3551 §4.5.2). RED's clock is that of what it
// carries, which in WebRTC is Opus.
var table = [...]registered{
	Unknown: {"unknown", "", 0},
	Opus:    {"opus", "audio/opus", 48000},
	RED:     {"red", "audio/red", 48000},
	PCMU:    {"PCMU", "audio/PCMU", 8000},
	PCMA:    {"PCMA", "audio/PCMA", 8000},
	G722:    {"G722", "audio/G722", 8000},
	VP8:     {"VP8", "video/VP8", 90000},
	VP9:     {"VP9", "video/VP9", 90000},
	H264:    {"H264", "video/H264", 90000},
	H265:    {"H265", "video/H265", 90000},
	AV1:     {"AV1", "video/AV1", 90000},
}

func (c Codec) entry() *registered {
	if int(c) >= len(table) {
		c = Unknown
	}
	return &table[c]
}

// FromMIME returns the codec of a media type such as "video/VP8", in any
// letter case, or Unknown.
func FromMIME(mime string) Codec {
	for c := Opus; int(c) < len(table); c++ {
		if strings.EqualFold(table[c].mime, mime) {
			return c
		}
	}
	return Unknown
}

// MIME returns the media type in its usual spelling, "" for Unknown.
func (c Codec) MIME() string { return c.entry().mime }

// String returns the encoding name in its usual spelling, such as "VP8".
func (c Codec) String() string { return c.entry().name }

// IsVideo reports whether c is a video codec.
func (c Codec) IsVideo() bool { return c >= VP8 && c <= AV1 }

// IsAudio reports whether c is an audio codec.
func (c Codec) IsAudio() bool { return c >= Opus && c <= G722 }

// ClockRate returns the rate of the codec's RTP timestamps in Hz, 0 for Unknown.
func (c Codec) ClockRate() uint32 { return c.entry().clock }
