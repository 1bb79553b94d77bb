package desk

import (
	"encoding/json"
	"log/slog"

	"deskbell/app/desk/view"
	"deskbell/app/wire"
)

// Message is something that happened: one of the types below, by value. They are all that can change a Core.
type Message interface{ message() }

// LinkUp says that a session with the server began; its snapshot follows.
type LinkUp struct{ Hello wire.HelloFromServer }

// LinkDown says that there is no session now. Why is a code of the texts ("unreachable", "sign_in" …). Final means that
// nothing is tried again until somebody asks for it.
type LinkDown struct {
	Why   string
	Final bool
}

// Told is a notification of the server, decoded: wire.Snapshot, wire.Call, wire.Joined, wire.Line, wire.Contact,
// wire.Attempt, wire.Pop, wire.Entry, wire.Gap, wire.Trouble, wire.Settings or wire.Devices.
type Told struct{ Note any }

// Replied answers a Request effect. Lost: no reply will come, because the session ended or time was up.
type Replied struct {
	ID     uint64
	Result json.RawMessage
	Error  *wire.Error
	Lost   bool
}

// Pressed is a button of a notice. ID is the button's.
type Pressed struct{ Key, ID string }

// NoticeGone says that a notice left the screen: somebody dismissed it, or its time was up. Lost: neither; the desktop's
// notification service ended, so that it should be shown again.
type NoticeGone struct {
	Key  string
	Lost bool
}

// NoticesBack says that notices can be shown again: those that should be up are not.
type NoticesBack struct{}

// NoticeShown tells what became of a ShowNotice effect; Err is empty where it worked.
type NoticeShown struct{ Key, Err string }

// Chosen is an entry of the tray menu.
type Chosen struct{ ID string }

// Asked is a wish of the command line, a link or another program. An Answer effect with the same ticket follows, at once
// or after the server replied.
type Asked struct {
	Ticket uint64
	Ask    view.Ask
}

// TonePlayed tells how playing goes: Err is empty, "tone_file" (the built-in tone rings instead of the user's file),
// "output" (another output than the chosen one is used) or "sound" (nothing can be heard).
type TonePlayed struct{ Err string }

// PageOpened tells what became of an OpenPage effect; Err is empty, "no_browser" or "scheme".
type PageOpened struct{ ID, Err string }

// ClipboardRead answers ReadClipboard. Err is empty where it worked.
type ClipboardRead struct{ Text, Err string }

// ServerFound answers FindServer. Err is a code of the invitation texts.
type ServerFound struct{ Name, Err string }

// Enrolled answers Enroll: a token was got and stored, and the connection goes to the new account from now on.
type Enrolled struct {
	Account Account
	Err     string
}

// Woke says that the computer came back from sleep, or its network changed.
type Woke struct{}

// Machine raises (Detail or not) or ends a trouble of this computer, by its code: "tray", "display", "keyring",
// "settings", "storage". Subject is what the sentence names, such as a file.
type Machine struct {
	Code    string
	Subject string
	Over    bool
}

// Fired is a timer that was set by SetTimer.
type Fired struct{ Timer string }

func (LinkUp) message()        {}
func (LinkDown) message()      {}
func (Told) message()          {}
func (Replied) message()       {}
func (Pressed) message()       {}
func (NoticeGone) message()    {}
func (NoticesBack) message()   {}
func (NoticeShown) message()   {}
func (Chosen) message()        {}
func (Asked) message()         {}
func (TonePlayed) message()    {}
func (PageOpened) message()    {}
func (ClipboardRead) message() {}
func (ServerFound) message()   {}
func (Enrolled) message()      {}
func (Woke) message()          {}
func (Machine) message()       {}
func (Fired) message()         {}

// Account is the server this computer is connected with. The token is not part of it: the Core never sees one.
type Account struct {
	Server     string `json:"server"` // base address
	ServerName string `json:"server_name"`
	User       string `json:"user"` // id
	Name       string `json:"name"` // of the user
	Device     string `json:"device"`
}

// LogValue keeps the user's name out of the log.
func (a Account) LogValue() slog.Value { return slog.StringValue(a.Server) }
