package bench

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestQuantileIsTheNearestRank(t *testing.T) {
	require.Zero(t, quantile([]float64{}, 0.5))
	require.Equal(t, 7.0, quantile([]float64{7}, 0.99))
	values := make([]time.Duration, 100)
	for i := range values {
		values[i] = time.Duration(100 - i) // 100 … 1
	}
	for q, want := range map[float64]time.Duration{0: 1, 0.01: 1, 0.5: 50, 0.501: 51, 0.99: 99, 1: 100} {
		require.Equal(t, want, quantile(values, q), q)
	}
	require.Equal(t, time.Duration(100), values[0], "the values stay as they were")
}

func TestTheMedianRoundDecides(t *testing.T) {
	s := spec{name: "x", unit: "ms", rule: "≤ 2 × floor"}
	// By value the second is the worst; by its own bar the first is.
	r := s.row([]Sample{within(30, 10, 20), within(40, 30, 60), within(10, 10, 20)})
	require.Equal(t, 40.0, r.Value)
	require.Equal(t, 30.0, *r.Floor)
	require.InDelta(t, 4.0/3, *r.Ratio, 1e-9)
	require.Equal(t, 60.0, *r.Bar)
	require.True(t, *r.Pass)
	require.Equal(t, 30.0, r.Worst)
	require.Equal(t, 3, r.Rounds)

	r = s.row([]Sample{within(30, 10, 20), within(40, 30, 60)})
	require.False(t, *r.Pass, "of two rounds the worse one counts")
}

func TestABarOfNought(t *testing.T) {
	r := spec{name: "lost"}.row([]Sample{within(0, 0, 0), within(3, 0, 0), within(0, 0, 0)})
	require.True(t, *r.Pass)
	require.Equal(t, 3.0, r.Worst)
	require.Nil(t, r.Floor)
	require.Nil(t, r.Ratio)
	require.False(t, *spec{}.row([]Sample{within(1, 0, 0)}).Pass)
}

func TestARowWithoutABar(t *testing.T) {
	r := spec{name: "day"}.row([]Sample{free(5, 0), free(1, 0), free(3, 0)})
	require.Equal(t, 3.0, r.Value)
	require.Nil(t, r.Bar)
	require.Nil(t, r.Pass)
}

func TestFileAndTable(t *testing.T) {
	b := newBook()
	b.add(spec{name: "first", unit: "ms", rule: "≤ 1 ms", note: "a note"}, within(0.5, 0.25, 1))
	b.add(spec{name: "second", unit: "calls"}, within(2, 0, 0))
	b.add(spec{name: "first", unit: "ms", rule: "≤ 1 ms", note: "a later note"}, within(0.25, 0.25, 1))
	b.add(spec{name: "third"}, free(123456, 0))
	rows := b.rows()
	path := filepath.Join(t.TempDir(), "new", "bench.json")
	require.NoError(t, Write(path, rows))
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	var list []map[string]any
	require.NoError(t, json.Unmarshal(data, &list))
	require.Len(t, list, 3)
	for _, row := range list {
		for _, name := range []string{"name", "value", "floor", "ratio", "bar", "pass", "unit", "rounds"} {
			require.Contains(t, row, name)
		}
	}
	require.Equal(t, "first", list[0]["name"])
	require.Equal(t, true, list[0]["pass"])
	require.Equal(t, "a later note", list[0]["note"])
	require.Equal(t, false, list[1]["pass"])
	require.Nil(t, list[2]["pass"])

	var out bytes.Buffer
	Print(&out, rows)
	require.Regexp(t, `first\s+0\.5 ms\s+0\.25\s+2\s+1\s+0\.5\s+2\s+yes\s+≤ 1 ms`, out.String())
	require.Regexp(t, `second\s+2 calls\s+-\s+-\s+0\s+2\s+1\s+NO`, out.String())
	require.Regexp(t, `third\s+123456\s+-\s+-\s+-\s+123456\s+1\s+-`, out.String())
}
