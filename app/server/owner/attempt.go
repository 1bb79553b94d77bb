package owner

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"time"

	"deskbell/app/csta"
	"deskbell/app/number"
	"deskbell/app/pbx"
	"deskbell/app/wire"
)

// recent is how old an attempt of an earlier run may be for events still to tell of it.
const recent = 2 * time.Minute

// matchable is how long after an attempt a leg may still turn out to stem from it; remembered, how long its command id is known.
const (
	matchable  = 10 * time.Minute
	remembered = time.Hour
)

// maxOrphans bounds failures that wait for the reply that names their call.
const maxOrphans = 64

type attempt struct {
	Attempt
	deadline time.Time // then it has failed; zero: none yet
}

// attempt returns a copy of the attempt with a command id.
func (c *core) attempt(id string) (Attempt, bool) {
	a := c.attempts[id]
	if a == nil {
		return Attempt{}, false
	}
	return a.Attempt, true
}

// asked begins an attempt.
func (c *core) asked(m MakeCall, now time.Time) {
	a := &attempt{Attempt: Attempt{ID: m.ID, Device: m.Device, To: m.Far, State: AttemptAsked, Asked: now}}
	c.addAttempt(a)
	c.tellAttempt(a, "", now)
}

// addAttempt takes an attempt into the indexes. A leg can stem from a device's recent attempts only.
func (c *core) addAttempt(a *attempt) {
	c.attempts[a.ID] = a
	c.asks = append(c.asks, a)
	if !a.Settled() {
		c.pending[a.ID] = a
	}
	c.recent[a.Device] = append(slices.DeleteFunc(c.recent[a.Device], func(old *attempt) bool {
		return old.Settled() && a.Asked.Sub(old.Asked) > matchable
	}), a)
}

func (c *core) settle(a *attempt) {
	delete(c.pending, a.ID)
	c.dueBy(a.Asked.Add(remembered + time.Second))
}

// forgetAttempts drops attempts whose command ids nobody will repeat any more.
func (c *core) forgetAttempts(now time.Time) {
	for len(c.asks) > 0 && c.asks[0].Settled() && now.Sub(c.asks[0].Asked) > remembered {
		a := c.asks[0]
		c.asks = c.asks[1:]
		delete(c.attempts, a.ID)
		c.recent[a.Device] = slices.DeleteFunc(c.recent[a.Device], func(b *attempt) bool { return a == b })
		if len(c.recent[a.Device]) == 0 {
			delete(c.recent, a.Device)
		}
	}
	if len(c.asks) > 0 && c.asks[0].Settled() {
		c.dueBy(c.asks[0].Asked.Add(remembered + time.Second))
	}
}

func (c *core) tellAttempt(a *attempt, cause csta.Cause, now time.Time) {
	told := a.Attempt
	u := Update{Device: a.Device, Attempt: &told, Cause: cause}
	if l := c.legOfAttempt(a); l != nil {
		u.Leg = l.ID
	}
	c.emit(u, now)
}

func (c *core) legOfAttempt(a *attempt) *leg {
	cl := c.calls[a.CallID]
	if cl == nil {
		return nil
	}
	for _, l := range cl.legs {
		if l.Attempt == a.ID {
			return l
		}
	}
	return nil
}

// replied takes the telephone system's answer to a MakeCall. An event may have overtaken it.
func (c *core) replied(m replied, now time.Time) {
	a := c.attempts[m.id]
	if a == nil {
		return
	}
	if a.VendorCall == "" {
		a.VendorCall = m.accepted.Call
	}
	switch {
	case a.Settled():
	case m.err == nil:
		c.accepted(a, m.accepted, now)
	case errors.Is(m.err, pbx.ErrUncertain):
		a.Uncertain = true
		a.deadline = now.Add(c.limits.Uncertain)
		c.dueBy(a.deadline)
		c.tellAttempt(a, "", now)
	default:
		c.fail(a, csta.CauseUnknown, reasonOf(m.err), now)
	}
}

