package bench

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParseStamps(t *testing.T) {
	list, err := parseStamps(strings.NewReader("u1 ring 10000 100\n- hangup 10001 250\n"))
	require.NoError(t, err)
	require.Equal(t, []stamp{{"ring", 10000, 100}, {"hangup", 10001, 250}}, list)
	for _, bad := range []string{"u ring 10000\n", "u ring ten 100\n", "u ring 10000 later\n"} {
		_, err := parseStamps(strings.NewReader(bad))
		require.ErrorContains(t, err, "line 1", bad)
	}
}

func TestDelaysPairInOrder(t *testing.T) {
	stamps := []stamp{{"ring", 1, 100}, {"ring", 2, 110}, {"answer", 1, 120}, {"ring", 1, 200}, {"hangup", 1, 900}}
	heardOf := func(list map[int][]heard) func(func(int, heard)) {
		return func(yield func(int, heard)) {
			for ext := range 3 {
				for _, h := range list[ext] {
					yield(ext, h)
				}
			}
		}
	}
	took, missing, extra := delays(stamps, 500, heardOf(map[int][]heard{
		1: {{"ring", 105}, {"answer", 121}, {"ring", 230}, {"hangup", 990}},
		2: {{"ring", 112}},
	}))
	require.Equal(t, []time.Duration{5, 1, 30, 2}, took, "the end of the load is paired, but not measured")
	require.Zero(t, missing)
	require.Zero(t, extra)

	took, missing, extra = delays(stamps, 500, heardOf(map[int][]heard{1: {{"ring", 105}, {"ring", 106}, {"ring", 107}}, 2: {{"answer", 130}}}))
	require.Len(t, took, 2)
	require.Equal(t, 3, missing)
	require.Equal(t, 2, extra)

	took, missing, extra = delays(nil, time.Second, heardOf(nil))
	require.Empty(t, took)
	require.Zero(t, missing+extra)
}
