package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed plenum.js plenum-call.js sdk/*.js element/*.js app/*
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

// docComment is a JSDoc comment on lines of its own. Our modules have no string that looks like one.
var docComment = regexp.MustCompile(`(?m)^[ \t]*/\*\*(?s:.*?)\*/[ \t]*$`)

// withoutDocs takes the comments for editors and tsc out of a module: they are a
// third of what would cross the network. Lines keep their numbers.
func withoutDocs(module []byte) []byte {
	return docComment.ReplaceAllFunc(module, func(comment []byte) []byte {
		return bytes.Repeat([]byte{'\n'}, bytes.Count(comment, []byte{'\n'}))
	})
}

// moduleReference is what a module loads before it runs: an import or a re-export.
var moduleReference = regexp.MustCompile(`(?m)^(?:import|export)\s[^'"]*?\sfrom '(\.[^']+)'`)

// The app's one page, its first module, and where the page names it.
const (
	appPage  = "/app/index.html"
	entry    = "/app/main.js"
	entryTag = `  <script type="module" src="` + entry + `">`
)

// withPreloads names all modules that the app's first one needs in the page itself,
// so that the browser asks for them at once: they import each other several deep, and
// each step would be a round trip before anything is painted.
func withPreloads(page []byte, assets map[string]asset) []byte {
	var links strings.Builder
	modules := []string{entry}
	for i := 0; i < len(modules); i++ {
		for _, reference := range moduleReference.FindAllSubmatch(assets[modules[i]].body, -1) {
			name := path.Join(path.Dir(modules[i]), string(reference[1]))
			if slices.Contains(modules, name) {
				continue
			}
			modules = append(modules, name)
			links.WriteString(`  <link rel="modulepreload" href="` + name + "\">\n")
		}
	}
	return bytes.Replace(page, []byte(entryTag), []byte(links.String()+entryTag), 1)
}

// asset is one embedded file, ready to serve.
type asset struct {
	body        []byte
	compressed  []byte // gzip, made once
	contentType string
	etag        string
	shared      bool // any origin may import it
	document    bool // a browser may show it as a page, so it carries the policy; modules and styles obey their page's
}

// Handler serves the app at / and /r/ROOM, also where ROOM is no room's name, which the app
// explains; a slash too many after it is taken away. It serves the app's parts under /app/, the SDK at
// /plenum.js and under /sdk/, and the custom element at /plenum-call.js and under
// /element/. Everything else is 404.
func Handler() http.Handler {
	assets := load(files)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if to, ok := shorter(r.URL); ok {
			http.Redirect(w, r, to, http.StatusPermanentRedirect)
			return
		}
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
	if urlPath == "/" || strings.HasPrefix(urlPath, "/r/") {
		return appPage
	}
	return urlPath
}

// shorter is where a room's link with slashes at its end, as some programs make of
// any, leads: to the room, or without one to the lobby.
func shorter(u *url.URL) (to string, ok bool) {
	link, deep := strings.CutPrefix(u.EscapedPath(), "/r")
	if !deep || link != "" && !(strings.HasPrefix(link, "/") && strings.HasSuffix(link, "/")) {
		return "", false
	}
	to = "/"
	if room := strings.Trim(link, "/"); room != "" {
		to = "/r/" + room
	}
	if u.RawQuery != "" {
		to += "?" + u.RawQuery
	}
	return to, true
}

// load reads every file once, so that serving needs no file system. The files are
// compiled in: one that can't be read or has no known type is a mistake of the build.
func load(fsys fs.FS) map[string]asset {
	assets := make(map[string]asset)
	compressor, err := gzip.NewWriterLevel(nil, gzip.BestCompression) // one for all: it is large
	if err != nil {
		panic("web: " + err.Error())
	}
	err = fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
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
		if path.Ext(name) == ".js" {
			body = withoutDocs(body)
		}
		assets["/"+name] = asset{
			body:        body,
			contentType: contentType,
			document:    path.Ext(name) == ".html" || path.Ext(name) == ".svg",
			shared:      !strings.Contains(name, "/") || strings.HasPrefix(name, "sdk/") || strings.HasPrefix(name, "element/"),
		}
		return nil
	})
	if err != nil {
		panic("web: " + err.Error())
	}
	page := assets[appPage]
	page.body = withPreloads(page.body, assets)
	assets[appPage] = page
	for name, one := range assets {
		sum := sha256.Sum256(one.body)
		one.etag = `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
		one.compressed = compress(compressor, one.body)
		assets[name] = one
	}
	return assets
}

// compress runs once per file and process.
func compress(w *gzip.Writer, body []byte) []byte {
	var b bytes.Buffer
	w.Reset(&b)
	_, err := w.Write(body)
	if err == nil {
		err = w.Close()
	}
	if err != nil { // a buffer takes every write
		panic("web: " + err.Error())
	}
	return b.Bytes()
}

// acceptsGzip reads Accept-Encoding (RFC 9110, section 12.5.3) as far as browsers
// use it: gzip named, and not with a weight of zero.
func acceptsGzip(header string) bool {
	for entry := range strings.SplitSeq(header, ",") {
		name, weight, _ := strings.Cut(entry, ";")
		if !strings.EqualFold(strings.TrimSpace(name), "gzip") {
			continue
		}
		value, weighted := strings.CutPrefix(strings.TrimSpace(weight), "q=")
		q, err := strconv.ParseFloat(value, 64)
		return !weighted || err == nil && q > 0
	}
	return false
}

func (a asset) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.contentType)
	h.Set("Vary", "Accept-Encoding")
	body, etag := a.body, a.etag
	if acceptsGzip(r.Header.Get("Accept-Encoding")) {
		// Another representation needs another tag (RFC 9110, section 8.8.3).
		body, etag = a.compressed, strings.TrimSuffix(a.etag, `"`)+`-gzip"`
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("ETag", etag)
	// A new binary must not meet an old module in the cache: always ask, and mostly get 304.
	h.Set("Cache-Control", "no-cache")
	if a.document {
		h.Set("Content-Security-Policy", contentSecurityPolicy)
		h.Set("Referrer-Policy", "no-referrer")
	}
	h.Set("X-Content-Type-Options", "nosniff")
	if a.shared {
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}
