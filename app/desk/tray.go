package desk

import (
	"reflect"
	"slices"
	"strconv"
	"time"

	"deskbell/app/csta"
	"deskbell/app/desk/view"
	"deskbell/app/wire"
)

// maxRecent is how many lines of the call list the menu has.
const maxRecent = 10

// settleTray gives the tray icon its state, if that changed.
func (c *Core) settleTray() {
	t := Tray{Icon: c.icon(), Missed: c.unseenCount(), Tooltip: c.sentence(), Menu: c.menu()}
	if c.tray == nil || !reflect.DeepEqual(*c.tray, t) {
		c.tray = &t
		c.do(SetTray{Tray: t})
	}
}

// ringingCall is the call that rings longest, if any rings that may still be believed.
func (c *Core) ringingCall() *call {
	for _, k := range c.calls {
		if k.ringing() && c.believed() {
			return k
		}
	}
	return nil
}

// icon is the first state that holds.
func (c *Core) icon() string {
	switch {
	case c.ringingCall() != nil:
		return "ringing"
	case c.talking() || len(c.attempts) > 0:
		return "incall"
	case c.link == view.LinkDown, c.link == view.LinkConnecting, c.link == view.LinkNone:
		return "disconnected"
	case len(c.viewTroubles()) > 0:
		return "trouble"
	case c.settings.muted():
		return "muted"
	}
	return "idle"
}

// sentence is the whole state in one sentence: the tooltip.
func (c *Core) sentence() string {
	s := c.mainSentence()
	if n := c.unseenCount(); n > 0 {
		return c.words.Say("join_status", "first", s, "second", c.words.Count("missed_count", n))
	}
	return s
}

func (c *Core) mainSentence() string {
	if k := c.ringingCall(); k != nil {
		return c.words.Say("status_ringing", "name", c.name(c.whoIs(k)))
	}
	for _, k := range c.calls {
		if k.onPhone() {
			return c.callLine(k)
		}
	}
	if len(c.attempts) > 0 {
		return c.words.Say("status_dialing", "name", c.attemptName(c.attempts[0].Attempt))
	}
	return c.quietSentence()
}

// quietSentence is the state when no call runs.
func (c *Core) quietSentence() string {
	switch c.link {
	case view.LinkNone:
		return c.words.Say("status_none")
	case view.LinkConnecting:
		if c.why == "" {
			return c.words.Say("status_connecting")
		}
		return c.words.Why(c.why)
	case view.LinkDown, view.LinkRefused:
		return c.words.Why(c.why)
	case view.LinkUp:
	}
	if list := c.viewTroubles(); len(list) > 0 {
		return list[0].Said
	}
	if c.settings.muted() {
		return c.words.Say("status_muted")
	}
	return c.words.Say("ready")
}

// callLine is a call in one line: its state and who it is.
func (c *Core) callLine(k *call) string {
	l := k.front()
	id := "state.plain"
	switch l.State {
	case csta.Connected:
		id = "state.connected"
		if l.Direction == csta.Outgoing && l.FarState != csta.Connected {
			id = "state.dialing"
		}
	case csta.Hold:
		id = "state.hold"
	case csta.Alerting, csta.Initiated:
		id = "state.dialing"
		if k.ringing() || !l.Own && l.Direction != csta.Outgoing {
			id = "state.alerting"
		}
	case csta.Queued:
		id = "state.queued"
	case csta.Fail:
		id = "state.fail"
	case csta.Null, csta.StateUnknown:
	}
	return c.words.Say(id, "name", c.name(c.whoIs(k)))
}

