package owner

import (
	"deskbell/app/csta"
)

// rank orders the states of a connection's life. News only moves a connection on, because feeds repeat and overtake.
func rank(s csta.State) int {
	switch s {
	case csta.StateUnknown:
		return 0
	case csta.Initiated:
		return 1
	case csta.Queued, csta.Alerting:
		return 2
	case csta.Connected, csta.Hold:
		return 3
	case csta.Fail:
		return 4
	case csta.Null:
		return 5
	}
	return 0
}

// advance says which state a connection is in after news of next. Once answered it does not ring again, unless it is being
// recalled or the party changed (moved): a late "ringing" is only late.
func advance(cur, next csta.State, moved bool) csta.State {
	switch {
	case next == csta.StateUnknown:
		return cur
	case moved:
		return next
	case cur == csta.Fail && next != csta.Connected && next != csta.Null:
		return cur
	case rank(next) < rank(cur) && cur != csta.Fail:
		return cur
	}
	return next
}

// impliedFar is the far end's state where a system tells only of the own end: whoever calls us waits connected, and whom we
// answered is there.
func impliedFar(dir csta.Direction, own, far csta.State) csta.State {
	if far == csta.StateUnknown && dir == csta.Incoming {
		switch own {
		case csta.Alerting, csta.Queued, csta.Connected, csta.Hold:
			return csta.Connected
		case csta.StateUnknown, csta.Null, csta.Initiated, csta.Fail:
		}
	}
	return far
}

// step is what one piece of news changed on a leg.
type step struct {
	opened    bool
	moved     bool // another far party
	facts     bool // any other fact
	permitted bool
	cause     csta.Cause
}

// eventFor names the CSTA event of a step from prev to cur (states before and after); empty if nothing changed.
func eventFor(prev, cur Leg, s step) csta.Event {
	if e := stateEvent(prev, cur, s); e != "" {
		return e
	}
	switch {
	case s.cause == csta.CauseConference && (s.facts || s.moved):
		return csta.ConferencedEvent
	case s.moved && cur.Answered():
		return csta.TransferredEvent
	case s.moved || s.facts:
		return csta.CallInformationEvent
	case s.permitted:
		return csta.ServicesPermittedEvent
	}
	return ""
}

func stateEvent(prev, cur Leg, s step) csta.Event {
	switch {
	case s.opened || prev.State != cur.State:
		return ownEvent(prev, cur)
	case prev.FarState == cur.FarState:
		return ""
	case csta.Talking(cur.State, cur.FarState) && !csta.Talking(prev.State, prev.FarState):
		if prev.Answered() { // the far end came back from hold, or a transfer went through
			if s.moved {
				return csta.TransferredEvent
			}
			return csta.CallInformationEvent
		}
		return csta.EstablishedEvent
	}
	return farEvent(cur)
}

// ownEvent is the event of the own connection's new state.
func ownEvent(prev, cur Leg) csta.Event {
	switch cur.State {
	case csta.Initiated:
		return csta.ServiceInitiatedEvent
	case csta.Alerting:
		if cur.Direction == csta.Outgoing { // the own phone rings, so that a call can be made
			return csta.ServiceInitiatedEvent
		}
		return csta.DeliveredEvent
	case csta.Connected:
		return connectedEvent(prev, cur)
	case csta.Hold:
		return csta.HeldEvent
	case csta.Queued:
		return csta.QueuedEvent
	case csta.Fail:
		return csta.FailedEvent
	case csta.StateUnknown, csta.Null:
	}
	return csta.ConnectionClearedEvent
}

func connectedEvent(prev, cur Leg) csta.Event {
	switch {
	case prev.State == csta.Hold:
		return csta.RetrievedEvent
	case cur.Direction != csta.Outgoing || csta.Talking(cur.State, cur.FarState):
		return csta.EstablishedEvent
	case cur.FarState == csta.Alerting:
		return csta.DeliveredEvent
	case cur.FarState == csta.Fail:
		return csta.FailedEvent
	}
	return csta.OriginatedEvent
}

// farEvent is the event of the far connection's new state, where the own one stayed.
func farEvent(cur Leg) csta.Event {
	switch cur.FarState {
	case csta.Alerting:
		if cur.Direction == csta.Outgoing {
			return csta.DeliveredEvent
		}
	case csta.Fail:
		return csta.FailedEvent
	case csta.Queued:
		return csta.QueuedEvent
	case csta.Initiated:
		if cur.State == csta.Connected {
			return csta.OriginatedEvent
		}
	case csta.StateUnknown, csta.Null, csta.Connected, csta.Hold:
	}
	return csta.CallInformationEvent
}

// endEvent is the event of a leg's end.
func endEvent(dir csta.Direction, cause csta.Cause) csta.Event {
	switch cause { //nolint:exhaustive // every other end is plain
	case csta.CauseAnsweredElsewhere, csta.CauseCallForward, csta.CauseCallPickup, csta.CauseDistributed:
		return csta.DivertedEvent
	case csta.CauseBusy, csta.CauseDestNotObtainable, csta.CauseInvalidDestination, csta.CauseNetworkCongestion,
		csta.CauseResourcesNotAvail:
		if dir == csta.Outgoing {
			return csta.FailedEvent
		}
	}
	return csta.ConnectionClearedEvent
}
