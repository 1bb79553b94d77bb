//go:build desktop && linux

package desktop

import (
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/machine/desktoptest"
	"deskbell/app/machine/desktoptest/testdesk"
)

// sounds waits until an output plays a tone.
func (b *bench) sounds(output, tone string) {
	b.t.Helper()
	r, since, heard := b.heard[output], time.Now(), ""
	err := r.Await(testdesk.Context(b.t), since, func(levels []desktoptest.Level) bool {
		heard = toneOf(levels)
		return heard == tone
	})
	require.NoError(b.t, err, "no %s tone at %s but %q, loudest %v", tone, output, heard, r.Loudest(since))
}

// hushes waits until an output is silent.
func (b *bench) hushes(output string) {
	b.t.Helper()
	_, err := b.heard[output].AwaitSilence(testdesk.Context(b.t), time.Now(), time.Second) // longer than any pause in a tone
	require.NoError(b.t, err)
}

// silent says that an output was silent all the time since the last next.
func (b *bench) silent(output string) {
	b.t.Helper()
	require.LessOrEqual(b.t, b.heard[output].Loudest(b.since), desktoptest.Audible, "something was heard at %s", output)
}

// heardFor is how long an output was audible since the last next.
func (b *bench) heardFor(output string) time.Duration {
	n := 0
	for _, l := range b.heard[output].Levels(b.since) {
		if l.RMS > desktoptest.Audible {
			n++
		}
	}
	return time.Duration(n) * 10 * time.Millisecond
}
