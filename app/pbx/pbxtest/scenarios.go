package pbxtest

import (
	"fmt"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/csta"
	"deskbell/app/number"
	"deskbell/app/pbx"
	"deskbell/app/server/owner"
)

const (
	caller = "+4989555010"
	callee = "+4930111222"
)

var scenarios = []struct {
	name string
	play func(*world)
}{
	{"inbound answered", inboundAnswered},
	{"inbound missed", func(w *world) { inboundUnanswered(w, GiveUp, csta.CauseCallCancelled, w.traits.Reasons) }},
	{"inbound rang out", func(w *world) { inboundUnanswered(w, RingOut, csta.CauseCallNotAnswered, w.traits.Reasons) }},
	{"inbound rejected", func(w *world) { inboundUnanswered(w, Reject, csta.CauseCallRejected, w.traits.Rejects) }},
	{"two calls at two devices", twoCalls},
	{"one call at two devices", group},
	{"outbound answered", outboundAnswered},
	{"outbound, far end busy", outboundBusy},
	{"outbound, own phone not picked up", outboundNotPickedUp},
	{"outbound refused", outboundRefused},
	{"cut while ringing, over when back", func(w *world) { cutAndOver(w, Alerted, GiveUp) }},
	{"cut while talking, over when back", func(w *world) { cutAndOver(w, Talked, HangUp) }},
	{"cut while ringing, still ringing", func(w *world) { cutAndAlive(w, Alerted) }},
	{"cut while talking, still talking", func(w *world) { cutAndAlive(w, Talked) }},
	{"cut between calls", cutBetween},
	{"news twice and late", doubles},
	{"hang up a call that is over", hangUpLate},
	{"services have methods", servicesHaveMethods},
	{"unwatched devices are dropped", unwatched},
}

func (w *world) act(kind Kind, call string, d csta.DeviceID) {
	w.vendor.Act(Act{Kind: kind, Call: call, Device: d, Number: caller})
}

func (w *world) ring(call string, d csta.DeviceID) owner.Leg {
	w.Helper()
	w.act(Ring, call, d)
	v := w.await("it rings", legIs(d, func(l owner.Leg) bool { return l.Live() && csta.Ringing(l.Direction, l.State) && l.Far.Known() }))
	l, _, _ := leg(v, d)
	require.Equal(w.T, csta.Incoming, l.Direction)
	require.Equal(w.T, number.External, l.Far.Number.Kind, "the caller's number")
	require.Equal(w.T, caller, string(l.Far.Number.E164))
	require.False(w.T, l.Answered())
	return l
}

func (w *world) answer(call string, d csta.DeviceID) owner.Leg {
	w.Helper()
	w.act(Answer, call, d)
	v := w.await("it is answered", legIs(d, func(l owner.Leg) bool { return l.Live() && l.Answered() && l.State == csta.Connected }))
	l, _, _ := leg(v, d)
	return l
}

func inboundAnswered(w *world) {
	rang := w.ring("in", w.a)
	talks := w.answer("in", w.a)
	require.Equal(w.T, rang.ID, talks.ID, "one call from ring to end")
	w.act(HangUp, "in", w.a)
	v := w.await("it ends", legIs(w.a, func(l owner.Leg) bool { return !l.Live() }))
	l, _, _ := leg(v, w.a)
	require.Equal(w.T, rang.ID, l.ID)
	require.True(w.T, l.Answered())
	require.NotEqual(w.T, csta.CauseCallRejected, l.Cause)
}

func inboundUnanswered(w *world, how Kind, cause csta.Cause, told bool) {
	rang := w.ring("in", w.a)
	w.act(how, "in", w.a)
	v := w.await("it ends", legIs(w.a, func(l owner.Leg) bool { return !l.Live() }))
	l, _, _ := leg(v, w.a)
	require.Equal(w.T, rang.ID, l.ID)
	require.False(w.T, l.Answered())
	if told {
		require.Equal(w.T, cause, l.Cause)
	}
}

func twoCalls(w *world) {
	one, two := w.ring("one", w.a), w.ring("two", w.b)
	require.NotEqual(w.T, one.ID.CallID, two.ID.CallID)
	w.answer("one", w.a)
	w.act(GiveUp, "two", w.b)
	w.await("the second ends", legIs(w.b, func(l owner.Leg) bool { return !l.Live() }))
	require.True(w.T, legIs(w.a, owner.Leg.Live)(w.owner.View()), "the first goes on")
	w.act(HangUp, "one", w.a)
	w.await("all is over", noLiveLegs)
}

// group: a call rings at two devices, one takes it, and nobody tells the other that it is over.
func group(w *world) {
	if !w.traits.Groups {
		w.Log("a call of this vendor rings at one device only")
		return
	}
	one, two := w.ring("group", w.a), w.ring("group", w.b)
	w.answer("group", w.b)
	v := w.await("the other stops ringing", legIs(w.a, func(l owner.Leg) bool { return !l.Live() }))
	l, _, _ := leg(v, w.a)
	require.False(w.T, l.Answered())
	if one.ID.CallID == two.ID.CallID { // where the system's ids let us know that it is one call
		require.Equal(w.T, csta.CauseAnsweredElsewhere, l.Cause)
	}
	require.True(w.T, legIs(w.b, owner.Leg.Live)(v), "the conversation goes on")
	w.act(HangUp, "group", w.b)
	w.await("all is over", noLiveLegs)
}

