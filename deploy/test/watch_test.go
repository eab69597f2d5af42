package deploy

import (
	"encoding/json"
	"fmt"
	"math"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
)

// TestWatch lets a real Prometheus, with the configuration and rules of deploy/, watch
// a real server with calls in progress.
func TestWatch(t *testing.T) {
	if err := os.Setenv("GOMEMLIMIT", "900MiB"); err != nil {
		t.Fatal(err)
	}
	_, address := serve(t)
	p := startPrometheus(t, address)
	startCall(t, address, "-rooms=2", "-people=3", "-prefix=zebra")

	t.Run("rules", func(t *testing.T) { testRules(t, p) })
	t.Run("panels", func(t *testing.T) { testPanels(t, p) })
	t.Run("bandwidth", func(t *testing.T) { testBandwidth(t, p) })
	t.Run("names", func(t *testing.T) { testNames(t, p) })
	t.Run("buckets", func(t *testing.T) { testBuckets(t, p) })
	t.Run("exposition", func(t *testing.T) { testExposition(t, address) })
	t.Run("labels", func(t *testing.T) { testLabels(t, address) })
}

// prom is a running Prometheus.
type prom struct{ url string }

type sample struct {
	Metric map[string]string
	Value  [2]any
}

func (s sample) number() float64 {
	text, _ := s.Value[1].(string)
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return math.NaN()
	}
	return n
}

// startPrometheus runs it with the shipped configuration, but a scrape each second, and
// waits until it has seen the server.
func startPrometheus(t *testing.T, target string) *prom {
	t.Helper()
	dir := t.TempDir()
	config := read(t, "prometheus/prometheus.yml")
	for old, replacement := range map[string]string{
		"- targets: [127.0.0.1:8082]": "- targets: ['" + target + "']",
		"scrape_interval: 15s":        "scrape_interval: 1s",
		"evaluation_interval: 15s":    "evaluation_interval: 1s",
	} {
		if strings.Count(config, old) != 1 {
			t.Fatalf("prometheus.yml: %q is not there once", old)
		}
		config = strings.Replace(config, old, replacement, 1)
	}
	for name, text := range map[string]string{"prometheus.yml": config, "rules.yml": read(t, "prometheus/rules.yml")} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close() // Prometheus doesn't tell which free port it took
	background(t, exec.CommandContext(t.Context(), "prometheus", "--config.file="+dir+"/prometheus.yml",
		"--storage.tsdb.path="+dir+"/data", "--web.listen-address="+address), "Server is ready to receive web requests")
	p := &prom{"http://" + address}
	eventually(t, time.Minute, func() error {
		// Two scrapes from before the call, so that each increase in it is seen.
		samples, err := p.query(t, `count_over_time(up{job="plenum"}[1m]) > 1 and up == 1`)
		if err == nil && len(samples) == 0 {
			err = fmt.Errorf("not scraped")
		}
		return err
	})
	return p
}

func (p *prom) query(t *testing.T, expr string) ([]sample, error) {
	t.Helper()
	status, body := get(t, p.url+"/api/v1/query?query="+url.QueryEscape(expr))
	var answer struct {
		Error string
		Data  struct{ Result []sample }
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		return nil, err
	}
	if status != 200 {
		return nil, fmt.Errorf("%d: %s", status, answer.Error)
	}
	return answer.Data.Result, nil
}

// data waits until expr has a value that is a number, and returns what it has.
func (p *prom) data(t *testing.T, expr string) []sample {
	t.Helper()
	var samples []sample
	eventually(t, 30*time.Second, func() error {
		var err error
		if samples, err = p.query(t, expr); err != nil {
			return err
		}
		if !slices.ContainsFunc(samples, func(s sample) bool { return !math.IsNaN(s.number()) }) {
			return fmt.Errorf("no data: %s", expr)
		}
		return nil
	})
	return samples
}

