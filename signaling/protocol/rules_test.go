package protocol

import (
	"strings"
	"testing"
)

func TestValidRoom(t *testing.T) {
	for room, want := range map[string]bool{
		"demo": true, "A-b_c.9": true, strings.Repeat("r", MaxRoom): true,
		"": false, strings.Repeat("r", MaxRoom+1): false, "a b": false, "a/b": false, "é": false, "a\x00": false, "@": false, "[": false, "`": false, "{": false,
	} {
		if ValidRoom(room) != want {
			t.Errorf("%q: %v", room, !want)
		}
	}
}

func TestValidName(t *testing.T) {
	for name, want := range map[string]bool{
		"": true, "Ada Lovelace": true, strings.Repeat("字", MaxName): true,
		strings.Repeat("a", MaxName+1): false, "\xff": false,
	} {
		if ValidName(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
}
