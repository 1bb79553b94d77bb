package owner

import (
	"errors"
	"maps"
	"slices"
	"time"

	"deskbell/app/csta"
	"deskbell/app/pbx"
)

// watch replaces the devices whose legs are kept.
type watch struct{ devices map[csta.DeviceID]bool }

// logHealth tells the core that the log got into trouble, or out of it (nil).
type logHealth struct{ err error }

// lineState is a line as it was told; whether a call explains it, is said with each change.
type lineState struct {
	Line
	odd time.Time // since when no call explains it; zero: one does, or none need
}

func (c *core) watch(m watch, now time.Time) {
	old := c.watched
	c.watched = m.devices
	for _, l := range c.aliveOn("") {
		if !c.watched[l.Key.Device] {
			c.end(l, csta.CauseNoDetails, now)
		}
	}
	for d := range m.devices {
		if !old[d] && c.linkedTo(d) {
			c.doubts = append(c.doubts, d)
		}
	}
	slices.Sort(c.doubts)
}

// devicesTold takes a list of devices.
func (c *core) devicesTold(m pbx.Devices, now time.Time) {
	next := slices.Clone(m.List)
	if !m.Complete {
		told := make(map[csta.DeviceID]bool, len(m.List))
		for _, d := range m.List {
			told[d.ID] = true
		}
		for _, d := range c.devices {
			if !told[d.ID] {
				next = append(next, d)
			}
		}
	}
	for i := range next {
		next[i].Name, next[i].Number = cut(next[i].Name), cut(next[i].Number)
	}
	slices.SortFunc(next, func(a, b pbx.Device) int { return compare(a.ID, b.ID) })
	next = slices.CompactFunc(next, func(a, b pbx.Device) bool { return a.ID == b.ID })
	if slices.Equal(next, c.devices) {
		return
	}
	c.setDevices(next)
	if next == nil {
		next = []pbx.Device{}
	}
	c.emit(Update{Devices: next}, now)
}

func compare(a, b csta.DeviceID) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func (c *core) setDevices(list []pbx.Device) {
	c.devices = list
	clear(c.numbers)
	for _, d := range list {
		if d.Number != "" {
			c.numbers[d.Number] = d.ID
		}
	}
}

func (c *core) lineTold(m pbx.LineChanged, now time.Time) {
	if !c.watched[m.Device] {
		return
	}
	c.setLine(m.Device, m.Line, &m.Presence, now)
	if m.Line == csta.LineIdle || m.Line == csta.LineOffline {
		for _, l := range c.aliveOn(m.Device) {
			c.suspect(l, now.Add(c.limits.Settle))
		}
	}
}

// setLine notes a line's state; presence is nil where nothing was said of it.
func (c *core) setLine(device csta.DeviceID, state csta.LineState, presence *pbx.Presence, now time.Time) {
	old, known := c.lines[device]
	next := old
	next.Device = device
	if state != csta.LineUnknown || !known {
		next.State = state
	}
	if presence != nil {
		next.Presence = *presence
	}
	c.explain(&next, now)
	if known && next.Line == old.Line {
		c.lines[device] = next
		return
	}
	if next.State != old.State || !known {
		next.Since = c.stamp.Received
		if next.Since.IsZero() {
			next.Since = now
		}
	}
	c.lines[device] = next
	c.tellLine(next, now)
}

func (c *core) tellLine(l lineState, now time.Time) {
	told := l.Line
	c.emit(Update{Device: l.Device, Line: &told}, now)
}

func (c *core) unexplained(device csta.DeviceID, state csta.LineState) bool {
	return (state == csta.LineBusy || state == csta.LineRinging) && len(c.alive[device]) == 0
}

// explain sets whether the line is busy with a call nobody told of. Lines and calls come by feeds that are not ordered among
// each other, so at each begin and end of a call the two disagree for a moment; only what lasts is told.
func (c *core) explain(l *lineState, now time.Time) {
	if !c.unexplained(l.Device, l.State) {
		l.odd, l.UnknownParty = time.Time{}, false
		delete(c.odd, l.Device)
		return
	}
	if l.odd.IsZero() {
		l.odd = now
	}
	due := l.odd.Add(c.limits.Settle)
	if l.UnknownParty = !now.Before(due); l.UnknownParty {
		delete(c.odd, l.Device)
		return
	}
	c.odd[l.Device] = true
	c.dueBy(due)
}

