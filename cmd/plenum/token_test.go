package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"plenum/sfu"
	"plenum/signaling"
)

const keyLines = "# rotated in May\nfirst: 0123456789abcdef0123\nsecond: abcdef0123456789abcd\n"

func TestMintedTokenOpensItsRoom(t *testing.T) {
	path := file(t, keyLines)
	var out, errOut bytes.Buffer
	if code := run([]string{"token", "--key-file", path, "--room", "demo", "--name", "Ada", "--no-publish"}, &out, &errOut); code != 0 {
		t.Fatalf("exit code %d: %s", code, &errOut)
	}
	keys, err := signaling.ReadKeys(path)
	if err != nil {
		t.Fatal(err)
	}
	token := strings.TrimSpace(out.String())
	claims, err := keys.Authenticate(token, "demo", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if want := (signaling.Claims{Room: "demo", Name: "Ada", Grants: sfu.Grants{Subscribe: true, Message: true}}); claims != want {
		t.Errorf("claims = %+v, want %+v", claims, want)
	}
	if _, err := keys.Authenticate(token, "other", time.Now()); err == nil {
		t.Error("the token opens another room")
	}
	if _, err := keys.Authenticate(token, "demo", time.Now().Add(25*time.Hour)); err == nil {
		t.Error("the token is good for more than 24 hours")
	}
}

func TestTokenCommandRefuses(t *testing.T) {
	path := file(t, keyLines)
	tests := map[string]struct {
		args []string
		code int
		want string
	}{
		"no room":      {[]string{"--key-file", path}, 2, "--room"},
		"bad room":     {[]string{"--key-file", path, "--room", "a b"}, 1, "a b"},
		"no keys":      {[]string{"--room", "demo"}, 2, "--key-file"},
		"missing file": {[]string{"--key-file", "/nonexistent", "--room", "demo"}, 1, "nonexistent"},
		"no lifetime":  {[]string{"--key-file", path, "--room", "demo", "--expires", "0s"}, 1, "good for"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var out, errOut bytes.Buffer
			if code := run(append([]string{"token"}, test.args...), &out, &errOut); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			if !strings.Contains(errOut.String(), test.want) {
				t.Errorf("it says %q, want something about %q", &errOut, test.want)
			}
			if out.Len() > 0 {
				t.Errorf("it printed %q", &out)
			}
		})
	}
}

func TestVersionCommand(t *testing.T) {
	var out, errOut bytes.Buffer
	if code := run([]string{"version"}, &out, &errOut); code != 0 || !strings.HasPrefix(out.String(), "plenum ") {
		t.Errorf("exit code %d: %q, %q", code, &out, &errOut)
	}
}
