package owner

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"deskbell/app/csta"
	"deskbell/app/pbx"
)

// legsOfCall bounds how many legs of one call are remembered; a telephone system that rings a device again and again
// in one call makes more.
const legsOfCall = 64

// legTold takes news of one leg. In a snapshot (since is set) news is only as new as the snapshot.
func (c *core) legTold(m pbx.Leg, now time.Time, since *time.Time) {
	switch {
	case !sane(m.Key) || !m.State.Known():
		return
	case !c.watched[m.Key.Device]:
		return
	}
	old := c.legs[m.Key]
	switch {
	case old != nil && old.Live() && since != nil && !old.LastNews.Before(*since):
		// An event told more after the snapshot was asked for.
	case old != nil && old.Live():
		c.news(old, m, now)
	case m.State == csta.Null:
		c.lateEnd(old, m, now)
	case old != nil && since != nil && !old.Ended.Before(*since):
		// It ended after the snapshot was asked for.
	case c.live >= c.limits.Legs:
		// More than any telephone system of this size can have: kept out, or memory would be the limit.
	default:
		c.open(old, m, now)
	}
}

// open begins a leg: a new one, or one that comes back after its end.
func (c *core) open(old *leg, m pbx.Leg, now time.Time) {
	at := c.stamp.Received
	if at.IsZero() {
		at = now
	}
	l := &leg{Leg: Leg{Key: m.Key, Incarnation: 1, Began: at, StateSince: at, LastNews: at, Linkage: linkage(m)}}
	c.attach(l, now)
	if old != nil && old.call == l.call {
		l.Incarnation = old.Incarnation + 1
	}
	c.legs[m.Key] = l
	prev := l.Leg
	s := c.merge(l, m, at)
	s.opened = true
	l.Original = c.original(l.Leg, m)
	c.addAlive(l)
	c.expire(l, now)
	if old != nil {
		c.suspect(l, now.Add(c.limits.Settle)) // it came back, or the news was late
	}
	adopted := c.adopt(l)
	c.tell(l, eventFor(prev, l.Leg, s), m.Cause, now)
	c.becameCall(adopted, l, now)
	c.settleSiblings(l, now)
}

// news takes further news of a living leg.
func (c *core) news(l *leg, m pbx.Leg, now time.Time) {
	at := c.stamp.Received
	if at.IsZero() {
		at = now
	}
	l.LastNews = at
	l.check, l.asked = time.Time{}, 0
	if m.State == csta.Null {
		c.merge(l, pbx.Leg{Direction: m.Direction, Far: m.Far, Called: m.Called, Queue: m.Queue, Automatic: m.Automatic, VendorData: m.VendorData}, at)
		c.end(l, m.Cause, now)
		return
	}
	c.relink(l, m, now)
	prev := l.Leg
	s := c.merge(l, m, at)
	if l.Unsure {
		l.Unsure, s.facts = false, true
	}
	c.expire(l, now)
	adopted := c.adopt(l)
	if adopted != nil {
		s.facts = true
	}
	if e := eventFor(prev, l.Leg, s); e != "" {
		c.tell(l, e, m.Cause, now)
	}
	c.becameCall(adopted, l, now)
	if prev.State != l.State {
		c.settleSiblings(l, now)
	}
}

// merge adds what a message says to a leg; what it does not say stays.
func (c *core) merge(l *leg, m pbx.Leg, at time.Time) step {
	s := step{cause: m.Cause}
	prev := l.Leg
	if l.Direction == csta.DirectionUnknown {
		l.Direction = m.Direction
	}
	transfer := m.Cause == csta.CauseTransfer || m.Cause == csta.CauseSingleStepTransfer
	l.Far, s.moved = mergeParty(l.Far, c.party(m.Far), transfer)
	l.Called, _ = mergeParty(l.Called, c.party(m.Called), false)
	if !l.Original.Known() || m.Original.Said() {
		l.Original = c.original(l.Leg, m)
	}
	l.Queue = cmp.Or(cut(m.Queue), l.Queue)
	l.Terminal = cmp.Or(cut(m.Terminal), l.Terminal)
	l.Attempt = cmp.Or(l.Attempt, m.Attempt)
	l.Automatic = l.Automatic || m.Automatic
	l.VendorData = mergeData(l.VendorData, m.VendorData)

	l.State = advance(l.State, m.State, m.Cause == csta.CauseRecall)
	l.FarState = impliedFar(l.Direction, l.State, advance(l.FarState, m.FarState, s.moved))
	changed := l.State != prev.State || l.FarState != prev.FarState
	if changed {
		l.StateSince = at
		l.expiry = 0
	}
	if m.Expiry > 0 && l.State == m.State {
		l.expiry = m.Expiry
	}
	if !l.Answered() && csta.Talking(l.State, l.FarState) {
		l.TalkSince = at
	}
	if m.Cause != csta.CauseUnknown {
		l.Cause = m.Cause
	}
	switch {
	case m.PermittedSaid:
		l.Permitted = m.Permitted
	case changed:
		l.Permitted = 0
	}
	s.permitted = l.Permitted != prev.Permitted
	s.facts = l.Direction != prev.Direction || l.Far != prev.Far || l.Original != prev.Original || l.Called != prev.Called ||
		l.Queue != prev.Queue || l.Terminal != prev.Terminal || l.Attempt != prev.Attempt || l.Automatic != prev.Automatic ||
		l.Cause != prev.Cause || !maps.Equal(l.VendorData, prev.VendorData)
	return s
}

