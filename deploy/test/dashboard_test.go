package deploy

import (
	"bytes"
	"encoding/json"
	"testing"
)

// dashboard is what the tests need of Grafana's format.
type dashboard struct {
	Title, UID string
	Templating struct {
		List []struct{ Name, Type, Definition string }
	}
	Panels []panel
}

type panel struct {
	ID                       int
	Type, Title, Description string
	GridPos                  struct{ X, Y, W, H int }
	Datasource               struct{ UID string }
	Targets                  []struct{ RefID, Expr, LegendFormat string }
	FieldConfig              struct{ Defaults struct{ Unit string } }
}

func readDashboard(t *testing.T) dashboard {
	t.Helper()
	var d dashboard
	decoder := json.NewDecoder(bytes.NewReader([]byte(read(t, "grafana/plenum.json"))))
	if err := decoder.Decode(&d); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDashboard(t *testing.T) {
	d := readDashboard(t)
	if d.Title == "" || d.UID == "" {
		t.Error("no title or uid")
	}
	ids, titles, rows, section := map[int]bool{}, map[string]bool{}, 0, ""
	taken := map[[2]int]string{}
	for _, p := range d.Panels {
		if ids[p.ID] || p.ID == 0 {
			t.Errorf("%q: the id %d is not its own", p.Title, p.ID)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("%q covers %q", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		if p.Type == "row" {
			rows, section = rows+1, p.Title
			continue
		}
		if p.Title == "" || titles[section+"/"+p.Title] || len(p.Targets) == 0 {
			t.Errorf("panel %d: title %q, %d queries", p.ID, p.Title, len(p.Targets))
		}
		titles[section+"/"+p.Title] = true
		if p.Datasource.UID != "${datasource}" || p.FieldConfig.Defaults.Unit == "" {
			t.Errorf("%q: data source %q, unit %q", p.Title, p.Datasource.UID, p.FieldConfig.Defaults.Unit)
		}
		for _, target := range p.Targets {
			parse(t, target.Expr)
		}
	}
	if rows != 6 || len(titles) < 40 {
		t.Errorf("%d rows, %d panels", rows, len(titles))
	}
}
