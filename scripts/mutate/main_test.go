package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// module makes a small module with one tested and one untested function, and goes there.
func module(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module example\n\ngo 1.26\n",
		"app/sum/sum.go": `package sum

func Larger(a, b int) bool { return a > b }

func Unwatched(a, b int) int { return a * b }
`,
		"app/sum/sum_test.go": `package sum

import "testing"

func TestLarger(t *testing.T) {
	if Larger(1, 1) || !Larger(2, 1) {
		t.Fatal("wrong")
	}
}
`,
	} {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	t.Chdir(dir)
}

func TestItTellsWatchedCodeFromUnwatched(t *testing.T) {
	module(t)
	before, err := os.ReadFile("app/sum/sum.go")
	require.NoError(t, err)
	r, err := run(t.Context(), []string{"app/sum"}, 10, 1, time.Minute)
	require.NoError(t, err)
	require.Equal(t, result{killed: 1, survived: 1}, r)
	require.Equal(t, 50, r.percent())
	after, err := os.ReadFile("app/sum/sum.go")
	require.NoError(t, err)
	require.Equal(t, before, after, "the source stays as it is")
}

func TestEachKindOfChange(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "all.go")
	require.NoError(t, os.WriteFile(path, []byte(`package all

func all(a, b int, ok bool) {
	if a == b && !ok {
		n++
	}
	x = true
	total += 7
	call()
	log.Info("said")
	for {
		break
	}
}
`), 0o600))
	found, err := mutantsIn(path)
	require.NoError(t, err)
	var changes []string
	for _, m := range found {
		changes = append(changes, short(string(m.source[m.start:m.end]))+" → "+short(m.replacement))
	}
	require.ElementsMatch(t, []string{
		"&& → ||", "== → !=", "! → nothing", "++ → --", "x = true → nothing", "true → false", "+= → -=", "7 → 7+1",
		"call() → nothing", "break → continue",
	}, changes)
}

func TestNothingToChangeIsAnError(t *testing.T) {
	_, err := run(t.Context(), []string{t.TempDir()}, 10, 1, time.Minute)
	require.ErrorContains(t, err, "no code to change")
}
