package desk

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"deskbell/app/desk/view"
	"deskbell/app/wire"
)

const (
	keyMissed = "missed"
	keyGap    = "gap"
	// maxEntries is how many lines of the call list are kept here; older ones are asked of the server.
	maxEntries = 50
	// maxNames is how many missed callers a notice names, maxList how many it lists on demand.
	maxNames = 3
	maxList  = 8
)

// missedNotice is what the one notice for missed calls does now.
type missedNotice struct {
	up     bool // there is something to tell
	told   int  // grows with each call told, so that a notice the user dismissed comes back for it
	listed []wire.Entry
}

func (c *Core) entryTold(e wire.Entry) {
	i := slices.IndexFunc(c.entries, func(have wire.Entry) bool {
		return have.ID == e.ID && have.System == e.System && have.Device == e.Device
	})
	was := i >= 0 && unseen(c.entries[i])
	if i >= 0 && c.entries[i].At.Equal(e.At) {
		c.entries[i] = e
	} else {
		c.insert(e, i)
	}
	if len(c.entries) > maxEntries {
		if unseen(c.entries[maxEntries]) {
			c.unlisted++
		}
		c.entries = c.entries[:maxEntries]
	}
	if unseen(e) && !was {
		c.tellMissed()
	}
	c.endMissed()
}

// insert puts an entry where its time belongs, and takes away what stood at old, if that is not negative.
func (c *Core) insert(e wire.Entry, old int) {
	if old >= 0 {
		c.entries = slices.Delete(c.entries, old, old+1)
	}
	at := slices.IndexFunc(c.entries, func(have wire.Entry) bool { return !have.At.After(e.At) })
	if at < 0 {
		at = len(c.entries)
	}
	c.entries = slices.Insert(c.entries, at, e)
}

func unseen(e wire.Entry) bool { return e.Result == wire.ResultMissed && !e.Seen }

// snapshotEntries replaces the call list. Missed calls of a time when this tray was away are told, once.
func (c *Core) snapshotEntries(list []wire.Entry, total int) {
	c.entries = slices.Clone(list)
	if len(c.entries) > maxEntries {
		c.entries = c.entries[:maxEntries]
	}
	c.unlisted = max(0, total-len(c.unseenEntries()))
	if slices.ContainsFunc(c.unseenEntries(), func(e wire.Entry) bool { return !slices.Contains(c.seen.Missed, e.ID) }) {
		c.tellMissed()
	}
	c.endMissed()
}

func (c *Core) unseenEntries() []wire.Entry {
	var list []wire.Entry
	for _, e := range c.entries {
		if unseen(e) {
			list = append(list, e)
		}
	}
	return list
}

func (c *Core) unseenCount() int { return len(c.unseenEntries()) + c.unlisted }

// tellMissed raises the notice, and remembers that these calls were told.
func (c *Core) tellMissed() {
	c.missed = missedNotice{up: c.settings.get(SettingMissed) == "true", told: c.missed.told + 1}
	c.seen.Missed = nil
	for _, e := range c.unseenEntries() {
		c.seen.Missed = append(c.seen.Missed, e.ID)
	}
	c.do(SaveSeen{Seen: c.seen})
}

// endMissed takes the notice away when all was seen elsewhere.
func (c *Core) endMissed() {
	if c.unseenCount() == 0 && c.missed.listed == nil {
		c.missed = missedNotice{told: c.missed.told}
	}
}

// showMissed lists the missed calls and counts them as seen.
func (c *Core) showMissed() {
	list := c.unseenEntries()
	if len(list) > 0 {
		c.missed = missedNotice{up: true, told: c.missed.told, listed: list}
		c.markSeen()
	}
}

func (c *Core) markSeen() {
	list := c.unseenEntries()
	if len(list) == 0 {
		return
	}
	for i := range c.entries {
		c.entries[i].Seen = true
	}
	c.unlisted = 0
	c.request(wire.MethodSeen, wire.SeenParams{Until: list[0].At}, waiting{})
}

func (c *Core) missedNotices() []wanted {
	if !c.missed.up {
		return nil
	}
	if c.missed.listed != nil {
		return []wanted{c.missedList(c.missed.listed)}
	}
	list, total := c.unseenEntries(), c.unseenCount()
	if len(list) == 0 {
		return nil
	}
	n := Notice{Key: keyMissed, Urgency: Quiet}
	newest := c.entryWho(list[0])
	if total == 1 {
		n.Title = c.words.Say("missed.one_title", "name", c.name(newest))
		n.Body = lines(newest.company, newest.number, c.clock(list[0].At))
	} else {
		n.Title = c.words.Count("missed_count", total)
		n.Body = c.missedNames(list, total)
	}
	n.Buttons = c.missedButtons(list)
	return []wanted{{n, strconv.Itoa(c.missed.told)}}
}

