package wire

import (
	"time"

	"deskbell/app/csta"
)

// Info is what anybody may know of a server.
type Info struct {
	Name     string   `json:"name"`
	Version  string   `json:"version"`
	Protocol []string `json:"protocol"` // subprotocols it speaks
}

// EnrollRequest turns an invitation into a token of one device. Device is a name for lists ("Anna's laptop").
type EnrollRequest struct {
	Code   string `json:"code"`
	Device string `json:"device"`
}

// EnrollReply carries the token, once. Token is secret and opaque.
type EnrollReply struct {
	Token      string `json:"token"`
	User       string `json:"user"`
	Name       string `json:"name"`
	ServerName string `json:"server_name"`
}

// HelloFromTray is the first message of a tray, within 5 s.
type HelloFromTray struct {
	Version      string   `json:"version"`
	Capabilities []string `json:"capabilities,omitempty"` // "pop": can open customers
	Device       string   `json:"device,omitempty"`       // name for lists
	Locale       string   `json:"locale,omitempty"`       // BCP 47, for place names
	// Epoch and Seq are what the tray has seen last; informative. A session always starts from a snapshot.
	Epoch string `json:"epoch,omitempty"`
	Seq   uint64 `json:"seq,omitempty"`
}

// HelloFromServer is the first message of the server.
type HelloFromServer struct {
	Version      string   `json:"version"`
	Capabilities []string `json:"capabilities,omitempty"`
	Epoch        string   `json:"epoch"`   // of the server's numbering; another one: all ids of attempts and offers are void
	Session      string   `json:"session"` // of this connection
	ServerName   string   `json:"server_name"`
	User         User     `json:"user"`
	// PingMS: the server pings (WebSocket ping) this often; a tray that hears nothing at all for twice as long dials anew.
	PingMS int64 `json:"ping_ms"`
}

// User is the signed-in person.
type User struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Snapshot replaces all a tray knew. Seq is the number it stands for: the next notification is Seq+1.
type Snapshot struct {
	Seq      uint64    `json:"seq"`
	Calls    []Call    `json:"calls"`
	Attempts []Attempt `json:"attempts"`
	Lines    []Line    `json:"lines"`
	Devices  []Device  `json:"devices"`
	Entries  []Entry   `json:"entries"` // newest first, at most 50
	Unseen   int       `json:"unseen"`  // missed calls not seen yet
	Gaps     []Gap     `json:"gaps"`    // of the last 24 h
	Troubles []Trouble `json:"troubles"`
	Pops     []Pop     `json:"pops"` // offers that are open, and pops claimed but never reported
	Settings Settings  `json:"settings"`
	Systems  []System  `json:"systems"`
}

// System is one telephone system the user has devices of.
type System struct {
	ID   csta.SystemID `json:"id"`
	Name string        `json:"name"` // "NFON"
	Up   bool          `json:"up"`   // news flows
	Type string        `json:"type"` // connector type, for help texts
}

// Device is an extension the user owns or watches.
type Device struct {
	System   csta.SystemID `json:"system"`
	ID       csta.DeviceID `json:"id"`
	Number   string        `json:"number"`
	Name     string        `json:"name"`
	Own      bool          `json:"own"`
	Services csta.Services `json:"services"` // what the system can do for it at all
}

// PartyKind says what the other party is.
type PartyKind string

// The kinds of a party.
const (
	PartyUnknown  PartyKind = "unknown"
	PartyExternal PartyKind = "external"
	PartyInternal PartyKind = "internal"
	PartyService  PartyKind = "service"  // feature or short code
	PartyWithheld PartyKind = "withheld" // number withheld
	PartyHidden   PartyKind = "hidden"   // this user may not see it
)

// Party is one end of a call. Display is ready for the screen; Number is E.164 or an extension, for dialling back.
type Party struct {
	Kind    PartyKind     `json:"kind"`
	Number  string        `json:"number,omitempty"`
	Display string        `json:"display,omitempty"`
	Name    string        `json:"name,omitempty"` // from the telephone system; a contact's name is in Facts
	Place   string        `json:"place,omitempty"`
	Device  csta.DeviceID `json:"device,omitempty"` // if internal and known
}

// RingKind chooses the tone.
type RingKind string

// The kinds of ring.
const (
	RingExternal RingKind = "external"
	RingInternal RingKind = "internal"
	RingVIP      RingKind = "vip"
)

