package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// event is one line of "go test -json" (go doc test2json), and of "go build -json" within it.
type event struct {
	Action     string
	Package    string
	ImportPath string
	Test       string
	Output     string
	Elapsed    float64
}

// test is one test or subtest as far as it is known.
type test struct {
	output   []string
	result   string // pass, fail, skip; empty while it runs
	children int
}

// packageResult gathers one package until its last event.
type packageResult struct {
	tests  map[string]*test
	output []string
}

// report turns events into lines for people, and counts. Only the leaves of a tree of subtests are counted.
type report struct {
	to       io.Writer
	strict   bool
	packages map[string]*packageResult
	build    map[string][]string

	passed, failed, skipped int
	exitCode                int
}

func newReport(to io.Writer, strict bool) *report {
	return &report{to: to, strict: strict, packages: map[string]*packageResult{}, build: map[string][]string{}}
}

// read consumes the stream of events. A line that is no event is printed as it is.
func (r *report) read(stream io.Reader) error {
	lines := bufio.NewReader(stream)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) != nil {
				fmt.Fprintf(r.to, "%s", line)
			} else {
				r.take(e)
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (r *report) take(e event) {
	switch {
	case e.Action == "build-output":
		r.build[e.ImportPath] = append(r.build[e.ImportPath], e.Output)
	case e.Action == "build-fail":
		fmt.Fprintf(r.to, "%s", strings.Join(r.build[e.ImportPath], ""))
	case e.Test != "":
		r.takeTest(e)
	case e.Action == "output":
		p := r.pkg(e.Package)
		p.output = append(p.output, e.Output)
	case e.Action == "pass" || e.Action == "fail" || e.Action == "skip":
		r.closePackage(e)
	}
}

func (r *report) pkg(name string) *packageResult {
	p := r.packages[name]
	if p == nil {
		p = &packageResult{tests: map[string]*test{}}
		r.packages[name] = p
	}
	return p
}

func (r *report) takeTest(e event) {
	p := r.pkg(e.Package)
	t := p.tests[e.Test]
	if t == nil {
		t = &test{}
		p.tests[e.Test] = t
		if i := strings.LastIndex(e.Test, "/"); i >= 0 && p.tests[e.Test[:i]] != nil {
			p.tests[e.Test[:i]].children++
		}
	}
	switch e.Action {
	case "output":
		t.output = append(t.output, e.Output)
	case "pass", "fail", "skip":
		t.result = e.Action
		if e.Action == "pass" {
			t.output = nil
		}
	}
}

// closePackage counts a package's tests, prints what failed or was skipped, and then its own line.
func (r *report) closePackage(e event) {
	p := r.pkg(e.Package)
	delete(r.packages, e.Package)
	names := make([]string, 0, len(p.tests))
	for name := range p.tests {
		names = append(names, name)
	}
	slices.Sort(names)
	ran, failedBefore := 0, r.failed
	for _, name := range names {
		ran += r.count(e.Package, name, p)
	}
	if e.Action == "fail" && r.failed == failedBefore {
		// It did not compile, or died outside a test (TestMain, init, os.Exit).
		r.failed++
		fmt.Fprintf(r.to, "--- FAIL: %s\n%s", e.Package, strings.Join(p.output, ""))
	}
	switch {
	case e.Action == "fail":
		fmt.Fprintf(r.to, "FAIL %s  %.1f s\n", e.Package, e.Elapsed)
	case ran > 0:
		fmt.Fprintf(r.to, "ok   %s  %s, %.1f s\n", e.Package, plural(ran, "test"), e.Elapsed)
	}
}

// count adds one test to the figures and prints it if it did not pass. It returns 1 for a test that ran.
func (r *report) count(pkg, name string, p *packageResult) int {
	t := p.tests[name]
	switch t.result {
	case "pass":
		if t.children > 0 {
			return 0
		}
		r.passed++
		return 1
	case "skip":
		r.skipped++
		if r.strict {
			r.failed++
		}
		fmt.Fprintf(r.to, "--- SKIP: %s %s\n%s", pkg, name, strings.Join(t.output, ""))
		return 0
	default: // failed, or still running when its package ended
		fmt.Fprintf(r.to, "--- FAIL: %s %s\n%s", pkg, name, strings.Join(t.output, ""))
		if t.children > 0 && failedChild(name, p) {
			return 0
		}
		r.failed++
		return 1
	}
}

// failedChild tells whether a subtest of the test has not passed, and so already counts for it.
func failedChild(name string, p *packageResult) bool {
	for other, t := range p.tests {
		if strings.HasPrefix(other, name+"/") && t.result != "pass" && t.result != "skip" {
			return true
		}
	}
	return false
}

// trouble counts something that kept the run itself from ending well, after what its unfinished packages have said.
func (r *report) trouble(err error) {
	for name, p := range r.packages {
		fmt.Fprintf(r.to, "--- UNFINISHED: %s\n%s", name, strings.Join(p.output, ""))
		for testName, t := range p.tests {
			if t.result == "" {
				fmt.Fprintf(r.to, "    %s was running\n%s", testName, strings.Join(t.output, ""))
			}
		}
	}
	fmt.Fprintf(r.to, "--- FAIL: %v\n", err)
	r.failed++
}

// close prints the closing line and returns the exit code.
func (r *report) close(name string) int {
	if r.exitCode != 0 && r.failed == 0 {
		fmt.Fprintf(r.to, "--- FAIL: go test ended with code %d\n", r.exitCode)
		r.failed++
	}
	if r.passed+r.failed == 0 {
		fmt.Fprintln(r.to, "--- FAIL: no test ran")
		r.failed++
	}
	tail := ""
	if r.skipped > 0 {
		tail = fmt.Sprintf(", %d skipped", r.skipped)
	}
	fmt.Fprintf(r.to, "%s: %d passed, %d failed%s\n", name, r.passed, r.failed, tail)
	if r.failed > 0 {
		return 1
	}
	return 0
}