// missedNames names the newest callers and counts the rest.
func (c *Core) missedNames(list []wire.Entry, total int) string {
	var names []string
	for _, e := range list[:min(len(list), maxNames)] {
		names = append(names, c.name(c.entryWho(e)))
	}
	body := strings.Join(names, ", ")
	if more := total - len(names); more > 0 {
		body += " " + c.words.Count("missed_more", more)
	}
	return body
}

// missedButtons offers to call back the newest caller who has a number.
func (c *Core) missedButtons(list []wire.Entry) []Button {
	show := Button{"show", c.words.Say("button.show")}
	for _, e := range list {
		if !dialable(e.Far) {
			continue
		}
		label := c.words.Say("button.call_back")
		if len(list) > 1 {
			label = c.words.Say("button.call_back_name", "name", c.entryWho(e).title)
		}
		return []Button{{"callback:" + string(e.ID), label}, show}
	}
	return []Button{show}
}

func dialable(p wire.Party) bool {
	switch p.Kind {
	case wire.PartyWithheld, wire.PartyHidden, wire.PartyUnknown:
		return false
	case wire.PartyExternal, wire.PartyInternal, wire.PartyService:
	}
	return p.Number != ""
}

// missedList is the notice after Show, until a window can take its place.
func (c *Core) missedList(list []wire.Entry) wanted {
	var body []string
	for _, e := range list[:min(len(list), maxList)] {
		body = append(body, c.words.Say("missed.line", "time", c.clock(e.At), "name", c.name(c.entryWho(e))))
	}
	if more := len(list) - len(body); more > 0 {
		body = append(body, c.words.Count("missed_more", more))
	}
	n := Notice{Key: keyMissed, Title: c.words.Count("missed_count", len(list)), Body: lines(body...)}
	n.Buttons = slices.DeleteFunc(c.missedButtons(list), func(b Button) bool { return b.ID == "show" })
	return wanted{n, "listed"}
}

// clock is a time of day, with the day if it is another one than today.
func (c *Core) clock(t time.Time) string {
	t = t.In(c.zone)
	if t.Format(time.DateOnly) == c.now.In(c.zone).Format(time.DateOnly) {
		return t.Format("15:04")
	}
	return t.Format(c.words.Say("clock_day"))
}

// gapCame takes a time for which calls may be missing. It is told once it is over and its bounds are known.
func (c *Core) gapCame(g wire.Gap) {
	i := slices.IndexFunc(c.gaps, func(have wire.Gap) bool { return have.ID == g.ID })
	if i < 0 {
		c.gaps = append(c.gaps, g)
	} else {
		c.gaps[i] = g
	}
	c.tellGaps()
}

func (c *Core) snapshotGaps(list []wire.Gap) {
	c.gaps = slices.Clone(list)
	c.tellGaps()
}

// tellGaps shows the newest gap that is over and was not told before.
func (c *Core) tellGaps() {
	var over []string
	fresh := false
	for _, g := range c.gaps {
		if g.To == nil {
			continue
		}
		over = append(over, g.ID)
		if !slices.Contains(c.seen.Gaps, g.ID) {
			fresh = true
			if c.gap == nil || g.To.After(*c.gap.To) {
				c.gap = &g
			}
		}
	}
	if fresh {
		c.seen.Gaps = over
		c.do(SaveSeen{Seen: c.seen})
	}
}

func (c *Core) gapNotices() []wanted {
	if c.gap == nil {
		return nil
	}
	n := Notice{Key: keyGap, Title: c.words.Say("gap.title"), Body: c.gapSaid(*c.gap), Urgency: Quiet}
	return []wanted{{n, c.gap.ID}}
}

func (c *Core) gapSaid(g wire.Gap) string {
	from := c.clock(g.From)
	switch {
	case g.To == nil:
		return c.words.Say("gap.lasting", "from", from)
	case c.clock(*g.To) == from:
		return c.words.Say("gap.moment", "from", from)
	}
	return c.words.Say("gap.span", "from", from, "to", c.clock(*g.To))
}

func (c *Core) viewGaps() []view.Gap {
	list := []view.Gap{}
	for _, g := range c.gaps {
		v := view.Gap{From: g.From, Said: c.gapSaid(g)}
		if g.To != nil {
			v.To = *g.To
		}
		list = append(list, v)
	}
	return list
}
