package pop

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/csta"
	"deskbell/app/number"
	"deskbell/app/server/owner"
)

var t0 = time.Date(2026, 2, 3, 9, 0, 0, 0, time.UTC)

func after(d time.Duration) time.Time { return t0.Add(d) }

// newLeg is a ringing call from outside that changes change.
func newLeg(change func(*owner.Leg)) *owner.Leg {
	l := &owner.Leg{
		ID: csta.ConnectionID{CallID: "c1", DeviceID: "101"}, State: csta.Alerting, FarState: csta.Connected, Direction: csta.Incoming,
		Far: owner.Party{Number: number.Party{Kind: number.External, E164: "+4989123456"}}, Began: t0,
	}
	if change != nil {
		change(l)
	}
	return l
}

func answered(l *owner.Leg) { l.State, l.TalkSince = csta.Connected, after(5*time.Second) }

func TestDecide(t *testing.T) {
	std := Rules{When: WhenAnswered}
	all := Rules{When: WhenRinging, Outgoing: true, Internal: true}
	now := after(6 * time.Second)
	other := func(change func(*owner.Leg)) []*owner.Leg {
		return []*owner.Leg{newLeg(func(l *owner.Leg) {
			l.ID.CallID = "c0"
			answered(l)
			l.TalkSince = after(-time.Minute)
			change(l)
		})}
	}
	nothing := func(*owner.Leg) {}
	for name, c := range map[string]struct {
		rules  Rules
		leg    *owner.Leg
		others []*owner.Leg
		now    time.Time
		want   Trigger
	}{
		"ringing does not open by default":      {std, newLeg(nil), nil, now, ""},
		"answered opens":                        {std, newLeg(answered), nil, now, Answered},
		"ringing by choice":                     {all, newLeg(nil), nil, now, Ringing},
		"never":                                 {Rules{When: WhenNever, Outgoing: true}, newLeg(answered), nil, now, ""},
		"a machine answered":                    {std, newLeg(func(l *owner.Leg) { answered(l); l.Automatic = true }), nil, now, ""},
		"internal is not wanted":                {std, newLeg(func(l *owner.Leg) { answered(l); l.Far.Number.Kind = number.Internal }), nil, now, ""},
		"internal by choice":                    {all, newLeg(func(l *owner.Leg) { answered(l); l.Far.Number.Kind = number.Internal }), nil, now, Answered},
		"withheld has no page":                  {all, newLeg(func(l *owner.Leg) { answered(l); l.Far.Number.Kind = number.Withheld }), nil, now, ""},
		"a service code has no page":            {all, newLeg(func(l *owner.Leg) { answered(l); l.Far.Number.Kind = number.Service }), nil, now, ""},
		"outgoing is not wanted":                {std, newLeg(func(l *owner.Leg) { answered(l); l.Direction = csta.Outgoing }), nil, now, ""},
		"outgoing by choice, when answered":     {all, newLeg(func(l *owner.Leg) { answered(l); l.Direction = csta.Outgoing }), nil, now, Outgoing},
		"outgoing does not open while it rings": {all, newLeg(func(l *owner.Leg) { l.Direction = csta.Outgoing }), nil, now, ""},
		"another call is in conversation":       {std, newLeg(answered), other(nothing), now, ""},
		"another call is on hold":               {std, newLeg(answered), other(func(l *owner.Leg) { l.State = csta.Hold }), now, Answered},
		"another call rings":                    {std, newLeg(answered), other(func(l *owner.Leg) { l.State, l.TalkSince = csta.Alerting, time.Time{} }), now, Answered},
		"another call ended before the answer":  {std, newLeg(answered), other(func(l *owner.Leg) { l.Ended = after(time.Second) }), now, Answered},
		"another call ended after the answer":   {std, newLeg(answered), other(func(l *owner.Leg) { l.Ended = now }), now, ""},
		"another call was answered later":       {std, newLeg(answered), other(func(l *owner.Leg) { l.TalkSince = now }), now, Answered},
		"answered long ago":                     {std, newLeg(answered), nil, after(10 * time.Minute), ""},
		"over just now":                         {std, newLeg(func(l *owner.Leg) { answered(l); l.State, l.Ended = csta.Null, now }), nil, after(20 * time.Second), Answered},
		"over for a while":                      {std, newLeg(func(l *owner.Leg) { answered(l); l.State, l.Ended = csta.Null, now }), nil, after(50 * time.Second), ""},
		"never answered":                        {std, newLeg(func(l *owner.Leg) { l.State, l.Ended = csta.Null, now }), nil, now, ""},
	} {
		got, ok := Decide(c.rules, c.leg, slices.Values(c.others), c.now)
		require.Equal(t, c.want, got, name)
		require.Equal(t, c.want != "", ok, name)
	}
}

