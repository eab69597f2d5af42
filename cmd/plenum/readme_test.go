package main

import (
	"bytes"
	"os"
	"regexp"
	"testing"
)

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestREADMEListsEveryFlag(t *testing.T) {
	documented := map[string]string{} // flag to default
	for _, row := range regexp.MustCompile("(?m)^\\| `--([a-z-]+)` \\| (?:`([^`]*)`)? ?\\|").FindAllStringSubmatch(readme(t), -1) {
		documented[row[1]] = row[2]
	}
	var line commandLine
	parser, err := newParser(&line, new(bytes.Buffer), new(bytes.Buffer))
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range parser.Model.Children {
		if command.Name != "serve" {
			continue
		}
		for _, flag := range command.Flags {
			want, found := documented[flag.Name]
			delete(documented, flag.Name)
			switch {
			case !found:
				t.Errorf("the README doesn't list --%s", flag.Name)
			case want != flag.Default:
				t.Errorf("the README says that --%s is %q by default, it is %q", flag.Name, want, flag.Default)
			}
		}
	}
	for name := range documented {
		t.Errorf("the README lists --%s, which there isn't", name)
	}
}

func TestREADMEListsEveryMetric(t *testing.T) {
	documented := map[string]string{} // name to labels
	for _, row := range regexp.MustCompile("(?m)^\\| `(plenum_[a-z_]+)(\\{[a-z,]*\\})?` \\|").FindAllStringSubmatch(readme(t), -1) {
		documented[row[1]] = row[2]
	}
	for _, f := range families {
		labels := ""
		for i, label := range f.labels {
			if i > 0 {
				labels += ","
			}
			labels += label
		}
		if labels != "" {
			labels = "{" + labels + "}"
		}
		want, found := documented[f.name]
		delete(documented, f.name)
		switch {
		case !found:
			t.Errorf("the README doesn't list %s", f.name)
		case want != labels:
			t.Errorf("the README gives %s the labels %q, it has %q", f.name, want, labels)
		}
	}
	for name := range documented {
		t.Errorf("the README lists %s, which there isn't", name)
	}
}
