// Package notice shows desktop notifications with buttons and tells which button was pressed.
package notice

import (
	"errors"
	"time"
)

// ErrNoNotices means that nothing on this desktop can show a notification now. It is a state, not an end: Show tries
// anew each time, and works once a notification daemon is there.
var ErrNoNotices = errors.New("no notification service")

// AppName and AppID are how notifications name their sender.
const (
	AppName = "Deskbell"
	AppID   = "app.deskbell.Deskbell"
)

// Urgency tells the desktop how to queue and keep a notice.
type Urgency int

// The urgencies of the Desktop Notifications Specification. Critical notices stay until somebody deals with them and
// pass through a desktop's "do not disturb".
const (
	Normal Urgency = iota
	Low
	Critical
)

// DefaultAction is the id of the action that a click on the notice itself invokes; its label is rarely shown.
const DefaultAction = "default"

// Action is one button.
type Action struct {
	ID    string // handed back in Event.Action; not shown
	Label string // plain text
}

// Notice is what is to be shown. Title and Body are plain text, never markup: Show escapes what the desktop needs
// escaped. Text that somebody else chose (a caller's name) must have gone through Clean, or it may add lines.
type Notice struct {
	Key       string        // ours; showing a key that is already up replaces that notice in place
	Title     string        // one line
	Body      string        // lines parted by \n
	Actions   []Action      // dropped where Caps says that there are no buttons
	Urgency   Urgency       //
	Expire    time.Duration // 0: the desktop's default; below 0: never
	Icon      string        // absolute path of a PNG, or a freedesktop icon name; empty: none
	Silent    bool          // ask the desktop not to play a sound of its own
	Transient bool          // keep it out of the desktop's list of past notices
}

// Reason says why a notice is gone.
type Reason int

// Reasons for an Event with Closed set. ServerGone means that the notification daemon ended or restarted and took
// the notice with it.
const (
	ReasonUnknown Reason = iota
	ReasonExpired
	ReasonDismissed
	ReasonClosed
	ReasonServerGone
)

// String is the reason's name in logs.
func (r Reason) String() string {
	switch r {
	case ReasonExpired:
		return "expired"
	case ReasonDismissed:
		return "dismissed"
	case ReasonClosed:
		return "closed"
	case ReasonServerGone:
		return "server gone"
	case ReasonUnknown:
		return "unknown"
	}
	return "unknown"
}

// Event is something that happened to one of our own notices: an action, or its end; or to who shows them.
type Event struct {
	Key    string
	Action string // the Action.ID pressed; empty when Closed
	Token  string // xdg-activation token that lets us raise a window for this click; often empty
	Closed bool
	Reason Reason // when Closed
	Back   bool   // a notification service has come where there was none; nothing else is set then
}

// Caps is what the desktop's notification service can do.
type Caps struct {
	Actions    bool // buttons
	BodyMarkup bool // the body is read as markup, so it has to be escaped
	Replace    bool // a notice can be replaced in place and closed
}
