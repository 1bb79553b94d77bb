package desk

import (
	"strconv"
	"strings"

	"deskbell/app/csta"
	"deskbell/app/desk/link"
	"deskbell/app/desk/view"
	"deskbell/app/wire"
)

// pressed does what a button of a notice says.
func (c *Core) pressed(m Pressed) {
	c.used()
	c.touched(m.Key, false)
	verb, arg, _ := strings.Cut(m.ID, ":")
	switch verb {
	case "yes":
		c.agreed()
	case "no":
		c.endQuestion()
	case "show":
		c.showMissed()
	case "callback":
		c.callBack(csta.CallID(arg))
	case "copy":
		c.do(Copy{Text: c.details(m.Key)})
	case "again":
		c.again()
	case "match":
		c.openCustomer(c.choose, arg, 0)
	default:
		c.pressedCall(m.Key, verb)
	}
}

// pressedCall does a verb of the call that a notice stands for.
func (c *Core) pressedCall(key, verb string) {
	if p := c.pops[strings.TrimPrefix(key, "pop:")]; p != nil && verb == verbOpen {
		c.openCustomer(p.Call, "", 0)
		return
	}
	for _, k := range c.calls {
		a := c.attemptOf(k)
		if m := c.memory[k.id]; m != nil && m.key == key || a != nil && "attempt:"+a.ID == key {
			c.touched(key, true)
			c.verbOf(k, verb, 0)
			return
		}
	}
}

func (c *Core) attemptOf(k *call) *attempt {
	for _, a := range c.attempts {
		if a.Call == k.id {
			return a
		}
	}
	return nil
}

// verbOf does a verb with a call.
func (c *Core) verbOf(k *call, verb string, ticket uint64) {
	switch verb {
	case verbOpen:
		c.openCustomer(k.id, "", ticket)
	case verbSilence:
		c.remember(k.id).silenced = true
	case verbAnswer:
		c.command(k, verb, csta.AnswerCall, wire.MethodAnswerCall, ticket)
	case verbClear:
		c.command(k, verb, csta.ClearConnection, wire.MethodClearConnection, ticket)
	}
}

// command asks the telephone system for a service. Only an event changes the call; until then the verb counts as asked
// for and is not asked again.
func (c *Core) command(k *call, verb string, service csta.Service, method string, ticket uint64) {
	l, own := k.own()
	title := c.words.Say("trouble_title.call")
	switch {
	case c.link != view.LinkUp:
		c.tell(ticket, title, c.no(view.CodeNoLink))
		return
	case !own:
		c.tell(ticket, title, c.no(wire.ReasonNotYours))
		return
	case !l.Permitted.Has(service):
		r := c.denied(l, service)
		c.tell(ticket, title, view.Answer{Code: r.Code, Text: c.words.Reason(r)})
		return
	case k.asked == verb: // a second press says nothing new
		if ticket != 0 {
			c.tell(ticket, title, c.no(wire.ReasonNotNow))
		}
		return
	}
	k.asked = verb
	params := wire.CallParams{Command: c.newID(), Call: k.id, System: l.System, Device: l.Device}
	c.request(method, params, waiting{func(m Replied) {
		if m.Lost || m.Error != nil {
			k.asked = ""
			c.tell(ticket, title, c.failure(m))
			return
		}
		c.tell(ticket, "", view.Answer{Text: c.words.Say("cli.done")})
	}})
}

// chosen does what an entry of the tray menu says.
func (c *Core) chosen(id string) {
	c.used()
	verb, arg, _ := strings.Cut(id, ":")
	switch verb {
	case "clipboard":
		c.do(ReadClipboard{})
	case "mute":
		c.mute(!c.settings.muted())
	case "missed":
		c.showMissed()
	case "callback":
		c.callBack(csta.CallID(arg))
	case "notopened":
		if p := c.pops[arg]; p != nil {
			c.openCustomer(p.Call, "", 0)
		}
	case "copy":
		c.do(Copy{Text: c.details(arg)})
	case "again":
		c.again()
	case "quit":
		c.do(Quit{})
	default:
		if k := c.call(csta.CallID(arg)); k != nil {
			c.verbOf(k, verb, 0)
		}
	}
}