// testRules wants data for every recording rule, health for every rule, and that no
// alert fires in a call that is as it should be.
func testRules(t *testing.T, p *prom) {
	for _, r := range readRules(t) {
		if parse(t, r.Expr) == nil {
			continue
		}
		if r.Record != "" {
			p.data(t, r.Expr)
			p.data(t, r.Record)
		} else if _, err := p.query(t, r.Expr); err != nil {
			t.Errorf("%s: %v", r.Alert, err)
		}
	}
	_, body := get(t, p.url+"/api/v1/rules")
	var answer struct {
		Data struct {
			Groups []struct {
				Rules []struct{ Name, Query, Health, LastError, State string }
			}
		}
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, group := range answer.Data.Groups {
		for _, r := range group.Rules {
			n++
			// One slow join of six on a busy machine is a p95 at once.
			slow := r.State == "pending" && strings.Contains(r.Query, "_seconds:p95_")
			if r.Health != "ok" || r.State == "firing" || r.State == "pending" && !slow {
				t.Errorf("%s is %s, %s: %s", r.Name, r.Health, r.State, r.LastError)
			}
		}
	}
	if want := len(readRules(t)); n != want {
		t.Errorf("Prometheus has %d rules, want %d", n, want)
	}
}

var legendLabel = regexp.MustCompile(`{{\s*(\w+)\s*}}`)

// testPanels wants data in every panel, and in its legend.
func testPanels(t *testing.T, p *prom) {
	for _, panel := range readDashboard(t).Panels {
		for _, target := range panel.Targets {
			for _, s := range p.data(t, fillIn.Replace(target.Expr)) {
				for _, label := range legendLabel.FindAllStringSubmatch(target.LegendFormat, -1) {
					if s.Metric[label[1]] == "" {
						t.Errorf("%q: no label %s in %v", panel.Title, label[1], s.Metric)
					}
				}
			}
		}
	}
}

// testBandwidth wants what the server does for each viewer's sake to show: it estimates
// and probes, and in each room somebody has one video small and one off.
func testBandwidth(t *testing.T, p *prom) {
	for _, expr := range []string{
		`plenum_downlink_estimate_bytes_per_second_count > 0`,
		`sum(plenum_probes_total) > 0`,
		`plenum_padding_bytes_total > 0`,
		`plenum_layer_switches_total{direction="down",reason="subscription"} >= 2`,
		`plenum_paused_subscriptions{reason="subscription"} == 2`,
	} {
		p.data(t, expr)
	}
}

// expressions are those of all rules and panels, by where they are.
func expressions(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, r := range readRules(t) {
		all["rule "+r.Record+r.Alert] = r.Expr
	}
	for _, panel := range readDashboard(t).Panels {
		for _, target := range panel.Targets {
			all[fmt.Sprintf("panel %d %q %s", panel.ID, panel.Title, target.RefID)] = target.Expr
		}
	}
	return all
}

// testNames wants each series that is named anywhere to exist, with each value of its
// labels, and each label that is summed over.
func testNames(t *testing.T, p *prom) {
	for where, text := range expressions(t) {
		expr := parse(t, text)
		if expr == nil {
			continue
		}
		known := map[string]bool{}
		for _, selector := range selectors(expr) {
			if strings.Contains(selector, `__name__="ALERTS"`) {
				continue // there are none in good health
			}
			if strings.Contains(selector, `__name__="plenum_tls_certificate_expiry_timestamp_seconds"`) {
				continue // this server is without HTTPS; TestCertificateIsRenewed of cmd/plenum has one with
			}
			samples, err := p.query(t, selector)
			if err != nil || len(samples) == 0 {
				t.Errorf("%s: nothing is %s: %v", where, selector, err)
			}
			for _, s := range samples {
				for name := range s.Metric {
					known[name] = true
				}
			}
		}
		for _, label := range grouped(expr) {
			if !known[label] {
				t.Errorf("%s: nothing has a label %s", where, label)
			}
		}
	}
	for _, m := range rendered(t) {
		for _, h := range find[*autoscalingv2.HorizontalPodAutoscaler](m) {
			for _, metric := range h.Spec.Metrics {
				if metric.Pods != nil {
					p.data(t, metric.Pods.Metric.Name)
				}
			}
		}
	}
	mentions := regexp.MustCompile("`((?:plenum|go|process)_[a-z_]+)`").FindAllStringSubmatch(read(t, "README.md"), -1)
	if len(mentions) == 0 {
		t.Error("README: names no metric")
	}
	for _, mention := range mentions {
		if samples, err := p.query(t, mention[1]); err != nil || len(samples) == 0 {
			t.Errorf("README: there is no metric %s", mention[1])
		}
	}
}

// testBuckets wants the threshold of each alert on a quantile to be a bound of the
// histogram's buckets, with enough of them on the good side to tell good from fair, and
// one on the other.
func testBuckets(t *testing.T, p *prom) {
	source := map[string]string{}
	for _, r := range readRules(t) {
		if metric := regexp.MustCompile(`histogram_quantile\(.*?(plenum_\w+_bucket)`).FindStringSubmatch(r.Expr); metric != nil {
			source[r.Record] = metric[1]
		}
	}
	checked := 0
	for _, r := range readRules(t) {
		expr := parse(t, r.Expr)
		if r.Alert == "" || expr == nil {
			continue
		}
		for _, c := range comparisons(expr) {
			if source[c.name] == "" {
				continue
			}
			checked++
			matchers := ""
			for _, selector := range selectors(expr) {
				if stage := regexp.MustCompile(`stage="\w+"`).FindString(selector); stage != "" {
					matchers = stage
				}
			}
			good, exact, bad := 0, false, false // buckets on either side
			for _, s := range p.data(t, source[c.name]+"{"+matchers+"}") {
				bound, err := strconv.ParseFloat(s.Metric["le"], 64)
				if err != nil {
					t.Fatal(err)
				}
				switch {
				case bound == c.value:
					exact = true
				case math.IsInf(bound, 1):
				case (bound < c.value) == c.below:
					bad = true
				default:
					good++
				}
			}
			if good < 4 || !exact || !bad {
				t.Errorf("%s: %d buckets on the good side of %v, one at it %v, one on the other %v", r.Alert, good, c.value, exact, bad)
			}
		}
	}
	if checked < 3 {
		t.Errorf("checked %d thresholds", checked)
	}
}

// testExposition runs promtool's linter over the metrics.
func testExposition(t *testing.T, address string) {
	_, body := get(t, "http://"+address+"/metrics")
	lint := exec.CommandContext(t.Context(), "promtool", "check", "metrics")
	lint.Stdin = strings.NewReader(body)
	out, err := lint.CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "plenum_") {
			t.Error(line)
		}
	}
	if _, isExit := err.(*exec.ExitError); err != nil && !isExit {
		t.Fatal(err)
	}
}

// testLabels wants labels to be bounded: no room or participant is in one, and more
// rooms and people make no new series.
func testLabels(t *testing.T, address string) {
	before := series(t, address)
	startCall(t, address, "-rooms=2", "-people=2", "-prefix=okapi")
	after := series(t, address)
	for _, s := range after {
		if !slices.Contains(before, s) {
			t.Errorf("new: %s", s)
		}
		if strings.Contains(s, "zebra") || strings.Contains(s, "okapi") {
			t.Errorf("a label names a room or a participant: %s", s)
		}
	}
	if len(after) > 330 {
		t.Errorf("%d series", len(after))
	}
}

// series are the server's own, with their labels.
func series(t *testing.T, address string) []string {
	t.Helper()
	_, body := get(t, "http://"+address+"/metrics")
	var all []string
	for line := range strings.Lines(body) {
		if strings.HasPrefix(line, "plenum_") {
			all = append(all, line[:strings.LastIndexByte(line, ' ')])
		}
	}
	return all
}
