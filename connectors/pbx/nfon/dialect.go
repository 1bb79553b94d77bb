package nfon

import (
	"regexp"
	"strings"
	"time"

	"deskbell/app/csta"
	"deskbell/app/number"
	"deskbell/app/pbx"
)

// What NFON does not document, or what its sources disagree about, is decided in this file and nowhere else. README.md says
// where each value comes from.
const (
	// Limits of the interface (OpenAPI 1.0.1).
	defaultPrompt = 20
	maxPrompt     = 120

	// tokenLife is used where the access token does not tell its own end; documented are five minutes.
	tokenLife = 4 * time.Minute
	// tokenMargin is how long before its end a token is renewed.
	tokenMargin = 20 * time.Second
	// youngToken: a token refused at this age was never any good, an older one has only ended.
	youngToken = 30 * time.Second

	// maxEvent bounds one line and one event of a stream: NFON's own sample client reads lines up to 1 MiB.
	maxEvent = 1 << 20
	// maxSkip bounds a line that is being skipped; one that is longer has no end, and the stream is opened anew.
	maxSkip = 64 << 20

	// holdLimit is how long events of a new stream wait for the line states, which say what became of the calls we held.
	holdLimit = 2 * time.Second
	// holdEvents is how many events may wait; more end the wait.
	holdEvents = 4096
	// secondLook is when the line states are read again: the two feeds are not ordered relative to each other.
	secondLook = 5 * time.Second

	// groupGrace is how long the other legs of an answered group call may still bring their own end.
	groupGrace = 1500 * time.Millisecond
	// ringGrace is how long an inbound "dial" waits for its "ring", which is optional.
	ringGrace = 700 * time.Millisecond
	// reasonGrace is how long the failure of a call asked for here waits for its reason, which may come in an "end" of its own.
	reasonGrace = 300 * time.Millisecond
	// idleGrace is how long a line must be idle before a call we still hold on it is checked (a lost hangup).
	idleGrace = 5 * time.Second
	// reorderGrace tells a late event of an ended leg from a new ringing under the same id, where times are missing.
	reorderGrace = 250 * time.Millisecond
	// cascadeWindow joins the rounds of a cascaded group, each of which has a fresh id.
	cascadeWindow = time.Minute
	// pairWindow joins the two legs of an internal call that came under two ids.
	pairWindow = 10 * time.Second
	// attemptWindow is how long an outgoing call may be taken for one that was asked for here, by extension and number.
	attemptWindow = 30 * time.Second
	// automaticLimit: an internal call answered faster than this was answered by a machine.
	automaticLimit = 300 * time.Millisecond

	ringExpiry = 5 * time.Minute
	talkExpiry = 4 * time.Hour

	// shareLook is how old an answer about all line states may be to serve for one of them.
	shareLook = time.Second
	// statesBegin is how soon the stream of line states must have told the first of the latest ones.
	statesBegin = 15 * time.Second

	pollBusy  = 3 * time.Second
	pollIdle  = 30 * time.Second
	pollGuard = 5 * time.Minute // a snapshot now and then beside the stream, which could be silently stuck
)

// States of the call stream (OpenAPI 1.0.1, schema "call"). "caller-wait" is in the enum and described nowhere.
const (
	vStart        = "start"
	vCallerWait   = "caller-wait"
	vCallerDial   = "caller-dial"
	vCallerRing   = "caller-ring"
	vCallerAnswer = "caller-answer"
	vDial         = "dial"
	vRing         = "ring"
	vAnswer       = "answer"
	vHangup       = "hangup"
	vEnd          = "end"
)

// causes are the words of the field "error". "unspecified" and words we do not know are no cause.
var causes = map[string]csta.Cause{
	"timeout": csta.CauseCallNotAnswered,
	"busy":    csta.CauseBusy,
	"cancel":  csta.CauseCallCancelled,
	"reject":  csta.CauseCallRejected,
}

