package sfu_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// module is the prefix of this module's import paths.
const module = "plenum/"

// order lists the packages from the bottom up: one may import only those above
// it in this list. A package that isn't listed counts as its nearest listed
// parent.
var order = []string{
	"sfu/stat",
	"sfu/internal/wire",
	"sfu/internal/codec",
	"sfu/internal/repair",
	"sfu/internal/forward",
	"sfu/internal/speaker",
	"sfu/internal/turn",
	"sfu/internal/bwe",
	"sfu/internal/pace",
	"sfu/internal/alloc",
	"sfu/internal/history",
	"sfu/internal/jsep",
	"sfu/internal/transport",
	"web",
	"sfu",
	"signaling/bucket",
	"signaling/charge",
	"signaling/visitor",
	"signaling/protocol",
	"signaling",
	"signaling/client",
	"signaling/cluster",
	"sfu/sfutest", // the test kit: nothing that it helps to test imports it
	"cmd",
	"web/e2e", // programs for the tests of whole calls
	"deploy",
}

// pure packages take values and time and return verdicts.
var pure = []string{
	"sfu/stat",
	"sfu/internal/wire",
	"sfu/internal/codec",
	"sfu/internal/repair",
	"sfu/internal/forward",
	"sfu/internal/speaker",
	"sfu/internal/turn",
	"sfu/internal/bwe",
	"sfu/internal/pace",
	"sfu/internal/alloc",
	"signaling/bucket",
	"signaling/charge",
	"signaling/protocol",
}

// notPure are the standard packages, and all beneath them, that bring in a
// lock, a log, a clock, chance, or the world.
var notPure = []string{
	"context", "crypto/rand", "log", "math/rand", "net", "os", "runtime", "sync", "syscall", "testing", "unsafe",
}

// clocks are the functions of package time that read one or wait for one.
var clocks = []string{
	"After", "AfterFunc", "NewTicker", "NewTimer", "Now", "Since", "Sleep", "Tick", "Until",
}

// edges are the folders, and the one file, that may know pion.
var edges = []string{
	"sfu/internal/transport",
	"sfu/internal/jsep",
	"sfu/config.go",
	"sfu/sfutest",
	"signaling/client",
	"cmd/plenum-attack",
	"cmd/plenum-load",
	"web/e2e",
	"deploy",
}

// TestImports holds every source file to the structure of the design.
func TestImports(t *testing.T) {
	seen := map[string]bool{}
	files := token.NewFileSet()
	err := filepath.WalkDir("..", func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			return skipFolder(file, entry.Name())
		case !strings.HasSuffix(file, ".go"), strings.HasSuffix(file, "_test.go"):
			return nil
		}
		source, err := parser.ParseFile(files, file, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		rel := strings.TrimPrefix(filepath.ToSlash(file), "../")
		seen[path.Dir(rel)] = true
		for _, complaint := range violations(rel, source) {
			t.Errorf("%s: %s", rel, complaint)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"sfu", "sfu/stat", "sfu/internal/wire", "sfu/internal/forward", "sfu/internal/transport"} {
		if !seen[dir] {
			t.Errorf("%s was not checked", dir)
		}
	}
}

// skipFolder leaves out what isn't this module's code: hidden folders, test
// data, packages of other ecosystems, and modules of their own.
func skipFolder(file, name string) error {
	if file == ".." {
		return nil
	}
	if strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules" {
		return fs.SkipDir
	}
	if _, err := os.Stat(filepath.Join(file, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

// violations are the rules that a source file breaks; file is its path in the
// module.
func violations(file string, source *ast.File) []string {
	var found []string
	dir := path.Dir(file)
	isPure := slices.Contains(pure, dir)
	for _, spec := range source.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return []string{err.Error()}
		}
		if own, ok := strings.CutPrefix(imported, module); ok {
			if rank(own) > rank(dir) {
				found = append(found, "imports upwards: "+own)
			}
			if isPure && !slices.Contains(pure, own) {
				found = append(found, "pure, but imports "+own)
			}
			continue
		}
		if strings.HasPrefix(imported, "github.com/pion/") && !slices.ContainsFunc(edges, func(edge string) bool { return within(file, edge) }) {
			found = append(found, "only the edge may import "+imported)
		}
		if isPure && !allowedInPure(dir, imported) {
			found = append(found, "pure, but imports "+imported)
		}
	}
	if isPure {
		found = append(found, impurities(source)...)
	}
	return found
}

func allowedInPure(dir, imported string) bool {
	if first, _, _ := strings.Cut(imported, "/"); strings.Contains(first, ".") || imported == "C" {
		return false // not of the standard library
	}
	if dir == "sfu/stat" && imported == "sync/atomic" {
		return true
	}
	return !slices.ContainsFunc(notPure, func(p string) bool { return within(imported, p) })
}

// impurities are the uses of goroutines, channels and clocks.
func impurities(source *ast.File) []string {
	var found []string
	clock := ""
	for _, spec := range source.Imports {
		if spec.Path.Value != `"time"` {
			continue
		}
		clock = "time"
		if spec.Name != nil {
			clock = spec.Name.Name
		}
		if clock == "." {
			found = append(found, "pure, but hides where it uses package time")
		}
	}
	ast.Inspect(source, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			found = append(found, "pure, but starts a goroutine")
		case *ast.ChanType, *ast.SelectStmt, *ast.SendStmt:
			found = append(found, "pure, but uses channels")
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && x.Name == clock && slices.Contains(clocks, n.Sel.Name) {
				found = append(found, fmt.Sprintf("pure, but uses time.%s", n.Sel.Name))
			}
		}
		return true
	})
	return found
}

