package server

import (
	"maps"
	"slices"
	"time"

	"deskbell/app/csta"
	"deskbell/app/number"
	"deskbell/app/server/owner"
	"deskbell/app/server/session"
	"deskbell/app/wire"
)

// seen is how one user sees a leg. Users for whom it is equal share one encoded message.
type seen struct {
	right  right
	lang   string
	missed bool // for this user: nobody answered at any of his devices
	mine   bool // this user's own MakeCall led here
	vip    bool
	canPop bool
}

// callNotes encodes one event of a leg once for each way it is seen.
type callNotes struct {
	sys   *system
	call  *owner.Call
	leg   *owner.Leg
	event csta.Event
	cause csta.Cause
	now   time.Time
	made  []madeNote
}

type madeNote struct {
	seen seen
	note *session.Note
}

func (n *callNotes) as(v seen) *session.Note {
	for _, m := range n.made {
		if m.seen == v {
			return m.note
		}
	}
	sys, call, leg, event, cause := n.sys, n.call, n.leg, n.event, n.cause
	note, err := session.NewAgedNote(wire.NoteCall, n.now, func(now time.Time) any {
		c := sys.callOf(call, leg, v, now)
		c.Event, c.Cause = event, cause
		return c
	})
	if err != nil {
		sys.log.Error("call could not be encoded", "error", err)
		return nil
	}
	n.made = append(n.made, madeNote{v, note})
	return note
}

// callOf is a leg as one user sees it.
func (sys *system) callOf(call *owner.Call, leg *owner.Leg, v seen, now time.Time) wire.Call {
	c := wire.Call{
		ID: call.ID, System: sys.id, Device: leg.ID.DeviceID, Appear: leg.ID.Appearance, Own: v.right == rightOwn,
		Cause: leg.Cause, Direction: leg.Direction, State: leg.State, FarState: leg.FarState,
		AgeMS: since(now, leg.Began), StateMS: since(now, leg.StateSince), TalkMS: talk(now, leg),
		Unsure: leg.Unsure, Automatic: leg.Automatic,
	}
	if !leg.Live() {
		c.FarState = csta.Null // of this leg's far end nothing is known any more
	}
	if v.right == rightHidden {
		c.Far = wire.Party{Kind: wire.PartyHidden}
		return c
	}
	srv := sys.srv
	c.Far = srv.partyOf(leg.Far, v.lang)
	c.Original = srv.different(leg.Original, leg.Far, v.lang)
	if !ownNumber(leg.Called.Number, leg.ID.DeviceID) {
		c.Called = srv.different(leg.Called, owner.Party{}, v.lang)
	}
	c.Queue = text(leg.Queue)
	if v.right != rightOwn {
		return c
	}
	c.Missed, c.CanPop = v.missed, v.canPop
	if v.mine {
		_, c.Attempt = splitCommand(leg.Attempt)
	}
	if leg.Direction == csta.Incoming {
		c.Ring = ringOf(leg, v.vip)
	}
	if leg.Live() {
		c.Permitted = leg.Permitted
		c.Denied = sys.denied(leg)
	}
	return c
}

func ringOf(leg *owner.Leg, vip bool) wire.RingKind {
	switch {
	case leg.Far.Number.Kind == number.Internal:
		return wire.RingInternal
	case vip:
		return wire.RingVIP
	}
	return wire.RingExternal
}

func since(now, t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return max(now.Sub(t).Milliseconds(), 0)
}

// talk is the length of the conversation; one that is over does not grow.
func talk(now time.Time, leg *owner.Leg) int64 {
	if !leg.Answered() {
		return 0
	}
	if !leg.Live() {
		now = leg.Ended
	}
	return max(since(now, leg.TalkSince), 1)
}

// denied explains the verbs a person would look for in this state and that are off.
func (sys *system) denied(leg *owner.Leg) map[string]wire.Reason {
	reasons := map[string]wire.Reason{}
	for _, service := range lookedFor(leg) {
		if !leg.Permitted.Has(service) {
			reasons[service.String()] = sys.whyNot(leg, service)
		}
	}
	if len(reasons) == 0 {
		return nil
	}
	return reasons
}

// lookedFor lists the verbs that make sense to a person in this state.
func lookedFor(leg *owner.Leg) []csta.Service {
	switch leg.State {
	case csta.Alerting:
		if csta.Ringing(leg.Direction, leg.State) {
			return []csta.Service{csta.AnswerCall, csta.ClearConnection}
		}
		return []csta.Service{csta.ClearConnection}
	case csta.Connected:
		if csta.Talking(leg.State, leg.FarState) {
			return []csta.Service{csta.ClearConnection, csta.HoldCall}
		}
		return []csta.Service{csta.ClearConnection}
	case csta.Hold:
		return []csta.Service{csta.RetrieveCall, csta.ClearConnection}
	case csta.Initiated, csta.Queued, csta.Fail:
		return []csta.Service{csta.ClearConnection}
	case csta.StateUnknown, csta.Null:
	}
	return nil
}

// whyNot says why a verb is off, and so which way out there is.
func (sys *system) whyNot(leg *owner.Leg, service csta.Service) wire.Reason {
	args := map[string]string{"system": sys.name, "service": service.String()}
	can := sys.services(leg.ID.DeviceID).Has(service)
	ringing := csta.Ringing(leg.Direction, leg.State)
	switch {
	case service == csta.AnswerCall && !can:
		return wire.Reason{Code: wire.ReasonAnswerAtPhone, Args: args}
	case service == csta.ClearConnection && ringing:
		return wire.Reason{Code: wire.ReasonRejectAtPhone, Args: args}
	case service == csta.ClearConnection && leg.Attempt != "" && leg.Answered():
		return wire.Reason{Code: wire.ReasonNotAfterAnswer, Args: args}
	case service == csta.ClearConnection:
		return wire.Reason{Code: wire.ReasonHangUpAtPhone, Args: args}
	case !can:
		return wire.Reason{Code: wire.ReasonSystemCannot, Args: args}
	}
	return wire.Reason{Code: wire.ReasonNotNow, Args: args}
}

// missed tells whether a call is over for a user's own devices without any of them having answered, and the caller is the one
// who gave up or was sent away by nobody here.
func missed(legs []*owner.Leg) bool {
	incoming := false
	for _, l := range legs {
		switch {
		case l.Live(), l.Direction == csta.Outgoing:
			return false
		case l.Answered() && !l.Automatic:
			return false
		case l.Cause == csta.CauseAnsweredElsewhere, l.Cause == csta.CauseCallRejected, l.Cause == csta.CauseNoDetails:
			return false
		}
		incoming = incoming || l.Direction == csta.Incoming
	}
	return incoming
}

// newest gives the last incarnation of each of a call's legs that the filter lets through.
func newest(call *owner.Call, wanted func(*owner.Leg) bool) []*owner.Leg {
	last := map[csta.ConnectionID]*owner.Leg{}
	for i := range call.Legs {
		l := &call.Legs[i]
		if old := last[l.ID]; wanted(l) && (old == nil || l.Incarnation >= old.Incarnation) {
			last[l.ID] = l
		}
	}
	return slices.SortedFunc(maps.Values(last), func(a, b *owner.Leg) int { return a.Began.Compare(b.Began) })
}
