package pbxtest

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"deskbell/app/csta"
	"deskbell/app/server/owner"
)

func TestStream(t *testing.T)    { Run(t, Stream) }
func TestPolling(t *testing.T)   { Run(t, Polling) }
func TestSessions(t *testing.T)  { Run(t, Sessions) }
func TestCallbacks(t *testing.T) { Run(t, Callbacks) }
func TestChannels(t *testing.T)  { Run(t, Channels) }

// What only one shape can do: an agent takes the call another one had, and no event tells the end of that.
func TestTakeOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor, traits := Callbacks(t)
		start(t, vendor, traits).play(func(w *world) {
			had := w.ring("in", w.a)
			w.answer("in", w.a)
			w.act(TakeOver, "in", w.b)
			v := w.await("the other agent talks", legIs(w.b, func(l owner.Leg) bool { return l.Live() && l.Answered() }))
			taken, call, _ := leg(v, w.b)
			require.Equal(t, had.ID.CallID, taken.ID.CallID, "one call, taken over")
			v = w.await("the first agent is out", legIs(w.a, func(l owner.Leg) bool { return !l.Live() }))
			out, _, _ := leg(v, w.a)
			require.Equal(t, csta.CauseTransfer, out.Cause)
			require.Len(t, call.Legs, 2)
			w.act(HangUp, "in", w.b)
			v = w.await("all is over", noLiveLegs)
			require.Len(t, v.Calls, 1)
		})
	})
}
