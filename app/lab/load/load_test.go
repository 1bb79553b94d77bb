package load

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/lab/nfon"
)

func TestEveryEventIsStampedOnceAndAllPhonesEndIdle(t *testing.T) {
	s := nfon.New(nfon.Options{Phones: Phones(20), Switches: Switches()})
	var stamps bytes.Buffer
	sum, err := Run(t.Context(), s, Options{Extensions: 20, Rate: 3000, Duration: 200 * time.Millisecond, Stamps: &stamps})
	require.NoError(t, err)
	require.Positive(t, sum.Calls)

	sent := map[string]bool{}
	for _, e := range s.Events("") {
		sent[e.UUID+" "+e.State+" "+e.Extension] = true
	}
	lines := strings.Split(strings.TrimSpace(stamps.String()), "\n")
	require.Len(t, lines, sum.Events)
	require.Len(t, sent, sum.Events)
	last := ""
	for _, line := range lines {
		cut := strings.LastIndexByte(line, ' ')
		require.True(t, sent[line[:cut]], line)
		delete(sent, line[:cut])
		require.GreaterOrEqual(t, line[cut:], last, "time moves forward")
		last = line[cut:]
	}
	for _, p := range s.Phones() {
		require.Equal(t, "idle", p.Line)
	}
	require.NoError(t, s.Close())
}

func TestTooSmall(t *testing.T) {
	s := nfon.New(nfon.Options{Phones: Phones(4)})
	_, err := Run(t.Context(), s, Options{Extensions: 1, Rate: 1})
	require.Error(t, err)
}

// BenchmarkEvent is what one call event costs the simulator, streams aside.
func BenchmarkEvent(b *testing.B) {
	s := nfon.New(nfon.Options{Phones: Phones(10_000), Switches: Switches()})
	g := &generator{s: s, o: Options{Extensions: 10_000}, began: time.Now(), window: 1000, uuids: make([]string, 10_000)}
	for b.Loop() {
		if err := g.next(); err != nil {
			b.Fatal(err)
		}
	}
}
