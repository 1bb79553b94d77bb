// Package pop decides when a customer opens by itself, for which session, and that it never does twice.
//
// State is one user's offers. It is pure: it takes what happened and gives what to tell; whoever calls it keeps one goroutine
// at a time inside, runs the clock and writes claims to disk.
package pop

import (
	"iter"
	"time"

	"deskbell/app/csta"
	"deskbell/app/number"
	"deskbell/app/server/owner"
	"deskbell/app/wire"
)

// Trigger is what led to an offer; spelled as in wire.Pop.
type Trigger string

// The triggers.
const (
	Ringing  Trigger = "ringing"
	Answered Trigger = "answered"
	Outgoing Trigger = "outgoing"
	Button   Trigger = "button" // the user's own hand
)

// When says when the customer opens by itself; spelled as in wire.Settings.
type When string

// The choices of When.
const (
	WhenNever    When = "never"
	WhenRinging  When = "ringing"
	WhenAnswered When = "answered"
)

// Valid reports whether w is one of the choices.
func (w When) Valid() bool { return w == WhenNever || w == WhenRinging || w == WhenAnswered }

// Rules are a user's choices, after defaults and locks.
type Rules struct {
	When     When
	Outgoing bool // also own outgoing calls, when answered
	Internal bool // also internal calls
}

// fresh is how long after its trigger an offer may still begin: a server or tray that was away for a moment catches up, one
// that comes back after lunch does not.
const fresh = 2 * time.Minute

// lately is how long after a call's end an offer for it may still begin or stand.
const lately = 30 * time.Second

// Decide says which trigger holds for an own leg now, if any. others are the user's other own legs, living or just ended, of
// all telephone systems; they are looked at only when all else speaks for it.
func Decide(r Rules, leg *owner.Leg, others iter.Seq[*owner.Leg], now time.Time) (Trigger, bool) {
	if r.When == WhenNever || leg.Automatic || !wanted(r, leg.Far.Number.Kind) || !leg.Live() && now.Sub(leg.Ended) > lately {
		return "", false
	}
	trigger, at := triggerOf(r, leg)
	if trigger == "" || now.Sub(at) > fresh {
		return "", false
	}
	for o := range others {
		if o.ID.CallID != leg.ID.CallID && talkedAt(o, at) {
			return "", false
		}
	}
	return trigger, true
}

func wanted(r Rules, kind number.Kind) bool {
	return kind == number.External || r.Internal && kind == number.Internal
}

func triggerOf(r Rules, leg *owner.Leg) (Trigger, time.Time) {
	switch {
	case leg.Direction == csta.Outgoing && r.Outgoing && leg.Answered():
		return Outgoing, leg.TalkSince
	case leg.Direction == csta.Outgoing:
		return "", time.Time{}
	case leg.Answered():
		return Answered, leg.TalkSince
	case r.When == WhenRinging && leg.Live() && csta.Ringing(leg.Direction, leg.State):
		return Ringing, leg.Began
	}
	return "", time.Time{}
}

// talkedAt tells whether a leg was in conversation at that moment. One that is on hold now does not disturb.
func talkedAt(o *owner.Leg, at time.Time) bool {
	if !o.Answered() || o.TalkSince.After(at) {
		return false
	}
	if o.Live() {
		return o.State == csta.Connected
	}
	return o.Ended.After(at)
}

// States of an offer, as in wire.Pop.
const (
	Offered = "offered"
	Claimed = "claimed"
	Opened  = "opened"
	Gone    = "gone"
)

// Failed is what the call list says of a page that was reported as not opened.
const Failed = "failed"

// Tell is a message for one session, or for all of the user's if Session is empty.
type Tell struct {
	Session string
	Pop     wire.Pop
}
