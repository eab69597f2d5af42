package deploy

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	corev1 "k8s.io/api/core/v1"
)

// TestSettingsExist holds the names of flags and variables in everything under deploy/
// to those that the binary has.
func TestSettingsExist(t *testing.T) {
	flags := serveFlags(t)
	var names []string
	for _, name := range flags {
		names = append(names, name)
	}
	variable, flag := regexp.MustCompile(`\bPLENUM_[A-Z0-9_]+\b`), regexp.MustCompile("(?:^|[ `(])--([a-z][a-z-]+)")
	// What compose.yaml is told, and words for all of them.
	notSettings := []string{"PLENUM_HOST", "PLENUM_SERVICE_HOST"}
	files := 0
	err := filepath.WalkDir(deployDir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			if entry != nil && (entry.Name() == "test" || entry.Name() == "call") {
				return filepath.SkipDir
			}
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		for _, name := range variable.FindAllString(string(text), -1) {
			if flags[name] == "" && !slices.Contains(notSettings, name) {
				t.Errorf("%s: %s is no setting", path, name)
			}
		}
		for line := range strings.Lines(string(text)) {
			if ours := strings.Contains(line, "plenum serve") || strings.HasSuffix(path, "rules.yml"); !ours {
				continue
			}
			for _, match := range flag.FindAllStringSubmatch(line, -1) {
				if !slices.Contains(names, match[1]) {
					t.Errorf("%s: --%s is no flag", path, match[1])
				}
			}
		}
		return nil
	})
	if err != nil || files < 25 {
		t.Errorf("read %d files: %v", files, err)
	}
}

// TestManifestsServe runs the binary with the settings of each manifest, in a network
// namespace of its own: it listens on the declared ports and no others, answers the
// probes and the scrape, keeps /metrics from the public port, and ends with 0.
func TestManifestsServe(t *testing.T) {
	needRoot(t)
	keys := filepath.Join(t.TempDir(), "keys")
	run(t, filepath.Join(deployDir, "keys.sh"), keys)
	for _, m := range rendered(t) {
		t.Run(m.variant, func(t *testing.T) {
			_, spec, c := pod(t, m)
			env := environment(t, m)
			if path := env["PLENUM_KEY_FILE"]; path != "" {
				checkMounted(t, spec, c, path)
				env["PLENUM_KEY_FILE"] = keys
			}
			command := namespaced(t, "", append([]string{binary(t, "plenum")}, c.Args...)...)
			for name, value := range env {
				command.Env = append(command.Env, name+"="+value)
			}
			p, _ := background(t, command, `"msg":"serving"`)

			want, listening := []string{}, listeners(t, p.Process.Pid)
			ports := map[string]int32{}
			for _, port := range c.Ports {
				want = append(want, fmt.Sprintf("%s %d", port.Protocol, port.ContainerPort))
				ports[port.Name] = port.ContainerPort
			}
			slices.Sort(want)
			if !slices.Equal(listening, want) {
				t.Errorf("listens on %q, declared are %q", listening, want)
			}
			for name, probe := range map[string]*corev1.Probe{"startup": c.StartupProbe, "liveness": c.LivenessProbe, "readiness": c.ReadinessProbe} {
				at := fmt.Sprintf("%d%s", ports[probe.HTTPGet.Port.String()], probe.HTTPGet.Path)
				if status, _ := fetchInside(t, p, at); status != 200 {
					t.Errorf("%s probe, %s: %d", name, at, status)
				}
			}
			if status, body := fetchInside(t, p, fmt.Sprintf("%d/metrics", ports["metrics"])); status != 200 || !strings.Contains(body, "plenum_build_info") {
				t.Errorf("scrape: %d", status)
			}
			if status, _ := fetchInside(t, p, fmt.Sprintf("%d/metrics", ports["http"])); status == 200 {
				t.Error("the public port serves metrics")
			}
			for _, monitor := range find[*monitoringv1.PodMonitor](m) {
				e := monitor.Spec.PodMetricsEndpoints[0]
				if status, _ := fetchInside(t, p, fmt.Sprintf("%d%s", ports[*e.Port], e.Path)); status != 200 {
					t.Errorf("the PodMonitor's scrape: %d", status)
				}
			}
			if code := p.terminate(t); code != 0 {
				t.Errorf("exit code %d", code)
			}
		})
	}
}

// checkMounted wants path to be in a volume of the Secret.
func checkMounted(t *testing.T, spec *corev1.PodSpec, c *corev1.Container, path string) {
	t.Helper()
	for _, mount := range c.VolumeMounts {
		for _, v := range spec.Volumes {
			if v.Name != mount.Name || v.Secret == nil || !mount.ReadOnly {
				continue
			}
			for _, item := range v.Secret.Items {
				if filepath.Join(mount.MountPath, item.Path) == path {
					return
				}
			}
		}
	}
	t.Errorf("no Secret is mounted at %s", path)
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("network namespaces need root")
	}
}

// namespaced is a command in a network namespace of its own; with a root folder, its
// file system is that one, read only, and its user the image's.
func namespaced(t *testing.T, rootFS string, args ...string) *exec.Cmd {
	t.Helper()
	script := `ip link set lo up && exec "$@"`
	if rootFS != "" {
		script = `ip link set lo up && mount --bind "$ROOT" "$ROOT" && mount -o remount,bind,ro "$ROOT" &&
			exec env -u ROOT -u WHO setpriv --no-new-privs chroot --userspec="$WHO" "$ROOT" "$@"`
	}
	command := exec.CommandContext(t.Context(), "unshare", append([]string{"--net", "--mount", "sh", "-c", script, "sh"}, args...)...)
	command.Env = []string{"PATH=" + os.Getenv("PATH")}
	return command
}

// fetchInside gets http://127.0.0.1:AT from inside a process's network.
func fetchInside(t *testing.T, p *process, at string) (int, string) {
	t.Helper()
	out := string(run(t, "nsenter", "--net", "--target", strconv.Itoa(p.Process.Pid),
		"curl", "--silent", "--show-error", "--max-time", "10", "--write-out", "\n%{http_code}", "http://127.0.0.1:"+at))
	end := strings.LastIndexByte(out, '\n')
	status, err := strconv.Atoi(out[end+1:])
	if err != nil {
		t.Fatal(err)
	}
	return status, out[:end]
}

// listeners are the ports that are open in a process's network, as "TCP 8080".
func listeners(t *testing.T, pid int) []string {
	t.Helper()
	var open []string
	for file, protocol := range map[string]string{"tcp": "TCP", "tcp6": "TCP", "udp": "UDP", "udp6": "UDP"} {
		table, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, file))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(table)) {
			fields := strings.Fields(line)
			if fields[0] == "sl" || protocol == "TCP" && fields[3] != "0A" { // listening
				continue
			}
			_, port, err := net.SplitHostPort(fields[1])
			if err != nil {
				t.Fatal(err)
			}
			n, err := strconv.ParseUint(port, 16, 16)
			if err != nil {
				t.Fatal(err)
			}
			open = append(open, fmt.Sprintf("%s %d", protocol, n))
		}
	}
	slices.Sort(open)
	return slices.Compact(open)
}

// terminate sends SIGTERM, as a kubelet does, and returns the exit code.
func (p *process) terminate(t *testing.T) int {
	t.Helper()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = p.Wait() // the exit code tells
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Fatal("SIGTERM didn't end it")
	}
	return p.ProcessState.ExitCode()
}
