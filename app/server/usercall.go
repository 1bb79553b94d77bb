package server

import (
	"context"
	"slices"
	"time"

	"deskbell/app/contact"
	"deskbell/app/csta"
	"deskbell/app/journal"
	"deskbell/app/number"
	"deskbell/app/server/owner"
	"deskbell/app/server/page"
	"deskbell/app/wire"
)

// userCall is a call at one or more of a user's own devices, with what is known of the other party. Guarded by user.mu.
type userCall struct {
	sys    *system
	id     csta.CallID
	legs   []*owner.Leg // own, the last incarnation of each
	looked string       // key of the number that is or was looked up
	cancel context.CancelFunc
	answer contact.Answer
	ended  time.Time
	// entries are its lines in the call list, as everybody has them.
	entries map[csta.DeviceID]Entry
}

// keepEnded is how long an ended call is kept, for a customer opened late. Later ones are in the call list.
const keepEnded = time.Minute

// forgetEvery is how many calls may come before those that ended long ago are looked for.
const forgetEvery = 16

// track takes the newest state of a call, and looks up its caller if that is new.
func (u *user) track(sys *system, call *owner.Call) *userCall {
	c := u.calls[call.ID]
	if c == nil {
		if u.tracked++; u.tracked%forgetEvery == 0 {
			u.forget(time.Now())
		}
		c = &userCall{sys: sys, id: call.ID, entries: map[csta.DeviceID]Entry{}}
		u.calls[call.ID] = c
	}
	c.legs = newest(call, func(l *owner.Leg) bool {
		r, ok := u.rightTo(deviceKey{sys.id, l.ID.DeviceID})
		return ok && r == rightOwn
	})
	if live := slices.ContainsFunc(c.legs, func(l *owner.Leg) bool { return l.Live() }); live {
		c.ended = time.Time{}
		u.lookUp(c)
	} else if c.ended.IsZero() {
		c.ended = time.Now()
	}
	return c
}

// forget drops calls that ended long ago.
func (u *user) forget(now time.Time) {
	for id, c := range u.calls {
		if !c.ended.IsZero() && now.Sub(c.ended) > keepEnded {
			c.stop()
			delete(u.calls, id)
		}
	}
}

func (c *userCall) stop() {
	if c.cancel != nil {
		c.cancel()
	}
}

// far is the other party: the first leg that knows one.
func (c *userCall) far() number.Party {
	for _, l := range c.legs {
		if l.Far.Known() {
			return l.Far.Number
		}
	}
	return number.Party{}
}

func (c *userCall) vip() bool {
	return slices.ContainsFunc(c.answer.Matches, func(m contact.Match) bool { return m.Exact && m.VIP })
}

// lookUp asks who the other party is, once for each number a call gets.
func (u *user) lookUp(c *userCall) {
	far := c.far()
	if !far.Lookup() || far.Key() == c.looked {
		return
	}
	c.stop()
	c.looked, c.answer = far.Key(), contact.Answer{}
	ctx, cancel := context.WithCancel(u.srv.base)
	c.cancel = cancel
	query := contact.Query{Tenant: u.srv.p.Tenant, User: u.id, Number: far.E164}
	u.srv.work.Go(func() {
		defer cancel()
		u.srv.p.Contacts.Find(ctx, query, func(a contact.Answer) { u.answered(c, query, a) })
	})
}

// answered takes a stage of what is known of a caller.
func (u *user) answered(c *userCall, q contact.Query, a contact.Answer) {
	u.mu.Lock()
	if c.looked != string(q.Number) || u.calls[c.id] != c {
		u.mu.Unlock()
		return
	}
	before, _, _, _ := sureName(c.answer.Matches)
	name, company, vip, ok := sureName(a.Matches)
	newName := ok && name != before
	c.answer = a
	note := wire.Contact{ID: c.id, Facts: *c.facts()}
	if len(c.legs) > 0 && c.legs[0].Direction == csta.Incoming {
		note.Ring = ringOf(c.legs[0], c.vip())
	}
	note.CanPop = slices.ContainsFunc(c.legs, func(l *owner.Leg) bool { return u.canPop(c, l) })
	u.tell(wire.NoteContact, "", note)
	for _, l := range c.legs {
		u.considerPop(c, l)
	}
	u.sendPops(u.pops.SetReady(time.Now(), c.id, u.readiness(c)))
	if !newName {
		u.mu.Unlock()
		return
	}
	u.retellEntries(c)
	u.mu.Unlock()
	u.srv.inJournal(journal.Note{User: u.id, Call: c.id, Contact: &journal.Contact{Name: name, Company: company, VIP: vip}})
}

