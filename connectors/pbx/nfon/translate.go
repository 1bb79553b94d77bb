package nfon

import (
	"fmt"
	"strings"
	"time"

	"deskbell/app/csta"
	"deskbell/app/pbx"
)

// translator turns the events of the call stream into legs. It belongs to one goroutine. What it learns it hands to tell;
// what must wait it hands to later.
type translator struct {
	account  string
	customer func() string // the K-Account in our token, which may be spelled unlike the settings
	hangUp   HangUp
	attempts *attempts
	nameOf   func(extension string) (string, bool)
	lineBusy func(extension string) bool
	tell     func(pbx.Message)
	later    func(time.Duration, func())

	legs     map[pbx.LegKey]*leg
	calls    map[string][]*leg        // by uuid
	devices  map[csta.DeviceID][]*leg // by extension
	callers  map[string][]*leg        // by the end of the caller's number
	cascades map[string]*cascade
}

func newTranslator() *translator {
	return &translator{
		legs:     map[pbx.LegKey]*leg{},
		calls:    map[string][]*leg{},
		devices:  map[csta.DeviceID][]*leg{},
		callers:  map[string][]*leg{},
		cascades: map[string]*cascade{},
	}
}

// skipError says why an event is not used; reason is a word of pbx.Skipped.
type skipError struct{ reason, detail string }

func (e *skipError) Error() string { return e.reason + ": " + e.detail }

// handle takes one event. Its error is a *skipError; everything else was used or rightly ignored.
func (t *translator) handle(e callEvent) error {
	if err := t.complete(&e); err != nil {
		return err
	}
	switch e.State {
	case vStart:
		t.attempts.link(e, false) // a request has begun; no telephone knows of it yet
		return nil
	case vHangup:
		if t.awaitsReason(e) {
			t.later(reasonGrace, func() { t.end(e) })
			return nil
		}
		t.end(e)
		return nil
	case vEnd:
		// "end" is about the request, not the call: a success says nothing about the leg.
		if e.Error != "" {
			t.end(e)
		}
		return nil
	}
	table := inbound
	if t.direction(e) == csta.Outgoing {
		table = outbound
	}
	s, ok := table[e.State]
	if !ok {
		return &skipError{"state", fmt.Sprintf("%q", cut(string(e.State), 32))}
	}
	t.advance(e, s)
	return nil
}

// complete checks an event and fills in what can be known without it.
func (t *translator) complete(e *callEvent) error {
	if err := e.tidy(); err != nil {
		return &skipError{"fields", err.Error()}
	}
	if c := string(trim(e.Customer)); c != "" && !strings.EqualFold(c, t.account) && !strings.EqualFold(c, t.customer()) {
		return &skipError{"customer", "an event of another K-Account"}
	}
	if e.Extension == "" {
		e.Extension = text(t.inferExtension(*e))
	}
	if e.Extension == "" {
		return &skipError{"fields", "no extension"}
	}
	return nil
}

// inferExtension finds whose view an event without extension is: the call was asked for here, or is known for one
// extension only, or exactly one of its ends is an extension.
func (t *translator) inferExtension(e callEvent) string {
	if device := t.attempts.deviceOf(string(e.UUID)); device != "" {
		return device
	}
	if known := t.calls[string(e.UUID)]; len(known) == 1 {
		return string(known[0].key.Device)
	}
	_, callerOurs := t.nameOf(string(e.Caller))
	_, calleeOurs := t.nameOf(string(e.Callee))
	switch {
	case callerOurs && !calleeOurs:
		return string(e.Caller)
	case calleeOurs && !callerOurs:
		return string(e.Callee)
	}
	return ""
}

// direction is the event's, else the leg's, else what the rest of the event suggests. In doubt a call comes in: a phone that
// rings unannounced is worse than a note too many.
func (t *translator) direction(e callEvent) csta.Direction {
	switch e.Direction {
	case "inbound":
		return csta.Incoming
	case "outbound":
		return csta.Outgoing
	}
	if l := t.legs[e.key()]; l != nil && l.direction != csta.DirectionUnknown {
		return l.direction
	}
	if strings.HasPrefix(string(e.State), "caller-") || (e.Caller == e.Extension && e.Callee != e.Extension) {
		return csta.Outgoing
	}
	return csta.Incoming
}

func (e *callEvent) key() pbx.LegKey {
	return pbx.LegKey{Call: string(e.UUID), Device: csta.DeviceID(e.Extension)}
}

// advance moves a leg on, opens it, or opens it again.
func (t *translator) advance(e callEvent, s step) {
	l := t.legs[e.key()]
	switch {
	case l == nil:
		l = t.open(e)
	case l.at.stage == stageEnded:
		if !t.reopens(l, e) {
			return
		}
		t.reset(l, e)
	}
	if l.raw != "" && l.raw == e.Updated && l.lastState == e.State {
		return
	}
	learned := t.learnParties(l, e)
	if s.stage < l.at.stage {
		if learned { // late, but it brought a number we lacked
			t.report(l, e.stamp(), csta.CauseUnknown)
		}
		return
	}
	l.raw, l.lastState, l.lastNews, l.requestID = e.Updated, e.State, e.received, e.requestID
	t.mark(l, e, s)
	l.at = s
	t.linkAttempt(l, e)
	t.linkCalls(l, e)
	if s.stage == stageAnnounced {
		t.awaitRing(l)
		return
	}
	t.report(l, e.stamp(), l.cause)
	if l.direction == csta.Incoming {
		t.group(l, s)
	}
}

