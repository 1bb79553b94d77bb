package view

// Verbs are what can be asked of the running tray; each is a method of the local socket.
const (
	AskDial    = "dial"
	AskAnswer  = "answer"
	AskHangUp  = "hangup"
	AskPop     = "pop"
	AskMute    = "mute"
	AskLink    = "link"
	AskEnroll  = "enroll"
	AskSignOut = "sign-out"
	AskShow    = "show"
	AskQuit    = "quit"
)

// Ask is one wish. Only the members its verb needs are set.
type Ask struct {
	Verb       string `json:"-"`
	Number     string `json:"number,omitempty"`     // dial
	Origin     string `json:"origin,omitempty"`     // dial: "typed", or "program" (default)
	Confirmed  bool   `json:"confirmed,omitempty"`  // dial, enroll: the user was asked and agreed
	Call       string `json:"call,omitempty"`       // answer, hangup, pop: which call; empty: the one it can mean
	On         *bool  `json:"on,omitempty"`         // mute; absent: switch over
	Link       string `json:"link,omitempty"`       // link
	Invitation string `json:"invitation,omitempty"` // enroll
}

// Answer is what became of a wish. Exactly one of the following holds: it was done (Code empty), the user must be asked
// first (Code "confirm", Text is the question), or it was not done (any other Code, Text says why).
type Answer struct {
	Code    string `json:"code,omitempty"`
	Text    string `json:"text"`
	Attempt string `json:"attempt,omitempty"` // dial
}

// Codes of an Answer beside those of wire.Reason.
const (
	CodeConfirm = "confirm"
	CodeUsage   = "bad_request"
	CodeNoLink  = "no_connection"
	CodeNoCall  = "no_call"
)

// OK reports whether the wish was carried out.
func (a Answer) OK() bool { return a.Code == "" }
