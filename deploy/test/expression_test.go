package deploy

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// fillIn replaces Grafana's variables as Grafana does for all servers and a scrape
// interval of 15 s.
var fillIn = strings.NewReplacer("$__rate_interval", "1m", "$instance", ".*")

func parse(t *testing.T, expression string) parser.Expr {
	t.Helper()
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(fillIn.Replace(expression))
	if err != nil {
		t.Errorf("%s: %v", expression, err)
		return nil
	}
	return expr
}

// selectors are the time series that an expression reads, one for each word of an
// alternative such as result=~"a|b", so that a misspelt word selects nothing.
func selectors(expr parser.Expr) []string {
	var found []string
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if v, ok := node.(*parser.VectorSelector); ok {
			found = append(found, spellOut(v)...)
		}
		return nil
	})
	return found
}

func spellOut(v *parser.VectorSelector) []string {
	all := []string{""}
	for _, m := range v.LabelMatchers {
		words := []string{m.Value}
		if m.Type == labels.MatchRegexp || m.Type == labels.MatchNotRegexp {
			words = strings.Split(m.Value, "|")
		}
		var longer []string
		for _, selector := range all {
			for _, word := range words {
				operator := "="
				if strings.ContainsAny(word, ".*+") {
					operator = "=~"
				}
				longer = append(longer, fmt.Sprintf("%s%s%s%q,", selector, m.Name, operator, word))
			}
		}
		all = longer
	}
	for i := range all {
		all[i] = "{" + all[i] + "}"
	}
	return all
}

// grouped are the labels that an expression's aggregations name.
func grouped(expr parser.Expr) []string {
	var names []string
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if a, ok := node.(*parser.AggregateExpr); ok {
			names = append(names, a.Grouping...)
		}
		return nil
	})
	slices.Sort(names)
	return slices.Compact(names)
}

// comparison is a threshold in an alert, such as name > 2.
type comparison struct {
	name  string
	value float64
	below bool // what fires
}

func comparisons(expr parser.Expr) []comparison {
	var found []comparison
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		b, ok := node.(*parser.BinaryExpr)
		if !ok || !b.Op.IsComparisonOperator() {
			return nil
		}
		v, isVector := b.LHS.(*parser.VectorSelector)
		n, isNumber := b.RHS.(*parser.NumberLiteral)
		if isVector && isNumber {
			found = append(found, comparison{v.Name, n.Val, b.Op == parser.LSS || b.Op == parser.LTE})
		}
		return nil
	})
	return found
}

func TestSpellOut(t *testing.T) {
	got := selectors(parse(t, `rate(a{x="1",y=~"b|c",z!~"d|.*"}[$__rate_interval]) > b`))
	want := []string{
		`{x="1",y="b",z="d",__name__="a",}`, `{x="1",y="b",z=~".*",__name__="a",}`,
		`{x="1",y="c",z="d",__name__="a",}`, `{x="1",y="c",z=~".*",__name__="a",}`,
		`{__name__="b",}`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if got := comparisons(parse(t, `a:p95 > 2 and b > c or d < 3`)); !slices.Equal(got, []comparison{{"a:p95", 2, false}, {"d", 3, true}}) {
		t.Errorf("got %v", got)
	}
}