// reopens tells an event that opens an ended leg again (a group rings the same extension once more) from one that is late.
// Where NFON's times do not say, a leg that has rung may ring again at once, while the first ring of one that has not is the
// one its end overtook; other events need a pause. An end that we inferred gives way to any answer.
func (t *translator) reopens(l *leg, e callEvent) bool {
	if l.inferred && e.State == vAnswer {
		return true
	}
	if after, known := e.moment().compare(l.ended); known {
		return after
	}
	rings := e.State == vRing || e.State == vDial
	return rings && !l.rang.arrived.IsZero() || e.received.Sub(l.ended.arrived) >= reorderGrace
}

func (t *translator) open(e callEvent) *leg {
	l := &leg{key: e.key()}
	t.legs[l.key] = l
	t.calls[l.key.Call] = append(t.calls[l.key.Call], l)
	t.devices[l.key.Device] = append(t.devices[l.key.Device], l)
	t.reset(l, e)
	return l
}

func (t *translator) reset(l *leg, e callEvent) {
	*l = leg{
		key: l.key, run: l.run + 1, direction: t.direction(e), began: e.moment(), attempt: l.attempt,
		sawBusy: t.lineBusy(string(l.key.Device)), tail: l.tail,
	}
}

// causeOfNew says why a leg came to be: an extension that already talks and calls again asks back; an extension that rings
// in a call that another one answered and still holds gets it by transfer.
func (t *translator) causeOfNew(l *leg) csta.Cause {
	if l.direction == csta.Outgoing {
		for _, other := range t.devices[l.key.Device] {
			if other != l && other.talking() {
				return csta.CauseConsultation
			}
		}
		return csta.CauseUnknown
	}
	if from := t.answeredBefore(l); from != nil && from.talking() && startedAfter(l.began, from) {
		if from.far != l.far {
			l.original = from.far
		}
		return csta.CauseTransfer
	}
	return csta.CauseUnknown
}

// mark keeps the moments that matter later.
func (t *translator) mark(l *leg, e callEvent, s step) {
	m := e.moment()
	switch {
	case s.stage == stageAnswered && l.at.stage < stageAnswered:
		l.answered = m
		l.automatic = l.automatic || t.answeredByMachine(l, m)
	case s.stage == stageRinging && l.direction == csta.Incoming && l.at.stage == stageRinging:
		l.run++ // rung again
	}
	if l.rang.arrived.IsZero() && (s.stage == stageDialled || s.stage == stageRinging || s.stage == stageAnnounced) {
		l.rang = m
	}
}

// answeredByMachine: a feature code always is; an internal call is if nobody could have been that fast. Phones of agents may
// answer by themselves, so calls from outside are not judged by their speed.
func (t *translator) answeredByMachine(l *leg, answer moment) bool {
	if strings.HasPrefix(l.called.Number, "*") {
		return true
	}
	_, callerOurs := t.nameOf(string(l.caller))
	internal := l.called.Device != "" && (l.direction == csta.Outgoing || callerOurs)
	return internal && answer.within(automaticLimit, l.rang)
}

// learnParties takes the numbers from an event: the peer is the caller of an inbound and the callee of an outbound call,
// whatever the own side is called (the company's head number, a direct number). Silence erases nothing.
func (t *translator) learnParties(l *leg, e callEvent) (learned bool) {
	caller := party(string(e.Caller), string(e.CallerContext), t.nameOf)
	callee := party(string(e.Callee), string(e.CalleeContext), t.nameOf)
	setSaid(&l.caller, e.Caller)
	setSaid(&l.callee, e.Callee)
	before := l.far
	far := callee
	if l.direction == csta.Incoming {
		far = caller
		if !far.Said() && !l.far.Said() && (e.State == vRing || e.State == vDial) {
			far = pbx.Party{Withheld: true} // no caller at all is one of the ways to say "anonymous"
		}
	}
	if far.Said() && (!far.Withheld || !l.far.Said()) {
		l.far = far
	}
	if callee.Said() {
		l.called = callee
	}
	return l.far != before
}

func setSaid(field *text, value text) {
	if value != "" {
		*field = value
	}
}

// report tells the owner the leg's present state.
func (t *translator) report(l *leg, stamp pbx.Stamp, cause csta.Cause) {
	t.attempts.progress(l.key, l.at.stage)
	t.tell(l.message(stamp, cause))
}

// awaitRing announces a call whose "ring" does not come: it is optional. Until then the call may still fail unheard.
func (t *translator) awaitRing(l *leg) {
	run := l.run
	t.later(ringGrace, func() {
		if l.run != run || l.at.stage != stageAnnounced {
			return
		}
		l.at = inbound[vRing]
		t.report(l, l.stamp(time.Now()), l.cause)
		t.group(l, l.at)
	})
}