// Call is one call as one of the user's own or watched devices sees it. Several devices in one call: several of these with
// one ID. Ages are milliseconds at the moment of sending.
type Call struct {
	Seq       uint64         `json:"seq,omitempty"`
	ID        csta.CallID    `json:"id"`
	System    csta.SystemID  `json:"system"`
	Device    csta.DeviceID  `json:"device"`
	Appear    string         `json:"appearance,omitempty"`
	Own       bool           `json:"own"`
	Event     csta.Event     `json:"event,omitempty"` // what just happened; empty in a snapshot
	Cause     csta.Cause     `json:"cause,omitempty"`
	Direction csta.Direction `json:"direction"`
	State     csta.State     `json:"state"`     // of the device's own connection; "null": this leg is over
	FarState  csta.State     `json:"far_state"` // of the other party's
	Far       Party          `json:"far"`
	Original  *Party         `json:"original,omitempty"` // where it differs from Far
	Called    *Party         `json:"called,omitempty"`   // what the caller dialled
	Queue     string         `json:"queue,omitempty"`
	Ring      RingKind       `json:"ring,omitempty"`
	AgeMS     int64          `json:"age_ms"`
	StateMS   int64          `json:"state_ms"`
	TalkMS    int64          `json:"talk_ms,omitempty"` // since the conversation began; 0: none
	Unsure    bool           `json:"unsure,omitempty"`
	Automatic bool           `json:"automatic,omitempty"` // answered by a machine
	Missed    bool           `json:"missed,omitempty"`    // ended, incoming, never answered by anyone of this user's devices
	Attempt   string         `json:"attempt,omitempty"`   // command id of the own MakeCall that led here
	Permitted csta.Services  `json:"permitted"`           // CSTA servicesPermitted
	// Denied explains useful verbs that are off now, by service name.
	Denied map[string]Reason `json:"denied,omitempty"`
	Facts  *Facts            `json:"facts,omitempty"`
	CanPop bool              `json:"can_pop,omitempty"` // pop.open would give a page
}

// Joined says that the call From is part of the call ID now.
type Joined struct {
	Seq  uint64      `json:"seq"`
	ID   csta.CallID `json:"id"`
	From csta.CallID `json:"from"`
}

// FactsStage is how much is known of the caller.
type FactsStage string

// The stages.
const (
	StageNumber FactsStage = "number" // look-up is running, or nothing was found (Done)
	StageName   FactsStage = "name"
	StageCounts FactsStage = "counts"
)

// Facts are what contact sources know of the other party of a call.
type Facts struct {
	Stage   FactsStage `json:"stage"`
	Done    bool       `json:"done"` // nothing further will come
	Matches []Match    `json:"matches,omitempty"`
	// OpenTickets is there once counted; CountsPending reserves its place.
	OpenTickets   *int   `json:"open_tickets,omitempty"`
	CountsPending bool   `json:"counts_pending,omitempty"`
	Trouble       string `json:"trouble,omitempty"` // a source that failed: its name
}

// Match is one contact. Exact: its number equals the caller's; else it only ends alike ("Perhaps …?").
type Match struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Company string `json:"company,omitempty"`
	VIP     bool   `json:"vip,omitempty"`
	Exact   bool   `json:"exact"`
	Source  string `json:"source"`
	AgeMS   int64  `json:"age_ms"` // of the fact; 0: asked just now
}

// Contact is a further stage of the facts of a call.
type Contact struct {
	Seq   uint64      `json:"seq"`
	ID    csta.CallID `json:"id"`
	Facts Facts       `json:"facts"`
	Ring  RingKind    `json:"ring,omitempty"`
	// CanPop: the own legs of the call have a page to open now. Its absence takes nothing back.
	CanPop bool `json:"can_pop,omitempty"`
}

// Line is a device's line state; values are told at most 4 times a second each, the newest counts.
type Line struct {
	Seq          uint64         `json:"seq,omitempty"`
	System       csta.SystemID  `json:"system"`
	Device       csta.DeviceID  `json:"device"`
	State        csta.LineState `json:"state"`
	Presence     string         `json:"presence,omitempty"`
	UnknownParty bool           `json:"unknown_party,omitempty"`
}

