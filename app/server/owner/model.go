// Package owner keeps the calls of one telephone system, each event stored before it is told.
//
// It makes sense of what a connector tells and reconciles what was held with what a snapshot proves.
package owner

import (
	"time"

	"deskbell/app/csta"
	"deskbell/app/number"
	"deskbell/app/pbx"
)

// The short names in the tags are those of the event log's rows.

// Party is one end of a call after the tenant's number plan had its say. The zero value: nothing is known.
type Party struct {
	Number number.Party  `json:"n,omitzero"`
	Name   string        `json:"name,omitzero"` // as the telephone system wrote it; not a contact's name
	Device csta.DeviceID `json:"dev,omitzero"`  // if it is a device of this system
}

// Known reports whether anything is known of the party.
func (p Party) Known() bool { return p != Party{} }

// Leg is one device's connection to a call. Values are immutable once published.
type Leg struct {
	ID  csta.ConnectionID `json:"id,omitzero"`
	Key pbx.LegKey        `json:"key,omitzero"`
	// Incarnation counts how often a leg of this key came back in this call, from 1.
	Incarnation int            `json:"inc,omitzero"`
	State       csta.State     `json:"st,omitzero"`
	FarState    csta.State     `json:"far_st,omitzero"`
	Direction   csta.Direction `json:"dir,omitzero"`
	Far         Party          `json:"far,omitzero"`    // the other party, latest
	Original    Party          `json:"orig,omitzero"`   // the original caller or callee; kept through transfers
	Called      Party          `json:"called,omitzero"` // what the caller dialled
	Queue       string         `json:"queue,omitzero"`
	Terminal    string         `json:"term,omitzero"`
	Cause       csta.Cause     `json:"cause,omitzero"`
	Permitted   csta.Services  `json:"perm,omitzero"`  // what may be done now
	Began       time.Time      `json:"began,omitzero"` // first news of this leg (received)
	StateSince  time.Time      `json:"since,omitzero"` // present pair of states
	TalkSince   time.Time      `json:"talk,omitzero"`  // zero until both ends were connected
	Ended       time.Time      `json:"ended,omitzero"` // zero while it lives
	LastNews    time.Time      `json:"news,omitzero"`
	Expires     time.Time      `json:"exp,omitzero"` // then it is checked or closed without details
	// Unsure: no news since a gap, only a busy line speaks for it. On a leg that ended: part of its life was not seen.
	Unsure bool `json:"unsure,omitzero"`
	// Automatic: answered by a machine.
	Automatic bool `json:"auto,omitzero"`
	// Attempt is the command id of the MakeCall that led here, empty for any other call.
	Attempt    string            `json:"attempt,omitzero"`
	VendorData map[string]string `json:"data,omitzero"`
	// Linkage holds the connector's tokens: legs that share one are one call. Not for clients.
	Linkage []string `json:"link,omitzero"`
}

// Live reports whether the leg still exists.
func (l Leg) Live() bool { return l.Ended.IsZero() }

// Answered reports whether the leg was ever a conversation.
func (l Leg) Answered() bool { return !l.TalkSince.IsZero() }

// Call is one call of one system: the legs of all its devices that are owned or watched. Values are immutable once
// published; a call without a living leg is over.
type Call struct {
	ID     csta.CallID   `json:"id,omitzero"`
	Tenant string        `json:"tenant,omitzero"`
	System csta.SystemID `json:"sys,omitzero"`
	Legs   []Leg         `json:"legs,omitzero"`
	Began  time.Time     `json:"began,omitzero"`
	// Joined are ids that this call had under other names before it turned out to be the same.
	Joined []csta.CallID `json:"joined,omitzero"`
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
	ID     string        `json:"id,omitzero"`
	Device csta.DeviceID `json:"dev,omitzero"`
	To     Party         `json:"to,omitzero"`
	State  AttemptState  `json:"st,omitzero"`
	CallID csta.CallID   `json:"call,omitzero"`
	Cause  csta.Cause    `json:"cause,omitzero"`
	Reason string        `json:"reason,omitzero"` // code of the reason for a failure, see wire.Reason
	Asked  time.Time     `json:"asked,omitzero"`
	// VendorCall is the system's own id, if its reply named one. Not for clients.
	VendorCall string `json:"vendor_call,omitzero"`
	// Uncertain: it is not known whether the system took the request; events will tell or the limit passes.
	Uncertain bool `json:"unsure,omitzero"`
}

// Settled reports whether nothing further will come of the attempt.
func (a Attempt) Settled() bool { return a.State == AttemptCall || a.State == AttemptFailed }

// Line is the state of one device's line.
type Line struct {
	Device   csta.DeviceID  `json:"dev,omitzero"`
	State    csta.LineState `json:"st,omitzero"`
	Presence pbx.Presence   `json:"pres,omitzero"`
	// UnknownParty: the line is busy or ringing and no known leg explains it.
	UnknownParty bool      `json:"unknown,omitzero"`
	Since        time.Time `json:"since,omitzero"`
}

// Gap is a time for which news of devices may be missing (all devices of the system, if none is named).
type Gap struct {
	ID      string          `json:"id,omitzero"` // UUIDv7
	System  csta.SystemID   `json:"sys,omitzero"`
	Devices []csta.DeviceID `json:"devs,omitzero"`
	From    time.Time       `json:"from,omitzero"`
	To      time.Time       `json:"to,omitzero"` // zero while it lasts
}

// Update is one thing that became true, in the order of (Epoch, Seq). Exactly one of the pointers is set besides Call.
type Update struct {
	Tenant string            `json:"-"`
	System csta.SystemID     `json:"-"`
	Epoch  string            `json:"-"`
	Seq    uint64            `json:"-"`
	Event  csta.Event        `json:"ev,omitzero"`
	Device csta.DeviceID     `json:"dev,omitzero"` // the device the event is about, empty for the system
	Leg    csta.ConnectionID `json:"leg,omitzero"`
	Cause  csta.Cause        `json:"cause,omitzero"`
	// Call is the whole call after the event, including legs that ended; nil for news that is about no call.
	Call     *Call               `json:"call,omitzero"`
	Joined   csta.CallID         `json:"joined,omitzero"` // this call is now part of Call
	Line     *Line               `json:"line,omitzero"`
	Attempt  *Attempt            `json:"att,omitzero"`
	Gap      *Gap                `json:"gap,omitzero"`
	Trouble  *pbx.Trouble        `json:"trouble,omitzero"` // Code empty: cleared
	Devices  []pbx.Device        `json:"devs,omitzero"`    // a new list of devices
	Feature  *pbx.FeatureChanged `json:"feat,omitzero"`
	Received time.Time           `json:"at,omitzero"`
	Vendor   string              `json:"vendor,omitzero"` // vendor's own time, raw
	// SplitFrom: the legs of Call that Joined does not explain were part of this other call until now.
	SplitFrom csta.CallID `json:"split,omitzero"`
	// Cleared names the trouble that is over, with a Trouble whose Code is empty.
	Cleared pbx.TroubleCode `json:"cleared,omitzero"`
	// Unstored: told although the log could not commit it in time.
	Unstored bool `json:"unstored,omitzero"`
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
	Features map[csta.DeviceID]pbx.FeatureChanged
	Linked   bool // news flows, of the system or at least of some devices
	// Links holds the devices whose link is known by itself, where each has its own connection.
	Links  map[csta.DeviceID]bool
	system bool // news of the system as a whole flows
}

// LinkedTo reports whether news of a device flows.
func (v View) LinkedTo(device csta.DeviceID) bool {
	if up, own := v.Links[device]; own {
		return up
	}
	return v.system
}
