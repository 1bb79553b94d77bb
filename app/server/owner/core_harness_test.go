package owner

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/csta"
	"deskbell/app/number"
	"deskbell/app/pbx"
)

// testPlan takes numbers with a plus as global and the rest as extensions.
type testPlan struct{}

func (testPlan) Normalize(raw string, _ pbx.Scope) number.Party {
	if e, err := number.Parse(raw); err == nil {
		return number.Party{Raw: raw, E164: e, Kind: number.External}
	}
	if number.IsWithheld(raw) {
		return number.Party{Kind: number.Withheld}
	}
	return number.Party{Raw: raw, Extension: raw, Kind: number.Internal}
}

// bench holds a core against the sum of what it told.
type bench struct {
	testing.TB
	core  *core
	view  *projection
	now   time.Time
	told  []Update
	ended map[string]bool // incarnations that are over
}

func newBench(t testing.TB, from State) *bench {
	t.Helper()
	n := 0
	p := coreParams{tenant: "default", system: "pbx", epoch: "e2", plan: testPlan{}, limits: Limits{}.withDefaults(), newID: func() string {
		n++
		return fmt.Sprintf("id-%03d", n)
	}}
	b := &bench{TB: t, now: time.Date(2026, 2, 3, 9, 0, 0, 0, time.UTC), ended: make(map[string]bool)}
	b.core = newCore(p, from)
	b.view = newProjection("pbx", "e2", from, 0)
	b.do(begin{})
	b.do(watch{map[csta.DeviceID]bool{"101": true, "102": true, "103": true}})
	return b
}

// do hands a message to the core, a moment later, and checks what must always hold.
func (b *bench) do(m any) []Update {
	b.Helper()
	b.now = b.now.Add(time.Millisecond)
	switch m := m.(type) {
	case replied:
		b.core.replied(m, b.now)
	case MakeCall:
		b.core.asked(m, b.now)
	case checked:
		b.core.checked(m, b.now)
	default:
		b.core.apply(m, b.now)
	}
	updates := b.core.take()
	for _, u := range updates {
		b.view.apply(u)
	}
	b.told = append(b.told, updates...)
	b.invariants(updates)
	return updates
}

// pass lets time go by, and does what is due on the way.
func (b *bench) pass(d time.Duration) {
	b.Helper()
	end := b.now.Add(d)
	for {
		next := b.core.next()
		if next.IsZero() || next.After(end) {
			b.now = end
			return
		}
		if next.After(b.now) {
			b.now = next
		}
		b.do(tick{})
	}
}

func (b *bench) invariants(updates []Update) {
	b.Helper()
	for i, u := range updates {
		require.Equal(b, uint64(len(b.told)-len(updates)+i+1), u.Seq)
		if u.Call != nil {
			b.checkCall(u.Call)
		}
	}
	b.checkCore()
	b.checkView()
}

// checkCall: an incarnation that ended stays so, and every living leg has an end in sight.
func (b *bench) checkCall(c *Call) {
	b.Helper()
	for _, l := range c.Legs {
		require.NotEmpty(b, l.Key.Call)
		require.NotEmpty(b, l.Key.Device)
		require.Equal(b, c.ID, l.ID.CallID)
		require.Equal(b, l.Live(), l.State != csta.Null)
		id := fmt.Sprintf("%v %v", l.Key, l.Began)
		if l.Live() {
			require.False(b, b.ended[id], "ended legs stay ended")
			require.False(b, l.Expires.IsZero(), "every living leg expires")
		} else {
			b.ended[id] = true
			require.False(b, l.Ended.Before(l.Began))
		}
	}
}

// checkCore: the indexes agree with each other, and linked legs are one call.
func (b *bench) checkCore() {
	b.Helper()
	c := b.core
	live := 0
	owner := make(map[string]*call)
	for _, l := range c.aliveOn("") {
		live++
		require.True(b, l.Live())
		require.Same(b, l, c.legs[l.Key])
		require.Same(b, l.call, c.calls[l.call.id])
		require.Contains(b, l.call.legs, l)
		for _, t := range l.tokens() {
			if other := owner[t]; other != nil {
				require.Same(b, other, l.call, "legs that share a token are one call")
			}
			owner[t] = l.call
			require.Same(b, l.call, c.tokens[t])
		}
		names := make(map[csta.ConnectionID]bool)
		for _, s := range l.call.legs {
			if s.Live() {
				require.False(b, names[s.ID], "two living legs share a name")
				names[s.ID] = true
			}
		}
	}
	require.Equal(b, c.live, live)
}

// checkView: the sum of what was told is what is true.
func (b *bench) checkView() {
	b.Helper()
	v := b.view.view()
	require.Equal(b, b.core.seq, v.Seq)
	seen := 0
	for _, c := range v.Calls {
		for _, l := range c.Legs {
			if !l.Live() {
				continue
			}
			seen++
			now := b.core.legs[l.Key]
			require.NotNil(b, now)
			require.Equal(b, now.ID, l.ID)
			require.Equal(b, [...]any{now.State, now.FarState, now.Far, now.Unsure, now.Permitted, now.Attempt}, [...]any{l.State, l.FarState, l.Far, l.Unsure, l.Permitted, l.Attempt})
		}
	}
	require.Equal(b, b.core.live, seen, "views have every living leg once")
	for d, l := range v.Lines {
		require.Equal(b, b.core.lines[d].Line, l)
		odd := b.core.lines[d].odd
		require.Equal(b, b.core.unexplained(d, l.State), !odd.IsZero())
		require.False(b, l.UnknownParty && odd.IsZero(), "a call explains it")
	}
}