// mute switches all tones off or on, unless an administrator decided.
func (c *Core) mute(on bool) {
	if c.settings.locked(SettingMute) {
		return
	}
	value := strconv.FormatBool(on)
	c.settings.user[SettingMute] = value
	c.do(SaveSetting{Name: SettingMute, Value: value})
}

// asked takes a wish of the command line or another program.
func (c *Core) asked(m Asked) {
	a, reply := m.Ask, func(a view.Answer) { c.do(Answer{Ticket: m.Ticket, Answer: a}) }
	byHand := a.Verb != view.AskLink && (a.Verb != view.AskDial || a.Origin == string(wire.OriginTyped))
	if byHand {
		c.used()
	}
	switch a.Verb {
	case view.AskDial:
		c.dialAsked(a, m.Ticket)
	case view.AskAnswer:
		c.callAsked(a.Call, verbAnswer, m.Ticket)
	case view.AskHangUp:
		c.callAsked(a.Call, verbClear, m.Ticket)
	case view.AskPop:
		c.callAsked(a.Call, verbOpen, m.Ticket)
	case view.AskMute:
		c.mute(a.On == nil && !c.settings.muted() || a.On != nil && *a.On)
		reply(view.Answer{Text: c.muteSaid()})
	case view.AskLink:
		c.openLink(a.Link, m.Ticket)
	case view.AskEnroll:
		c.enrolAsked(a, m.Ticket)
	case view.AskSignOut:
		c.signOut(m.Ticket)
	case view.AskShow:
		c.showMissed()
		reply(view.Answer{Text: c.sentence()})
	case view.AskQuit:
		reply(view.Answer{Text: c.words.Say("cli.done")})
		c.do(Quit{})
	default:
		reply(c.no(view.CodeUsage))
	}
}

func (c *Core) muteSaid() string {
	if c.settings.muted() {
		return c.words.Say("cli.muted")
	}
	return c.words.Say("cli.unmuted")
}

func (c *Core) dialAsked(a view.Ask, ticket uint64) {
	origin := wire.OriginProgram
	if a.Origin == string(wire.OriginTyped) {
		origin = wire.OriginTyped
	}
	c.makeCall(wish{
		params: wire.MakeCallParams{Number: a.Number, Origin: origin, Confirmed: a.Confirmed},
		name:   c.words.Clean(a.Number),
		ticket: ticket,
	})
}

func (c *Core) enrolAsked(a view.Ask, ticket uint64) {
	inv, err := link.ParseInvitation(a.Invitation)
	e := enrolment{invitation: inv, ticket: ticket, confirmed: a.Confirmed}
	if err != nil {
		code, ok := invitationError(err)
		if !ok {
			code = "unreadable"
		}
		c.endInvitation(e, code)
		return
	}
	c.invite(e)
}

// callAsked does a verb with the named call, or with the one that the verb most likely means.
func (c *Core) callAsked(id, verb string, ticket uint64) {
	k := c.call(csta.CallID(id))
	if id == "" {
		k = c.likely(verb)
	}
	switch {
	case k != nil:
		c.verbOf(k, verb, ticket)
	case id != "" && verb == verbOpen && c.link == view.LinkUp:
		c.openCustomer(csta.CallID(id), "", ticket)
	default:
		c.do(Answer{Ticket: ticket, Answer: c.no(view.CodeNoCall)})
	}
}

// likely is the call a verb means when none is named: to answer, the one that rings longest; else the conversation, then
// the own call on its way, then the one that rings.
func (c *Core) likely(verb string) *call {
	conditions := []func(*call) bool{(*call).talkingNow, (*call).onPhone, (*call).dialling, (*call).ringing}
	if verb == verbAnswer {
		conditions = []func(*call) bool{(*call).ringing}
	}
	for _, holds := range conditions {
		for _, k := range c.calls {
			if holds(k) {
				return k
			}
		}
	}
	return nil
}

func (k *call) talkingNow() bool {
	l, ok := k.own()
	return ok && csta.Talking(l.State, l.FarState)
}

func (k *call) dialling() bool {
	l, ok := k.own()
	return ok && l.Direction == csta.Outgoing
}
