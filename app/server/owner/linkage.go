package owner

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"deskbell/app/csta"
	"deskbell/app/pbx"
)

// maxTokens bounds the linkage tokens of one leg.
const maxTokens = 16

// linkage are the connector's tokens, sorted and bounded; nil if it told none.
func linkage(m pbx.Leg) []string {
	var tokens []string
	for _, t := range m.Linkage {
		if t != "" && len(t) <= maxText && len(tokens) < maxTokens {
			tokens = append(tokens, t)
		}
	}
	slices.Sort(tokens)
	return slices.Compact(tokens)
}

// tokens are what links the leg to others: the connector's, or else the vendor's call.
func (l *leg) tokens() []string {
	if len(l.Linkage) > 0 {
		return l.Linkage
	}
	return []string{l.Key.Call}
}

// attach gives a new leg its call: that of the living legs it is linked to, the recently ended one it continues, or a new one.
func (c *core) attach(l *leg, now time.Time) {
	linked := c.linkedCalls(l.tokens())
	var target *call
	switch {
	case len(linked) > 0:
		target = linked[0]
		for _, other := range linked[1:] {
			c.join(target, other, now)
		}
	default:
		target = c.endedCall(l.tokens())
	}
	if target == nil {
		target = c.newCall(l.Began)
	}
	c.addLeg(target, l)
}

func (c *core) newCall(began time.Time) *call {
	cl := &call{id: csta.CallID(c.newID()), began: began, tokens: make(map[string]bool)}
	c.calls[cl.id] = cl
	return cl
}

// linkedCalls are the calls with a living leg that have one of the tokens, oldest first.
func (c *core) linkedCalls(tokens []string) []*call {
	var found []*call
	for _, t := range tokens {
		if cl := c.tokens[t]; cl != nil && cl.live() && !slices.Contains(found, cl) {
			found = append(found, cl)
		}
	}
	slices.SortFunc(found, olderCall)
	return found
}

// endedCall is the call that ended last among those that have one of the tokens.
func (c *core) endedCall(tokens []string) *call {
	var last *call
	for _, t := range tokens {
		if cl := c.tokens[t]; cl != nil && (last == nil || cl.over.After(last.over)) {
			last = cl
		}
	}
	return last
}

func olderCall(a, b *call) int { return cmp.Or(a.began.Compare(b.began), cmp.Compare(a.id, b.id)) }

// addLeg puts a leg into a call and names it.
func (c *core) addLeg(cl *call, l *leg) {
	l.call = cl
	if len(cl.legs) >= legsOfCall {
		if i := slices.IndexFunc(cl.legs, func(l *leg) bool { return !l.Live() }); i >= 0 {
			c.forgetLeg(cl.legs[i])
			cl.legs = slices.Delete(cl.legs, i, i+1)
		}
	}
	l.ID = cl.connectionID(l)
	cl.legs = append(cl.legs, l)
	c.own(cl, l.tokens())
}

// connectionID names a leg within its call. Two living legs of one device never share a name, even where the vendor tells
// them apart by its call ids alone.
func (cl *call) connectionID(l *leg) csta.ConnectionID {
	id := csta.ConnectionID{CallID: cl.id, DeviceID: l.Key.Device, Appearance: l.Key.Appearance}
	taken := func(other *leg) bool { return other != l && other.Live() && other.ID == id }
	for n := 2; slices.ContainsFunc(cl.legs, taken); n++ {
		id.Appearance = l.Key.Appearance + "#" + strconv.Itoa(n)
	}
	return id
}

func (c *core) own(cl *call, tokens []string) {
	for _, t := range tokens {
		c.tokens[t] = cl
		cl.tokens[t] = true
	}
}

// join makes other part of target: it turned out to be the same call.
func (c *core) join(target, other *call, now time.Time) {
	for _, l := range other.legs {
		l.call = target
		l.ID = target.connectionID(l)
		target.legs = append(target.legs, l)
	}
	for t := range other.tokens {
		if c.tokens[t] == other {
			c.own(target, []string{t})
		}
	}
	target.joined = append(append(target.joined, other.id), other.joined...)
	if other.began.Before(target.began) {
		target.began = other.began
	}
	delete(c.calls, other.id)
	first := other.legs[0]
	c.emit(Update{Event: csta.CallLinkageEvent, Device: first.Key.Device, Leg: first.ID, Call: c.published(target), Joined: other.id}, now)
	c.renameAttempts(other.legs, other.id, now)
}

