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
		require.Equal(b, b.core.unexplained(d, l.State), l.UnknownParty)
	}
}

// leg makes news of a leg on device 101.
func news(call string, state csta.State, more ...func(*pbx.Leg)) pbx.LegChanged {
	l := pbx.Leg{Key: pbx.LegKey{Call: call, Device: "101"}, State: state, Direction: csta.Incoming}
	for _, f := range more {
		f(&l)
	}
	return pbx.LegChanged{Leg: l}
}

func on(d csta.DeviceID) func(*pbx.Leg)   { return func(l *pbx.Leg) { l.Key.Device = d } }
func from(n string) func(*pbx.Leg)        { return func(l *pbx.Leg) { l.Far = pbx.Party{Number: n} } }
func because(c csta.Cause) func(*pbx.Leg) { return func(l *pbx.Leg) { l.Cause = c } }
func tied(t ...string) func(*pbx.Leg)     { return func(l *pbx.Leg) { l.Linkage = t } }
func far(s csta.State) func(*pbx.Leg)     { return func(l *pbx.Leg) { l.FarState = s } }
func out(l *pbx.Leg)                      { l.Direction = csta.Outgoing }

func events(updates []Update) []csta.Event {
	var list []csta.Event
	for _, u := range updates {
		if u.Event != "" {
			list = append(list, u.Event)
		}
	}
	return list
}

// the returns the only leg of a call on 101.
func (b *bench) the(call string) Leg {
	b.Helper()
	l := b.core.legs[pbx.LegKey{Call: call, Device: "101"}]
	require.NotNil(b, l)
	return l.Leg
}

func up(b *bench) { b.do(pbx.LinkUp{At: b.now}) }

func TestEventsOfACall(t *testing.T) {
	b := newBench(t, State{})
	up(b)
	for _, step := range []struct {
		news pbx.LegChanged
		want []csta.Event
	}{
		{news("c", csta.Alerting, from("+4989555010")), []csta.Event{csta.DeliveredEvent}},
		{news("c", csta.Alerting, from("+4989555010")), nil},
		{news("c", csta.Connected), []csta.Event{csta.EstablishedEvent}},
		{news("c", csta.Alerting), nil},
		{news("c", csta.Hold), []csta.Event{csta.HeldEvent}},
		{news("c", csta.Connected), []csta.Event{csta.RetrievedEvent}},
		{news("c", csta.Connected, from("+4930111222")), []csta.Event{csta.TransferredEvent}},
		{news("c", csta.Connected, func(l *pbx.Leg) { l.Queue = "sales" }), []csta.Event{csta.CallInformationEvent}},
		{news("c", csta.Connected, func(l *pbx.Leg) { l.PermittedSaid, l.Permitted = true, csta.Of(csta.HoldCall) }), []csta.Event{csta.ServicesPermittedEvent}},
		{news("c", csta.Null, because(csta.CauseNormalClearing)), []csta.Event{csta.ConnectionClearedEvent}},
		{news("c", csta.Null), nil},
		{news("c", csta.Alerting), []csta.Event{csta.DeliveredEvent}},
		{news("c", csta.Null, because(csta.CauseAnsweredElsewhere)), []csta.Event{csta.DivertedEvent}},
	} {
		require.Equal(t, step.want, events(b.do(step.news)), "%+v", step.news.Leg)
	}
	l := b.the("c")
	require.Equal(t, 2, l.Incarnation, "it came back once")
	first := b.core.calls[l.ID.CallID].legs[0]
	require.Equal(t, "+4989555010", string(first.Original.Number.E164), "the original caller is kept")
	require.Equal(t, "+4930111222", string(first.Far.Number.E164))
}

