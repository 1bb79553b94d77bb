// Package view holds what windows and the command line see of the tray: immutable values, as JSON on the local socket.
package view

import "time"

// Link is how the tray stands with its server.
type Link string

// The states of the link. LinkRefused stays until somebody does something: Why says what.
const (
	LinkNone       Link = "none"       // no account yet
	LinkConnecting Link = "connecting" // never been up since the start
	LinkUp         Link = "up"
	LinkDown       Link = "down" // trying again
	LinkRefused    Link = "refused"
)

// State is all that is known, at one moment. Whoever gets one may keep it and must not change it.
type State struct {
	Link     Link      `json:"link"`
	Why      string    `json:"why,omitempty"`    // code: why there is no connection
	Server   string    `json:"server,omitempty"` // its name
	User     string    `json:"user,omitempty"`
	Sentence string    `json:"sentence"` // the whole state in one sentence, as the tray icon's tooltip
	Icon     string    `json:"icon"`     // name of the tray icon
	Muted    bool      `json:"muted"`
	Missed   int       `json:"missed"` // not seen yet
	Calls    []Call    `json:"calls"`
	Attempts []Attempt `json:"attempts"`
	Entries  []Entry   `json:"entries"` // newest first
	Lines    []Line    `json:"lines"`
	Systems  []System  `json:"systems"`
	Gaps     []Gap     `json:"gaps"`
	Troubles []Trouble `json:"troubles"`
	Epoch    string    `json:"epoch,omitempty"`
}

// Call is one call of one's own or of a watched device.
type Call struct {
	ID        string    `json:"id"`
	System    string    `json:"system"`
	Device    string    `json:"device"`
	Own       bool      `json:"own"`
	Direction string    `json:"direction"`
	State     string    `json:"state"`     // CSTA connection state of the own device
	FarState  string    `json:"far_state"` // of the other party
	Title     string    `json:"title"`     // who it is, as text for people
	Line      string    `json:"line"`      // state and who it is, in one line
	Number    string    `json:"number,omitempty"`
	Display   string    `json:"display,omitempty"`
	Company   string    `json:"company,omitempty"`
	Place     string    `json:"place,omitempty"`
	Called    string    `json:"called,omitempty"`
	Ring      string    `json:"ring,omitempty"`
	VIP       bool      `json:"vip,omitempty"`
	Sure      bool      `json:"sure"` // a contact with exactly this number, or an own colleague
	Matches   []Match   `json:"matches,omitempty"`
	Tickets   *int      `json:"open_tickets,omitempty"`
	Silenced  bool      `json:"silenced,omitempty"`
	Unsure    bool      `json:"unsure,omitempty"`
	Automatic bool      `json:"automatic,omitempty"`
	Since     time.Time `json:"since"`            // when the call began, by this computer's clock
	Talking   time.Time `json:"talking,omitzero"` // when the conversation began
	Verbs     []Verb    `json:"verbs,omitempty"`
}

// Match is one possible caller.
type Match struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Company string `json:"company,omitempty"`
	Exact   bool   `json:"exact"`
}

// Verb is what may be done with a call, or why not.
type Verb struct {
	ID    string `json:"id"` // "answer", "clear", "open", "silence"
	Label string `json:"label"`
	Off   string `json:"off,omitempty"` // why it is off, as a sentence
}

// Attempt is an own call on its way.
type Attempt struct {
	ID    string `json:"id"`
	State string `json:"state"`
	To    string `json:"to"`
	Call  string `json:"call,omitempty"`
}

// Entry is a line of the call list.
type Entry struct {
	Call      string    `json:"call"`
	Direction string    `json:"direction"`
	Title     string    `json:"title"`
	Number    string    `json:"number,omitempty"`
	Company   string    `json:"company,omitempty"`
	VIP       bool      `json:"vip,omitempty"`
	At        time.Time `json:"at"`
	TalkMS    int64     `json:"talk_ms,omitempty"`
	Result    string    `json:"result"`
	Said      string    `json:"said"` // the result in words
	Seen      bool      `json:"seen"`
	Opened    string    `json:"opened,omitempty"`
}

// Line is the state of a device's line.
type Line struct {
	System   string `json:"system"`
	Device   string `json:"device"`
	Number   string `json:"number,omitempty"`
	Name     string `json:"name,omitempty"`
	Own      bool   `json:"own"`
	State    string `json:"state"`
	Presence string `json:"presence,omitempty"`
}

// System is a telephone system of the user's. Up: its news flows.
type System struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Up   bool   `json:"up"`
}

// Gap is a time for which calls may be missing. To is zero while it lasts.
type Gap struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to,omitzero"`
	Said string    `json:"said"`
}

// Trouble is a state with a reason, as a sentence.
type Trouble struct {
	Code   string `json:"code"`
	Said   string `json:"said"`
	Detail string `json:"detail,omitempty"`
}