// Attempt is a MakeCall on its way. State: "asked", "accepted", "call" (Call is set), "failed" (Reason is set).
type Attempt struct {
	Seq    uint64        `json:"seq,omitempty"`
	ID     string        `json:"id"` // the command id
	System csta.SystemID `json:"system"`
	Device csta.DeviceID `json:"device"`
	To     Party         `json:"to"`
	ToName string        `json:"to_name,omitempty"` // a contact's name, if one is known
	State  string        `json:"state"`
	Call   csta.CallID   `json:"call,omitempty"`
	Cause  csta.Cause    `json:"cause,omitempty"`
	Reason *Reason       `json:"reason,omitempty"`
	AgeMS  int64         `json:"age_ms"`
}

// Entry is one line of the call list: a call that is running or over, as this user's devices had it.
type Entry struct {
	Seq       uint64         `json:"seq,omitempty"`
	ID        csta.CallID    `json:"id"`
	System    csta.SystemID  `json:"system"`
	Device    csta.DeviceID  `json:"device"`
	Direction csta.Direction `json:"direction"`
	Far       Party          `json:"far"`
	Name      string         `json:"name,omitempty"` // a contact's name
	Company   string         `json:"company,omitempty"`
	VIP       bool           `json:"vip,omitempty"`
	At        time.Time      `json:"at"`                // when it began, UTC
	TalkMS    int64          `json:"talk_ms,omitempty"` // length of the conversation
	Result    Result         `json:"result"`
	Cause     csta.Cause     `json:"cause,omitempty"`
	Seen      bool           `json:"seen"`
	// Pop: "", "opened", "claimed" (not known whether it opened: offer to open it now), "failed".
	Pop string `json:"pop,omitempty"`
}

// Result is how a call of the list ended.
type Result string

// The results.
const (
	ResultRunning   Result = "running"
	ResultAnswered  Result = "answered"
	ResultMissed    Result = "missed"
	ResultElsewhere Result = "elsewhere" // another device or person took it
	ResultRejected  Result = "rejected"
	ResultNoAnswer  Result = "no_answer" // own outgoing call
	ResultBusy      Result = "busy"
	ResultFailed    Result = "failed"
	ResultCancelled Result = "cancelled"
	ResultUnknown   Result = "unknown" // ended (no details received)
)

// Gap is a time for which calls may be missing from the list. To absent: it still lasts.
type Gap struct {
	Seq    uint64        `json:"seq,omitempty"`
	ID     string        `json:"id"`
	System csta.SystemID `json:"system"`
	From   time.Time     `json:"from"`
	To     *time.Time    `json:"to,omitempty"`
}

// Trouble is a state with a reason. Active false: over.
type Trouble struct {
	Seq    uint64        `json:"seq,omitempty"`
	ID     string        `json:"id"`
	Active bool          `json:"active"`
	Code   string        `json:"code"` // pbx trouble codes, and "log_full", "contacts_source"
	System csta.SystemID `json:"system,omitempty"`
	Source string        `json:"source,omitempty"` // name of a system or contact source, for the sentence
	Detail string        `json:"detail,omitempty"` // technical, for "Copy details"
	Since  time.Time     `json:"since"`
}

// Pop is an offer to open the customer. A tray that can open pages claims it; who claimed opens it and reports. State:
// "offered", "claimed" (by some session, never reported: show "not opened – open now"), "opened", "gone".
type Pop struct {
	Seq     uint64      `json:"seq,omitempty"`
	ID      string      `json:"id"`
	Call    csta.CallID `json:"call"`
	Trigger string      `json:"trigger"` // "ringing", "answered", "outgoing", "button"
	State   string      `json:"state"`
}

// PopParams names an offer.
type PopParams struct {
	ID string `json:"id"`
}

// PopClaimResult carries the page, to the one session that got the claim.
type PopClaimResult struct {
	Granted bool   `json:"granted"`
	URL     string `json:"url,omitempty"`
}

// PopReportParams tells what became of a claimed offer.
type PopReportParams struct {
	ID     string `json:"id"`
	Opened bool   `json:"opened"`
	Error  string `json:"error,omitempty"` // code: "no_browser", "scheme"
}

// PopOpenParams asks for the customer's page of a call (or entry of the list), by the user's own hand.
type PopOpenParams struct {
	Call  csta.CallID `json:"call"`
	Match string      `json:"match,omitempty"` // id of the contact, where several match
}

// PopOpenResult is the page; the session opens it and reports under ID.
type PopOpenResult struct {
	ID  string `json:"id"`
	URL string `json:"url"`
}
