package server

import (
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"deskbell/app/csta"
	"deskbell/app/journal"
	"deskbell/app/server/failpoint"
	"deskbell/app/server/owner"
	"deskbell/app/server/page"
	"deskbell/app/server/pop"
	"deskbell/app/wire"
)

// considerPop looks whether an event or a fact makes the customer open. Called with mu held.
func (u *user) considerPop(c *userCall, leg *owner.Leg) {
	now := time.Now()
	var tells []pop.Tell
	if u.pops.Knows(c.id) {
		// Decided already.
	} else if trigger, ok := pop.Decide(u.rules(), leg, u.otherLegs(c), now); ok {
		tells = u.pops.Offer(now, u.popCall(c, leg), trigger, u.readiness(c))
	}
	if !c.ended.IsZero() {
		tells = append(tells, u.pops.Ended(now, c.id)...)
	}
	u.sendPops(tells)
}

// otherLegs are the user's own legs in other calls, of all telephone systems.
func (u *user) otherLegs(c *userCall) iter.Seq[*owner.Leg] {
	return func(yield func(*owner.Leg) bool) {
		for _, o := range u.calls {
			for _, leg := range o.legs {
				if o != c && !yield(leg) {
					return
				}
			}
		}
	}
}

func (u *user) popCall(c *userCall, leg *owner.Leg) pop.Call {
	return pop.Call{ID: c.id, System: c.sys.id, Began: leg.Began, Far: u.srv.stored.farKey(c.far().Key())}
}

// readiness says whether the call's page can be built now or later.
func (u *user) readiness(c *userCall) pop.Readiness {
	if len(c.legs) == 0 {
		return pop.Never
	}
	coming := !c.answer.Final && c.looked != ""
	err := u.hasPage(c, c.legs[0])
	switch {
	case err == nil && coming && u.srv.p.Page.NeedsContact():
		return pop.Better
	case err == nil:
		return pop.Ready
	case errors.Is(err, page.ErrMissing), coming:
		return pop.Wait
	}
	return pop.Never
}

// canPop tells whether pop.open would give a page: by itself, or with a match the user chooses.
func (u *user) canPop(c *userCall, leg *owner.Leg) bool {
	err := u.hasPage(c, leg)
	return err == nil || errors.Is(err, page.ErrSeveral)
}

// sendPops tells offers, and sees to the time of the next step. Called with mu held.
func (u *user) sendPops(tells []pop.Tell) {
	for _, t := range tells {
		n := u.srv.note(wire.NotePop, "", t.Pop)
		for _, p := range u.peers {
			if n != nil && p.ready && (t.Session == "" || t.Session == p.id) {
				p.s.Notify(n)
			}
		}
	}
	u.schedule()
}

func (u *user) schedule() {
	next := u.pops.Next()
	if u.popTime != nil {
		u.popTime.Stop()
	}
	if next.IsZero() {
		return
	}
	wait := max(time.Until(next), 0)
	if u.popTime == nil {
		u.popTime = time.AfterFunc(wait, u.tick)
		return
	}
	u.popTime.Reset(wait)
}

func (u *user) tick() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.sendPops(u.pops.Tick(time.Now()))
}

// popOrder tells the offers which sessions can open pages, the one used last first. Called with mu held.
func (u *user) popOrder() {
	able := make([]*peer, 0, len(u.peers))
	for _, p := range u.peers {
		if p.canPop && p.ready {
			able = append(able, p)
		}
	}
	slices.SortStableFunc(able, func(a, b *peer) int { return b.usedAt.Compare(a.usedAt) })
	ids := make([]string, len(able))
	for i, p := range able {
		ids[i] = p.id
	}
	u.sendPops(u.pops.SetSessions(time.Now(), ids))
}

// claim is pop.claim: the first session to ask gets the page, after the claim is on disk.
func (p *peer) claim(ctx context.Context, q wire.PopParams) (any, error) {
	u := p.user
	o, url := u.beginClaim(q.ID, p.id)
	if url == "" {
		return wire.PopClaimResult{}, nil
	}
	err := u.srv.stored.claim(context.WithoutCancel(ctx), u.id, o)
	failpoint.Hit("pop-claimed")
	u.mu.Lock()
	u.pops.Commit(time.Now(), o.ID)
	u.schedule()
	u.retellEntries(u.calls[o.Call.ID])
	u.mu.Unlock()
	if errors.Is(err, errClaimed) {
		return wire.PopClaimResult{}, nil
	}
	if err != nil {
		return nil, err
	}
	u.setPop(o.Call.ID, pop.Claimed)
	u.srv.stats.pops.Add(1)
	return wire.PopClaimResult{Granted: true, URL: url}, nil
}

