//go:build image

package deploy

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The image of the test, and what it should be stamped with.
const (
	imageName     = "localhost/plenum:test"
	imageVersion  = "1.2.3"
	imageRevision = "0123456789abcdef0123456789abcdef01234567"
	imageMaxBytes = 25e6
)

// builder is buildah with a storage of its own.
type builder struct{ storage string }

func (b builder) run(t *testing.T, args ...string) string {
	t.Helper()
	args = append([]string{"--root=" + b.storage + "/root", "--runroot=" + b.storage + "/run", "--storage-driver=vfs"}, args...)
	return strings.TrimSpace(string(run(t, "buildah", args...)))
}

// standIn makes an image, under the name of a real one, of files of this machine.
func (b builder) standIn(t *testing.T, name string, fill func(rootFS string), config ...string) {
	t.Helper()
	container := b.run(t, "from", "scratch")
	fill(b.run(t, "mount", container))
	b.run(t, "unmount", container)
	b.run(t, append(append([]string{"config"}, config...), container)...)
	b.run(t, "commit", "--quiet", "--rm", container, name)
}

// standIns are the Dockerfile's base images, which can't be pulled everywhere: a shell
// with a place for Go, and nothing at all.
func (b builder) standIns(t *testing.T) {
	t.Helper()
	bases := regexp.MustCompile(`(?m)^FROM (?:--platform=\S+ )?(\S+)`).FindAllStringSubmatch(read(t, "Dockerfile"), -1)
	if len(bases) != 2 {
		t.Fatalf("base images: %q", bases)
	}
	b.standIn(t, bases[0][1], func(rootFS string) {
		for _, dir := range []string{"bin", "usr/local/go", "etc/ssl/certs", "root", "tmp"} {
			if err := os.MkdirAll(filepath.Join(rootFS, dir), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		// Who runs the steps has a home, where the compiler keeps its cache.
		if err := os.WriteFile(filepath.Join(rootFS, "etc/passwd"), []byte("root:x:0:0:root:/root:/bin/sh\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		run(t, "cp", "/bin/busybox", filepath.Join(rootFS, "bin/sh"))
		run(t, "cp", "/etc/ssl/certs/ca-certificates.crt", filepath.Join(rootFS, "etc/ssl/certs/"))
	}, "--env=PATH=/usr/local/go/bin:/bin", "--env=GOPATH=/go")
	b.standIn(t, bases[1][1], func(string) {}, "--user=65532")
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	return strings.TrimSpace(string(run(t, "go", "env", name)))
}

type imageConfig struct {
	Config struct {
		User            string
		ExposedPorts    map[string]struct{}
		Env             []string
		Entrypoint, Cmd []string
		Labels          map[string]string
	}
}

// TestImage builds the Dockerfile as it is, and runs the result as its configuration
// says: its own files, read only, its own user, no privileges.
func TestImage(t *testing.T) {
	needRoot(t)
	b := builder{t.TempDir()}
	b.standIns(t)
	args := []string{
		"bud", "--isolation=chroot", "--pull-never", "--layers=false", "--file=" + deployDir + "/Dockerfile", "--tag=" + imageName,
		"--volume=" + goEnv(t, "GOROOT") + ":/usr/local/go:ro", // else a copy for each step
		"--build-arg=VERSION=" + imageVersion, "--build-arg=REVISION=" + imageRevision,
	}
	b.run(t, append(args, "--build-arg=GOPROXY="+goEnv(t, "GOPROXY"), root)...)

	var image imageConfig
	layout := filepath.Join(b.storage, "layout")
	b.run(t, "push", "--quiet", imageName, "oci:"+layout+":test")
	if err := json.Unmarshal(run(t, "skopeo", "inspect", "--config", "oci:"+layout+":test"), &image); err != nil {
		t.Fatal(err)
	}
	config := image.Config
	if !regexp.MustCompile(`^[1-9]\d*:[1-9]\d*$`).MatchString(config.User) {
		t.Errorf("user %q is not a number, or root", config.User)
	}
	if label := "org.opencontainers.image."; config.Labels[label+"version"] != imageVersion || config.Labels[label+"revision"] != imageRevision {
		t.Errorf("labels %v", config.Labels)
	}
	rootFS := b.run(t, "mount", b.run(t, "from", "--pull-never", imageName))
	checkFiles(t, rootFS)

	command := namespaced(t, rootFS, append(slices.Clone(config.Entrypoint), config.Cmd...)...)
	command.Env = append(command.Env, "ROOT="+rootFS, "WHO="+config.User)
	p, _ := background(t, command, `msg=serving`)
	checkPrivileges(t, p, config.User)

	var exposed []string
	for port := range config.ExposedPorts {
		number, protocol, _ := strings.Cut(port, "/")
		exposed = append(exposed, strings.ToUpper(protocol)+" "+number)
	}
	slices.Sort(exposed)
	if open := listeners(t, p.Process.Pid); !slices.Equal(open, exposed) {
		t.Errorf("listens on %q, exposes %q", open, exposed)
	}
	for path, want := range map[string]string{"8080/healthz": "ok", "8080/readyz": "ready", "8080/": "<html", "8080/metrics": `plenum_build_info{goversion=`} {
		if status, body := fetchInside(t, p, path); status != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %.200s", path, status, body)
		}
	}
	_, metrics := fetchInside(t, p, "8080/metrics")
	if stamp := `revision="` + imageRevision + `",version="` + imageVersion + `"`; !strings.Contains(metrics, stamp) {
		t.Errorf("%s is not in its metrics", stamp)
	}
	// With a call in progress, which is told to go and goes.
	calling := exec.CommandContext(t.Context(), "nsenter", "--net", "--target", strconv.Itoa(p.Process.Pid),
		binary(t, "call"), "-url=ws://127.0.0.1:8080/ws", "-people=2")
	stdin, err := calling.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	background(t, calling, "^connected$")
	if code := p.terminate(t); code != 0 || !regexp.MustCompile(`msg=draining .*sessions=2`).MatchString(p.output()) || !strings.Contains(p.output(), "msg=drained") {
		t.Errorf("exit code %d", code)
	}
}

// checkFiles wants a small image with nothing in it that could be run but the binary.
func checkFiles(t *testing.T, rootFS string) {
	t.Helper()
	size := int64(0)
	err := filepath.WalkDir(rootFS, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil || !info.Mode().IsRegular() {
			return err
		}
		size += info.Size()
		if info.Mode().Perm()&0o111 != 0 && strings.TrimPrefix(path, rootFS) != "/plenum" {
			t.Errorf("%s can be run", path)
		}
		return nil
	})
	// distroless/static, which this stands on in earnest, has another 2 MB.
	if err != nil || size == 0 || size+2e6 > imageMaxBytes {
		t.Errorf("%d bytes: %v", size, err)
	}
	t.Logf("%.1f MB", float64(size)/1e6)
	header := make([]byte, 4)
	if f, err := os.Open(filepath.Join(rootFS, "plenum")); err != nil {
		t.Error(err)
	} else {
		_, _ = f.Read(header)
		_ = f.Close()
	}
	if string(header) != "\x7fELF" {
		t.Errorf("/plenum begins with %q", header)
	}
}

// checkPrivileges reads who the process is.
func checkPrivileges(t *testing.T, p *process, user string) {
	t.Helper()
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.Process.Pid), "status"))
	if err != nil {
		t.Fatal(err)
	}
	uid, gid, _ := strings.Cut(user, ":")
	for _, want := range []string{`Uid:\t` + uid + `\t` + uid, `Gid:\t` + gid + `\t` + gid, `CapEff:\t0+\n`, `NoNewPrivs:\t1`} {
		if !regexp.MustCompile(want).Match(status) {
			t.Errorf("its status has no %s:\n%s", want, status)
		}
	}
}