func TestEventsOfAnOutgoingCall(t *testing.T) {
	b := newBench(t, State{})
	up(b)
	for _, step := range []struct {
		news pbx.LegChanged
		want []csta.Event
	}{
		{news("c", csta.Initiated, out), []csta.Event{csta.ServiceInitiatedEvent}},
		{news("c", csta.Alerting, out), []csta.Event{csta.ServiceInitiatedEvent}},
		{news("c", csta.Connected, out, far(csta.Initiated)), []csta.Event{csta.OriginatedEvent}},
		{news("c", csta.Connected, out, far(csta.Alerting)), []csta.Event{csta.DeliveredEvent}},
		{news("c", csta.Connected, out, far(csta.Connected)), []csta.Event{csta.EstablishedEvent}},
		{news("c", csta.Connected, out, far(csta.Alerting)), nil},
		{news("c", csta.Null), []csta.Event{csta.ConnectionClearedEvent}},
		{news("d", csta.Connected, out, far(csta.Fail), because(csta.CauseBusy)), []csta.Event{csta.FailedEvent}},
		{news("d", csta.Null), []csta.Event{csta.FailedEvent}},
	} {
		require.Equal(t, step.want, events(b.do(step.news)), "%+v", step.news.Leg)
	}
	require.Equal(t, csta.CauseBusy, b.the("d").Cause, "told with the failure, kept at the end")
}

func TestNothingSaidErasesNothing(t *testing.T) {
	b := newBench(t, State{})
	up(b)
	b.do(news("c", csta.Alerting, from("+4989555010"), func(l *pbx.Leg) {
		l.Far.Name, l.Called, l.Terminal = "Ada", pbx.Party{Number: "+4989000"}, "desk"
	}))
	b.do(news("c", csta.Connected))
	b.do(news("c", csta.Connected, func(l *pbx.Leg) { l.Far = pbx.Party{Withheld: true} }))
	l := b.the("c")
	require.Equal(t, "+4989555010", string(l.Far.Number.E164), "a hidden number does not replace a known one")
	require.Equal(t, "Ada", l.Far.Name)
	require.Equal(t, "desk", l.Terminal)
	require.True(t, l.Called.Known())
}

func TestJoinAndSplit(t *testing.T) {
	b := newBench(t, State{})
	up(b)
	b.do(news("c1", csta.Connected, tied("a")))
	b.do(news("c2", csta.Connected, on("102"), tied("b")))
	one := b.the("c1").ID.CallID
	updates := b.do(news("c2", csta.Connected, on("102"), tied("a", "b")))
	require.Equal(t, csta.CallLinkageEvent, updates[0].Event)
	require.Equal(t, one, updates[0].Call.ID)
	require.NotEmpty(t, updates[0].Joined)
	require.Equal(t, []csta.CallID{updates[0].Joined}, updates[0].Call.Joined)
	require.Len(t, updates[0].Call.Legs, 2)

	updates = b.do(news("c2", csta.Connected, on("102"), tied("z")))
	require.Equal(t, one, updates[0].SplitFrom)
	require.NotEqual(t, one, updates[0].Call.ID)
	require.Equal(t, one, updates[1].Call.ID)
	require.Equal(t, one, b.the("c1").ID.CallID, "the older leg keeps the call's id")
}

func TestOneCallOfManyDevicesIsClosedWhenOneAnswers(t *testing.T) {
	b := newBench(t, State{})
	up(b)
	b.do(news("c", csta.Alerting))
	b.do(news("c", csta.Alerting, on("102")))
	require.Len(t, b.core.calls, 1)
	b.do(news("c", csta.Connected, on("102")))
	b.pass(3 * time.Second)
	require.Equal(t, []csta.DeviceID{"101"}, b.core.takeChecks(), "nobody told the end of the other: it is asked about")
	b.do(checked{device: "101", asked: b.now, snapshot: pbx.Snapshot{Device: "101", Proof: pbx.ProofLine, Line: csta.LineIdle, Since: b.now}})
	require.Equal(t, csta.CauseAnsweredElsewhere, b.the("c").Cause)
	b.do(news("c", csta.Alerting))
	require.True(t, b.the("c").Live(), "rung again")
}