// menu is the whole tray menu.
func (c *Core) menu() []MenuItem {
	list := c.troubleItems()
	if c.link != view.LinkUp || len(c.viewTroubles()) == 0 {
		list = slices.Insert(list, 0, MenuItem{Label: c.head(), Disabled: true})
	}
	list = append(list, c.callItems()...)
	list = append(list, MenuItem{})
	for _, p := range c.missedPops() {
		list = append(list, MenuItem{ID: "notopened:" + p.ID, Label: c.words.Say("menu.not_opened", "name", c.popName(p))})
	}
	if n := c.unseenCount(); n > 0 {
		list = append(list, MenuItem{ID: "missed", Label: c.words.Say("menu.missed", "count", strconv.Itoa(n))})
	}
	list = append(list,
		MenuItem{ID: "clipboard", Label: c.words.Say("menu.dial_clipboard"), Disabled: c.link != view.LinkUp},
		MenuItem{Label: c.words.Say("menu.recent"), Items: c.recentItems()},
		c.muteItem(),
	)
	if c.link == view.LinkRefused || c.link == view.LinkDown {
		list = append(list, MenuItem{ID: "again", Label: c.words.Say("button.try_again")})
	}
	return append(list, MenuItem{}, MenuItem{ID: "quit", Label: c.words.Say("menu.quit")})
}

// head is the first line of the menu: the state, and as whom. While there is a connection and trouble, the trouble stands there.
func (c *Core) head() string {
	if c.link == view.LinkUp && c.account.Name != "" {
		return c.words.Say("status_ready_as", "name", c.account.Name)
	}
	return c.quietSentence()
}

// troubleItems are the troubles and gaps; those with details can be copied.
func (c *Core) troubleItems() []MenuItem {
	var list []MenuItem
	for _, t := range c.sortedTroubles() {
		said := c.words.Trouble(t.Code, c.source(t.Trouble))
		if t.Detail == "" {
			list = append(list, MenuItem{Label: said, Disabled: true})
			continue
		}
		list = append(list, MenuItem{Label: said, Items: []MenuItem{{ID: "copy:trouble:" + t.ID, Label: c.words.Say("button.copy_details")}}})
	}
	for _, m := range c.local {
		list = append(list, MenuItem{Label: c.words.Trouble(m.Code, m.Subject), Disabled: true})
	}
	for _, g := range c.gaps {
		list = append(list, MenuItem{Label: c.gapSaid(g), Disabled: true})
	}
	return list
}

// callItems are the running calls of one's own with their verbs; a verb that is off says why in its own line.
func (c *Core) callItems() []MenuItem {
	var list []MenuItem
	for _, k := range c.calls {
		verbs := c.verbs(k)
		if verbs == nil {
			continue
		}
		item := MenuItem{Label: c.callLine(k)}
		if doubt := c.doubtLine(k); doubt != "" {
			item.Items = append(item.Items, MenuItem{Label: doubt, Disabled: true})
		}
		for _, v := range verbs {
			entry := MenuItem{ID: v.ID + ":" + string(k.id), Label: v.Label}
			if v.Off != "" {
				entry = MenuItem{Label: c.words.Say("menu.verb_off", "verb", v.Label, "reason", v.Off), Disabled: true}
			}
			item.Items = append(item.Items, entry)
		}
		list = append(list, item)
	}
	return list
}

// recentItems are the newest lines of the call list; a click calls back, unless that call still runs.
func (c *Core) recentItems() []MenuItem {
	if len(c.entries) == 0 {
		return []MenuItem{{Label: c.words.Say("menu.recent_none"), Disabled: true}}
	}
	var list []MenuItem
	for _, e := range c.entries[:min(len(c.entries), maxRecent)] {
		id := "menu.incoming"
		if e.Direction == csta.Outgoing {
			id = "menu.outgoing"
		}
		label := c.words.Say(id, "name", c.name(c.entryWho(e)), "time", c.clock(e.At))
		label = c.words.Say("menu.with_result", "entry", label, "result", c.words.Result(e.Result))
		item := MenuItem{Label: label, Disabled: true}
		if dialable(e.Far) && e.Result != wire.ResultRunning {
			item = MenuItem{ID: "callback:" + string(e.ID), Label: label, Disabled: c.link != view.LinkUp}
		}
		list = append(list, item)
	}
	return list
}

