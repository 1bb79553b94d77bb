package power

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestBurstOfNetworkMessagesIsOneEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		raw, out := make(chan Event), make(chan Event, 2)
		done := make(chan struct{})
		go func() { defer close(done); gather(ctx, raw, out) }()
		begin := time.Now()
		for range 12 {
			raw <- NetworkChanged
			time.Sleep(100 * time.Millisecond)
		}
		require.Empty(t, out)
		require.Equal(t, NetworkChanged, <-out)
		require.Equal(t, 1100*time.Millisecond+settle, time.Since(begin))
		raw <- Resumed
		require.Equal(t, Resumed, <-out)
		time.Sleep(time.Hour)
		require.Empty(t, out)
		cancel()
		<-done
	})
}

func TestReaderThatIsAwayHoldsUpNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		raw, out := make(chan Event), make(chan Event, 2)
		done := make(chan struct{})
		go func() { defer close(done); gather(ctx, raw, out) }()
		for range 10 {
			raw <- Resumed
		}
		synctest.Wait()
		require.Len(t, out, 2)
		cancel()
		<-done
	})
}