// newState makes offers named o1, o2 …
func newState(sessions ...string) *State {
	n := 0
	s := &State{NewID: func() string { n++; return fmt.Sprint("o", n) }}
	s.SetSessions(t0, sessions)
	return s
}

var aCall = Call{ID: "c1", System: "munich", Began: t0, Far: "peter"}

// brief writes what is told as "session:state" words.
func brief(tells []Tell) (list []string) {
	for _, x := range tells {
		list = append(list, x.Session+":"+x.Pop.State)
	}
	return list
}

func TestAnOfferGoesFromSessionToSession(t *testing.T) {
	s := newState("a", "b")
	require.Equal(t, []string{"a:offered"}, brief(s.Offer(t0, aCall, Answered, Ready)))
	require.Nil(t, s.Offer(t0, aCall, Answered, Ready), "one call, one offer")
	require.Equal(t, after(Patience), s.Next())
	require.Nil(t, s.Tick(after(Patience-1)))
	require.Equal(t, []string{"a:gone", "b:offered"}, brief(s.Tick(after(Patience))))
	_, ok := s.Claim("o1", "a")
	require.False(t, ok, "it is not a's any more")
	_, ok = s.Claim("o1", "b")
	require.True(t, ok)
	_, ok = s.Claim("o1", "b")
	require.False(t, ok, "claimed once")
	require.Nil(t, s.Tick(after(time.Hour)), "a claim under way is left alone")
	s.Commit(after(2*time.Second), "o1")
	tells, call, ok := s.Report("o1", true)
	require.True(t, ok)
	require.EqualValues(t, "c1", call)
	require.Equal(t, []string{":opened"}, brief(tells))
	require.Equal(t, Opened, s.Outcome("c1"))
	require.Empty(t, s.For("b"))
}

func TestWithoutSessionsAnOfferWaits(t *testing.T) {
	s := newState()
	require.Nil(t, s.Offer(t0, aCall, Answered, Ready))
	require.Equal(t, []string{"late:offered"}, brief(s.SetSessions(after(3*time.Second), []string{"late"})))
	require.Len(t, s.For("late"), 1)
	require.Empty(t, s.For("other"))
	require.Nil(t, s.Ended(after(4*time.Second), "c1"), "a call that is over just now still opens")
	tells := s.SetSessions(after(4*time.Second), nil)
	require.Empty(t, tells)
	require.Empty(t, s.Tick(after(40*time.Second)))
	require.Empty(t, s.SetSessions(after(41*time.Second), []string{"much later"}), "its time is over")
}

func TestASessionDies(t *testing.T) {
	s := newState("a", "b")
	s.Offer(t0, aCall, Answered, Ready)
	require.Equal(t, []string{"b:offered"}, brief(s.SetSessions(after(time.Second), []string{"b"})), "before its claim: the next gets it at once")

	_, ok := s.Claim("o1", "b")
	require.True(t, ok)
	s.Commit(after(time.Second), "o1")
	require.Equal(t, []string{":claimed"}, brief(s.SetSessions(after(2*time.Second), []string{"c"})), "after it: shown, never offered again")
	require.Equal(t, Claimed, s.For("c")[0].State)
	require.Equal(t, Claimed, s.Outcome("c1"))
	tells, _, ok := s.Report("o1", true)
	require.True(t, ok, "a late report is welcome")
	require.Equal(t, []string{":opened"}, brief(tells))
}

func TestAClaimWithoutAReportIsShown(t *testing.T) {
	s := newState("a")
	s.Offer(t0, aCall, Answered, Ready)
	s.Claim("o1", "a")
	s.Commit(t0, "o1")
	require.Empty(t, s.For("a"), "not before the report is due")
	require.Nil(t, s.Tick(after(9*time.Second)))
	require.Equal(t, []string{":claimed"}, brief(s.Tick(after(10*time.Second))))
	require.Len(t, s.For("a"), 1)
	require.Nil(t, s.Tick(after(11*time.Second)))

	tells, _, ok := s.Report("o1", false)
	require.True(t, ok)
	require.Equal(t, []string{":claimed"}, brief(tells))
	require.Equal(t, Failed, s.Outcome("c1"))
	s.OpenByHand(after(12*time.Second), "hand", "a", aCall)
	tells, _, _ = s.Report("hand", true)
	require.Equal(t, []string{":opened", ":opened"}, brief(tells), "the hand makes up for it")
	require.Equal(t, Opened, s.Outcome("c1"))
	_, _, ok = s.Report("nobody", true)
	require.False(t, ok)
}

