package codec

import (
	"strings"
	"testing"
)

func TestCodecNames(t *testing.T) {
	tests := []struct {
		codec        Codec
		mime, name   string
		clock        uint32
		audio, video bool
	}{
		{Unknown, "", "unknown", 0, false, false},
		{Opus, "audio/opus", "opus", 48000, true, false},
		{RED, "audio/red", "red", 48000, true, false},
		{PCMU, "audio/PCMU", "PCMU", 8000, true, false},
		{PCMA, "audio/PCMA", "PCMA", 8000, true, false},
		{G722, "audio/G722", "G722", 8000, true, false},
		{VP8, "video/VP8", "VP8", 90000, false, true},
		{VP9, "video/VP9", "VP9", 90000, false, true},
		{H264, "video/H264", "H264", 90000, false, true},
		{H265, "video/H265", "H265", 90000, false, true},
		{AV1, "video/AV1", "AV1", 90000, false, true},
		{Codec(200), "", "unknown", 0, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := tt.codec
			if c.MIME() != tt.mime || c.String() != tt.name || c.ClockRate() != tt.clock {
				t.Errorf("got %q, %q, %d", c.MIME(), c.String(), c.ClockRate())
			}
			if c.IsAudio() != tt.audio || c.IsVideo() != tt.video {
				t.Errorf("got audio %v, video %v", c.IsAudio(), c.IsVideo())
			}
			if tt.mime == "" {
				return
			}
			for _, m := range []string{tt.mime, strings.ToLower(tt.mime), strings.ToUpper(tt.mime)} {
				if got := FromMIME(m); got != c {
					t.Errorf("FromMIME(%q) = %v", m, got)
				}
			}
		})
	}
}

func TestFromMIMEUnknown(t *testing.T) {
	for _, m := range []string{"", "VP8", "video/", "video/rtx", "audio/VP8", "video/VP8 ", "audio/telephone-event"} {
		if c := FromMIME(m); c != Unknown {
			t.Errorf("FromMIME(%q) = %v", m, c)
		}
	}
}