func TestAloneEndIsACall(t *testing.T) {
	b := newBench(t, State{})
	up(b)
	updates := b.do(news("c", csta.Null, from("+4989555010"), because(csta.CauseCallCancelled)))
	require.Equal(t, []csta.Event{csta.ConnectionClearedEvent}, events(updates))
	l := b.the("c")
	require.True(t, l.Unsure, "only its end was seen")
	require.Equal(t, "+4989555010", string(l.Far.Number.E164))
}

func TestLateDetailsOfAnInferredEnd(t *testing.T) {
	b := newBench(t, State{})
	up(b)
	b.do(news("c", csta.Alerting))
	b.pass(time.Minute)
	b.do(pbx.SnapshotTaken{Snapshot: pbx.Snapshot{Device: "101", Proof: pbx.ProofCalls, Since: b.now}})
	require.Equal(t, csta.CauseNoDetails, b.the("c").Cause)
	b.do(news("c", csta.Null, because(csta.CauseCallNotAnswered)))
	require.Equal(t, csta.CauseCallNotAnswered, b.the("c").Cause)
}

func TestSnapshotDoesNotEndWhatIsNewer(t *testing.T) {
	for _, proof := range []pbx.Proof{pbx.ProofCalls, pbx.ProofLine} {
		b := newBench(t, State{})
		up(b)
		since := b.now
		b.do(news("c", csta.Alerting))
		b.do(pbx.SnapshotTaken{Snapshot: pbx.Snapshot{Device: "101", Proof: proof, Line: csta.LineIdle, Since: since}})
		require.True(t, b.the("c").Live(), proof)
		b.pass(30 * time.Second)
		b.core.takeChecks()
		b.do(pbx.SnapshotTaken{Snapshot: pbx.Snapshot{Device: "101", Proof: proof, Line: csta.LineIdle, Since: b.now}})
		require.False(t, b.the("c").Live(), proof)
		b.do(pbx.SnapshotTaken{Snapshot: pbx.Snapshot{Device: "101", Proof: pbx.ProofCalls, Since: since, Legs: []pbx.Leg{news("c", csta.Alerting).Leg}}})
		require.False(t, b.the("c").Live(), "an old snapshot opens nothing")
	}
}

func TestLineWithoutACall(t *testing.T) {
	b := newBench(t, State{})
	up(b)
	b.do(pbx.SnapshotTaken{Snapshot: pbx.Snapshot{Device: "101", Proof: pbx.ProofLine, Line: csta.LineBusy, Since: b.now}})
	require.True(t, b.view.view().Lines["101"].UnknownParty)
	b.do(news("c", csta.Connected))
	require.False(t, b.view.view().Lines["101"].UnknownParty)
	b.do(news("c", csta.Null))
	require.True(t, b.view.view().Lines["101"].UnknownParty)
	b.do(pbx.LineChanged{Device: "101", Line: csta.LineIdle, Presence: pbx.PresenceAvailable})
	require.False(t, b.view.view().Lines["101"].UnknownParty)
}

func TestExpiryAsksThenCloses(t *testing.T) {
	b := newBench(t, State{})
	up(b)
	b.do(news("c", csta.Alerting))
	b.pass(5*time.Minute + time.Second)
	require.Equal(t, []csta.DeviceID{"101"}, b.core.takeChecks())
	asked := b.now
	b.pass(time.Second)
	b.do(checked{device: "101", asked: asked, snapshot: pbx.Snapshot{Device: "101", Proof: pbx.ProofLine, Line: csta.LineRinging, Since: asked}})
	require.True(t, b.the("c").Live(), "the line still rings")
	b.pass(5*time.Minute + time.Second)
	asked = b.now
	b.do(news("c", csta.Alerting, from("+4989555010")))
	b.do(checked{device: "101", asked: asked, err: pbx.ErrDown})
	require.True(t, b.the("c").Live(), "it had newer news than the question")
	b.pass(6 * time.Minute)
	require.False(t, b.the("c").Live(), "no answer came")
	require.Equal(t, csta.CauseNoDetails, b.the("c").Cause)
}

