package desk

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLaneLetsOthersYield(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		l := newLane()
		go l.run(ctx)
		start := time.Now()
		l.yield(ctx, time.Hour)
		require.Zero(t, time.Since(start), "nothing to wait for")

		l.put("a", func() { time.Sleep(3 * time.Millisecond) })
		l.put("b", func() { time.Sleep(4 * time.Millisecond) })
		l.yield(ctx, time.Hour)
		require.Equal(t, 7*time.Millisecond, time.Since(start), "until both are done")

		l.put("c", func() { time.Sleep(time.Minute) })
		l.yield(ctx, 50*time.Millisecond)
		require.Equal(t, 57*time.Millisecond, time.Since(start), "no longer than the limit")
		time.Sleep(time.Minute)
	})
}
