package server

import (
	"context"
	"time"

	"deskbell/app/wire"
)

// maxEntries bounds a page of the call list.
const maxEntries = 200

// entryOf makes an entry ready for the screen.
func (s *Server) entryOf(e Entry, lang string) wire.Entry {
	return wire.Entry{
		ID: e.Call, System: e.System, Device: e.Device, Direction: e.Direction, Far: s.partyOf(e.Far, lang),
		Name: text(e.Name), Company: text(e.Company), VIP: e.VIP, At: e.At.UTC(), TalkMS: e.Talk.Milliseconds(),
		Result: e.Result, Cause: e.Cause, Seen: e.Seen, Pop: e.Pop,
	}
}

// listEntries is entries: older lines of the call list.
func (p *peer) listEntries(ctx context.Context, q wire.EntriesParams) (any, error) {
	u := p.user
	if q.Limit <= 0 {
		q.Limit = snapshotEntries
	}
	u.mu.Lock()
	devices := u.own()
	u.mu.Unlock()
	r := wire.EntriesResult{Entries: []wire.Entry{}}
	if len(devices) == 0 {
		return r, nil
	}
	list, more, err := u.srv.p.Journal.Entries(ctx, u.id, devices, q.Before, min(q.Limit, maxEntries))
	if err != nil {
		return nil, err
	}
	for _, e := range list {
		r.Entries = append(r.Entries, u.srv.entryOf(e, p.lang))
	}
	r.More = more
	u.mu.Lock()
	defer u.mu.Unlock()
	u.withOutcomes(r.Entries)
	return r, nil
}

// seen is entries.seen. All sessions of the user hear of it.
func (p *peer) seen(ctx context.Context, q wire.SeenParams) (any, error) {
	u := p.user
	if q.Until.IsZero() || q.Until.After(time.Now().Add(time.Hour)) {
		return nil, invalid("until: expected a time that is not in the future")
	}
	if now := time.Now(); q.Until.After(now) {
		q.Until = now // by a tray's clock that is ahead; calls to come were not seen
	}
	u.mu.Lock()
	devices := u.own()
	u.mu.Unlock()
	if len(devices) == 0 {
		return struct{}{}, nil
	}
	changed, err := u.srv.p.Journal.Seen(ctx, u.id, devices, q.Until)
	if err != nil {
		return nil, err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if q.Until.After(u.seenUntil) {
		u.seenUntil = q.Until
	}
	for _, e := range changed {
		u.tellEntry(e)
	}
	return struct{}{}, nil
}

// tellEntry tells a line of the call list. Called with mu held.
func (u *user) tellEntry(e Entry) {
	u.entries++
	u.tell(wire.NoteEntry, "", u.srv.entryOf(e, u.lang()))
}

// EntryChanged tells the owners of a device about a line of the call list that is new or changed. It does not block: e is
// without what is known per user, which is added from memory, or asked for later.
func (s *Server) EntryChanged(e Entry) {
	e.At = e.At.Truncate(time.Millisecond) // as the journal keeps it, so that a line has one time
	for _, sub := range s.hub.of(deviceKey{e.System, e.Device}) {
		if sub.right == rightOwn {
			sub.user.entryChanged(e)
		}
	}
}

func (u *user) entryChanged(e Entry) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if c := u.calls[e.Call]; c != nil {
		c.entries[e.Device] = e
		u.tellEntry(u.personal(c, e))
		return
	}
	u.entries++
	u.srv.work.Go(func() { u.findEntry(e) })
}

// personal adds what only this user's view of a call has. Called with mu held.
func (u *user) personal(c *userCall, e Entry) Entry {
	if name, company, vip, ok := sureName(c.answer.Matches); ok {
		e.Name, e.Company, e.VIP = name, company, vip
	}
	e.Pop = u.pops.Outcome(c.id)
	e.Seen = !e.At.After(u.seenUntil)
	return e
}

// retellEntries tells a call's lines again after its contact or customer changed. Called with mu held.
func (u *user) retellEntries(c *userCall) {
	if c == nil {
		return
	}
	for _, e := range c.entries {
		u.tellEntry(u.personal(c, e))
	}
}

// findEntry tells a line of a call that is not in memory any more.
func (u *user) findEntry(e Entry) {
	found, err := u.srv.p.Journal.Find(u.srv.base, u.id, []Device{{System: e.System, Device: e.Device}}, e.Call)
	if err != nil {
		u.srv.log.Debug("entry could not be read", "error", err)
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.tellEntry(found)
}