// dial asks for a call, or returns false where the system cannot make calls.
func (w *world) dial(id string) (owner.Attempt, error, bool) { // the error is one of two results under test
	w.Helper()
	if !w.connector.Services(w.a).Has(csta.MakeCall) {
		w.Log("this system makes no calls")
		return owner.Attempt{}, nil, false
	}
	a, err := w.owner.MakeCall(w.Context(), owner.MakeCall{
		ID: id, Device: w.a, To: pbx.Destination{E164: callee},
		Far: owner.Party{Number: number.Party{E164: callee, Kind: number.External}},
	})
	return a, err, true
}

func outboundAnswered(w *world) {
	a, err, can := w.dial("command-1")
	if !can {
		return
	}
	require.NoError(w.T, err)
	require.Equal(w.T, "command-1", a.ID)
	again, err, _ := w.dial("command-1")
	require.NoError(w.T, err)
	require.Equal(w.T, a.ID, again.ID, "one command, one attempt")
	w.act(PickUp, "", w.a)
	w.await("the attempt is a call", func(v owner.View) bool { return len(v.Attempts) == 1 && v.Attempts[0].State == owner.AttemptCall })
	w.act(FarRings, "", w.a)
	w.act(FarAnswers, "", w.a)
	v := w.await("the far end answers", legIs(w.a, func(l owner.Leg) bool { return l.Live() && l.Answered() }))
	l, call, _ := leg(v, w.a)
	require.Equal(w.T, csta.Outgoing, l.Direction)
	require.Equal(w.T, "command-1", l.Attempt, "the call names its attempt")
	require.Equal(w.T, v.Attempts[0].CallID, call.ID)
	require.Equal(w.T, callee, string(l.Far.Number.E164))
	w.act(HangUp, "", w.a)
	v = w.await("it ends", noLiveLegs)
	require.Len(w.T, v.Calls, 1, "asked for once, called once")
}

func outboundBusy(w *world) {
	if _, err, can := w.dial("command-2"); !can || err != nil {
		require.NoError(w.T, err)
		return
	}
	w.act(PickUp, "", w.a)
	w.await("the attempt is a call", func(v owner.View) bool { return v.Attempts[0].State == owner.AttemptCall })
	w.act(FarBusy, "", w.a)
	v := w.await("it ends", noLiveLegs)
	l, _, ok := leg(v, w.a)
	require.True(w.T, ok)
	require.False(w.T, l.Answered())
	if w.traits.Reasons {
		require.Equal(w.T, csta.CauseBusy, l.Cause)
	}
}

func outboundNotPickedUp(w *world) {
	if _, err, can := w.dial("command-3"); !can || err != nil {
		require.NoError(w.T, err)
		return
	}
	w.act(NoPickUp, "", w.a)
	v := w.awaitFor(2*time.Minute, "the attempt is settled and nothing lives", func(v owner.View) bool {
		return len(v.Attempts) == 1 && v.Attempts[0].Settled() && noLiveLegs(v)
	})
	if l, _, ok := leg(v, w.a); ok {
		require.False(w.T, l.Answered())
	}
}

func outboundRefused(w *world) {
	if !w.connector.Services(w.a).Has(csta.MakeCall) {
		return
	}
	w.act(Refuse, "", "")
	a, err, _ := w.dial("command-4")
	require.Error(w.T, err)
	require.Equal(w.T, owner.AttemptFailed, a.State)
	require.NotEmpty(w.T, a.Reason)
	_, again, _ := w.dial("command-4")
	require.Equal(w.T, err, again, "a refused command is not sent again")
}

// How far a call has come.
const (
	Alerted = "alerted"
	Talked  = "talked"
)

func (w *world) bring(state string) owner.Leg {
	w.Helper()
	l := w.ring("in", w.a)
	if state == Talked {
		l = w.answer("in", w.a)
	}
	return l
}

func (w *world) cut() {
	w.Helper()
	w.act(Cut, "", "")
	w.awaitFor(w.traits.Outage+limit, "the break is noticed", func(v owner.View) bool {
		return !v.Linked || len(v.Gaps) > 0
	})
}

// heal mends the connections and waits for the gap to be told.
func (w *world) heal() owner.Gap {
	w.Helper()
	w.act(Heal, "", "")
	v := w.awaitFor(w.traits.Outage+limit, "the link is back, and the gap has an end", func(v owner.View) bool {
		if !w.linked(v) || len(v.Gaps) == 0 {
			return false
		}
		for _, g := range v.Gaps {
			if g.To.IsZero() {
				return false
			}
		}
		return true
	})
	for _, g := range v.Gaps {
		require.False(w.T, g.To.Before(g.From))
	}
	return v.Gaps[0]
}