// lines are the words of the field "line". "busy" is not in the OpenAPI document but was seen.
var lines = map[string]csta.LineState{
	"offline": csta.LineOffline,
	"idle":    csta.LineIdle,
	"ringing": csta.LineRinging,
	"in-use":  csta.LineBusy,
	"busy":    csta.LineBusy,
}

// presences are the words of the field "presence"; null, "null" and absence say nothing.
var presences = map[string]pbx.Presence{
	"offline":   pbx.PresenceOffline,
	"available": pbx.PresenceAvailable,
	"away":      pbx.PresenceAway,
	"busy":      pbx.PresenceBusy,
	"dnd":       pbx.PresenceDND,
}

// uuidPattern is what DELETE accepts (OpenAPI 1.0.1): not only hexadecimal digits.
var uuidPattern = regexp.MustCompile(`^\w{8}-\w{4}-\w{4}-\w{4}-\w{12}$`)

// The contexts that matter; every other one is read as a K-Account, as NFON's call history does.
const (
	contextGlobal     = "global"
	contextConference = "conference"
)

// party reads one number of the stream, whose forms are mixed: feature code, own extension, "+" or "00", national with one
// zero, else the digits of an E.164 number without "+". The context is not to be relied on: NFON's own sample has national
// numbers in the K-Account's context. So the scope is passed on as the hint it is, and the owner's number plan decides; only
// what this system itself knows is said here: its own extensions and its feature codes.
func party(raw, context string, nameOf func(extension string) (name string, ok bool)) pbx.Party {
	raw = strings.TrimSpace(raw)
	global := strings.EqualFold(context, contextGlobal)
	name, own := nameOf(raw)
	switch {
	case raw == "":
		return pbx.Party{}
	case number.IsWithheld(raw):
		return pbx.Party{Withheld: true}
	case strings.EqualFold(context, contextConference):
		return pbx.Party{Number: raw}
	case strings.ContainsAny(raw, "*#"):
		return pbx.Party{Number: raw, Scope: pbx.ScopeInternal}
	case own && !(global && strings.HasPrefix(raw, "11")): // 110 and 112 in the public network are no extension
		return pbx.Party{Number: raw, Scope: pbx.ScopeInternal, Name: name, Device: csta.DeviceID(raw)}
	case global:
		return pbx.Party{Number: plus(raw), Scope: pbx.ScopeGlobal}
	case context == "":
		return pbx.Party{Number: raw}
	}
	return pbx.Party{Number: raw, Scope: pbx.ScopeInternal}
}

// plus adds what "global" leaves out: it is E.164 digits without "+". Short codes such as 112 and numbers with a prefix of
// any kind stay as they are.
func plus(raw string) string {
	if e := number.E164("+" + raw); e.Valid() {
		return string(e)
	}
	return raw
}

// sameNumber compares two spellings of what may be one number.
func sameNumber(a, b string) bool {
	if strings.ContainsAny(a+b, "*#") {
		return a == b
	}
	da, db := plainDigits(a), plainDigits(b)
	return da != "" && (da == db || number.MaybeSame(da, db))
}

func plainDigits(s string) string { return strings.TrimLeft(number.OnlyDigits(s), "0") }

var extraSeconds = regexp.MustCompile(`^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d):\d\d`)

// vendorTime reads the field "updated". NFON's own samples have an extra ":00" after the seconds. A time that makes no sense
// is no time: the event counts all the same.
func vendorTime(s string) time.Time {
	s = extraSeconds.ReplaceAllString(strings.TrimSpace(s), "$1")
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04:05.999999999"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t
		}
	}
	return time.Time{}
}

// equalAccount compares K-Accounts, which come in both cases.
func equalAccount(a, b string) bool { return strings.EqualFold(a, b) }

func lineOf(s stateEvent) csta.LineState { return lines[strings.ToLower(string(trim(s.Line)))] }

func presenceOf(s stateEvent) pbx.Presence {
	return presences[strings.ToLower(string(trim(s.Presence)))]
}
