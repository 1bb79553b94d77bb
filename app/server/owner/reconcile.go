package owner

import (
	"slices"
	"time"

	"deskbell/app/csta"
	"deskbell/app/pbx"
)

// reconcile holds what is known of a device against what a snapshot proves. It is the one place where a leg that the system
// does not mention any more is taken to be over.
func (c *core) reconcile(s pbx.Snapshot, now time.Time) {
	if !c.watched[s.Device] {
		return
	}
	since := s.Since
	if since.IsZero() {
		since = c.stamp.Received
	}
	switch s.Proof {
	case pbx.ProofCalls:
		c.provenCalls(s, since, now)
		if s.Line != csta.LineUnknown {
			c.setLine(s.Device, s.Line, nil, now)
		}
	case pbx.ProofLine:
		c.provenLine(s, since, now)
	case pbx.ProofNone:
	}
}

func (c *core) provenCalls(s pbx.Snapshot, since, now time.Time) {
	held := c.aliveOn(s.Device)
	told := make(map[pbx.LegKey]bool, len(s.Legs))
	for _, m := range s.Legs {
		m.Key.Device = s.Device
		told[m.Key] = m.State.Live()
		c.legTold(m, now, &since)
	}
	for _, l := range held {
		if l.Live() && !told[l.Key] && l.LastNews.Before(since) {
			c.endInferred(l, now)
		}
	}
}

func (c *core) provenLine(s pbx.Snapshot, since, now time.Time) {
	switch s.Line {
	case csta.LineUnknown:
		return
	case csta.LineIdle, csta.LineOffline:
		for _, l := range c.aliveOn(s.Device) {
			c.contradicted(l, since, now)
		}
	case csta.LineRinging, csta.LineBusy:
		for _, l := range c.aliveOn(s.Device) {
			l.check = time.Time{}
			if l.Unsure {
				c.suspectAgain(l, now)
			}
		}
	}
	c.setLine(s.Device, s.Line, nil, now)
}

// contradicted ends a leg whose line is idle. Feeds of one system are not ordered among each other, so a leg with very fresh
// news is looked at again instead. A break of the link changes nothing about that, but then a second look is enough.
func (c *core) contradicted(l *leg, since, now time.Time) {
	again := l.Unsure && l.idleAfter.Equal(l.LastNews)
	switch {
	case !l.LastNews.Before(since):
		c.suspect(l, now.Add(c.limits.Settle))
	case since.Sub(l.LastNews) < c.limits.Settle && !again:
		l.idleAfter = l.LastNews
		c.suspect(l, now.Add(c.limits.Settle))
	default:
		c.endInferred(l, now)
	}
}

// endInferred ends a leg nobody told the end of.
func (c *core) endInferred(l *leg, now time.Time) {
	if answeredElsewhere(l) {
		c.end(l, csta.CauseAnsweredElsewhere, now)
		return
	}
	c.end(l, csta.CauseNoDetails, now)
}

// answeredElsewhere reports whether another device took the call while this one rang for it.
func answeredElsewhere(l *leg) bool {
	return csta.Ringing(l.Direction, l.State) && slices.ContainsFunc(l.call.legs, func(s *leg) bool {
		return s.Key.Device != l.Key.Device && s.Direction != csta.Outgoing && s.Answered() && !s.TalkSince.Before(l.Began)
	})
}

// expire sets the time without news after which a leg is checked or closed.
func (c *core) expire(l *leg, now time.Time) {
	d := l.expiry
	if d <= 0 {
		switch l.State {
		case csta.Connected:
			d = c.limits.Talking
		case csta.Hold, csta.Queued:
			d = c.limits.Hold
		case csta.Alerting, csta.Initiated, csta.Fail, csta.Null, csta.StateUnknown:
			d = c.limits.Ringing
		}
	}
	l.Expires, l.closing = now.Add(d), time.Time{}
	c.dueBy(l.Expires)
}

