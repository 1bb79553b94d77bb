package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// added are the tests that a build tag or another system brings in.
type added struct {
	packages []string
	names    []string
}

// pattern is the -run expression that names exactly these tests.
func (a added) pattern() string {
	return "^(" + strings.Join(a.names, "|") + ")$"
}

// selectAdded finds the tests in files that this machine's plain build leaves out and the given one takes in.
func selectAdded(patterns []string, tag, goos string) (added, error) {
	plain := build.Default
	plain.GOOS = runtime.GOOS
	wanted := plain
	if tag != "" {
		wanted.BuildTags = append(slices.Clone(wanted.BuildTags), tag)
	}
	if goos != "" {
		wanted.GOOS = goos
	}
	dirs, err := packageDirs(patterns, tag, goos)
	if err != nil {
		return added{}, err
	}
	var found added
	for _, dir := range dirs {
		names, err := addedIn(dir.Dir, &plain, &wanted)
		if err != nil {
			return added{}, err
		}
		if len(names) > 0 {
			found.packages = append(found.packages, dir.ImportPath)
			found.names = append(found.names, names...)
		}
	}
	slices.Sort(found.names)
	found.names = slices.Compact(found.names)
	return found, nil
}

// packageDir is the part of go list's answer we need.
type packageDir struct{ Dir, ImportPath string }

// packageDirs lists the packages of the patterns. A pattern that matches nothing is no error.
func packageDirs(patterns []string, tag, goos string) ([]packageDir, error) {
	cmd := exec.Command("go", append([]string{"list", "-e", "-find", "-json=Dir,ImportPath", "-tags=" + tag}, patterns...)...)
	cmd.Env = os.Environ()
	if goos != "" {
		cmd.Env = append(cmd.Env, "GOOS="+goos)
	}
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	var dirs []packageDir
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var dir packageDir
		err := decoder.Decode(&dir)
		if errors.Is(err, io.EOF) {
			return dirs, nil
		}
		if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		if dir.Dir != "" {
			dirs = append(dirs, dir)
		}
	}
}

// addedIn names the test functions of a folder's added files.
func addedIn(dir string, plain, wanted *build.Context) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, file := range files {
		base := filepath.Base(file)
		inPlain, err := plain.MatchFile(dir, base)
		if err != nil {
			return nil, err
		}
		inWanted, err := wanted.MatchFile(dir, base)
		if err != nil {
			return nil, err
		}
		if inPlain || !inWanted {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		names = append(names, testFuncs(parsed)...)
	}
	return names, nil
}

// testFuncs names a file's tests and the fuzz targets whose seeds run as tests.
func testFuncs(file *ast.File) []string {
	var names []string
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || f.Recv != nil || f.Name.Name == "TestMain" {
			continue
		}
		if strings.HasPrefix(f.Name.Name, "Test") || strings.HasPrefix(f.Name.Name, "Fuzz") {
			names = append(names, f.Name.Name)
		}
	}
	return names
}