func TestAttempts(t *testing.T) {
	ask := MakeCall{ID: "k", Device: "101", Far: Party{Number: number.Party{E164: "+4930111222", Kind: number.External}}}
	state := func(b *bench) Attempt { a, _ := b.core.attempt("k"); return a }

	t.Run("reply then event", func(t *testing.T) {
		b := newBench(t, State{})
		up(b)
		b.do(ask)
		b.do(replied{id: "k", accepted: pbx.Accepted{Call: "c"}})
		require.Equal(t, AttemptAccepted, state(b).State)
		b.do(news("c", csta.Alerting, out))
		require.Equal(t, AttemptCall, state(b).State)
		require.Equal(t, b.the("c").ID.CallID, state(b).CallID)
	})
	t.Run("event overtakes the reply", func(t *testing.T) {
		b := newBench(t, State{})
		up(b)
		b.do(ask)
		b.do(news("c", csta.Alerting, out))
		require.Equal(t, AttemptAsked, state(b).State)
		b.do(replied{id: "k", accepted: pbx.Accepted{Call: "c"}})
		require.Equal(t, AttemptCall, state(b).State)
		require.Equal(t, "k", b.the("c").Attempt)
	})
	t.Run("the call ended before the reply", func(t *testing.T) {
		b := newBench(t, State{})
		up(b)
		b.do(ask)
		b.do(news("c", csta.Alerting, out))
		b.do(news("c", csta.Null, out))
		b.do(replied{id: "k", accepted: pbx.Accepted{Call: "c"}})
		require.Equal(t, AttemptCall, state(b).State)
	})
	t.Run("failure overtakes the reply", func(t *testing.T) {
		b := newBench(t, State{})
		up(b)
		b.do(ask)
		b.do(pbx.AttemptFailed{Call: "c", Cause: csta.CauseCallRejected})
		b.do(replied{id: "k", accepted: pbx.Accepted{Call: "c"}})
		require.Equal(t, AttemptFailed, state(b).State)
		require.Equal(t, "own_rejected", state(b).Reason)
	})
	t.Run("nothing comes", func(t *testing.T) {
		b := newBench(t, State{})
		up(b)
		b.do(ask)
		b.do(replied{id: "k", accepted: pbx.Accepted{Call: "c", Limit: 20 * time.Second}})
		b.pass(21 * time.Second)
		require.Equal(t, AttemptFailed, state(b).State)
		require.Equal(t, csta.CauseTimeout, state(b).Cause)
		b.do(news("c", csta.Alerting, out))
		require.Equal(t, AttemptCall, state(b).State, "late is better than never")
	})
	t.Run("uncertain, found by its number", func(t *testing.T) {
		b := newBench(t, State{})
		up(b)
		b.do(ask)
		b.do(replied{id: "k", err: pbx.ErrUncertain})
		require.True(t, state(b).Uncertain)
		b.do(news("other", csta.Alerting, out, from("+4989555010")))
		require.Equal(t, AttemptAsked, state(b).State)
		b.do(news("c", csta.Alerting, out, from("+4930111222")))
		require.Equal(t, AttemptCall, state(b).State)
		require.Equal(t, b.the("c").ID.CallID, state(b).CallID)
	})
	t.Run("after a restart", func(t *testing.T) {
		now := newBench(t, State{}).now
		b := newBench(t, State{Epoch: "e1", Attempts: []Attempt{
			{ID: "k", Device: "101", State: AttemptAsked, Asked: now.Add(-10 * time.Second)},
			{ID: "old", Device: "101", State: AttemptAccepted, Asked: now.Add(-time.Hour)},
		}})
		require.True(t, state(b).Uncertain)
		old, _ := b.core.attempt("old")
		require.Equal(t, AttemptFailed, old.State)
		b.pass(time.Minute)
		require.Equal(t, AttemptFailed, state(b).State)
	})
}