func (c *Core) muteItem() MenuItem {
	item := MenuItem{ID: "mute", Label: c.words.Say("menu.mute"), Check: true, Checked: c.settings.muted()}
	if c.settings.locked(SettingMute) {
		by := c.settings.server.LockedBy
		if by == "" {
			by = c.words.Say("administrator")
		}
		item.Disabled, item.Label = true, c.words.Say("menu.mute_locked", "name", by)
	}
	return item
}

// state is what windows and the command line see.
func (c *Core) state() view.State {
	s := view.State{
		Link: c.link, Why: c.why, Server: c.words.Clean(c.account.ServerName), User: c.words.Clean(c.account.Name),
		Sentence: c.sentence(), Icon: c.icon(), Muted: c.settings.muted(), Missed: c.unseenCount(),
		Calls: []view.Call{}, Attempts: []view.Attempt{}, Entries: []view.Entry{}, Lines: c.viewLines(),
		Systems: []view.System{}, Gaps: c.viewGaps(), Troubles: c.viewTroubles(), Epoch: c.hello.Epoch,
	}
	for _, y := range c.systems {
		s.Systems = append(s.Systems, view.System{ID: string(y.ID), Name: c.words.Clean(y.Name), Up: y.Up})
	}
	for _, k := range c.calls {
		s.Calls = append(s.Calls, c.viewCall(k))
	}
	for _, a := range c.attempts {
		s.Attempts = append(s.Attempts, view.Attempt{ID: a.ID, State: a.State, To: c.attemptName(a.Attempt), Call: string(a.Call)})
	}
	for _, e := range c.entries {
		w := c.entryWho(e)
		s.Entries = append(s.Entries, view.Entry{
			Call: string(e.ID), Direction: string(e.Direction), Title: w.title, Number: e.Far.Number, Company: w.company, VIP: w.vip,
			At: e.At, TalkMS: e.TalkMS, Result: string(e.Result), Said: c.words.Result(e.Result), Seen: e.Seen, Opened: e.Pop,
		})
	}
	return s
}

func (c *Core) viewCall(k *call) view.Call {
	l, w := k.front(), c.whoIs(k)
	v := view.Call{
		ID: string(k.id), System: string(l.System), Device: string(l.Device), Own: l.Own, Direction: string(l.Direction),
		State: string(l.State), FarState: string(l.FarState), Title: w.title, Line: c.callLine(k), Number: l.Far.Number,
		Display: c.words.Clean(shownNumber(l.Far)), Company: w.company, Place: c.words.Clean(l.Far.Place),
		Ring: string(k.ring), VIP: w.vip, Sure: w.sure, Matches: viewMatches(c, k), Unsure: l.Unsure, Automatic: l.Automatic,
		Since: l.at.Add(-ms(l.AgeMS)), Verbs: c.verbs(k),
	}
	if l.Called != nil {
		v.Called = c.party(*l.Called).title
	}
	if k.facts != nil {
		v.Tickets = k.facts.OpenTickets
	}
	if m := c.memory[k.id]; m != nil {
		v.Silenced = m.silenced
	}
	if l.TalkMS > 0 {
		v.Talking = l.at.Add(-ms(l.TalkMS))
	}
	return v
}

// viewLines are the devices with their line states, one's own first, else in the server's order.
func (c *Core) viewLines() []view.Line {
	list := []view.Line{}
	for _, d := range c.devices {
		state := c.lines[deviceKey{d.System, d.ID}]
		list = append(list, view.Line{
			System: string(d.System), Device: string(d.ID), Number: d.Number, Name: c.words.Clean(d.Name), Own: d.Own,
			State: string(state.State), Presence: c.words.Clean(state.Presence),
		})
	}
	slices.SortStableFunc(list, func(a, b view.Line) int {
		switch {
		case a.Own == b.Own:
			return 0
		case a.Own:
			return -1
		}
		return 1
	})
	return list
}

func ms(n int64) time.Duration { return time.Duration(n) * time.Millisecond }
