package deploy

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// rule is a recording or an alert rule.
type rule struct {
	Record, Alert, Expr, For string
	Labels, Annotations      map[string]string
}

func readRules(t *testing.T) []rule {
	t.Helper()
	var file struct{ Groups []struct{ Rules []rule } }
	if err := yaml.Unmarshal([]byte(read(t, "prometheus/rules.yml")), &file); err != nil {
		t.Fatal(err)
	}
	var all []rule
	for _, group := range file.Groups {
		all = append(all, group.Rules...)
	}
	if len(all) < 40 {
		t.Fatalf("only %d rules", len(all))
	}
	return all
}

// TestPromtool runs the unit tests of the rules, and checks the configuration.
func TestPromtool(t *testing.T) {
	dir := filepath.Join(deployDir, "prometheus")
	run(t, "promtool", "check", "config", filepath.Join(dir, "prometheus.yml"))
	run(t, "promtool", "test", "rules", filepath.Join(dir, "rules_test.yml"))
}

// TestEveryRuleIsTested wants each alert to be shown firing, not yet firing, and quiet
// on a healthy server, and each recording rule to be shown a value.
func TestEveryRuleIsTested(t *testing.T) {
	var file struct {
		Tests []struct {
			Name          string
			AlertRuleTest []struct {
				Alertname string
				ExpAlerts []any `json:"exp_alerts"`
			} `json:"alert_rule_test"`
			PromQLExprTest []struct{ Expr string } `json:"promql_expr_test"`
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, "prometheus/rules_test.yml")), &file); err != nil {
		t.Fatal(err)
	}
	fires, healthy, quiet := map[string]bool{}, map[string]bool{}, map[string]int{}
	values := ""
	for _, test := range file.Tests {
		for _, a := range test.AlertRuleTest {
			switch {
			case len(a.ExpAlerts) > 0:
				fires[a.Alertname] = true
			case test.Name == "in good health":
				healthy[a.Alertname] = true
			default:
				quiet[a.Alertname]++
			}
		}
		for _, e := range test.PromQLExprTest {
			values += e.Expr + "\n"
		}
	}
	for _, r := range readRules(t) {
		if r.Record != "" {
			if !strings.Contains(values, r.Record) {
				t.Errorf("%s is not tested", r.Record)
			}
			continue
		}
		if !fires[r.Alert] || !healthy[r.Alert] || quiet[r.Alert] == 0 {
			t.Errorf("%s: fires %v, quiet in health %v, quiet before %d", r.Alert, fires[r.Alert], healthy[r.Alert], quiet[r.Alert])
		}
	}
}

// TestAlertsAreExplained wants a severity, two sentences, and a section in the README
// for each alert, and no section for an alert that isn't there.
func TestAlertsAreExplained(t *testing.T) {
	var alerts []string
	for _, r := range readRules(t) {
		if r.Alert == "" {
			continue
		}
		alerts = append(alerts, r.Alert)
		if s := r.Labels["severity"]; s != "critical" && s != "warning" {
			t.Errorf("%s: severity %q", r.Alert, s)
		}
		if r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
			t.Errorf("%s: annotations", r.Alert)
		}
	}
	var explained []string
	for _, heading := range regexp.MustCompile(`(?m)^#+ (Plenum[A-Z]\w+)$`).FindAllStringSubmatch(read(t, "README.md"), -1) {
		explained = append(explained, heading[1])
	}
	slices.Sort(alerts)
	slices.Sort(explained)
	if !slices.Equal(alerts, explained) {
		t.Errorf("rules:\n%q\nREADME:\n%q", alerts, explained)
	}
}

// TestPrometheusRuleIsCurrent holds the operator's copy of the rules to the original.
func TestPrometheusRuleIsCurrent(t *testing.T) {
	var original, resource map[string]any
	if err := yaml.Unmarshal([]byte(read(t, "prometheus/rules.yml")), &original); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(deployDir, "kubernetes/components/monitoring/prometheusrule.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &resource); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(resource["spec"], any(original)) {
		t.Errorf("%s is not made of prometheus/rules.yml: run make -C deploy generate", path)
	}
}
