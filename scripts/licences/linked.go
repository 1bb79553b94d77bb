package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// systems are those we build programs for.
var systems = []string{"linux", "windows"}

// A component is one module as far as our programs link it.
type component struct {
	Path    string
	Version string
	Texts   []licenceText
}

// A licenceText is one licence or notice file.
type licenceText struct {
	Name string
	Text string
}

// listed is the part of "go list -json" we need.
type listed struct {
	Dir      string
	Standard bool
	Module   *struct {
		Path, Version, Dir string
		Main               bool
		Replace            *struct{ Path, Version, Dir string }
	}
}

// linked returns the modules that the programs under cmd link on any of our systems, sorted, and Go's library.
func linked(root string) ([]component, error) {
	folders := map[string]map[string]bool{} // module folder → folders of its linked packages
	found := map[string]*component{}
	for _, goos := range systems {
		packages, err := list(root, goos)
		if err != nil {
			return nil, err
		}
		for _, p := range packages {
			if p.Standard || p.Module == nil || p.Module.Main {
				continue
			}
			if found[p.Module.Dir] == nil {
				found[p.Module.Dir] = &component{Path: p.Module.Path, Version: p.Module.Version}
				folders[p.Module.Dir] = map[string]bool{p.Module.Dir: true}
			}
			for dir := p.Dir; strings.HasPrefix(dir, p.Module.Dir); dir = filepath.Dir(dir) {
				folders[p.Module.Dir][dir] = true
			}
		}
	}
	goLibrary, err := goLicence()
	if err != nil {
		return nil, err
	}
	all := []component{goLibrary}
	for dir, c := range found {
		if c.Texts, err = licenceTexts(dir, folders[dir]); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Path, err)
		}
		all = append(all, *c)
	}
	slices.SortFunc(all, func(a, b component) int { return strings.Compare(a.Path, b.Path) })
	return all, nil
}

// list returns all packages that the programs under cmd need on a system.
func list(root, goos string) ([]listed, error) {
	cmd := exec.Command("go", "list", "-deps", "-json=Dir,Standard,Module", "./cmd/...")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH=amd64", "CGO_ENABLED=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list for %s: %w", goos, err)
	}
	var packages []listed
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p listed
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages, nil
		}
		if err != nil {
			return nil, fmt.Errorf("go list for %s: %w", goos, err)
		}
		packages = append(packages, p)
	}
}

var licenceName = regexp.MustCompile(`(?i)^(un)?licen[sc]e|^copying|^copyright|^notice`)

// notOurs are licence files of things that a module shows but no program links, with the reason.
var notOurs = map[string]string{
	"LICENSE-LOGO": "the picture on the module's page",
}

// licenceTexts reads the licence and notice files of the given folders of a module.
func licenceTexts(module string, folders map[string]bool) ([]licenceText, error) {
	var texts []licenceText
	for dir := range folders {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return nil, err
		}
		for _, entry := range entries {
			if entry.IsDir() || !licenceName.MatchString(entry.Name()) || filepath.Ext(entry.Name()) == ".go" || notOurs[entry.Name()] != "" {
				continue
			}
			raw, err := os.ReadFile(filepath.Join(dir, entry.Name()))
			if err != nil {
				return nil, err
			}
			name, err := filepath.Rel(module, filepath.Join(dir, entry.Name()))
			if err != nil {
				return nil, err
			}
			texts = append(texts, licenceText{Name: filepath.ToSlash(name), Text: tidy(string(raw))})
		}
	}
	slices.SortFunc(texts, func(a, b licenceText) int { return strings.Compare(a.Name, b.Name) })
	return texts, nil
}

// goLicence is the Go library's own entry. It names no version: the file should not change with each Go release.
func goLicence() (component, error) {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return component{}, fmt.Errorf("go env: %w", err)
	}
	raw, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "LICENSE"))
	if err != nil {
		return component{}, err
	}
	return component{Path: "Go standard library and run-time", Texts: []licenceText{{Name: "LICENSE", Text: tidy(string(raw))}}}, nil
}

// tidy makes texts of different origin comparable: one kind of line end, no space at line ends or around.
func tidy(text string) string {
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " \t\f\r")
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}