// beginClaim takes the offer for a session and builds its page; without a page nothing is claimed.
func (u *user) beginClaim(id, session string) (o pop.Offer, url string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	o, ok := u.pops.Claim(id, session)
	c := u.calls[o.Call.ID]
	if !ok {
		return o, ""
	}
	err := errors.New("the call is forgotten")
	if c != nil && len(c.legs) > 0 {
		url, err = u.page(c, c.legs[0], "")
	}
	if err != nil {
		u.pops.Release(id)
		u.srv.log.Warn("page could not be built", "error", err)
		return o, ""
	}
	return o, url
}

// report is pop.report.
func (p *peer) report(ctx context.Context, q wire.PopReportParams) (any, error) {
	u := p.user
	u.mu.Lock()
	tells, call, ok := u.pops.Report(q.ID, q.Opened)
	u.sendPops(tells)
	u.retellEntries(u.calls[call])
	u.mu.Unlock()
	if !ok {
		return nil, gone("no such offer")
	}
	if !q.Opened {
		u.srv.log.Info("customer was not opened", "user", u.id, "reason", text(q.Error))
		u.setPop(call, pop.Failed)
		return struct{}{}, nil
	}
	u.setPop(call, pop.Opened)
	return struct{}{}, u.srv.stored.opened(context.WithoutCancel(ctx), u.id, call)
}

// setPop notes in the call list what became of opening the customer.
func (u *user) setPop(call csta.CallID, state string) {
	u.srv.inJournal(journal.Note{User: u.id, Call: call, Pop: state})
}

// open is pop.open: the user's own hand, as often as he likes.
func (p *peer) open(ctx context.Context, q wire.PopOpenParams) (any, error) {
	u := p.user
	c, leg, err := u.callForPage(ctx, q.Call)
	if err != nil {
		return nil, err
	}
	u.mu.Lock()
	url, err := u.page(c, leg, q.Match)
	about := u.popCall(c, leg)
	u.mu.Unlock()
	if err != nil {
		return nil, &wire.Error{Code: wire.CodeNotNow, Message: err.Error(), Data: &wire.Reason{Code: wire.ReasonNoURL}}
	}
	o := pop.Offer{ID: newID(), Call: about, Trigger: pop.Button}
	if err := u.srv.stored.claim(context.WithoutCancel(ctx), u.id, o); err != nil {
		// The claim only keeps the page from opening by itself later; a full disk is no reason not to open it now.
		u.srv.log.Warn("a page opened by hand is not stored", "error", err)
	}
	u.mu.Lock()
	u.sendPops(u.pops.OpenByHand(time.Now(), o.ID, p.id, about))
	u.mu.Unlock()
	u.setPop(q.Call, pop.Claimed)
	return wire.PopOpenResult{ID: o.ID, URL: url}, nil
}

// callForPage finds a call among those of the user, or in the call list, and asks who it was if nobody has yet.
func (u *user) callForPage(ctx context.Context, id csta.CallID) (*userCall, *owner.Leg, error) {
	u.mu.Lock()
	c, devices := u.calls[id], u.own()
	if c != nil && len(c.legs) > 0 {
		leg, far, asked := c.legs[0], c.far(), c.looked != ""
		u.mu.Unlock()
		if !asked { // over before this server or session began
			answer := u.srv.whoIs(ctx, u.id, far)
			u.mu.Lock()
			c.answer = answer
			u.mu.Unlock()
		}
		return c, leg, nil
	}
	u.mu.Unlock()
	e, err := u.srv.p.Journal.Find(ctx, u.id, devices, id)
	if errors.Is(err, journal.ErrNoEntry) {
		return nil, nil, gone("no such call")
	}
	if err != nil {
		return nil, nil, err
	}
	sys := u.srv.systems[e.System]
	if sys == nil {
		return nil, nil, gone("no such telephone system")
	}
	leg := &owner.Leg{
		ID:  csta.ConnectionID{CallID: id, DeviceID: e.Device},
		Far: e.Far, Direction: e.Direction, Began: e.At,
	}
	return &userCall{sys: sys, id: id, legs: []*owner.Leg{leg}, answer: u.srv.whoIs(ctx, u.id, e.Far.Number)}, leg, nil
}
