package desk

import (
	"log/slog"
	"time"

	"deskbell/app/csta"
	"deskbell/app/desk/view"
)

// Effect is something to be done outside the Core: one of the types below, by value. The Loop does them in order.
type Effect interface{ effect() }

// Urgency of a notice.
type Urgency int

// The urgencies. Quiet ones make no sound and may hide in a list; Ringing ones stay and pass "do not disturb", because a
// phone is ringing.
const (
	Normal Urgency = iota
	Quiet
	Ringing
)

// Button of a notice. A press comes back as Pressed with the notice's key and this ID.
type Button struct{ ID, Label string }

// Notice is a desktop notification. All text is plain and already harmless.
type Notice struct {
	Key     string
	Title   string
	Body    string // lines parted by \n
	Buttons []Button
	Urgency Urgency
	Stay    bool // until it is closed; else the desktop's own time
}

// ShowNotice shows a notice, or replaces the one with the same key in place.
type ShowNotice struct{ Notice Notice }

// CloseNotice takes a notice away.
type CloseNotice struct{ Key string }

// Tone is what to play. Kind is "internal", "external", "vip" or "knock".
type Tone struct {
	Kind   string
	File   string // the user's own; empty: the built-in one
	Output string // sound output by name; empty: the system's choice
	Volume int    // 0 to 100
	Loop   bool
}

// PlayTone plays a tone in place of any other.
type PlayTone struct{ Tone Tone }

// StopTone stops the tone.
type StopTone struct{}

// OpenPage opens a customer's page. Schemes are those allowed beside http and https.
type OpenPage struct {
	ID      string
	URL     string
	Schemes []string
}

// Request asks the server. The reply comes back as Replied with the same ID.
type Request struct {
	ID     uint64
	Method string
	Params any
}

// SetTray gives the tray icon its state and menu.
type SetTray struct{ Tray Tray }

// SetTimer starts a timer anew; Fired follows unless it is stopped or set again.
type SetTimer struct {
	Timer string
	After time.Duration
}

// StopTimer stops a timer.
type StopTimer struct{ Timer string }

// Publish gives windows and the command line a new state.
type Publish struct{ State view.State }

// Answer ends a wish that came as Asked.
type Answer struct {
	Ticket uint64
	Answer view.Answer
}

// SaveSeen stores what this tray has told already, for its next start.
type SaveSeen struct{ Seen Seen }

// SaveSetting stores one setting of the user.
type SaveSetting struct{ Name, Value string }

// Copy puts a text into the clipboard.
type Copy struct{ Text string }

// ReadClipboard asks for the clipboard's text; ClipboardRead follows.
type ReadClipboard struct{}

// FindServer asks a server for its name, before the user agrees to an invitation; ServerFound follows.
type FindServer struct{ Server string }

// Enroll turns an invitation into an account; Enrolled follows.
type Enroll struct{ Server, Code string }

// Forget removes account and token, and ends the connection.
type Forget struct{}

// Redial dials the server at once: what is known of the connection is in doubt, or the user asked to try again.
type Redial struct{}

// Hurry tells the connection whether calls are running: then it never waits longer than five seconds.
type Hurry struct{ On bool }

// Quit ends the program.
type Quit struct{}

// Log writes a line. Text is fixed; values are attributes, masked by their types.
type Log struct {
	Level slog.Level
	Text  string
	Attrs []slog.Attr
}

func (ShowNotice) effect()    {}
func (CloseNotice) effect()   {}
func (PlayTone) effect()      {}
func (StopTone) effect()      {}
func (OpenPage) effect()      {}
func (Request) effect()       {}
func (SetTray) effect()       {}
func (SetTimer) effect()      {}
func (StopTimer) effect()     {}
func (Publish) effect()       {}
func (Answer) effect()        {}
func (SaveSeen) effect()      {}
func (SaveSetting) effect()   {}
func (Copy) effect()          {}
func (ReadClipboard) effect() {}
func (FindServer) effect()    {}
func (Enroll) effect()        {}
func (Forget) effect()        {}
func (Redial) effect()        {}
func (Hurry) effect()         {}
func (Quit) effect()          {}
func (Log) effect()           {}

// Seen is what survives a restart of the tray: what was told in a notice already. Both lists hold only what the server
// still has, so they stay short.
type Seen struct {
	Missed []csta.CallID `json:"missed"`
	Gaps   []string      `json:"gaps"`
}

// Tray is what the tray icon shows.
type Tray struct {
	Icon    string // ringing, incall, disconnected, trouble, muted, idle
	Missed  int
	Tooltip string
	Menu    []MenuItem
}

// MenuItem is a line of the tray menu. An empty ID with a label is text; without a label it is a separating line.
type MenuItem struct {
	ID       string
	Label    string
	Disabled bool
	Check    bool // can be checked
	Checked  bool
	Items    []MenuItem
}