func (c *core) accepted(a *attempt, reply pbx.Accepted, now time.Time) {
	limit := reply.Limit
	if limit <= 0 {
		limit = c.limits.Attempt
	}
	a.State = AttemptAccepted
	a.deadline = now.Add(limit)
	c.dueBy(a.deadline)
	if i := slices.IndexFunc(c.orphans, func(f pbx.AttemptFailed) bool { return f.Call == a.VendorCall && f.Call != "" }); i >= 0 {
		cause := c.orphans[i].Cause
		c.orphans = slices.Delete(c.orphans, i, i+1)
		c.fail(a, cause, reasonOfCause(cause), now)
		return
	}
	if l := c.legByVendor(a); l != nil && l.Attempt == "" {
		l.Attempt = a.ID
		c.tell(l, csta.CallInformationEvent, csta.CauseUnknown, now)
		c.becameCall(a, l, now)
		return
	}
	c.tellAttempt(a, "", now)
}

// legByVendor finds the leg of the vendor's call on the attempt's device, also one that ended already.
func (c *core) legByVendor(a *attempt) *leg {
	if a.VendorCall == "" {
		return nil
	}
	for _, l := range c.aliveOn(a.Device) {
		if l.Key.Call == a.VendorCall {
			return l
		}
	}
	return c.legs[pbx.LegKey{Call: a.VendorCall, Device: a.Device}]
}

// adopt finds the attempt that led to a leg and marks the leg with it. It returns the attempt if that is news for it.
func (c *core) adopt(l *leg) *attempt {
	a := c.attempts[l.Attempt]
	if l.Attempt == "" {
		a = c.attemptFor(l)
	}
	if a == nil || a.Device != l.Key.Device {
		return nil
	}
	l.Attempt = a.ID
	if a.State == AttemptCall {
		return nil
	}
	return a
}

// attemptFor matches a leg whose connector could not tell: by the vendor's call, else as the outgoing call to the number that
// was asked for. The vendor's id may come late or be another one on the event feed.
func (c *core) attemptFor(l *leg) *attempt {
	if l.Direction == csta.Incoming {
		return nil
	}
	var best *attempt
	for _, a := range c.recent[l.Key.Device] {
		if a.VendorCall != "" && a.VendorCall == l.Key.Call {
			return a
		}
		if a.Settled() || l.Direction != csta.Outgoing || l.LastNews.Before(a.Asked) || !sameNumber(a.To, l.Far) {
			continue
		}
		if best == nil || a.Asked.Before(best.Asked) {
			best = a
		}
	}
	return best
}

func sameNumber(a, b Party) bool {
	return a.Number.Same(b.Number) && a.Number.Kind != number.Withheld
}

// becameCall tells that an attempt led to a call; a may be nil.
func (c *core) becameCall(a *attempt, l *leg, now time.Time) {
	if a == nil {
		return
	}
	a.State, a.CallID, a.Uncertain, a.deadline = AttemptCall, l.call.id, false, time.Time{}
	a.Cause, a.Reason = csta.CauseUnknown, ""
	c.settle(a)
	c.tellAttempt(a, csta.CauseMakeCall, now)
}

// fail ends an attempt.
func (c *core) fail(a *attempt, cause csta.Cause, reason string, now time.Time) {
	a.State, a.Cause, a.Reason, a.deadline = AttemptFailed, cause, reason, time.Time{}
	c.settle(a)
	c.tellAttempt(a, cause, now)
}