// relink takes a living leg's new tokens: its call may fall apart, and may be joined with others.
func (c *core) relink(l *leg, m pbx.Leg, now time.Time) {
	tokens := linkage(m)
	if len(tokens) == 0 || slices.Equal(tokens, l.Linkage) {
		return
	}
	linked := c.linkedCalls(tokens) // asked before a split takes the tokens over
	l.Linkage = tokens
	from := l.call // l may be in a part that leaves it
	for _, part := range from.components() {
		c.split(from, part, now)
	}
	c.own(l.call, tokens)
	linked = slices.DeleteFunc(linked, func(cl *call) bool { return cl == from && cl != l.call })
	if !slices.Contains(linked, l.call) {
		linked = append(linked, l.call)
		slices.SortFunc(linked, olderCall)
	}
	for _, other := range linked[1:] {
		c.join(linked[0], other, now)
	}
}

// components are the groups of living legs that are no longer linked with the group of the oldest leg.
func (cl *call) components() [][]*leg {
	var rest []*leg
	for _, l := range cl.legs {
		if l.Live() {
			rest = append(rest, l)
		}
	}
	slices.SortFunc(rest, olderLeg)
	var parts [][]*leg
	for len(rest) > 0 {
		var part []*leg
		part, rest = reach(rest)
		parts = append(parts, part)
	}
	if len(parts) == 0 {
		return nil
	}
	return parts[1:]
}

// reach splits legs into those linked with the first one, directly or through others, and the rest.
func reach(legs []*leg) (part, rest []*leg) {
	known := make(map[string]bool)
	part, rest = legs[:1:1], legs[1:]
	for _, t := range legs[0].tokens() {
		known[t] = true
	}
	for grown := true; grown; {
		grown = false
		var left []*leg
		for _, l := range rest {
			if !slices.ContainsFunc(l.tokens(), func(t string) bool { return known[t] }) {
				left = append(left, l)
				continue
			}
			part, grown = append(part, l), true
			for _, t := range l.tokens() {
				known[t] = true
			}
		}
		rest = left
	}
	return part, rest
}

// split makes some legs of a call a call of their own.
func (c *core) split(from *call, part []*leg, now time.Time) {
	cl := c.newCall(part[0].Began)
	from.legs = slices.DeleteFunc(from.legs, func(l *leg) bool { return slices.Contains(part, l) })
	for _, l := range part {
		c.addLeg(cl, l)
	}
	for t := range cl.tokens {
		delete(from.tokens, t)
	}
	first := part[0]
	c.emit(Update{Event: csta.CallLinkageEvent, Device: first.Key.Device, Leg: first.ID, Call: c.published(cl), SplitFrom: from.id}, now)
	if len(from.legs) > 0 {
		old := from.legs[0]
		c.emit(Update{Event: csta.CallLinkageEvent, Device: old.Key.Device, Leg: old.ID, Call: c.published(from)}, now)
	}
	c.renameAttempts(part, from.id, now)
}

// forgetOver drops calls that ended long enough ago for late news not to come any more.
func (c *core) forgetOver(now time.Time) {
	for len(c.over) > 0 {
		cl := c.over[0]
		if !cl.live() && c.calls[cl.id] == cl {
			if until := cl.over.Add(c.limits.Remember); now.Before(until) {
				c.dueBy(until)
				return
			}
			c.forgetCall(cl)
		}
		c.over = c.over[1:]
	}
}

func (c *core) forgetCall(cl *call) {
	delete(c.calls, cl.id)
	for _, l := range cl.legs {
		c.forgetLeg(l)
	}
	for t := range cl.tokens {
		if c.tokens[t] == cl {
			delete(c.tokens, t)
		}
	}
}

func (c *core) forgetLeg(l *leg) {
	if c.legs[l.Key] == l {
		delete(c.legs, l.Key)
	}
}
