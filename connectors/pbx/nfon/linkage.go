package nfon

import (
	"slices"
	"time"

	"deskbell/app/csta"
	"deskbell/app/pbx"
)

// cascade is a row of calls by one caller that ring one group after another, each round under a fresh uuid.
type cascade struct {
	token    string
	call     string // uuid of the latest round
	callee   text
	rang     map[csta.DeviceID]bool
	last     time.Time
	answered bool
}

// linkAttempt finds out whether the leg was asked for here, and what may be done with it therefore.
func (t *translator) linkAttempt(l *leg, e callEvent) {
	if l.direction != csta.Outgoing {
		return
	}
	if command := t.attempts.link(e, l.at.stage == stageSetup); command != "" {
		l.attempt = command
	}
	l.clearable = t.attempts.clearable(l.key.Call, l.at.stage, t.hangUp)
}

// linkCalls sets the tokens by which the owner joins legs to calls: the uuid always; that of the other leg of an internal
// call, if the two came under different ones; and one for the rounds of a cascaded group.
func (t *translator) linkCalls(l *leg, e callEvent) {
	if l.linkage == nil {
		l.linkage = []string{l.key.Call}
		l.cause = t.causeOfNew(l)
		t.index(l)
		if other := t.otherEnd(l); other != nil {
			l.linkage = append(l.linkage, other.key.Call)
		}
		t.joinCascade(l, e)
	}
	if l.at.stage == stageAnswered {
		t.leaveCascade(l)
	}
}

// otherEnd finds the other leg of an internal call: same caller and callee, seen from the other side.
func (t *translator) otherEnd(l *leg) *leg {
	if l.tail == "" || l.callee == "" {
		return nil
	}
	for _, other := range t.callers[l.tail] {
		if other.live() && other.key.Call != l.key.Call && other.key.Device != l.key.Device && other.direction != l.direction &&
			l.began.arrived.Sub(other.began.arrived) < pairWindow &&
			sameNumber(string(other.caller), string(l.caller)) && sameNumber(string(other.callee), string(l.callee)) {
			return other
		}
	}
	return nil
}

// index makes the leg findable by its caller, once that is known. Numbers that sameNumber finds equal end alike.
func (t *translator) index(l *leg) {
	digits := plainDigits(string(l.caller))
	if l.tail != "" || digits == "" {
		return
	}
	l.tail = digits[max(0, len(digits)-6):]
	t.callers[l.tail] = append(t.callers[l.tail], l)
}

// joinCascade gives the leg its row's token. Known callers from outside only; not while an earlier call by them to another
// number still rings, since a company may call twice from one head number; and not where the same extension rings again,
// since that is what a caller does who hangs up and tries once more.
func (t *translator) joinCascade(l *leg, e callEvent) {
	caller := plainDigits(l.far.Number)
	if l.direction != csta.Incoming || caller == "" || l.far.Device != "" || l.far.Withheld {
		return
	}
	c := t.cascades[caller]
	fits := c != nil && !c.answered && e.received.Sub(c.last) < cascadeWindow &&
		(c.call == l.key.Call || !c.rang[l.key.Device] && (sameNumber(string(c.callee), string(l.callee)) || !t.anyLive(c.call)))
	if !fits {
		c = &cascade{token: "cascade:" + l.key.Call, rang: map[csta.DeviceID]bool{}}
		t.cascades[caller] = c
	}
	c.call, c.callee, c.last = l.key.Call, l.callee, e.received
	l.cascade, c.rang[l.key.Device] = c, true
	l.linkage = append(l.linkage, c.token)
}

// leaveCascade ends the row with the first answer. A second answer under another uuid shows that they were two calls.
func (t *translator) leaveCascade(l *leg) {
	c := l.cascade
	switch {
	case c == nil:
	case c.answered && c.call != l.key.Call:
		l.linkage, l.cascade = []string{l.key.Call}, nil
	default:
		c.answered, c.call = true, l.key.Call
	}
}

func (t *translator) anyLive(call string) bool {
	for _, l := range t.calls[call] {
		if l.live() {
			return true
		}
	}
	return false
}

const (
	keepEnded = 10 * time.Minute
	keepLegs  = 100_000
)

// prune forgets what can no longer matter. A leg that is forgotten while it lives is closed by the owner's expiry.
func (t *translator) prune(now time.Time) {
	for key, l := range t.legs {
		idle := now.Sub(l.lastNews)
		crowded := len(t.legs) > keepLegs
		switch {
		case crowded, l.talking() && idle > talkExpiry, !l.talking() && l.live() && idle > ringExpiry, !l.live() && idle > keepEnded:
			t.forget(key)
		}
	}
	for caller, c := range t.cascades {
		if now.Sub(c.last) > cascadeWindow {
			delete(t.cascades, caller)
		}
	}
}

func (t *translator) forget(key pbx.LegKey) {
	l := t.legs[key]
	delete(t.legs, key)
	removeLeg(t.calls, key.Call, l)
	removeLeg(t.devices, key.Device, l)
	removeLeg(t.callers, l.tail, l)
}

func removeLeg[K comparable](from map[K][]*leg, key K, l *leg) {
	rest := slices.DeleteFunc(from[key], func(other *leg) bool { return other == l })
	if len(rest) == 0 {
		delete(from, key)
		return
	}
	from[key] = rest
}
