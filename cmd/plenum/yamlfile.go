package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"github.com/alecthomas/kong"
	"gopkg.in/yaml.v3"
)

// yamlFile answers for flags that are set neither on the command line nor in the
// environment. Its keys are the names of the serve flags, without the dashes in
// front.
//
// kong-yaml isn't used: it looks for the flags of a command under the command's
// name, lets the file win over the environment, and ignores misspelt keys.
type yamlFile map[string]any

func loadYAML(r io.Reader) (kong.Resolver, error) {
	file := yamlFile{}
	if err := yaml.NewDecoder(r).Decode(&file); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("the configuration is not a YAML mapping: %w", err)
	}
	return file, nil
}

// Resolve implements kong.Resolver.
func (f yamlFile) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, name := range flag.Envs {
		if os.Getenv(name) != "" {
			return nil, nil // the environment wins
		}
	}
	return f[flag.Name], nil
}

// Validate refuses keys that no flag of the serve command has.
func (f yamlFile) Validate(app *kong.Application) error {
	known := map[string]bool{}
	for _, command := range app.Children {
		if command.Name != "serve" {
			continue
		}
		for _, flag := range command.Flags {
			known[flag.Name] = flag.Name != "config" && flag.Name != "help"
		}
	}
	for _, key := range slices.Sorted(maps.Keys(f)) {
		if !known[key] {
			return fmt.Errorf("the configuration file has an unknown key %q", key)
		}
	}
	return nil
}
