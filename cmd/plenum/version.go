package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
)

// Stamped by the Makefile: go build -ldflags "-X main.version=v1.2.3 -X main.revision=…".
var version, revision string

// build tells which source this binary was made from.
type build struct{ version, revision, goVersion string }

func buildInfo() build {
	b := build{version: version, revision: revision, goVersion: runtime.Version()}
	if info, ok := debug.ReadBuildInfo(); ok {
		b.version = cmp.Or(b.version, info.Main.Version)
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				b.revision = cmp.Or(b.revision, setting.Value)
			}
		}
	}
	b.version = cmp.Or(b.version, "devel")
	b.revision = cmp.Or(b.revision, "unknown")
	return b
}

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run(s streams) error {
	b := buildInfo()
	_, err := fmt.Fprintf(s.out, "plenum %s (%s, %s)\n", b.version, b.revision, b.goVersion)
	return err
}