// within reports whether p is folder or lies beneath it.
func within(p, folder string) bool {
	return p == folder || strings.HasPrefix(p, folder+"/")
}

// rank is the place in order of dir or its nearest parent there.
func rank(dir string) int {
	for ; dir != "."; dir = path.Dir(dir) {
		if i := slices.Index(order, dir); i >= 0 {
			return i
		}
	}
	return len(order) // the module's root imports what it likes and nobody it
}

// TestViolations shows that the rules catch what they are for.
func TestViolations(t *testing.T) {
	tests := []struct {
		file, source string
		want         []string
	}{
		{"sfu/internal/wire/a.go", `import ("errors"; "encoding/binary"; "time"); func f(now time.Duration) {}`, nil},
		{"sfu/internal/forward/a.go", `import ("plenum/sfu/internal/wire"; "plenum/sfu/internal/codec")`, nil},
		{"sfu/stat/a.go", `import "sync/atomic"`, nil},
		{"sfu/internal/wire/a.go", `import "sync/atomic"`, []string{"pure, but imports sync/atomic"}},
		{"sfu/stat/a.go", `import "sync"`, []string{"pure, but imports sync"}},
		{"sfu/internal/bwe/a.go", `import "log/slog"`, []string{"pure, but imports log/slog"}},
		{"sfu/internal/alloc/a.go", `import "math/rand/v2"`, []string{"pure, but imports math/rand/v2"}},
		{"sfu/internal/codec/a.go", `import "github.com/other/thing"`, []string{"pure, but imports github.com/other/thing"}},
		{"sfu/internal/codec/a.go", `import "github.com/pion/rtp"`,
			[]string{"only the edge may import github.com/pion/rtp", "pure, but imports github.com/pion/rtp"}},
		{"sfu/internal/codec/a.go", `import "plenum/sfu/internal/forward"`, []string{"imports upwards: sfu/internal/forward"}},
		{"sfu/internal/forward/a.go", `import "plenum/sfu/internal/history"`,
			[]string{"imports upwards: sfu/internal/history", "pure, but imports sfu/internal/history"}},
		{"sfu/internal/repair/a.go", `import "time"; var t = time.Now()`, []string{"pure, but uses time.Now"}},
		{"sfu/internal/repair/a.go", `import clock "time"; func f() { clock.Sleep(1); <-clock.After(1) }`,
			[]string{"pure, but uses time.Sleep", "pure, but uses time.After"}},
		{"sfu/internal/repair/a.go", `import . "time"`, []string{"pure, but hides where it uses package time"}},
		{"sfu/internal/speaker/a.go", `func f() { go f() }`, []string{"pure, but starts a goroutine"}},
		{"sfu/internal/speaker/a.go", `func f(c chan int) { c <- 1 }`, []string{"pure, but uses channels", "pure, but uses channels"}},
		{"sfu/internal/speaker/a.go", `func f() { select {} }`, []string{"pure, but uses channels"}},
		{"sfu/internal/history/a.go", `import ("sync"; "time"); func f() { time.Now() }`, nil},
		{"sfu/internal/transport/a.go", `import "github.com/pion/webrtc/v4"`, nil},
		{"sfu/internal/transport/a.go", `import "plenum/sfu"`, []string{"imports upwards: sfu"}},
		{"sfu/config.go", `import "github.com/pion/transport/v5"`, nil},
		{"sfu/room.go", `import "github.com/pion/transport/v5"`, []string{"only the edge may import github.com/pion/transport/v5"}},
		{"sfu/room.go", `import "plenum/signaling"`, []string{"imports upwards: signaling"}},
		{"sfu/room.go", `import "plenum/sfu/sfutest"`, []string{"imports upwards: sfu/sfutest"}},
		{"sfu/sfutest/a.go", `import ("plenum/signaling/client"; "github.com/pion/webrtc/v4")`, nil},
		{"sfu/internal/new/a.go", `import "plenum/signaling/client"`, []string{"imports upwards: signaling/client"}},
		{"signaling/a.go", `import ("plenum/sfu"; "plenum/web")`, nil},
		{"signaling/a.go", `import "github.com/pion/rtp"`, []string{"only the edge may import github.com/pion/rtp"}},
		{"signaling/client/a.go", `import ("github.com/pion/webrtc/v4"; "plenum/signaling")`, nil},
		{"signaling/clients.go", `import "github.com/pion/rtcp"`, []string{"only the edge may import github.com/pion/rtcp"}},
		{"cmd/plenum/main.go", `import ("plenum/sfu"; "plenum/signaling/client"; "plenum/sfu/stat")`, nil},
		{"signaling/a.go", `import "plenum/cmd/plenum"`, []string{"imports upwards: cmd/plenum"}},
	}
	for _, tt := range tests {
		source, err := parser.ParseFile(token.NewFileSet(), tt.file, "package p; "+tt.source, parser.SkipObjectResolution)
		if err != nil {
			t.Fatalf("%s: %v", tt.source, err)
		}
		if got := violations(tt.file, source); !slices.Equal(got, tt.want) {
			t.Errorf("%s with %s:\n%q, want\n%q", tt.file, tt.source, got, tt.want)
		}
	}
}
