package main

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// parse reads a command line and returns the serve command that it configures.
func parse(t *testing.T, args ...string) (*serveCommand, error) {
	t.Helper()
	var line commandLine
	parser, err := newParser(&line, new(bytes.Buffer), new(bytes.Buffer))
	if err != nil {
		t.Fatal(err)
	}
	_, err = parser.Parse(args)
	return &line.Serve, err
}

func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDefaults(t *testing.T) {
	for _, args := range [][]string{nil, {"serve"}} {
		c, err := parse(t, args...)
		if err != nil {
			t.Fatal(err)
		}
		if c.Listen != ":8080" || c.MediaPort != 8081 || c.DrainTimeout != 30*time.Second || c.ResumeTimeout != 30*time.Second || c.LogFormat != "text" {
			t.Errorf("plenum %v: %+v", args, c)
		}
	}
}

func TestFlagBeatsVariableBeatsFile(t *testing.T) {
	config := file(t, `
listen: 127.0.0.1:1
media-port: 1
drain-timeout: 1s
tls-self-signed: true
max-participants: 1
public-ip: [192.0.2.1, "2001:db8::1"]
trusted-proxy: [192.0.2.0/24]
ice-server: stun:one.example:1
`)
	t.Setenv("PLENUM_MEDIA_PORT", "2")
	t.Setenv("PLENUM_DRAIN_TIMEOUT", "2s")
	t.Setenv("PLENUM_TRUSTED_PROXY", "10.0.0.0/8,::1")
	t.Setenv("PLENUM_ICE_SERVER", "stun:two.example:2,stun:three.example:3")
	c, err := parse(t, "--config", config, "--drain-timeout", "3s")
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "127.0.0.1:1" {
		t.Errorf("listen = %q, want the file's", c.Listen)
	}
	if !c.TLSSelfSigned || c.MaxParticipants != 1 {
		t.Errorf("tls-self-signed = %v, max-participants = %d, want the file's", c.TLSSelfSigned, c.MaxParticipants)
	}
	if c.MediaPort != 2 {
		t.Errorf("media-port = %d, want the variable's", c.MediaPort)
	}
	if c.DrainTimeout != 3*time.Second {
		t.Errorf("drain-timeout = %v, want the flag's", c.DrainTimeout)
	}
	if want := []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")}; !reflect.DeepEqual(c.PublicIP, want) {
		t.Errorf("public-ip = %v, want %v", c.PublicIP, want)
	}
	if got := fmt.Sprint(c.trustedProxies()); got != "[10.0.0.0/8 ::1/128]" {
		t.Errorf("trusted-proxy = %s, want the variable's", got)
	}
	if want := []iceServer{{URL: "stun:two.example:2"}, {URL: "stun:three.example:3"}}; !reflect.DeepEqual(c.ICEServer, want) {
		t.Errorf("ice-server = %v, want %v", c.ICEServer, want)
	}
}

func TestConfigFileNamedByVariable(t *testing.T) {
	t.Setenv("PLENUM_CONFIG", file(t, "media-port: 7"))
	c, err := parse(t)
	if err != nil {
		t.Fatal(err)
	}
	if c.MediaPort != 7 {
		t.Errorf("media-port = %d, want the file's", c.MediaPort)
	}
}

func TestRefusedConfigurations(t *testing.T) {
	tests := map[string]struct {
		args []string
		yaml string
		want string
	}{
		"unknown key":         {yaml: "listten: x", want: `"listten"`},
		"file in a file":      {yaml: "config: other.yaml", want: `"config"`},
		"no mapping":          {yaml: "- listen", want: "YAML"},
		"wrong type":          {yaml: "media-port: many", want: "media-port"},
		"port too large":      {args: []string{"--media-port", "65536"}, want: "media-port"},
		"listen without port": {args: []string{"--listen", "localhost"}, want: "--listen"},
		"metrics address":     {args: []string{"--metrics-listen", "x"}, want: "--metrics-listen"},
		"no address":          {args: []string{"--media-address", "eth0"}, want: "media-address"},
		"no limit":            {args: []string{"--limit-joins", "20"}, want: "limit-joins"},
		"no network":          {args: []string{"--trusted-proxy", "10.0.0.0/8,eth0"}, want: "trusted-proxy"},
		"short admin token":   {yaml: "admin-token: 0123456789abcde", want: "--admin-token must have 16"},
		"half a certificate":  {args: []string{"--tls-cert", "x"}, want: "--tls-key"},
		"two certificates":    {args: []string{"--tls-cert", "x", "--tls-key", "y", "--tls-self-signed"}, want: "--tls-self-signed"},
		"negative limit":      {args: []string{"--max-participants=-1"}, want: "max-participants"},
		"negative timeout":    {args: []string{"--resume-timeout=-1s"}, want: "resume-timeout"},
		"log format":          {args: []string{"--log-format", "xml"}, want: "log-format"},
		"log level":           {args: []string{"--log-level", "loud"}, want: "log-level"},
		"ice server":          {args: []string{"--ice-server", "turn:host:1"}, want: "ice-server"},
		"unknown flag":        {args: []string{"--bogus"}, want: "--bogus"},
		"missing file":        {args: []string{"--config", "/nonexistent"}, want: "nonexistent"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			args := test.args
			if test.yaml != "" {
				args = append(args, "--config", file(t, test.yaml))
			}
			_, err := parse(t, args...)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("err = %v, want one that names %s", err, test.want)
			}
		})
	}
}

func TestMediaAddresses(t *testing.T) {
	tests := []struct {
		listen string
		media  []string
		want   string
	}{
		{":8080", nil, "[]"},
		{"0.0.0.0:8080", nil, "[]"},
		{"192.0.2.1:8080", nil, "[]"},
		{"127.0.0.1:0", nil, "[127.0.0.1]"},
		{"localhost:8080", nil, "[127.0.0.1]"},
		{"[::1]:8080", nil, "[::1]"},
		{"127.0.0.1:0", []string{"192.0.2.1"}, "[192.0.2.1]"},
		{":8080", []string{"192.0.2.1", "2001:db8::1"}, "[192.0.2.1 2001:db8::1]"},
	}
	for _, test := range tests {
		args := []string{"--listen", test.listen}
		for _, address := range test.media {
			args = append(args, "--media-address", address)
		}
		c, err := parse(t, args...)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(c.mediaAddresses()); got != test.want {
			t.Errorf("--listen %s --media-address %v: %s, want %s", test.listen, test.media, got, test.want)
		}
	}
}

func TestICEServer(t *testing.T) {
	tests := map[string]iceServer{
		"stun:stun.example.org:3478":                    {URL: "stun:stun.example.org:3478"},
		"stuns:stun.example.org":                        {URL: "stuns:stun.example.org"},
		"turn:ada:secret@turn.example.org:3478":         {"turn:turn.example.org:3478", "ada", "secret"},
		"turns:1700000000%3Aada:p%40ss@[2001:db8::1]:5": {"turns:[2001:db8::1]:5", "1700000000:ada", "p@ss"},
		"turn:a:b@turn.example.org?transport=tcp":       {"turn:turn.example.org?transport=tcp", "a", "b"},
	}
	for text, want := range tests {
		var got iceServer
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "stun:", "stun://host", "host:3478", "http:host", "stun:a:b@host",
		"turn:host:3478", "turn:ada@host", "turn::secret@host", "turn:ada:@host", "turn:a%zz:b@host", "turn:a:b@",
	} {
		var got iceServer
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is accepted as %+v", text, got)
		}
	}
}
