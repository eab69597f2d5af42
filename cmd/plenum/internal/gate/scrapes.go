package gate

import (
	"bytes"
	"net/http"
)

// Scrape lets at most so many requests at once collect an answer that takes work. The
// answer is sent when it is complete, so that nobody who doesn't read it holds a place.
// Those that find none in time get a 503.
func Scrape(next http.Handler, atOnce int, rejected *Rejections) http.Handler {
	slots := make(chan struct{}, atOnce)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !take(r, slots) {
			rejected.inc(Scrapes)
			refuse(w, http.StatusServiceUnavailable, "others are being answered")
			return
		}
		a := answer{header: w.Header()}
		func() {
			defer func() { <-slots }()
			next.ServeHTTP(&a, r)
		}()
		if a.status != 0 {
			w.WriteHeader(a.status)
		}
		_, _ = w.Write(a.body.Bytes()) // a client that is gone needs no answer
	})
}

// answer is an http.ResponseWriter that keeps it.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}
