package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strings"
	"time"
)

//go:embed plenum.js sdk/*.js app/*
var files embed.FS

// contentSecurityPolicy lets the app load its own scripts and styles and nothing
// else: no inline code, no other origin. WebSockets may go anywhere, because the
// server may stand behind another name than the page's.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; " +
	"img-src 'self' data:; media-src 'self' blob: mediastream:; connect-src 'self' ws: wss:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

// contentTypes are spelled out, because mime.TypeByExtension depends on the
// machine's tables, and a module with another type than JavaScript does not run.
var contentTypes = map[string]string{
	".css":  "text/css; charset=utf-8",
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

// roomName is the protocol's rule for rooms.
var roomName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,128}$`)

// asset is one embedded file, ready to serve.
type asset struct {
	body        []byte
	contentType string
	etag        string
	shared      bool // any origin may import it
}

// Handler serves the app at / and /r/ROOM, its parts under /app/, and the SDK at
// /plenum.js and under /sdk/. Everything else is 404.
func Handler() http.Handler {
	assets := load(files)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		found, ok := assets[resolve(r.URL.Path)]
		if !ok {
			http.NotFound(w, r)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		found.serve(w, r)
	})
}

// resolve maps a request's path to the key of its asset.
func resolve(urlPath string) string {
	room, deep := strings.CutPrefix(urlPath, "/r/")
	if urlPath == "/" || deep && roomName.MatchString(room) {
		return "/app/index.html"
	}
	return urlPath
}

// load reads every file once, so that serving needs no file system. The files are
// compiled in: one that can't be read or has no known type is a mistake of the build.
func load(fsys fs.FS) map[string]asset {
	assets := make(map[string]asset)
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		contentType, ok := contentTypes[path.Ext(name)]
		if !ok {
			panic("web: no content type for " + name)
		}
		body, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(body)
		assets["/"+name] = asset{
			body:        body,
			contentType: contentType,
			etag:        `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`,
			shared:      name == "plenum.js" || strings.HasPrefix(name, "sdk/"),
		}
		return nil
	})
	if err != nil {
		panic("web: " + err.Error())
	}
	return assets
}

func (a asset) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.contentType)
	h.Set("ETag", a.etag)
	// A new binary must not meet an old module in the cache: always ask, and mostly get 304.
	h.Set("Cache-Control", "no-cache")
	h.Set("Content-Security-Policy", contentSecurityPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	if a.shared {
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.body))
}
