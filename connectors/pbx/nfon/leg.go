package nfon

import (
	"time"

	"deskbell/app/csta"
	"deskbell/app/pbx"
)

// stage orders what can become of a leg. A leg never goes back: "dial" and "ring" after "caller-answer" are about the far
// end, and events may come twice or out of order.
type stage int

const (
	stageNone      stage = iota
	stageAnnounced       // inbound: the call is on its way, the phone does not ring yet
	stageSetup           // outbound: the own phone is being called for a call that was asked for
	stagePickedUp        // outbound: own end is there, the far end is about to be called
	stageDialled         // outbound: the far end is being called
	stageRinging         // inbound: the own phone rings; outbound: the far one
	stageAnswered
	stageEnded
)

// step is what a state of the stream means for a leg.
type step struct {
	stage    stage
	own, far csta.State
}

// outbound and inbound translate the states; "start", "hangup" and "end" are about requests and ends.
var outbound = map[text]step{
	vCallerWait:   {stageSetup, csta.Initiated, csta.StateUnknown},
	vCallerDial:   {stageSetup, csta.Initiated, csta.StateUnknown},
	vCallerRing:   {stageSetup, csta.Initiated, csta.StateUnknown},
	vCallerAnswer: {stagePickedUp, csta.Connected, csta.Initiated},
	vDial:         {stageDialled, csta.Connected, csta.Initiated},
	vRing:         {stageRinging, csta.Connected, csta.Alerting},
	vAnswer:       {stageAnswered, csta.Connected, csta.Connected},
}

var inbound = map[text]step{
	vCallerWait:   {stageAnnounced, csta.Initiated, csta.Connected},
	vCallerDial:   {stageAnnounced, csta.Initiated, csta.Connected},
	vCallerRing:   {stageAnnounced, csta.Initiated, csta.Connected},
	vCallerAnswer: {stageAnnounced, csta.Initiated, csta.Connected},
	vDial:         {stageAnnounced, csta.Initiated, csta.Connected},
	vRing:         {stageRinging, csta.Alerting, csta.Connected},
	vAnswer:       {stageAnswered, csta.Connected, csta.Connected},
}

// moment is when something happened: by NFON's clock, if it said so, and by ours.
type moment struct {
	vendor  time.Time
	arrived time.Time
	live    bool
}

func (e *callEvent) moment() moment {
	return moment{vendor: vendorTime(string(e.Updated)), arrived: e.received, live: e.live}
}

// compare orders two moments by NFON's clock; known is false where that is silent or undecided.
func (m moment) compare(n moment) (after, known bool) {
	if m.vendor.IsZero() || n.vendor.IsZero() || m.vendor.Equal(n.vendor) {
		return false, false
	}
	return m.vendor.After(n.vendor), true
}

// within reports whether m followed n in less than d; it says no where that cannot be known.
func (m moment) within(d time.Duration, n moment) bool {
	switch {
	case n.arrived.IsZero():
		return false
	case !m.vendor.IsZero() && !n.vendor.IsZero():
		return m.vendor.Sub(n.vendor) < d && !m.vendor.Before(n.vendor)
	case m.live && n.live:
		return m.arrived.Sub(n.arrived) < d
	}
	return false
}

// leg is one extension's part in one call. Legs are keyed by (uuid, extension): in a group call, one uuid has several.
type leg struct {
	key       pbx.LegKey
	direction csta.Direction
	at        step
	far       pbx.Party
	called    pbx.Party
	original  pbx.Party
	caller    text // as NFON wrote them, to find the other leg of an internal call
	callee    text
	tail      string     // end of the caller's number, by which that is done
	cause     csta.Cause // why it came to be, where that is known

	run       int // counts re-openings and re-rings: a timer set for an earlier one does nothing
	began     moment
	rang      moment // first sign of calling: "dial" or "ring"
	answered  moment
	ended     moment
	inferred  bool // ended by us on evidence, not by an event of its own
	raw       text // "updated" of the last event that counted, to tell exact repetitions
	lastState text

	linkage   []string
	cascade   *cascade
	attempt   string
	clearable bool // hang-up is promised in this stage
	automatic bool
	sawBusy   bool // the line was busy while this leg lived
	lastNews  time.Time
	requestID string
}

func (l *leg) live() bool { return l.at.stage != stageNone && l.at.stage != stageEnded }

func (l *leg) ringing() bool {
	return l.direction == csta.Incoming && (l.at.stage == stageRinging || l.at.stage == stageAnnounced)
}

func (l *leg) talking() bool { return l.at.stage == stageAnswered }

// message is the leg as the owner is told.
func (l *leg) message(stamp pbx.Stamp, cause csta.Cause) pbx.LegChanged {
	m := pbx.Leg{
		Key: l.key, State: l.at.own, FarState: l.at.far, Direction: l.direction,
		Far: l.far, Original: l.original, Called: l.called,
		Cause: cause, PermittedSaid: true, Linkage: l.linkage, Attempt: l.attempt, Automatic: l.automatic,
		VendorData: map[string]string{"uuid": l.key.Call, "extension": string(l.key.Device)},
	}
	if l.clearable && l.live() {
		m.Permitted = csta.Of(csta.ClearConnection)
	}
	switch {
	case l.talking():
		m.Expiry = talkExpiry
	case l.live():
		m.Expiry = ringExpiry
	}
	return pbx.LegChanged{Leg: m, Stamp: stamp}
}

func (l *leg) stamp(now time.Time) pbx.Stamp {
	return pbx.Stamp{Received: now, RequestID: l.requestID}
}

func (e *callEvent) stamp() pbx.Stamp {
	return pbx.Stamp{Received: e.received, Vendor: string(e.Updated), RequestID: e.requestID}
}