// sureName gives the one contact that the number certainly belongs to.
func sureName(matches []contact.Match) (name, company string, vip, ok bool) {
	if len(matches) == 1 && matches[0].Exact {
		return text(matches[0].Name), text(matches[0].Company), matches[0].VIP, true
	}
	return "", "", false, false
}

// facts are what the user is told of the other party; nil if there is nothing to look up.
func (c *userCall) facts() *wire.Facts {
	if c == nil || c.looked == "" {
		return nil
	}
	f := &wire.Facts{Stage: wire.StageNumber, Done: c.answer.Final}
	for _, m := range c.answer.Matches {
		f.Matches = append(f.Matches, matchOf(m))
		if m.Exact && m.Counts.Known {
			n := m.Counts.OpenTickets
			if f.OpenTickets != nil {
				n += *f.OpenTickets
			}
			f.OpenTickets = &n
		}
	}
	switch {
	case f.OpenTickets != nil:
		f.Stage = wire.StageCounts
	case len(f.Matches) > 0:
		f.Stage, f.CountsPending = wire.StageName, !f.Done
	}
	if len(c.answer.Paused) > 0 {
		f.Trouble = c.answer.Paused[0]
	}
	return f
}

func matchOf(m contact.Match) wire.Match {
	return wire.Match{ID: matchID(m), Name: text(m.Name), Company: text(m.Company), VIP: m.VIP, Exact: m.Exact, Source: m.Source}
}

// matchID names a match towards the tray: its source's id alone could be another's too.
func matchID(m contact.Match) string { return m.Source + "/" + m.ID }

// page builds the customer's page of a call. match chooses among several; empty takes the only sure one.
func (u *user) page(c *userCall, leg *owner.Leg, match string) (string, error) {
	m, several := choose(c.answer.Matches, match)
	return u.srv.p.Page.Build(u.pageCall(c, leg), m, several)
}

// hasPage says why there is no page to build, or nil.
func (u *user) hasPage(c *userCall, leg *owner.Leg) error {
	m, several := choose(c.answer.Matches, "")
	return u.srv.p.Page.Can(u.pageCall(c, leg), m, several)
}

// pageCall is what a page may say of a call.
func (u *user) pageCall(c *userCall, leg *owner.Leg) page.Call {
	far := leg.Far.Number
	if far == (number.Party{}) {
		far = c.far()
	}
	return page.Call{
		ID: c.id, System: c.sys.id, Device: leg.ID.DeviceID, Direction: leg.Direction, Queue: leg.Queue,
		Called: partyText(leg.Called.Number), Far: far, National: u.srv.national(far), Data: leg.VendorData,
	}
}

func partyText(p number.Party) string {
	switch p.Kind {
	case number.External:
		return string(p.E164)
	case number.Internal:
		return p.Extension
	case number.Service, number.Emergency:
		return p.Code
	case number.Unknown, number.Withheld:
	}
	return ""
}

// choose takes the contact with that id, or the only one that is sure. One that is only perhaps the caller is never taken
// without having been chosen.
func choose(matches []contact.Match, id string) (m *contact.Contact, several bool) {
	var sure []*contact.Contact
	for i := range matches {
		switch {
		case id != "" && matchID(matches[i]) == id:
			return &matches[i].Contact, false
		case matches[i].Exact:
			sure = append(sure, &matches[i].Contact)
		}
	}
	if len(sure) == 1 {
		return sure[0], false
	}
	return nil, len(sure) > 1
}
