package journal

import (
	"deskbell/app/csta"
	"deskbell/app/server/owner"
	"deskbell/app/wire"
)

// classify says how a call came out for one of its devices, and with which cause.
//
// Missed is a call that came in, rang or would have rung, and that no person took: neither at this device nor at another.
// What was asked for by Deskbell itself is outgoing and never missed.
func classify(c *owner.Call, device csta.DeviceID) (wire.Result, csta.Cause) {
	var last *owner.Leg
	answered, automatic, unsure := false, true, false
	for i := range c.Legs {
		l := &c.Legs[i]
		if l.Key.Device != device {
			continue
		}
		if l.Live() {
			return wire.ResultRunning, l.Cause
		}
		if l.Answered() {
			answered = true
			automatic = automatic && l.Automatic
		}
		unsure = l.Unsure
		last = l
	}
	switch {
	case last == nil:
		return wire.ResultUnknown, csta.CauseUnknown
	case last.Direction == csta.Outgoing || last.Attempt != "":
		return outgoing(last, answered, unsure), last.Cause
	case answered && !automatic:
		return wire.ResultAnswered, last.Cause
	}
	return incoming(c, last, unsure), last.Cause
}

// incoming is the result of a call that nobody took at this device.
func incoming(c *owner.Call, last *owner.Leg, unsure bool) wire.Result {
	switch last.Cause { //nolint:exhaustive // all other ends of an unanswered call are those of a missed one
	case csta.CauseCallRejected:
		return wire.ResultRejected
	case csta.CauseAnsweredElsewhere, csta.CauseCallPickup, csta.CauseCallForward, csta.CauseDistributed:
		return wire.ResultElsewhere
	case csta.CauseCallCancelled, csta.CauseCallNotAnswered, csta.CauseBusy, csta.CauseDoNotDisturb:
		if tookElsewhere(c, last) {
			return wire.ResultElsewhere
		}
		return wire.ResultMissed
	}
	switch {
	case tookElsewhere(c, last):
		return wire.ResultElsewhere
	case last.Cause == csta.CauseNoDetails, unsure:
		return wire.ResultUnknown // it may have been answered while we were away
	}
	return wire.ResultMissed
}

// tookElsewhere reports whether a person at another device took the incoming call.
func tookElsewhere(c *owner.Call, last *owner.Leg) bool {
	for i := range c.Legs {
		l := &c.Legs[i]
		if l.Key.Device != last.Key.Device && l.Direction != csta.Outgoing && l.Answered() && !l.Automatic {
			return true
		}
	}
	return false
}

func outgoing(last *owner.Leg, answered, unsure bool) wire.Result {
	if answered {
		return wire.ResultAnswered
	}
	switch last.Cause { //nolint:exhaustive // the rest is below
	case csta.CauseBusy, csta.CauseDoNotDisturb:
		return wire.ResultBusy
	case csta.CauseCallNotAnswered, csta.CauseTimeout:
		return wire.ResultNoAnswer
	case csta.CauseCallRejected:
		return wire.ResultRejected
	case csta.CauseDestNotObtainable, csta.CauseInvalidDestination, csta.CauseNetworkCongestion, csta.CauseResourcesNotAvail:
		return wire.ResultFailed
	case csta.CauseCallCancelled:
		return wire.ResultCancelled
	case csta.CauseNoDetails:
		return wire.ResultUnknown
	}
	if unsure {
		return wire.ResultUnknown
	}
	return wire.ResultCancelled
}
