package record

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

type fact struct {
	Name string `json:"name"`
}

func TestEntriesAreNumberedAndBounded(t *testing.T) {
	l := New(3)
	for _, name := range strings.Split("abcdefghij", "") {
		l.Add("test", "fact", fact{name})
	}
	require.EqualValues(t, 10, l.Last())
	kept := l.Since(0)
	require.GreaterOrEqual(t, len(kept), 3)
	require.Less(t, len(kept), 7, "at most twice what is kept, plus none")
	require.Equal(t, fact{"j"}, kept[len(kept)-1].Data)
	require.Len(t, l.Since(8), 2)
	require.Empty(t, l.Since(10))
}

func TestFilesGetOneFlatLinePerWantedEntry(t *testing.T) {
	path := filepath.Join(t.TempDir(), "calls.jsonl")
	l := New(0)
	require.NoError(t, l.ToFile(path, func(e Entry) bool { return e.Kind == "fact" }))
	l.Add("test", "fact", fact{`<b>"`})
	l.Add("test", "other", fact{"no"})
	l.Add("test", "fact", struct{}{})
	b, err := os.ReadFile(path)
	require.NoError(t, err, "lines are on disk before Close")
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	require.Len(t, lines, 2)
	var got map[string]any
	require.NoError(t, json.Unmarshal([]byte(lines[0]), &got))
	require.Equal(t, `<b>"`, got["name"])
	require.EqualValues(t, 1, got["seq"])
	require.NoError(t, json.Unmarshal([]byte(lines[1]), &got))
	require.NoError(t, l.Close())
	require.NoError(t, l.Err())
}

func TestAwait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(0)
		l.Add("test", "fact", fact{"old"})
		go func() {
			time.Sleep(time.Minute)
			l.Add("test", "fact", fact{"new"})
		}()
		got, err := Await(t.Context(), l, 1, func(fact) bool { return true })
		require.NoError(t, err)
		require.Equal(t, fact{"new"}, got)

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = Await(ctx, l, l.Last(), func(fact) bool { return true })
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}