func TestRestart(t *testing.T) {
	b := newBench(t, State{})
	began := b.now
	up(b)
	b.do(news("talks", csta.Connected))
	b.do(news("rings", csta.Alerting, on("102")))
	v := b.view.view()

	b = newBench(t, State{Epoch: "e1", Seq: v.Seq, Calls: v.Calls, AliveUntil: began})
	require.Equal(t, uint64(len(b.told)), b.core.seq, "another run, another numbering")
	for _, c := range b.view.view().Calls {
		require.True(t, c.Legs[0].Unsure)
	}
	gaps := b.view.view().Gaps
	require.Len(t, gaps, 1)
	require.Equal(t, began, gaps[0].From)
	require.True(t, gaps[0].To.IsZero())

	b.pass(20 * time.Second)
	up(b)
	require.Equal(t, b.now.Add(-time.Millisecond), b.view.view().Gaps[0].To)
	b.do(pbx.SnapshotTaken{Snapshot: pbx.Snapshot{Device: "101", Proof: pbx.ProofLine, Line: csta.LineBusy, Since: b.now}})
	b.do(pbx.SnapshotTaken{Snapshot: pbx.Snapshot{Device: "102", Proof: pbx.ProofLine, Line: csta.LineIdle, Since: b.now}})
	require.True(t, b.the("talks").Unsure, "a busy line speaks for it, no more")
	require.True(t, b.the("talks").Live())
	ended := b.core.legs[pbx.LegKey{Call: "rings", Device: "102"}]
	require.False(t, ended.Live(), "no ghost")
	b.do(news("talks", csta.Connected))
	require.False(t, b.the("talks").Unsure)
}

func TestGapsOfLinks(t *testing.T) {
	b := newBench(t, State{})
	up(b)
	b.do(pbx.Heard{At: b.now})
	heard := b.now
	b.pass(time.Minute)
	b.do(pbx.LinkDown{HeardUntil: heard})
	require.False(t, b.view.view().Linked)
	b.pass(time.Minute)
	back := b.now
	b.do(pbx.LinkUp{HeardUntil: heard, At: back})
	v := b.view.view()
	require.True(t, v.Linked)
	require.Equal(t, []Gap{{ID: v.Gaps[0].ID, System: "pbx", From: heard, To: back}}, v.Gaps)

	b.do(pbx.LinkDown{Devices: []csta.DeviceID{"101"}})
	require.True(t, b.view.view().Linked)
	require.False(t, b.view.view().LinkedTo("101"))
	require.True(t, b.view.view().LinkedTo("102"))
	b.do(pbx.LinkUp{Devices: []csta.DeviceID{"101"}, At: b.now})
	require.True(t, b.view.view().LinkedTo("101"))
	require.True(t, b.view.view().LinkedTo("102"))
	require.False(t, b.view.view().Gaps[1].To.IsZero())
}

func TestTroubles(t *testing.T) {
	b := newBench(t, State{})
	codes := func() (list []pbx.TroubleCode) {
		for _, tr := range b.view.view().Troubles {
			list = append(list, tr.Code)
		}
		return list
	}
	b.do(pbx.TroubleChanged{Trouble: pbx.Trouble{Code: pbx.TroubleUnreachable}})
	b.do(logHealth{err: errLogSlow})
	require.Equal(t, []pbx.TroubleCode{pbx.TroubleUnreachable, TroubleLogFull}, codes())
	b.do(pbx.TroubleChanged{Trouble: pbx.Trouble{Code: pbx.TroubleSignIn}})
	require.Equal(t, []pbx.TroubleCode{TroubleLogFull, pbx.TroubleSignIn}, codes())
	b.do(pbx.TroubleChanged{})
	require.Equal(t, []pbx.TroubleCode{TroubleLogFull}, codes())
	b.do(logHealth{})
	require.Empty(t, codes())
}

