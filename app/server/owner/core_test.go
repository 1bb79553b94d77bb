package owner

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/csta"
	"deskbell/app/number"
	"deskbell/app/pbx"
)

// news makes news of a leg on device 101.
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
	settle := b.core.limits.Settle
	unknown := func() bool { return b.view.view().Lines["101"].UnknownParty }
	line := func(state csta.LineState) {
		b.do(pbx.LineChanged{Device: "101", Line: state, Presence: pbx.PresenceAvailable})
	}
	up(b)
	b.do(pbx.SnapshotTaken{Snapshot: pbx.Snapshot{Device: "101", Proof: pbx.ProofLine, Line: csta.LineBusy, Since: b.now}})
	require.False(t, unknown(), "its call may be told in a moment")
	b.pass(settle)
	require.True(t, unknown())
	b.do(news("c", csta.Connected))
	require.False(t, unknown())
	b.do(news("c", csta.Null))
	require.False(t, unknown(), "its idle line may be told in a moment")
	b.pass(settle)
	require.True(t, unknown())
	line(csta.LineIdle)
	require.False(t, unknown())

	for range 3 { // the two feeds disagree for a moment at the begin and at the end
		told := len(b.told)
		line(csta.LineRinging)
		b.pass(settle / 2)
		b.do(news("d", csta.Alerting))
		b.do(news("d", csta.Null))
		b.pass(settle / 2)
		line(csta.LineIdle)
		b.pass(2 * settle)
		for _, u := range b.told[told:] {
			require.False(t, u.Line != nil && u.Line.UnknownParty)
		}
	}
}

// A system whose line states lag must not end a call that had just begun when the link broke.
func TestAnIdleLineRightAfterABreakIsLookedAtTwice(t *testing.T) {
	b := newBench(t, State{})
	idle := func() {
		b.do(pbx.SnapshotTaken{Snapshot: pbx.Snapshot{Device: "101", Proof: pbx.ProofLine, Line: csta.LineIdle, Since: b.now}})
	}
	up(b)
	b.do(news("c", csta.Connected))
	b.do(pbx.LinkDown{HeardUntil: b.now})
	b.pass(500 * time.Millisecond)
	up(b)
	idle()
	require.True(t, b.the("c").Live(), "the line may not have heard of the call yet")
	b.pass(b.core.limits.Settle / 2)
	require.True(t, b.the("c").Live())
	idle()
	require.False(t, b.the("c").Live(), "no ghost")
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
