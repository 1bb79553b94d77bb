package server

import (
	"testing"
	"time"

	"deskbell/app/csta"
	"deskbell/app/number"
	"deskbell/app/server/owner"
)

// BenchmarkTellCall is what one event of a call costs the server between its owner and the queue of the one session that
// hears of it: rights, the call as this user sees it, encoding.
func BenchmarkTellCall(b *testing.B) {
	s := start(b)
	s.connect(s.user("anna", own("101")...))
	sys := s.srv.systems["munich"]
	call := &owner.Call{ID: "0199a000-0000-7000-8000-000000000000", System: "munich", Legs: []owner.Leg{{
		ID: csta.ConnectionID{CallID: "0199a000-0000-7000-8000-000000000000", DeviceID: "101"}, State: csta.Alerting, FarState: csta.Connected,
		Direction: csta.Incoming, Began: time.Now(), StateSince: time.Now(),
		Far: owner.Party{Number: number.Party{Kind: number.External, E164: "+4989999999", Raw: "4989999999"}},
	}}}
	u := owner.Update{System: "munich", Tenant: "default", Call: call, Event: csta.DeliveredEvent, Device: "101", Leg: call.Legs[0].ID}
	b.ReportAllocs()
	for b.Loop() {
		sys.publishCall(mark{}, u)
	}
}

// BenchmarkParty is the part of it that makes a number ready for the screen.
func BenchmarkParty(b *testing.B) {
	s := start(b)
	p := owner.Party{Number: number.Party{Kind: number.External, E164: "+4989999999"}}
	b.ReportAllocs()
	for b.Loop() {
		s.srv.partyOf(p, "de")
	}
}
