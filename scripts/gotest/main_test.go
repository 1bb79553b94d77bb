package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// module writes a small module and makes it the current folder.
func module(t *testing.T, files map[string]string) {
	t.Helper()
	dir := t.TempDir()
	files["go.mod"] = "module example\n\ngo 1.26\n"
	for name, text := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	t.Chdir(dir)
}

// runHere runs go test on the current module and returns what a person would read, and the exit code.
func runHere(t *testing.T, o options) (string, int) {
	t.Helper()
	if o.limit == 0 {
		o.limit = time.Minute
	}
	var out bytes.Buffer
	r := newReport(&out, o.strict)
	args, err := o.testArgs()
	require.NoError(t, err)
	if err := goTest(t.Context(), o.limit, o.goos, args, r); err != nil {
		r.trouble(err)
	}
	code := r.close("go-test")
	return out.String(), code
}

func TestCountsLeavesAndShowsFailures(t *testing.T) {
	module(t, map[string]string{
		"a/a_test.go": `package a
import "testing"
func TestGood(t *testing.T) { t.Run("one", func(*testing.T) {}); t.Run("two", func(*testing.T) {}) }
func TestBad(t *testing.T) { t.Run("inner", func(t *testing.T) { t.Fatal("the reason") }) }
`,
		"b/b_test.go": "package b\nimport \"testing\"\nfunc TestFine(*testing.T) {}\n",
	})
	out, code := runHere(t, options{packages: []string{"./..."}})
	require.Equal(t, 1, code)
	require.Contains(t, out, "the reason")
	require.Contains(t, out, "ok   example/b  1 test")
	require.Contains(t, out, "\ngo-test: 3 passed, 1 failed\n")
}

func TestASkipFailsWhereItIsStrict(t *testing.T) {
	module(t, map[string]string{"a_test.go": `package a
import "testing"
func TestFine(*testing.T) {}
func TestAway(t *testing.T) { t.Skip("no display") }
`})
	out, code := runHere(t, options{packages: []string{"./..."}})
	require.Zero(t, code)
	require.Contains(t, out, "go-test: 1 passed, 0 failed, 1 skipped\n")

	out, code = runHere(t, options{packages: []string{"./..."}, strict: true})
	require.Equal(t, 1, code)
	require.Contains(t, out, "no display")
	require.Contains(t, out, "go-test: 1 passed, 1 failed, 1 skipped\n")
}

func TestWhatDoesNotCompileFails(t *testing.T) {
	module(t, map[string]string{"a_test.go": "package a\nfunc broken() { return 1 }\n"})
	out, code := runHere(t, options{packages: []string{"./..."}})
	require.Equal(t, 1, code)
	require.Contains(t, out, "too many return values")
	require.Contains(t, out, "go-test: 0 passed, 1 failed\n")
}

func TestNoTestAtAllFails(t *testing.T) {
	module(t, map[string]string{"a.go": "package a\n"})
	out, code := runHere(t, options{packages: []string{"./..."}})
	require.Equal(t, 1, code)
	require.Contains(t, out, "no test ran")
}

func TestTheLimitEndsAHangingTestAndSaysWhereItHung(t *testing.T) {
	module(t, map[string]string{"a_test.go": `package a
import "testing"
func TestHangs(*testing.T) { waitForNobody() }
func waitForNobody() { <-make(chan int) }
`})
	// go test's own limit is the same, so whichever comes first ends it; both name the place.
	out, code := runHere(t, options{packages: []string{"./..."}, limit: 10 * time.Second})
	require.Equal(t, 1, code)
	require.Contains(t, out, "waitForNobody")
	require.Regexp(t, `go-test: 0 passed, [12] failed`, out)
}

func TestATagRunsOnlyWhatItAdds(t *testing.T) {
	module(t, map[string]string{
		"a/a_test.go":       "package a\nimport \"testing\"\nfunc TestPlain(t *testing.T) { t.Fatal(\"not asked for\") }\n",
		"a/desktop_test.go": "//go:build desktop\n\npackage a\nimport \"testing\"\nfunc TestOnScreen(*testing.T) {}\n",
		"b/b_test.go":       "package b\nimport \"testing\"\nfunc TestOther(t *testing.T) { t.Fatal(\"not asked for\") }\n",
	})
	out, code := runHere(t, options{packages: []string{"./..."}, tags: "desktop"})
	require.Zero(t, code, out)
	require.Contains(t, out, "go-test: 1 passed, 0 failed\n")
}

func TestNoSuchTestNeedsAReason(t *testing.T) {
	module(t, map[string]string{"a_test.go": "package a\n"})
	args, err := options{packages: []string{"./..."}, tags: "real", none: "there is none yet"}.testArgs()
	require.NoError(t, err)
	require.Nil(t, args)
	_, err = options{packages: []string{"./..."}, tags: "real"}.testArgs()
	require.ErrorContains(t, err, "no test is added")
}

func TestAnotherSystemsTestsAreFoundByNameAndByConstraint(t *testing.T) {
	module(t, map[string]string{
		"a/pipe_windows_test.go": "package a\nimport \"testing\"\nfunc TestPipe(*testing.T) {}\nfunc FuzzPipe(*testing.F) {}\nfunc helper() {}\n",
		"a/keys_test.go":         "//go:build windows\n\npackage a\nimport \"testing\"\nfunc TestKeys(*testing.T) {}\n",
		"a/a_test.go":            "package a\nimport \"testing\"\nfunc TestPlain(*testing.T) {}\n",
	})
	found, err := selectAdded([]string{"./..."}, "", "windows")
	require.NoError(t, err)
	require.Equal(t, []string{"example/a"}, found.packages)
	require.Equal(t, "^(FuzzPipe|TestKeys|TestPipe)$", found.pattern())
}
