package desk

import (
	"slices"
	"sort"

	"deskbell/app/csta"
	"deskbell/app/desk/view"
	"deskbell/app/wire"
)

const keyChoose = "choose"

// popStage is how far an offer to open a customer came.
type popStage string

const (
	popClaiming  popStage = "claiming"
	popOpening   popStage = "opening"
	popOpened    popStage = "opened"    // the report is on its way
	popFailed    popStage = "failed"    // could not be opened here
	popElsewhere popStage = "elsewhere" // another session claimed it and may be opening it
	popMissed    popStage = "missed"    // claimed, but nobody said that it opened
)

type pop struct {
	wire.Pop
	stage    popStage
	err      string
	reported bool
}

// popTold takes an offer or what became of it.
func (c *Core) popTold(w wire.Pop) {
	p := c.pops[w.ID]
	switch w.State {
	case "offered":
		if p == nil {
			c.pops[w.ID] = &pop{Pop: w, stage: popClaiming}
			c.request(wire.MethodPopClaim, wire.PopParams{ID: w.ID}, waiting{func(m Replied) { c.claimed(w, m) }})
		}
	case "claimed":
		if p == nil {
			c.pops[w.ID] = &pop{Pop: w, stage: popElsewhere}
			c.setTimer(timerPop+w.ID, popGrace)
		}
	default:
		c.popOver(w.ID)
	}
}

// popOver ends what is known of an offer, unless this tray still has to report on it.
func (c *Core) popOver(id string) {
	c.stopTimer(timerPop + id)
	if p := c.pops[id]; p != nil && p.stage != popOpening && (p.stage != popOpened || p.reported) {
		delete(c.pops, id)
	}
}

// claimed opens the page if this session got the claim. A page that this tray opened before for the same call and trigger
// (a server that lost its memory offers again) is only reported.
func (c *Core) claimed(w wire.Pop, m Replied) {
	p := c.pops[w.ID]
	result, ok := decode[wire.PopClaimResult](c, m)
	if p == nil || !ok || !result.Granted {
		delete(c.pops, w.ID)
		return
	}
	mem := c.remember(w.Call)
	if c.call(w.Call) == nil {
		mem.gone = c.now
	}
	if slices.Contains(mem.opened, w.Trigger) {
		c.report(p, "")
		return
	}
	mem.opened = append(mem.opened, w.Trigger)
	c.openPage(p, result.URL)
}

func (c *Core) openPage(p *pop, url string) {
	p.stage = popOpening
	c.do(OpenPage{ID: p.ID, URL: url, Schemes: c.settings.schemes()})
}

func (c *Core) pageOpened(m PageOpened) {
	c.machine(Machine{Code: "browser", Over: m.Err != "no_browser"})
	if p := c.pops[m.ID]; p != nil {
		c.report(p, m.Err)
	}
}

// report tells the server what became of a claimed page; again after the next snapshot if the reply was lost.
func (c *Core) report(p *pop, err string) {
	p.stage, p.err = popOpened, err
	if err != "" {
		p.stage = popFailed
	}
	id := p.ID
	c.request(wire.MethodPopReport, wire.PopReportParams{ID: id, Opened: err == "", Error: err}, waiting{func(m Replied) {
		p.reported = !m.Lost
		if p.reported && p.stage == popOpened {
			delete(c.pops, id)
		}
	}})
}

func (c *Core) snapshotPops(list []wire.Pop) {
	for _, p := range c.sortedPops() {
		listed := slices.ContainsFunc(list, func(w wire.Pop) bool { return w.ID == p.ID })
		switch p.stage {
		case popElsewhere, popMissed, popClaiming:
			if !listed {
				c.stopTimer(timerPop + p.ID)
				delete(c.pops, p.ID)
			}
		case popOpened, popFailed:
			if !p.reported {
				c.report(p, p.err)
			}
		case popOpening:
		}
	}
	for _, w := range list {
		c.popTold(w)
	}
}

func (c *Core) sortedPops() []*pop {
	list := make([]*pop, 0, len(c.pops))
	for _, p := range c.pops {
		list = append(list, p)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].ID < list[j].ID })
	return list
}

// openCustomer opens the customer at the user's wish; match chooses among several.
func (c *Core) openCustomer(id csta.CallID, match string, ticket uint64) {
	if k := c.call(id); k != nil && match == "" && ticket == 0 && len(viewMatches(c, k)) > 1 {
		c.choose = id
		return
	}
	c.choose = ""
	c.request(wire.MethodPopOpen, wire.PopOpenParams{Call: id, Match: match}, waiting{func(m Replied) {
		result, ok := decode[wire.PopOpenResult](c, m)
		if !ok {
			c.tell(ticket, c.words.Say("trouble_title.call"), c.failure(m))
			return
		}
		c.unopened(id)
		p := &pop{Pop: wire.Pop{ID: result.ID, Call: id, Trigger: "button"}}
		c.pops[result.ID] = p
		c.openPage(p, result.URL)
		c.tell(ticket, "", view.Answer{Text: c.words.Say("cli.done")})
	}})
}

// unopened forgets that pages of a call were not opened: the user opens one now.
func (c *Core) unopened(id csta.CallID) {
	for _, p := range c.sortedPops() {
		if p.Call == id && (p.stage == popMissed || p.stage == popFailed) {
			delete(c.pops, p.ID)
		}
	}
}

// missedPops are the pages that should have opened and did not.
func (c *Core) missedPops() []*pop {
	return slices.DeleteFunc(c.sortedPops(), func(p *pop) bool { return p.stage != popMissed && p.stage != popFailed })
}

func (c *Core) popNotices() []wanted {
	var list []wanted
	for _, p := range c.missedPops() {
		n := Notice{Key: "pop:" + p.ID, Title: c.words.Say("customer.not_opened_title", "name", c.popName(p)), Body: c.words.Say("customer.not_opened")}
		switch p.err {
		case "no_browser", "scheme":
			n.Body = c.words.Say("customer." + p.err)
		}
		n.Buttons = []Button{{verbOpen, c.words.Say("button.open_now")}}
		list = append(list, wanted{n, p.err})
	}
	return append(list, c.chooseNotices()...)
}

// popName names the customer of an offer, from the running call or the list.
func (c *Core) popName(p *pop) string {
	if k := c.call(p.Call); k != nil {
		return c.name(c.whoIs(k))
	}
	for _, e := range c.entries {
		if e.ID == p.Call {
			return c.name(c.entryWho(e))
		}
	}
	return c.words.Say("caller.unknown")
}

// chooseNotices ask which of several customers to open.
func (c *Core) chooseNotices() []wanted {
	k := c.call(c.choose)
	if k == nil {
		return nil
	}
	n := Notice{Key: keyChoose, Title: c.words.Say("customer.choose_title"), Body: c.words.Say("customer.choose"), Stay: true}
	for _, m := range viewMatches(c, k) {
		label := m.Name
		if m.Company != "" {
			label = c.words.Say("customer.match", "name", m.Name, "company", m.Company)
		}
		n.Buttons = append(n.Buttons, Button{"match:" + m.ID, label})
	}
	return []wanted{{n, string(c.choose)}}
}

// newEpoch voids what only the old numbering knew.
func (c *Core) newEpoch() {
	for _, p := range c.sortedPops() {
		if p.stage == popClaiming || p.stage == popElsewhere || p.stage == popMissed {
			c.stopTimer(timerPop + p.ID)
			delete(c.pops, p.ID)
		}
	}
	c.dropStale()
}
