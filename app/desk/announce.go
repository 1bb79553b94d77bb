package desk

import (
	"strings"

	"deskbell/app/csta"
	"deskbell/app/desk/view"
	"deskbell/app/wire"
)

// The verbs of a call, as ids of buttons and menu entries.
const (
	verbOpen    = "open"
	verbSilence = "silence"
	verbAnswer  = "answer"
	verbClear   = "clear" // hang up; while it rings: reject
)

// callNotices are the announcements of incoming calls, one for each.
func (c *Core) callNotices() []wanted {
	var list []wanted
	for _, k := range c.calls {
		if k.ringing() && c.believed() && c.settings.announces(ringKind(k)) {
			list = append(list, c.announcement(k))
		}
	}
	return list
}

func (c *Core) announcement(k *call) wanted {
	w := c.whoIs(k)
	m := c.remember(k.id)
	n := Notice{Key: m.key, Title: c.name(w), Urgency: Ringing, Stay: true}
	n.Body = lines(c.words.Say("call.ringing"), w.company, w.number, c.ticketLine(k), c.factsTrouble(k), c.calledLine(k), c.doubtLine(k), c.askedLine(k), c.answerLine(k))
	for _, v := range c.verbs(k) {
		if v.Off == "" {
			n.Buttons = append(n.Buttons, Button{ID: v.ID, Label: v.Label})
		}
	}
	weight := []string{n.Title, k.asked}
	if m.silenced {
		weight = append(weight, verbSilence)
	}
	return wanted{n, strings.Join(weight, "\x00")}
}

func (c *Core) ticketLine(k *call) string {
	switch {
	case k.facts == nil:
		return ""
	case k.facts.OpenTickets != nil && *k.facts.OpenTickets > 0:
		return c.words.Count("tickets", *k.facts.OpenTickets)
	case k.facts.OpenTickets == nil && k.facts.CountsPending:
		return c.words.Say("call.tickets_pending")
	}
	return ""
}

func (c *Core) factsTrouble(k *call) string {
	if k.facts == nil || k.facts.Trouble == "" || len(k.facts.Matches) > 0 {
		return ""
	}
	return c.words.Say("call.facts_trouble", "source", k.facts.Trouble)
}

// calledLine says what the caller dialled, and who called first where a call was passed on.
func (c *Core) calledLine(k *call) string {
	l := k.front()
	var called, original string
	switch {
	case l.Queue != "":
		called = c.words.Say("caller.called", "name", l.Queue)
	case l.Called != nil && (l.Called.Name != "" || shownNumber(*l.Called) != ""):
		called = c.words.Say("caller.called", "name", c.party(*l.Called).title)
	}
	if l.Original != nil {
		original = c.words.Say("caller.forwarded", "name", c.party(*l.Original).title)
	}
	return lines(called, original)
}

func (c *Core) doubtLine(k *call) string {
	l := k.front()
	switch {
	case l.Automatic:
		return c.words.Say("call.automatic")
	case c.doubt:
		return c.words.Say("call.away")
	case l.Unsure:
		return c.words.Say("call.unsure")
	}
	return ""
}

func (c *Core) askedLine(k *call) string {
	switch {
	case k.asked == verbAnswer:
		return c.words.Say("call.answering")
	case k.asked == verbClear && k.ringing():
		return c.words.Say("call.rejecting")
	case k.asked == verbClear:
		return c.words.Say("call.clearing")
	}
	return ""
}

// answerLine points at the phone where the telephone system cannot answer for it.
func (c *Core) answerLine(k *call) string {
	l, _ := k.own()
	if l.Permitted.Has(csta.AnswerCall) {
		return ""
	}
	return c.words.Say("call.answer_at_phone")
}

// verbs are what may be done with a call, in their fixed order; those that are off say why.
func (c *Core) verbs(k *call) []view.Verb {
	l, own := k.own()
	if !own {
		return nil
	}
	var list []view.Verb
	if l.CanPop {
		list = append(list, view.Verb{ID: verbOpen, Label: c.words.Say("button.open")})
	}
	if k.ringing() {
		if !c.remember(k.id).silenced && !c.settings.muted() {
			list = append(list, view.Verb{ID: verbSilence, Label: c.words.Say("button.silence")})
		}
		list = append(list, c.verb(l, verbAnswer, csta.AnswerCall, "button.answer"))
		return append(list, c.verb(l, verbClear, csta.ClearConnection, "button.reject"))
	}
	return append(list, c.verb(l, verbClear, csta.ClearConnection, "button.hang_up"))
}

func (c *Core) verb(l leg, id string, service csta.Service, label string) view.Verb {
	v := view.Verb{ID: id, Label: c.words.Say(label)}
	if l.Permitted.Has(service) {
		return v
	}
	v.Off = c.words.Reason(c.denied(l, service))
	return v
}

// denied is why a service is off for a call: what the server says, else the little that is certain.
func (c *Core) denied(l leg, service csta.Service) wire.Reason {
	if r, ok := l.Denied[service.String()]; ok && r.Code != "" {
		if r.Args["system"] == "" {
			r.Args = map[string]string{"system": c.systemName(string(l.System)), "service": service.String()}
		}
		return r
	}
	for _, d := range c.devices {
		if d.System == l.System && d.ID == l.Device && d.Services.Has(service) {
			return wire.Reason{Code: wire.ReasonNotNow}
		}
	}
	return wire.Reason{Code: wire.ReasonSystemCannot, Args: map[string]string{
		"system": c.systemName(string(l.System)), "service": service.String(),
	}}
}
