package wire

import (
	"time"

	"deskbell/app/csta"
)

// Origin says who asked for a call.
type Origin string

// The origins. A link or a program never dials an emergency number, and is asked about first.
const (
	OriginTyped   Origin = "typed"
	OriginList    Origin = "list" // call list or contact, one click
	OriginLink    Origin = "link"
	OriginProgram Origin = "program"
)

// MakeCallParams asks for a call. Command is made by the client, once per wish (UUID): the server does one command once,
// also across a reconnect.
type MakeCallParams struct {
	Command   string        `json:"command"`
	System    csta.SystemID `json:"system,omitempty"` // with Device: which own device; absent: the user's first
	Device    csta.DeviceID `json:"device,omitempty"`
	Number    string        `json:"number"` // as typed
	Origin    Origin        `json:"origin"`
	Confirmed bool          `json:"confirmed,omitempty"`
}

// MakeCallResult means "accepted": the attempt's notifications tell the rest.
type MakeCallResult struct {
	Attempt Attempt `json:"attempt"`
}

// CallParams names a call for a verb.
type CallParams struct {
	Command string        `json:"command"`
	Call    csta.CallID   `json:"call"`
	System  csta.SystemID `json:"system,omitempty"`
	Device  csta.DeviceID `json:"device,omitempty"` // where the user has several devices in it
}

// CheckParams asks what dialling a text would mean.
type CheckParams struct {
	Text   string `json:"text"`
	Origin Origin `json:"origin"`
}

// CheckResult says what would be dialled. Refused: it would not be; Confirm: only after asking.
type CheckResult struct {
	Party   Party   `json:"party"`
	Name    string  `json:"name,omitempty"` // a contact's or colleague's name
	Confirm *Reason `json:"confirm,omitempty"`
	Refused *Reason `json:"refused,omitempty"`
}

// EntriesParams asks for entries that began before a time, newest first. Limit at most 200.
type EntriesParams struct {
	Before time.Time `json:"before,omitzero"`
	Limit  int       `json:"limit,omitempty"`
}

// EntriesResult is a page of the call list.
type EntriesResult struct {
	Entries []Entry `json:"entries"`
	More    bool    `json:"more"`
}

// SeenParams marks missed calls up to a time as seen.
type SeenParams struct {
	Until time.Time `json:"until"`
}

// Settings are the user's settings that live on the server, and the admin's defaults and locks for any setting. Names of
// settings are those of the tray's settings file.
type Settings struct {
	Seq uint64 `json:"seq,omitempty"`
	// OpenCustomer: when the customer opens by itself: "never", "ringing", "answered" (default).
	OpenCustomer string `json:"open_customer"`
	OpenOutgoing bool   `json:"open_outgoing"` // also for own outgoing calls, when answered
	OpenInternal bool   `json:"open_internal"` // also for internal calls
	// Defaults and Locks: setting name -> value; a lock wins over the user, a default is what holds until the user chooses.
	Defaults map[string]string `json:"defaults,omitempty"`
	Locks    map[string]string `json:"locks,omitempty"`
	// LockedBy names who set the locks, for the lock's tooltip.
	LockedBy string `json:"locked_by,omitempty"`
}

// SettingsParams changes the user's settings that live on the server; absent members stay.
type SettingsParams struct {
	OpenCustomer *string `json:"open_customer,omitempty"`
	OpenOutgoing *bool   `json:"open_outgoing,omitempty"`
	OpenInternal *bool   `json:"open_internal,omitempty"`
}

// Devices replaces the user's list of devices.
type Devices struct {
	Seq     uint64   `json:"seq"`
	Devices []Device `json:"devices"`
	Systems []System `json:"systems"`
}