func TestOpeningByHandEndsTheOffer(t *testing.T) {
	s := newState("a", "b")
	s.Offer(t0, aCall, Answered, Ready)
	require.Equal(t, []string{":gone"}, brief(s.OpenByHand(t0, "hand", "b", aCall)))
	_, ok := s.Claim("o1", "a")
	require.False(t, ok)
	require.Equal(t, []string{":claimed"}, brief(s.Tick(after(time.Minute))), "only the page opened by hand is spoken of")
	require.True(t, s.Has(aCall), "it does not open by itself any more")
}

func TestFacts(t *testing.T) {
	s := newState("a")
	require.Nil(t, s.Offer(t0, aCall, Answered, Wait))
	require.True(t, s.Next().IsZero())
	require.Equal(t, []string{"a:offered"}, brief(s.SetReady(after(time.Second), "c1", Ready)))

	s = newState("a")
	require.Nil(t, s.Offer(t0, aCall, Answered, Better))
	require.Equal(t, []string{"a:offered"}, brief(s.Tick(s.Next())), "what can be done without is not waited for long")

	s = newState("a")
	s.Offer(t0, aCall, Answered, Wait)
	require.Nil(t, s.Ended(after(time.Second), "c1"))
	require.Nil(t, s.SetReady(after(2*time.Second), "c1", Ready), "the call is over, nobody needs it")

	s = newState("a")
	require.Nil(t, s.Offer(t0, aCall, Answered, Never))
	require.False(t, s.Has(aCall))
}

func TestTwoCallsOfOneCallerCountAsOne(t *testing.T) {
	s := newState("a")
	s.Offer(t0, aCall, Answered, Ready)
	for name, c := range map[string]struct {
		call Call
		same bool
	}{
		"another system, at once":      {Call{ID: "c2", System: "berlin", Began: after(9 * time.Second), Far: "peter"}, true},
		"another system, a little ago": {Call{ID: "c2", System: "berlin", Began: after(-9 * time.Second), Far: "peter"}, true},
		"another system, later":        {Call{ID: "c2", System: "berlin", Began: after(11 * time.Second), Far: "peter"}, false},
		"the same system":              {Call{ID: "c2", System: "munich", Began: after(time.Second), Far: "peter"}, false},
		"somebody else":                {Call{ID: "c2", System: "berlin", Began: t0, Far: "paul"}, false},
		"nobody knows who":             {Call{ID: "c2", System: "berlin", Began: t0}, false},
	} {
		require.Equal(t, c.same, s.Has(c.call), name)
	}
	s.Renamed("c1", "c9")
	require.True(t, s.Has(Call{ID: "c9"}))
	require.False(t, s.Has(Call{ID: "c1"}))
}

func TestRestore(t *testing.T) {
	s := &State{NewID: func() string { return "new" }}
	s.Restore("old", aCall, Answered, Claimed, t0)
	s.SetSessions(t0, []string{"a"})
	require.Nil(t, s.Offer(t0, aCall, Answered, Ready), "claimed before the restart: never again")
	require.Len(t, s.For("a"), 1)
	tells, _, ok := s.Report("old", true)
	require.True(t, ok)
	require.Equal(t, []string{":opened"}, brief(tells))
	s.Tick(after(25 * time.Hour))
	require.False(t, s.Has(aCall), "forgotten after a day")
}

// TestNeverTwoGrants plays random histories: sessions come, go, claim, die; never is one call granted twice.
func TestNeverTwoGrants(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		s := newState()
		now, grants, claims := t0, 0, []string{}
		var sessions []string
		for range 200 {
			now = now.Add(time.Duration(r.IntN(1000)) * time.Millisecond)
			switch r.IntN(8) {
			case 0:
				sessions = append([]string{fmt.Sprint("s", r.IntN(4))}, sessions...)
				s.SetSessions(now, sessions)
			case 1:
				if len(sessions) > 0 {
					i := r.IntN(len(sessions))
					sessions = append(append([]string{}, sessions[:i]...), sessions[i+1:]...)
					s.SetSessions(now, sessions)
				}
			case 2:
				s.Offer(now, aCall, Answered, Readiness(r.IntN(4)))
			case 3:
				s.SetReady(now, "c1", Readiness(1+r.IntN(3)))
			case 4, 5:
				if o, ok := s.Claim(fmt.Sprint("o", 1+r.IntN(2)), fmt.Sprint("s", r.IntN(4))); ok {
					claims = append(claims, o.ID)
					if r.IntN(5) == 0 {
						s.Release(o.ID)
					} else {
						grants++
						s.Commit(now, o.ID)
					}
				}
			case 6:
				s.Tick(now)
			case 7:
				if len(claims) > 0 {
					s.Report(claims[len(claims)-1], r.IntN(2) == 0)
				}
			}
			require.LessOrEqual(t, grants, 1, "seed %d", seed)
		}
	}
}
