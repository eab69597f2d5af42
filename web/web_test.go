package web

import (
	"compress/gzip"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func request(t *testing.T, method, target string, header http.Header) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	for name, values := range header {
		r.Header[name] = values
	}
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, response *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Some programs put a slash after every link.
func TestSlashesAfterLinks(t *testing.T) {
	for from, to := range map[string]string{
		"/r/demo/": "/r/demo", "/r/demo//": "/r/demo", "/r/demo/?lang=fr": "/r/demo?lang=fr", "/r/F%C3%AAte/": "/r/F%C3%AAte",
		"/r": "/", "/r/": "/", "/r/?lang=fr": "/?lang=fr", "/r//evil.example/": "/r/evil.example",
	} {
		got := request(t, http.MethodGet, from, nil)
		if got.StatusCode != http.StatusPermanentRedirect || got.Header.Get("Location") != to {
			t.Errorf("%s: %d to %q, want %q", from, got.StatusCode, got.Header.Get("Location"), to)
		}
	}
}

func TestPaths(t *testing.T) {
	const html, script = "text/html; charset=utf-8", "text/javascript; charset=utf-8"
	tests := []struct {
		path        string
		status      int
		contentType string
		shared      bool
	}{
		{"/", 200, html, false},
		{"/r/demo", 200, html, false},
		{"/r/A-b_c.9", 200, html, false},
		{"/r/demo?codec=VP9", 200, html, false},
		{"/r/" + strings.Repeat("x", 128), 200, html, false},
		{"/plenum.js", 200, script, true},
		{"/plenum-call.js", 200, script, true},
		{"/sdk/room.js", 200, script, true},
		{"/element/text.js", 200, script, true},
		{"/app/main.js", 200, script, false},
		{"/app/style/base.css", 200, "text/css; charset=utf-8", false},
		{"/app/icon.svg", 200, "image/svg+xml", false},

		// No room has such a name: the app says so.
		{"/r/a/b", 200, html, false},
		{"/r/a%20b", 200, html, false},
		{"/r/F%C3%AAte", 200, html, false},
		{"/r/%FF", 200, html, false},
		{"/r/" + strings.Repeat("x", 129), 200, html, false},
		{"/room/demo", 404, "", false},
		{"/app", 404, "", false},
		{"/app/", 404, "", false},
		{"/sdk/", 404, "", false},
		{"/sdk/../web.go", 404, "", false},
		{"/web.go", 404, "", false},
		{"/package.json", 404, "", false},
		{"/favicon.ico", 404, "", false},
		{"/ws", 404, "", false},
	}
	for _, test := range tests {
		t.Run(test.path, func(t *testing.T) {
			response := request(t, http.MethodGet, test.path, nil)
			if response.StatusCode != test.status {
				t.Fatalf("status %d, want %d", response.StatusCode, test.status)
			}
			if test.status != 200 {
				return
			}
			h := response.Header
			if got := h.Get("Content-Type"); got != test.contentType {
				t.Errorf("content type %q, want %q", got, test.contentType)
			}
			if got := h.Get("Access-Control-Allow-Origin") == "*"; got != test.shared {
				t.Errorf("importable by others: %v, want %v", got, test.shared)
			}
			if got := h.Get("Cache-Control"); got != "no-cache" {
				t.Errorf("cache control %q", got)
			}
			if got := h.Get("X-Content-Type-Options"); got != "nosniff" {
				t.Errorf("content type options %q", got)
			}
			if body(t, response) == "" {
				t.Error("empty body")
			}
		})
	}
}

func TestHead(t *testing.T) {
	get := request(t, http.MethodGet, "/plenum.js", nil)
	head := request(t, http.MethodHead, "/plenum.js", nil)
	if head.StatusCode != 200 || body(t, head) != "" {
		t.Fatalf("status %d, want 200 without a body", head.StatusCode)
	}
	for _, name := range []string{"Content-Type", "Content-Length", "ETag", "Access-Control-Allow-Origin"} {
		if got, want := head.Header.Get(name), get.Header.Get(name); got != want || want == "" {
			t.Errorf("%s %q, GET has %q", name, got, want)
		}
	}
}

func TestRevalidation(t *testing.T) {
	etag := request(t, http.MethodGet, "/", nil).Header.Get("ETag")
	if same := request(t, http.MethodGet, "/r/demo", http.Header{"If-None-Match": {etag}}); same.StatusCode != http.StatusNotModified {
		t.Errorf("status %d for the same file, want 304", same.StatusCode)
	}
	if other := request(t, http.MethodGet, "/plenum.js", http.Header{"If-None-Match": {etag}}); other.StatusCode != http.StatusOK {
		t.Errorf("status %d for another file, want 200", other.StatusCode)
	}
}

func TestCompression(t *testing.T) {
	plain := request(t, http.MethodGet, "/plenum.js", nil)
	want := body(t, plain)
	for _, header := range []string{"gzip", "br, gzip;q=0.5", "GZIP , deflate"} {
		response := request(t, http.MethodGet, "/plenum.js", http.Header{"Accept-Encoding": {header}})
		if response.Header.Get("Content-Encoding") != "gzip" || response.Header.Get("ETag") == plain.Header.Get("ETag") {
			t.Fatalf("%q: encoding %q, tag %q", header, response.Header.Get("Content-Encoding"), response.Header.Get("ETag"))
		}
		r, err := gzip.NewReader(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || string(got) != want {
			t.Errorf("%q: other content, %v", header, err)
		}
	}
	for _, header := range []string{"", "identity", "br", "gzip;q=0", "gzip; q=0.0"} {
		response := request(t, http.MethodGet, "/plenum.js", http.Header{"Accept-Encoding": {header}})
		if response.Header.Get("Content-Encoding") != "" || body(t, response) != want {
			t.Errorf("%q: encoding %q", header, response.Header.Get("Content-Encoding"))
		}
	}
}

// Whatever the app's first module needs is asked for with the page, and nothing that can wait.
func TestPreloads(t *testing.T) {
	assets := load(files)
	page := string(assets[appPage].body)
	var links []string
	for _, match := range regexp.MustCompile(`<link rel="modulepreload" href="([^"]+)">`).FindAllStringSubmatch(page, -1) {
		links = append(links, match[1])
	}
	needed := map[string]bool{entry: true}
	for pending := []string{entry}; len(pending) > 0; pending = pending[1:] {
		for _, match := range regexp.MustCompile(`from '(\.[^']+)'`).FindAllStringSubmatch(string(assets[pending[0]].body), -1) {
			if name := path.Join(path.Dir(pending[0]), match[1]); !needed[name] {
				needed[name] = true
				pending = append(pending, name)
			}
		}
	}
	if len(links) != len(needed)-1 || len(links) < 10 {
		t.Errorf("%d modules are preloaded, %d are needed besides the first", len(links), len(needed)-1)
	}
	for _, name := range links {
		if !needed[name] {
			t.Errorf("%s is preloaded, and nothing needs it at once", name)
		}
	}
	for _, later := range []string{"/app/views/call.js", "/sdk/room.js", "/app/strings/zh.js", "/plenum-call.js"} {
		if _, ok := assets[later]; !ok || slices.Contains(links, later) {
			t.Errorf("%s can wait", later)
		}
	}
	if first := strings.Index(page, "modulepreload"); first > strings.Index(page, "<script") {
		t.Error("the first module is asked for before what it needs")
	}
}

// The app must start fast on a bad network: all that it loads, in every language.
func TestWeight(t *testing.T) {
	total, raw := 0, 0
	for name, one := range load(files) {
		if name != "/plenum-call.js" && !strings.HasPrefix(name, "/element/") {
			total += len(one.compressed)
			raw += len(one.body)
		}
	}
	t.Logf("%d bytes, %d before compression", total, raw)
	if total > 100_000 {
		t.Errorf("the app loads %d bytes, which is more than 100,000", total)
	}
}

func TestOnlyReads(t *testing.T) {
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
		response := request(t, method, "/", nil)
		if response.StatusCode != http.StatusMethodNotAllowed || response.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: status %d, allow %q", method, response.StatusCode, response.Header.Get("Allow"))
		}
	}
}