// FuzzCore lets bytes choose messages; what must always hold is checked after each.
func FuzzCore(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 0, 0, 2, 0, 0, 4, 5, 0, 3, 9, 9, 9})
	f.Add([]byte{20, 0, 0, 21, 16, 3, 17, 0, 0, 1, 2, 3, 33, 3, 200, 4, 90, 30, 55, 66, 12, 18, 19})
	f.Add([]byte("a ring, a hold, a transfer, a crash and a very late hang-up"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 600 {
			data = data[:600]
		}
		b := newBench(t, State{AliveUntil: time.Date(2026, 2, 3, 8, 0, 0, 0, time.UTC)})
		for len(data) >= 3 {
			b.do3(data[0], data[1], data[2])
			data = data[3:]
		}
		up(b)
		b.pass(24 * time.Hour)
		require.Zero(t, b.core.live, "no ghost survives every expiry")
		require.Empty(t, b.core.calls, "nothing is remembered for ever")
		require.Empty(t, b.core.tokens)
		require.Empty(t, b.core.legs)
		require.Empty(t, b.core.recent)
		require.Len(t, b.core.attempts, len(b.core.asks))
	})
}

// do3 makes one message of three bytes.
func (b *bench) do3(kind, x, y byte) {
	devices := []csta.DeviceID{"101", "102", "103", "999"}
	device := devices[x%4]
	states := []csta.State{csta.Initiated, csta.Alerting, csta.Connected, csta.Hold, csta.Queued, csta.Fail, csta.Null, csta.Null, "humming"}
	lines := []csta.LineState{csta.LineUnknown, csta.LineOffline, csta.LineIdle, csta.LineRinging, csta.LineBusy}
	l := pbx.Leg{Key: pbx.LegKey{Call: fmt.Sprintf("c%d", y%5), Device: device}, State: states[int(y/5)%len(states)]}
	if x&4 != 0 {
		l.Direction = csta.Outgoing
	}
	if x&8 != 0 {
		l.Linkage = []string{fmt.Sprintf("t%d", x>>4&3), fmt.Sprintf("t%d", x>>6)}
	}
	if x&16 != 0 {
		l.Far.Number = fmt.Sprintf("+4989555%03d", y)
	}
	if x&32 != 0 {
		l.Key.Appearance = "ch"
	}
	if x&64 != 0 {
		l.FarState = states[int(x)%6]
	}
	snapshot := pbx.Snapshot{Device: device, Proof: []pbx.Proof{pbx.ProofCalls, pbx.ProofLine, pbx.ProofNone}[y%3], Line: lines[y%5], Since: b.now.Add(-time.Duration(y) * time.Second)}
	if y&128 != 0 {
		snapshot.Legs = []pbx.Leg{l}
	}
	id := fmt.Sprintf("k%d", y%4)
	switch kind % 16 {
	case 0, 1, 2, 3, 4:
		b.do(pbx.LegChanged{Leg: l, Stamp: pbx.Stamp{Received: b.now}})
	case 5:
		b.do(pbx.LinkUp{At: b.now})
	case 6:
		b.do(pbx.LinkDown{HeardUntil: b.now.Add(-time.Second)})
	case 7:
		b.do(pbx.LinkDown{Devices: []csta.DeviceID{device}})
	case 8:
		b.do(pbx.LinkUp{Devices: []csta.DeviceID{device}, At: b.now})
	case 9:
		b.do(pbx.SnapshotTaken{Snapshot: snapshot})
	case 10:
		b.do(checked{device: device, snapshot: snapshot, asked: b.now.Add(-time.Second)})
	case 11:
		b.do(pbx.LineChanged{Device: device, Line: lines[y%5]})
	case 12:
		b.pass(time.Duration(y) * time.Duration(y) * 100 * time.Millisecond)
	case 13:
		if _, known := b.core.attempt(id); !known {
			b.do(MakeCall{ID: id, Device: devices[x%3], Far: b.core.party(pbx.Party{Number: fmt.Sprintf("+4989555%03d", y)})})
		}
	case 14:
		r := replied{id: id, accepted: pbx.Accepted{Call: l.Key.Call}}
		if x&4 != 0 {
			r.err = pbx.ErrUncertain
		}
		b.do(r)
	case 15:
		b.do(pbx.AttemptFailed{Command: id, Call: l.Key.Call, Device: device, Cause: csta.CauseBusy})
	}
}