// attemptFailed takes the connector's word that a request led to no call, or that the call it led to is over.
func (c *core) attemptFailed(m pbx.AttemptFailed, now time.Time) {
	a := c.attempts[m.Command]
	if a == nil && m.Call != "" {
		for _, other := range c.attempts {
			if other.VendorCall == m.Call && (m.Device == "" || m.Device == other.Device) {
				a = other
			}
		}
	}
	if a != nil && !a.Settled() {
		c.fail(a, m.Cause, reasonOfCause(m.Cause), now)
		return
	}
	ended := false
	for _, l := range c.aliveOn(m.Device) {
		if (m.Call != "" && l.Key.Call == m.Call) || (a != nil && l.Attempt == a.ID) {
			l.LastNews = now
			c.end(l, m.Cause, now)
			ended = true
		}
	}
	if a == nil && !ended && m.Call != "" {
		if len(c.orphans) >= maxOrphans {
			c.orphans = c.orphans[1:]
		}
		c.orphans = append(c.orphans, m)
	}
}

// renameAttempts follows legs that have another call id now.
func (c *core) renameAttempts(legs []*leg, from csta.CallID, now time.Time) {
	for _, l := range legs {
		if a := c.attempts[l.Attempt]; a != nil && a.CallID == from && a.CallID != l.call.id {
			a.CallID = l.call.id
			c.tellAttempt(a, "", now)
		}
	}
}

// doubtAttempts looks at the attempts of an earlier run: their replies are lost.
func (c *core) doubtAttempts(now time.Time) {
	for _, a := range c.pendingAttempts() {
		switch {
		case now.Sub(a.Asked) > recent:
			c.fail(a, csta.CauseTimeout, wire.ReasonUncertain, now)
		default:
			a.Uncertain = true
			a.deadline = now.Add(c.limits.Uncertain)
			c.dueBy(a.deadline)
			c.tellAttempt(a, "", now)
		}
	}
}

// expireAttempts fails the attempts nothing was heard of, and forgets old ones.
func (c *core) expireAttempts(now time.Time) {
	for _, a := range c.pendingAttempts() {
		switch {
		case a.deadline.IsZero():
		case now.Before(a.deadline):
			c.dueBy(a.deadline)
		case a.Uncertain:
			c.fail(a, csta.CauseTimeout, wire.ReasonUncertain, now)
		default:
			c.fail(a, csta.CauseTimeout, wire.ReasonTimeout, now)
		}
	}
	c.forgetAttempts(now)
}

func (c *core) pendingAttempts() []*attempt {
	list := slices.Collect(maps.Values(c.pending))
	slices.SortFunc(list, func(a, b *attempt) int { return cmp.Or(a.Asked.Compare(b.Asked), cmp.Compare(a.ID, b.ID)) })
	return list
}

// reasonOf gives the code of a refusal.
func reasonOf(err error) string {
	for _, r := range []struct {
		err  error
		code string
	}{
		{pbx.ErrNotNow, wire.ReasonNotNow},
		{pbx.ErrCannot, wire.ReasonSystemCannot},
		{pbx.ErrGone, wire.ReasonCallOver},
		{pbx.ErrSignIn, wire.ReasonSignIn},
		{pbx.ErrLicence, wire.ReasonLicence},
		{pbx.ErrDown, wire.ReasonDown},
		{pbx.ErrDestination, wire.ReasonNumberInvalid},
	} {
		if errors.Is(err, r.err) {
			return r.code
		}
	}
	return wire.ReasonRefused
}

// reasonOfCause gives the code of an attempt that came to nothing before there was a call: only the own phone rang.
func reasonOfCause(cause csta.Cause) string {
	switch cause { //nolint:exhaustive // no better words for the others
	case csta.CauseCallRejected:
		return wire.ReasonRejectedOwn
	case csta.CauseCallNotAnswered:
		return wire.ReasonNoAnswerOwn
	case csta.CauseBusy:
		return wire.ReasonFarBusy
	case csta.CauseCallCancelled:
		return wire.ReasonCancelled
	case csta.CauseTimeout:
		return wire.ReasonTimeout
	case csta.CauseInvalidDestination:
		return wire.ReasonNumberInvalid
	}
	return wire.ReasonFailed
}
