// Package owner keeps the calls of one telephone system: it makes sense of what a connector tells, stores each event before
// telling it, and reconciles what was held with what a snapshot proves.
package owner

import (
	"time"

	"deskbell/app/csta"
	"deskbell/app/number"
	"deskbell/app/pbx"
)

// Party is one end of a call after the tenant's number plan had its say. The zero value: nothing is known.
type Party struct {
	Number number.Party
	Name   string        // as the telephone system wrote it; not a contact's name
	Device csta.DeviceID // if it is a device of this system
}

// Known reports whether anything is known of the party.
func (p Party) Known() bool { return p != Party{} }

// Leg is one device's connection to a call. Values are immutable once published.
type Leg struct {
	ID  csta.ConnectionID
	Key pbx.LegKey
	// Incarnation counts how often a leg of this key came back in this call, from 1.
	Incarnation int
	State       csta.State
	FarState    csta.State
	Direction   csta.Direction
	Far         Party // the other party, latest
	Original    Party // the original caller or callee; kept through transfers
	Called      Party // what the caller dialled
	Queue       string
	Terminal    string
	Cause       csta.Cause
	Permitted   csta.Services // what may be done now
	Began       time.Time     // first news of this leg (received)
	StateSince  time.Time     // present pair of states
	TalkSince   time.Time     // zero until both ends were connected
	Ended       time.Time     // zero while it lives
	LastNews    time.Time
	Expires     time.Time // then it is checked or closed without details
	// Unsure: no news since a gap, only a busy line speaks for it.
	Unsure bool
	// Automatic: answered by a machine.
	Automatic bool
	// Attempt is the command id of the MakeCall that led here, empty for any other call.
	Attempt    string
	VendorData map[string]string
}

// Live reports whether the leg still exists.
func (l Leg) Live() bool { return l.Ended.IsZero() }

// Answered reports whether the leg was ever a conversation.
func (l Leg) Answered() bool { return !l.TalkSince.IsZero() }

// Call is one call of one system: the legs of all its devices that are owned or watched. Values are immutable once
// published; a call without a living leg is over.
type Call struct {
	ID     csta.CallID
	Tenant string
	System csta.SystemID
	Legs   []Leg
	Began  time.Time
	// Joined are ids that this call had under other names before it turned out to be the same.
	Joined []csta.CallID
}

// Live reports whether any leg lives.
func (c Call) Live() bool {
	for _, l := range c.Legs {
		if l.Live() {
			return true
		}
	}
	return false
}

// AttemptState is how far a MakeCall has come.
type AttemptState string

// The states of an attempt.
const (
	AttemptAsked    AttemptState = "asked"    // sent to the telephone system, no reply yet
	AttemptAccepted AttemptState = "accepted" // the system took it; the own phone will ring
	AttemptCall     AttemptState = "call"     // it became the call CallID
	AttemptFailed   AttemptState = "failed"   // it led to no call: Cause, Err
)

// Attempt is a MakeCall on its way to being a call. ID is the client's command id.
type Attempt struct {
	ID     string
	Device csta.DeviceID
	To     Party
	State  AttemptState
	CallID csta.CallID
	Cause  csta.Cause
	Reason string // code of the reason for a failure, see wire.Reason
	Asked  time.Time
	// Uncertain: it is not known whether the system took the request; events will tell or the limit passes.
	Uncertain bool
}

// Line is the state of one device's line.
type Line struct {
	Device   csta.DeviceID
	State    csta.LineState
	Presence pbx.Presence
	// UnknownParty: the line is busy or ringing and no known leg explains it.
	UnknownParty bool
	Since        time.Time
}

// Gap is a time for which news of devices may be missing (all devices of the system, if none is named).
type Gap struct {
	ID      string // UUIDv7
	System  csta.SystemID
	Devices []csta.DeviceID
	From    time.Time
	To      time.Time // zero while it lasts
}

// Update is one thing that became true, in the order of (Epoch, Seq). Exactly one of the pointers is set besides Call.
type Update struct {
	Tenant string
	System csta.SystemID
	Epoch  string
	Seq    uint64
	Event  csta.Event
	Device csta.DeviceID // the device the event is about, empty for the system
	Leg    csta.ConnectionID
	Cause  csta.Cause
	// Call is the whole call after the event, including legs that ended; nil for news that is about no call.
	Call     *Call
	Joined   csta.CallID // this call is now part of Call
	Line     *Line
	Attempt  *Attempt
	Gap      *Gap
	Trouble  *pbx.Trouble // Code empty: cleared
	Devices  []pbx.Device // a new list of devices
	Feature  *pbx.FeatureChanged
	Received time.Time
	Vendor   string // vendor's own time, raw
	// Unstored: told although the log could not commit it in time.
	Unstored bool
}

// View is all that is true of a system at one moment, for snapshots. Immutable.
type View struct {
	System   csta.SystemID
	Epoch    string
	Seq      uint64
	Calls    []Call // living ones, and those that ended within the last minutes
	Lines    map[csta.DeviceID]Line
	Devices  []pbx.Device
	Attempts []Attempt
	Gaps     []Gap
	Troubles []pbx.Trouble
	Linked   bool // news flows
}
