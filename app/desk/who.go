package desk

import (
	"strings"

	"deskbell/app/desk/view"
	"deskbell/app/wire"
)

// who is the other party as people should read it.
type who struct {
	title   string // name if there is one, else number; never empty
	company string
	number  string // line with number and place, empty where the title is the number already
	vip     bool
	sure    bool // an exact contact, or a colleague
	several int  // how many contacts could be meant, if more than one
}

// whoIs tells who is at the other end of a call.
func (c *Core) whoIs(k *call) who {
	far := k.front().Far
	w := c.party(far)
	w.vip = k.ring == wire.RingVIP
	if k.facts == nil || far.Kind == wire.PartyHidden || far.Kind == wire.PartyWithheld {
		return w
	}
	best, exact := pick(k.facts.Matches)
	switch {
	case len(best) == 0:
		return w
	case len(best) > 1:
		w.several = len(best)
		w.number = w.title
		w.title = c.words.Count("caller_possible", len(best))
		return w
	}
	m := best[0]
	named := who{title: c.words.Clean(m.Name), company: c.words.Clean(m.Company), number: c.numberLine(far), vip: w.vip || m.VIP, sure: exact}
	if named.title == "" {
		named.title, named.company = named.company, ""
	}
	if named.title == "" {
		return w
	}
	if !exact {
		named.title = c.words.Say("caller.perhaps", "name", m.Name)
	}
	return named
}

// pick gives the contacts that can be meant: the exact ones if there are any, else those whose number only ends alike.
func pick(matches []wire.Match) (best []wire.Match, exact bool) {
	for _, m := range matches {
		if m.Exact {
			best = append(best, m)
		}
	}
	if len(best) > 0 {
		return best, true
	}
	return matches, false
}

// party tells who a party is without any contact.
func (c *Core) party(p wire.Party) who {
	switch p.Kind {
	case wire.PartyHidden:
		return who{title: c.words.Say("caller.hidden")}
	case wire.PartyWithheld:
		return who{title: c.words.Say("caller.withheld")}
	case wire.PartyUnknown, wire.PartyExternal, wire.PartyInternal, wire.PartyService:
	}
	line := c.numberLine(p)
	if name := c.words.Clean(p.Name); name != "" {
		return who{title: name, number: line, sure: p.Kind == wire.PartyInternal}
	}
	if line == "" {
		line = c.words.Say("caller.unknown")
	}
	return who{title: line}
}

// numberLine is the number with its place, or as extension or service.
func (c *Core) numberLine(p wire.Party) string {
	number := shownNumber(p)
	switch {
	case number == "":
		return ""
	case p.Kind == wire.PartyInternal:
		return c.words.Say("caller.extension", "number", number)
	case p.Kind == wire.PartyService:
		return c.words.Say("caller.service", "number", number)
	case p.Place != "":
		return c.words.Say("caller.number_place", "number", number, "place", p.Place)
	}
	return c.words.Clean(number)
}

func shownNumber(p wire.Party) string {
	if p.Display != "" {
		return p.Display
	}
	return p.Number
}

// name is the title with a mark for important people.
func (c *Core) name(w who) string {
	if w.vip {
		return c.words.Say("caller.vip", "name", w.title)
	}
	return w.title
}

// entryWho is the other party of a line of the call list.
func (c *Core) entryWho(e wire.Entry) who {
	w := c.party(e.Far)
	if name := c.words.Clean(e.Name); name != "" && e.Far.Kind != wire.PartyHidden && e.Far.Kind != wire.PartyWithheld {
		w = who{title: name, company: c.words.Clean(e.Company), number: c.numberLine(e.Far), sure: true}
	}
	w.vip = e.VIP
	return w
}

// attemptName is whom an attempt is going to.
func (c *Core) attemptName(a wire.Attempt) string {
	if name := c.words.Clean(a.ToName); name != "" {
		return name
	}
	return c.party(a.To).title
}

func (c *Core) systemName(id string) string {
	for _, s := range c.systems {
		if string(s.ID) == id {
			return s.Name
		}
	}
	return ""
}

func viewMatches(c *Core, k *call) []view.Match {
	if k.facts == nil {
		return nil
	}
	best, _ := pick(k.facts.Matches)
	var list []view.Match
	for _, m := range best {
		list = append(list, view.Match{ID: m.ID, Name: c.words.Clean(m.Name), Company: c.words.Clean(m.Company), Exact: m.Exact})
	}
	return list
}

// lines joins what is not empty, one under the other.
func lines(list ...string) string {
	var keep []string
	for _, l := range list {
		if l != "" {
			keep = append(keep, l)
		}
	}
	return strings.Join(keep, "\n")
}