// original is who called or was called first: what the system says, else the first far party.
func (c *core) original(l Leg, m pbx.Leg) Party {
	if said := c.party(m.Original); said.Known() {
		merged, _ := mergeParty(l.Original, said, false)
		return merged
	}
	if l.Original.Known() {
		return l.Original
	}
	return l.Far
}

// end ends a leg.
func (c *core) end(l *leg, cause csta.Cause, now time.Time) {
	at := c.stamp.Received
	if at.IsZero() {
		at = now
	}
	if at.Before(l.Began) { // a clock that was set back
		at = l.Began
	}
	prev := l.Leg
	l.State, l.StateSince, l.Ended = csta.Null, at, at
	l.Permitted, l.Expires, l.check = 0, time.Time{}, time.Time{}
	if failed := prev.State == csta.Fail || prev.FarState == csta.Fail; cause == csta.CauseUnknown && failed {
		cause = prev.Cause // told with the failure
	}
	l.Cause = cause
	c.dropAlive(l)
	c.suspectNeighbours(l.Key.Device, now)
	if !l.call.live() {
		l.call.over = at
		c.over = append(c.over, l.call)
		c.dueBy(now.Add(c.limits.Remember))
	}
	c.tell(l, endEvent(l.Direction, cause), cause, now)
}

// lateEnd takes the end of a leg that is over or was never seen. A call of which only the end was heard is a call all the
// same, and belongs in the list; an end that was inferred gets the details that came late.
func (c *core) lateEnd(old *leg, m pbx.Leg, now time.Time) {
	if old != nil {
		if old.Cause == csta.CauseNoDetails && m.Cause != csta.CauseUnknown && m.Cause != csta.CauseNoDetails {
			old.Cause = m.Cause
			c.tell(old, csta.CallInformationEvent, m.Cause, now)
		}
		return
	}
	at := c.stamp.Received
	if at.IsZero() {
		at = now
	}
	l := &leg{Leg: Leg{Key: m.Key, Incarnation: 1, Began: at, StateSince: at, LastNews: at, Linkage: linkage(m), Unsure: true}}
	c.attach(l, now)
	c.legs[m.Key] = l
	m.State = csta.StateUnknown
	c.merge(l, m, at)
	adopted := c.adopt(l)
	c.addAlive(l)
	c.end(l, m.Cause, now)
	c.becameCall(adopted, l, now)
}

// tell emits an update about a leg with its call as it is now.
func (c *core) tell(l *leg, e csta.Event, cause csta.Cause, now time.Time) {
	c.emit(Update{Event: e, Device: l.Key.Device, Leg: l.ID, Cause: cause, Call: c.published(l.call)}, now)
}

// published makes the immutable copy of a call.
func (c *core) published(cl *call) *Call {
	p := &Call{ID: cl.id, Tenant: c.tenant, System: c.system, Began: cl.began, Joined: slices.Clone(cl.joined), Legs: make([]Leg, len(cl.legs))}
	for i, l := range cl.legs {
		p.Legs[i] = l.Leg
	}
	return p
}

// settleSiblings looks after the other devices that rang for a call which one of them answered: some systems tell nothing
// more about those.
func (c *core) settleSiblings(l *leg, now time.Time) {
	if l.Direction == csta.Outgoing || l.State != csta.Connected {
		return
	}
	for _, s := range l.call.legs {
		if s != l && s.Live() && s.Key.Device != l.Key.Device && csta.Ringing(s.Direction, s.State) && !s.Began.After(l.StateSince) {
			c.suspect(s, now.Add(c.limits.Settle))
		}
	}
}

func mergeData(old, more map[string]string) map[string]string {
	if len(more) == 0 || len(old) >= maxVendorData {
		return old
	}
	merged := maps.Clone(old)
	if merged == nil {
		merged = make(map[string]string, len(more))
	}
	for _, k := range slices.Sorted(maps.Keys(more)) {
		if _, known := merged[k]; known || len(merged) < maxVendorData {
			merged[cut(k)] = cut(more[k])
		}
	}
	return merged
}

// sane bounds keys: they live in maps as long as the call does.
func sane(k pbx.LegKey) bool {
	return k.Call != "" && k.Device != "" && len(k.Call) <= maxText && len(k.Device) <= maxText && len(k.Appearance) <= maxText
}

func (cl *call) live() bool {
	return slices.ContainsFunc(cl.legs, func(l *leg) bool { return l.Live() })
}

func olderLeg(a, b *leg) int {
	return cmp.Or(a.Began.Compare(b.Began), cmp.Compare(a.Key.Device, b.Key.Device), cmp.Compare(a.Key.Call, b.Key.Call),
		cmp.Compare(a.Key.Appearance, b.Key.Appearance))
}