// suspect has the system asked about a leg at a moment, unless news comes first.
func (c *core) suspect(l *leg, at time.Time) {
	if l.check.IsZero() || at.Before(l.check) {
		l.check = at
		c.dueBy(at)
	}
}

// suspectAgain has the system asked again about a leg it could not clear up: soon at first, then ever less often.
func (c *core) suspectAgain(l *leg, now time.Time) {
	after := min(2*c.limits.Settle<<min(l.asked, 8), c.limits.Recheck)
	l.asked++
	c.suspect(l, now.Add(after))
}

// suspectNeighbours has a device's doubtful legs looked at once another leg of it is over: the line may have been busy with
// that one alone.
func (c *core) suspectNeighbours(device csta.DeviceID, now time.Time) {
	for l := range c.alive[device] {
		if l.Unsure {
			c.suspect(l, now.Add(c.limits.Settle))
		}
	}
}

// tick does what is due.
func (c *core) tick(now time.Time) {
	c.due = time.Time{}
	for _, l := range c.dueLegs(now) {
		c.expired(l, now)
		c.suspected(l, now)
	}
	c.dueLines(now)
	c.expireAttempts(now)
	c.forgetOver(now)
}

// dueLegs are the living legs whose time has come, in the order in which they began; the others' times are noted.
func (c *core) dueLegs(now time.Time) []*leg {
	var due []*leg
	for _, legs := range c.alive {
		for l := range legs {
			if !now.Before(l.Expires) || !l.check.IsZero() && !now.Before(l.check) {
				due = append(due, l)
				continue
			}
			c.dueBy(l.Expires)
			c.dueBy(l.check)
		}
	}
	slices.SortFunc(due, olderLeg)
	return due
}

// expired asks about a leg that had no news for too long; if no answer comes, the leg is closed.
func (c *core) expired(l *leg, now time.Time) {
	switch {
	case now.Before(l.Expires):
		c.dueBy(l.Expires)
	case !l.closing.IsZero() && now.Before(l.closing):
		c.dueBy(l.closing)
	case l.closing.IsZero() && c.linkedTo(l.Key.Device):
		// The answer, also an error, comes within the limit of a check, after those that wait before it.
		l.closing = now.Add(4 * c.limits.Check)
		c.dueBy(l.closing)
		c.doubts = append(c.doubts, l.Key.Device)
	default:
		c.endInferred(l, now)
	}
}

func (c *core) suspected(l *leg, now time.Time) {
	switch {
	case !l.Live() || l.check.IsZero():
	case now.Before(l.check):
		c.dueBy(l.check)
	case !c.linkedTo(l.Key.Device):
		l.check = time.Time{} // the next link looks at it
	default:
		l.check = time.Time{}
		c.suspectAgain(l, now)
		c.doubts = append(c.doubts, l.Key.Device)
	}
}

// checked takes the answer about a device. What had news since the question stays.
func (c *core) checked(m checked, now time.Time) {
	s := m.snapshot
	if m.err != nil {
		s = pbx.Snapshot{Device: m.device, Proof: pbx.ProofNone}
	}
	if s.Since.IsZero() {
		s.Since = m.asked
	}
	c.begun(s.Stamp, now)
	if m.err == nil {
		c.reconcile(s, now)
	}
	proven := s.Proof == pbx.ProofCalls || s.Proof == pbx.ProofLine && s.Line != csta.LineUnknown
	for _, l := range c.aliveOn(m.device) {
		switch {
		case !l.LastNews.Before(m.asked):
		case !proven && answeredElsewhere(l):
			c.end(l, csta.CauseAnsweredElsewhere, now)
		case now.Before(l.Expires):
		case proven && supports(s.Line, l.Leg):
			c.expire(l, now)
		default:
			c.endInferred(l, now)
		}
	}
	c.explainLines(now)
}

// supports reports whether a line's state speaks for a leg whose time has run out.
func supports(line csta.LineState, l Leg) bool {
	if csta.Ringing(l.Direction, l.State) {
		return line == csta.LineRinging
	}
	return line == csta.LineBusy || line == csta.LineRinging
}