func TestContentSecurityPolicy(t *testing.T) {
	policy := request(t, http.MethodGet, "/", nil).Header.Get("Content-Security-Policy")
	for _, directive := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self' ws: wss:"} {
		if !strings.Contains(policy, directive) {
			t.Errorf("%q is not in %q", directive, policy)
		}
	}
	if strings.Contains(policy, "unsafe") {
		t.Errorf("unsafe: %q", policy)
	}
	if picture := request(t, http.MethodGet, "/app/icon.svg", nil).Header.Get("Content-Security-Policy"); picture != policy {
		t.Errorf("a picture may be opened as a page, and has the policy %q", picture)
	}
	page := body(t, request(t, http.MethodGet, "/", nil))
	for what, pattern := range map[string]string{
		"inline script":    `<script(?:\s+type="[^"]*")?\s*>`,
		"inline style":     `<style|\sstyle=`,
		"inline handler":   `\son[a-z]+=`,
		"another's origin": `(?:src|href)="(?:https?:)?//`,
	} {
		if found := regexp.MustCompile(pattern).FindString(page); found != "" {
			t.Errorf("%s in the page, which the policy forbids: %s", what, found)
		}
	}
}

// Everything that a file refers to must be served, for a missing module is a
// blank page and nothing else would notice.
func TestReferencesResolve(t *testing.T) {
	references := regexp.MustCompile(`(?:from '|\bimport\('|(?:src|href)="|<use href=")(\.{0,2}/[^'"]+)['"]`)
	assets := load(files)
	checked := 0
	for name, one := range assets {
		if ext := path.Ext(name); ext != ".js" && ext != ".html" {
			continue
		}
		for _, match := range references.FindAllStringSubmatch(string(one.body), -1) {
			target := match[1]
			if strings.HasPrefix(target, ".") {
				target = path.Join(path.Dir(name), target)
			}
			if _, ok := assets[target]; !ok {
				t.Errorf("%s refers to %s, which is not served", name, target)
			}
			checked++
		}
	}
	if checked < 20 {
		t.Errorf("only %d references found: the pattern no longer fits the files", checked)
	}
}

// The SDK is imported by other pages, so it must not reach into the app.
func TestSDKStandsAlone(t *testing.T) {
	entries, err := fs.Glob(files, "sdk/*.js")
	if err != nil || len(entries) == 0 {
		t.Fatalf("no SDK: %v", err)
	}
	for _, name := range entries {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, forbidden := range []string{"../", "document.", "window."} {
			if strings.Contains(string(text), forbidden) {
				t.Errorf("%s has %q", name, forbidden)
			}
		}
	}
}

func TestWithoutDocs(t *testing.T) {
	in := "/**\n * What a is.\n * @type {number}\n */\nconst a = /** @type {any} */ (1);\n\t/** One line. */\n\tconst b = '/** kept */'; /* kept */\n"
	want := "\n\n\n\nconst a = /** @type {any} */ (1);\n\n\tconst b = '/** kept */'; /* kept */\n"
	if got := string(withoutDocs([]byte(in))); got != want {
		t.Errorf("withoutDocs left %q, want %q", got, want)
	}
}
