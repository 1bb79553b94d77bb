package owner

import (
	"time"

	"deskbell/app/csta"
	"deskbell/app/pbx"
)

// begin looks at what the log had: nobody knows what happened since, until the link is up.
func (c *core) begin(now time.Time) {
	if _, open := c.gaps[""]; !open && !c.heard.IsZero() {
		c.openGap("", c.heard, now)
	} else if open {
		g := *c.gaps[""]
		c.emit(Update{Event: csta.OutOfServiceEvent, Gap: &g}, now)
	}
	c.doubtLegs("", now)
	c.doubtAttempts(now)
}

func gapKey(devices []csta.DeviceID) string {
	if len(devices) == 0 {
		return ""
	}
	return string(devices[0])
}

// openGap notes that news of a device (of all, if it is empty) may be missing from a moment on.
func (c *core) openGap(device csta.DeviceID, from, now time.Time) {
	g := Gap{ID: c.newID(), System: c.system, From: from}
	if device != "" {
		g.Devices = []csta.DeviceID{device}
	}
	c.gaps[string(device)] = &g
	told := g
	c.emit(Update{Event: csta.OutOfServiceEvent, Device: device, Gap: &told}, now)
}

// doubtLegs marks living legs as unsure.
func (c *core) doubtLegs(device csta.DeviceID, now time.Time) {
	for _, l := range c.aliveOn(device) {
		if !l.Unsure {
			l.Unsure = true
			c.tell(l, csta.CallInformationEvent, csta.CauseUnknown, now)
		}
	}
}

// linkedTo reports whether news of a device flows.
func (c *core) linkedTo(device csta.DeviceID) bool {
	up, said := c.links[device]
	if said {
		return up
	}
	return c.linked
}

// anyLink reports whether any news flows.
func (c *core) anyLink() bool {
	if c.linked {
		return true
	}
	for _, up := range c.links {
		if up {
			return true
		}
	}
	return false
}

func (c *core) linkDown(m pbx.LinkDown, now time.Time) {
	from := m.HeardUntil
	if from.IsZero() || from.After(now) {
		from = c.heard
	}
	if len(m.Devices) == 0 {
		c.downOf("", from, now)
		c.linked = false
		clear(c.links)
		return
	}
	for _, d := range m.Devices {
		if c.watched[d] {
			c.downOf(d, from, now)
			c.links[d] = false
		}
	}
}

func (c *core) downOf(device csta.DeviceID, heard, now time.Time) {
	if device != "" && !c.linkedTo(device) && c.gaps[""] != nil {
		return // a gap of the whole system covers it
	}
	switch {
	case c.gaps[string(device)] != nil: // it lasts
	case heard.IsZero(): // never heard of anything: nothing is missing
		c.emit(Update{Event: csta.OutOfServiceEvent, Device: device}, now)
	default:
		c.openGap(device, heard, now)
	}
	c.doubtLegs(device, now)
}

func (c *core) linkUp(m pbx.LinkUp, now time.Time) {
	at := m.At
	if at.IsZero() || at.After(now) {
		at = now
	}
	if len(m.Devices) == 0 {
		c.linked = true
		clear(c.links)
		c.upOf("", m.HeardUntil, at, now)
		for key := range c.gaps {
			c.closeGap(csta.DeviceID(key), at, now)
		}
		c.hear(at)
		return
	}
	for _, d := range m.Devices {
		if c.watched[d] {
			c.links[d] = true
			c.upOf(d, m.HeardUntil, at, now)
		}
	}
	c.closeSystemGap(at, now)
	c.hear(at)
}

// upOf ends the gap of a device or of the system, and has what is doubtful looked at soon.
func (c *core) upOf(device csta.DeviceID, heard, at, now time.Time) {
	switch system := c.gaps[""]; {
	case c.gaps[string(device)] != nil:
		c.closeGap(device, at, now)
	case device != "" && system != nil && !c.linked: // its part of the system's gap ends
		g := Gap{ID: c.newID(), System: c.system, Devices: []csta.DeviceID{device}, From: system.From, To: at}
		c.emit(Update{Event: csta.BackInServiceEvent, Device: device, Gap: &g}, now)
	case !heard.IsZero() && heard.Before(at): // a break nobody told of
		g := Gap{ID: c.newID(), System: c.system, From: heard, To: at}
		if device != "" {
			g.Devices = []csta.DeviceID{device}
		}
		c.emit(Update{Event: csta.BackInServiceEvent, Device: device, Gap: &g}, now)
		c.doubtLegs(device, now)
	default:
		c.emit(Update{Event: csta.BackInServiceEvent, Device: device}, now)
	}
	for _, l := range c.aliveOn(device) {
		if l.Unsure {
			c.suspect(l, now.Add(c.limits.Settle))
		}
	}
}

func (c *core) closeGap(device csta.DeviceID, at, now time.Time) {
	g := c.gaps[string(device)]
	if g == nil {
		return
	}
	delete(c.gaps, string(device))
	g.To = at
	if at.Before(g.From) {
		g.To = g.From
	}
	c.emit(Update{Event: csta.BackInServiceEvent, Device: device, Gap: g}, now)
}

// closeSystemGap ends the gap of the whole system once each watched device has its own link, where each has one.
func (c *core) closeSystemGap(at, now time.Time) {
	g := c.gaps[""]
	if g == nil || c.linked {
		return
	}
	for d := range c.watched {
		if !c.links[d] {
			return
		}
	}
	delete(c.gaps, "")
	g.To = at
	c.emit(Update{Event: csta.CallInformationEvent, Gap: g}, now)
}

// monitorLost: the system tells nothing of this device until the connector is back.
func (c *core) monitorLost(m pbx.MonitorLost, now time.Time) {
	if !c.watched[m.Device] {
		return
	}
	c.emit(Update{Event: csta.MonitorStopEvent, Device: m.Device}, now)
	c.linkDown(pbx.LinkDown{Devices: []csta.DeviceID{m.Device}, HeardUntil: c.heard}, now)
}