// explainLine says anew whether a known call explains a device's line.
func (c *core) explainLine(d csta.DeviceID, now time.Time) {
	l, known := c.lines[d]
	if !known {
		return
	}
	told := l.Line
	c.explain(&l, now)
	c.lines[d] = l
	if l.Line != told {
		c.tellLine(l, now)
	}
}

// explainLines does so for the devices a message touched.
func (c *core) explainLines(now time.Time) {
	for _, d := range c.touched {
		c.explainLine(d, now)
	}
	c.touched = c.touched[:0]
}

// dueLines tells of the lines that no call has explained for long enough.
func (c *core) dueLines(now time.Time) {
	for _, d := range slices.Sorted(maps.Keys(c.odd)) {
		c.explainLine(d, now)
	}
}

func (c *core) featureTold(m pbx.FeatureChanged, now time.Time) {
	if !c.watched[m.Device] {
		return
	}
	feature := m
	tell := func(e csta.Event) { c.emit(Update{Event: e, Device: m.Device, Feature: &feature}, now) }
	old := c.features[m.Device]
	if feature.DoNotDisturb == nil {
		feature.DoNotDisturb = old.DoNotDisturb
	}
	if feature.ForwardTo == nil {
		feature.ForwardTo = old.ForwardTo
	}
	if feature.AgentState == "" {
		feature.AgentState = old.AgentState
	}
	c.features[m.Device] = feature
	if m.DoNotDisturb != nil && (old.DoNotDisturb == nil || *old.DoNotDisturb != *m.DoNotDisturb) {
		tell(csta.DoNotDisturbEvent)
	}
	if m.ForwardTo != nil && (old.ForwardTo == nil || *old.ForwardTo != *m.ForwardTo) {
		tell(csta.ForwardingEvent)
	}
	if m.AgentState != "" && m.AgentState != old.AgentState {
		tell(csta.AgentStateEvent)
	}
}

// troubleTold raises, replaces or clears the connector's trouble of a device or of the system.
func (c *core) troubleTold(t pbx.Trouble, now time.Time) {
	i := slices.IndexFunc(c.troubles, func(old pbx.Trouble) bool { return old.Device == t.Device && old.Code != TroubleLogFull })
	var old pbx.Trouble
	if i >= 0 {
		old = c.troubles[i]
	}
	t.Detail = cut(t.Detail)
	if t.Code == old.Code {
		if t.Code == "" || t.Detail == old.Detail && t.Retry.Equal(old.Retry) {
			return
		}
		t.Since = old.Since
	}
	if i >= 0 {
		c.troubles = slices.Delete(c.troubles, i, i+1)
		if t.Code != old.Code {
			c.emit(Update{Device: t.Device, Trouble: &pbx.Trouble{Device: t.Device, Since: old.Since}, Cleared: old.Code}, now)
		}
	}
	if t.Code != "" {
		c.raise(t, now)
	}
}

func (c *core) raise(t pbx.Trouble, now time.Time) {
	if t.Since.IsZero() {
		t.Since = now
	}
	c.troubles = append(c.troubles, t)
	c.emit(Update{Device: t.Device, Trouble: &t}, now)
}

func (c *core) logHealth(err error, now time.Time) {
	i := slices.IndexFunc(c.troubles, func(t pbx.Trouble) bool { return t.Code == TroubleLogFull })
	switch {
	case err != nil && i < 0:
		c.raise(pbx.Trouble{Code: TroubleLogFull, Detail: cut(err.Error())}, now)
	case err == nil && i >= 0:
		since := c.troubles[i].Since
		c.troubles = slices.Delete(c.troubles, i, i+1)
		c.emit(Update{Trouble: &pbx.Trouble{Since: since}, Cleared: TroubleLogFull}, now)
	}
}

// connectorEnded: nothing more will come of the system in this run.
func (c *core) connectorEnded(err error, now time.Time) {
	if !slices.ContainsFunc(c.troubles, func(t pbx.Trouble) bool { return t.Device == "" && t.Code != TroubleLogFull }) {
		code := pbx.TroubleConfig
		if errors.Is(err, pbx.ErrSignIn) {
			code = pbx.TroubleSignIn
		}
		c.raise(pbx.Trouble{Code: code, Detail: cut(err.Error())}, now)
	}
	c.linkDown(pbx.LinkDown{}, now)
}
