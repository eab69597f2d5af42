package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

// drainTimeout is the default of --drain-timeout.
func drainTimeout(t *testing.T) time.Duration {
	t.Helper()
	help := strings.Join(strings.Fields(string(run(t, binary(t, "plenum"), "serve", "--help"))), " ")
	match := regexp.MustCompile(`--drain-timeout=DURATION [^$]*\(default (\w+)\)`).FindStringSubmatch(help)
	if match == nil {
		t.Fatal("the help names no default of --drain-timeout")
	}
	d, err := time.ParseDuration(match[1])
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestCompose loads compose.yaml with the code of Compose itself.
func TestCompose(t *testing.T) {
	dir, err := filepath.Abs(deployDir)
	if err != nil {
		t.Fatal(err)
	}
	details := types.ConfigDetails{
		WorkingDir:  dir,
		ConfigFiles: []types.ConfigFile{{Filename: filepath.Join(dir, "compose.yaml")}},
		Environment: types.Mapping{"PLENUM_HOST": "call.example.org", "PLENUM_PUBLIC_IP": "203.0.113.10"},
	}
	project, err := loader.LoadWithContext(t.Context(), details)
	if err != nil {
		t.Fatal(err)
	}
	delete(details.Environment, "PLENUM_HOST")
	if _, err := loader.LoadWithContext(t.Context(), details); err == nil {
		t.Error("it can be started without PLENUM_HOST")
	}
	for name, s := range project.Services {
		if !s.ReadOnly || s.Privileged || !slices.Equal(s.CapDrop, []string{"ALL"}) || !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s is not hardened", name)
		}
		if s.NetworkMode != "host" {
			t.Errorf("%s: network %q", name, s.NetworkMode)
		}
		if !strings.Contains(s.Image, ":") || strings.HasSuffix(s.Image, ":latest") {
			t.Errorf("%s: image %q", name, s.Image)
		}
		for _, v := range s.Volumes {
			if v.Type == types.VolumeTypeBind {
				if _, err := os.Stat(v.Source); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	}
	s := project.Services["plenum"]
	flags := serveFlags(t)
	for name := range s.Environment {
		if flags[name] == "" {
			t.Errorf("%s is no setting", name)
		}
	}
	if ip := s.Environment["PLENUM_PUBLIC_IP"]; ip == nil || *ip != "203.0.113.10" {
		t.Error("PLENUM_PUBLIC_IP is not passed on")
	}
	if s.User != "65532:65532" || *s.Environment["PLENUM_KEY_FILE"] != "/run/secrets/"+s.Secrets[0].Source {
		t.Errorf("user %s, keys at %s", s.User, *s.Environment["PLENUM_KEY_FILE"])
	}
	if d := time.Duration(*s.StopGracePeriod); d < drainTimeout(t)+5*time.Second {
		t.Errorf("it is killed after %v", d)
	}
	if metrics := *s.Environment["PLENUM_METRICS_LISTEN"]; !strings.Contains(read(t, "prometheus/prometheus.yml"), "["+metrics+"]") {
		t.Errorf("Prometheus doesn't scrape %s", metrics)
	}
	if proxy := s.Environment["PLENUM_TRUSTED_PROXY"]; proxy == nil || *proxy != "127.0.0.1,::1" {
		t.Error("Caddy isn't trusted")
	}
	if s.Build.Context != filepath.Dir(dir) {
		t.Errorf("the build's context is %s", s.Build.Context)
	}
}

// TestSystemdUnit verifies the unit, and holds it to a level of exposure.
func TestSystemdUnit(t *testing.T) {
	text := read(t, "plenum.service")
	path := filepath.Join(t.TempDir(), "plenum.service")
	here := strings.ReplaceAll(text, "/usr/local/bin/plenum", binary(t, "plenum"))
	if err := os.WriteFile(path, []byte(here), 0o600); err != nil {
		t.Fatal(err)
	}
	// It only warns of a misspelt key.
	if out, err := exec.CommandContext(t.Context(), "systemd-analyze", "verify", path).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v: %s", err, out)
	}
	// 1.5 of 10; what is left is the network, which it is for.
	run(t, "systemd-analyze", "security", "--offline=true", "--threshold=15", path)

	flags := serveFlags(t)
	for _, match := range regexp.MustCompile(`(?m)^Environment=(\w+)=`).FindAllStringSubmatch(text, -1) {
		if flags[match[1]] == "" {
			t.Errorf("%s is no setting", match[1])
		}
	}
	stop := regexp.MustCompile(`(?m)^TimeoutStopSec=(\d+)$`).FindStringSubmatch(text)
	if d, err := time.ParseDuration(stop[1] + "s"); err != nil || d < drainTimeout(t)+5*time.Second {
		t.Errorf("it is killed after %v", d)
	}
	if !strings.Contains(text, "\nEnvironment=PLENUM_TRUSTED_PROXY=127.0.0.1,::1\n") {
		t.Error("the web server in front isn't trusted")
	}
	if !strings.Contains(text, "PLENUM_KEY_FILE=%d/keys") || !strings.Contains(text, "LoadCredential=keys:") {
		t.Error("the keys don't get to where they are looked for")
	}
}