// proof is how much a snapshot of this system proves.
func (w *world) proof() pbx.Proof {
	w.Helper()
	s, err := w.connector.Snapshot(w.Context(), w.a)
	require.NoError(w.T, err)
	return s.Proof
}

func cutAndOver(w *world, state string, how Kind) {
	l := w.bring(state)
	proof := w.proof()
	w.cut()
	w.await("the leg is unsure", legIs(w.a, func(l owner.Leg) bool { return l.Unsure }))
	w.act(how, "in", w.a)
	w.heal()
	until := 10 * time.Second
	if proof == pbx.ProofNone {
		if !w.traits.Virtual {
			w.Log("this system proves nothing: the leg ends by its expiry, too late for a test in real time")
			return
		}
		until = 5 * time.Hour
	}
	v := w.awaitFor(until, "no ghost", noLiveLegs)
	ended, _, _ := leg(v, w.a)
	require.Equal(w.T, l.ID, ended.ID)
	require.Equal(w.T, csta.CauseNoDetails, ended.Cause, "nobody told how it ended")
	require.Equal(w.T, state == Talked, ended.Answered())
}

func cutAndAlive(w *world, state string) {
	l := w.bring(state)
	w.cut()
	w.heal()
	if w.traits.Virtual {
		time.Sleep(12 * time.Second) // virtual: long enough for every check
	}
	alive, _, _ := leg(w.owner.View(), w.a)
	require.Equal(w.T, l.ID, alive.ID)
	require.True(w.T, alive.Live(), "it goes on: %s", describe(w.owner.View()))
	if state == Alerted {
		w.answer("in", w.a)
	}
	w.act(HangUp, "in", w.a)
	v := w.await("it ends", noLiveLegs)
	ended, _, _ := leg(v, w.a)
	require.Equal(w.T, l.ID, ended.ID, "one call through the break")
	require.True(w.T, ended.Answered())
}

func cutBetween(w *world) {
	before := time.Now()
	w.cut()
	w.act(Ring, "dark", w.a)
	dark := time.Now()
	w.act(GiveUp, "dark", w.a)
	gap := w.heal()
	require.False(w.T, gap.From.After(dark), "the gap covers the call in the dark")
	require.False(w.T, gap.To.Before(before))
	v := w.owner.View()
	require.True(w.T, noLiveLegs(v))
	w.inbound()
}

// inbound is a plain call, to see that all works.
func (w *world) inbound() {
	w.Helper()
	w.plain++
	name := fmt.Sprintf("plain-%d", w.plain)
	w.ring(name, w.b)
	w.answer(name, w.b)
	w.act(HangUp, name, w.b)
	w.await("it ends", legIs(w.b, func(l owner.Leg) bool { return !l.Live() }))
}

func doubles(w *world) {
	if !w.traits.Doubles {
		w.Log("this vendor tells everything once")
		return
	}
	l := w.ring("in", w.a)
	w.act(Again, "in", w.a)
	w.answer("in", w.a)
	w.act(Again, "in", w.a)
	w.act(Stale, "in", w.a)
	w.inbound() // in order behind the late news
	v := w.owner.View()
	talks, call, _ := leg(v, w.a)
	require.Equal(w.T, l.ID, talks.ID)
	require.Equal(w.T, csta.Connected, talks.State, "late news of a ring does not end a conversation")
	require.Len(w.T, call.Legs, 1)
	w.act(HangUp, "in", w.a)
	w.await("it ends", noLiveLegs)
	w.act(Again, "in", w.a)
	w.inbound()
	v = w.owner.View()
	over, _, _ := leg(v, w.a)
	require.False(w.T, over.Live())
	require.Equal(w.T, 1, over.Incarnation)
}

func hangUpLate(w *world) {
	l := w.ring("in", w.a)
	w.act(GiveUp, "in", w.a)
	w.await("it ends", noLiveLegs)
	err := w.owner.Do(w.Context(), owner.Verb{ID: "verb-1", Service: csta.ClearConnection, Call: l.ID.CallID, Device: w.a})
	require.ErrorIs(w.T, err, pbx.ErrGone)
}

// servicesHaveMethods: what is declared can be called, and what can be called is declared for some device.
func servicesHaveMethods(w *world) {
	var declared csta.Services
	for _, d := range w.traits.Devices {
		declared |= w.connector.Services(d)
	}
	_, makes := w.connector.(pbx.CallMaker)
	_, clears := w.connector.(pbx.ConnectionClearer)
	_, answers := w.connector.(pbx.CallAnswerer)
	_, holds := w.connector.(pbx.CallHolder)
	for s, has := range map[csta.Service]bool{
		csta.MakeCall: makes, csta.ClearConnection: clears, csta.AnswerCall: answers, csta.HoldCall: holds, csta.RetrieveCall: holds,
	} {
		require.Equal(w.T, has, declared.Has(s), "%s", s)
	}
}

func unwatched(w *world) {
	w.owner.SetDevices([]csta.DeviceID{w.b})
	w.act(Ring, "in", w.a)
	w.inbound()
	_, _, known := leg(w.owner.View(), w.a)
	require.False(w.T, known, "only calls of devices that somebody owns or watches are kept")
	w.act(GiveUp, "in", w.a)
}
