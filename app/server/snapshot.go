package server

import (
	"context"
	"slices"
	"time"

	"deskbell/app/csta"
	"deskbell/app/pbx"
	"deskbell/app/server/accounts"
	"deskbell/app/server/owner"
	"deskbell/app/server/session"
	"deskbell/app/wire"
)

const (
	snapshotEntries = 50
	showAttempts    = 2 * time.Minute // how long an attempt that is over stays in snapshots
	showGaps        = 24 * time.Hour
	// snapshotSize is what a snapshot that is not encoded yet counts in a queue.
	snapshotSize = 4 << 10
)

// askSnapshot is the request for a snapshot.
func (p *peer) askSnapshot(ctx context.Context, _ struct{}) (any, error) {
	p.user.snapshot(ctx, p)
	return struct{}{}, nil
}

// snapshot queues all that is true for a session. What is told after this moment comes after it in the queue; what is told
// later but is in it already is left out, by the marks of the systems' streams.
func (u *user) snapshot(ctx context.Context, p *peer) {
	for range 3 {
		list, gen, err := u.callList(ctx)
		if err != nil {
			// A call list that cannot be read must not keep anybody from seeing who is calling.
			u.srv.log.Error("call list could not be read", "error", err)
		}
		if u.queueSnapshot(p, list, gen, err != nil) {
			return
		}
	}
	// The list changes faster than it can be read: what changed meanwhile is told again, after the snapshot.
	list, gen, err := u.callList(ctx)
	if err != nil {
		u.srv.log.Error("call list could not be read", "error", err)
	}
	u.queueSnapshot(p, list, gen, true)
}

// entryList is the call list's part of a snapshot.
type entryList struct {
	entries []wire.Entry
	unseen  int
}

// callList reads the newest entries, and says at which change of the list.
func (u *user) callList(ctx context.Context) (l entryList, gen uint64, err error) {
	u.mu.Lock()
	gen, devices := u.entries, u.own()
	u.mu.Unlock()
	l.entries = []wire.Entry{}
	if len(devices) == 0 {
		return l, gen, nil
	}
	found, _, err := u.srv.p.Journal.Entries(ctx, u.id, devices, time.Time{}, snapshotEntries)
	if err != nil {
		return l, gen, err
	}
	for _, e := range found {
		l.entries = append(l.entries, u.srv.entryOf(e, u.srv.lang))
	}
	l.unseen, err = u.srv.p.Journal.Unseen(ctx, u.id, devices)
	return l, gen, err
}

// queueSnapshot queues the snapshot, unless the call list has changed since it was read; anyway takes it as it is.
func (u *user) queueSnapshot(p *peer, l entryList, gen uint64, anyway bool) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.entries != gen && !anyway {
		return false
	}
	parts := u.gather(p)
	parts.fixed.Entries, parts.fixed.Unseen = u.withOutcomes(l.entries), l.unseen
	p.ready = true
	p.s.Notify(session.NewLateNote(wire.NoteSnapshot, "", snapshotSize, parts.at))
	for _, c := range parts.own {
		for _, leg := range c.legs {
			u.considerPop(c, leg)
		}
	}
	u.popOrder()
	return true
}

// withOutcomes puts what is known of opened customers over what the call list says, which a crash may have left behind.
// Called with mu held.
func (u *user) withOutcomes(entries []wire.Entry) []wire.Entry {
	for i := range entries {
		if outcome := u.pops.Outcome(entries[i].ID); outcome != "" {
			entries[i].Pop = outcome
		}
	}
	return entries
}

// snapshotParts is a snapshot but for its ages.
type snapshotParts struct {
	fixed wire.Snapshot
	calls []func(now time.Time) wire.Call
	made  []func(now time.Time) wire.Attempt
	own   []*userCall
}

func (s *snapshotParts) at(now time.Time) any {
	w := s.fixed
	w.Calls, w.Attempts = make([]wire.Call, 0, len(s.calls)), make([]wire.Attempt, 0, len(s.made))
	for _, c := range s.calls {
		w.Calls = append(w.Calls, c(now))
	}
	for _, a := range s.made {
		w.Attempts = append(w.Attempts, a(now))
	}
	return w
}

// gather takes what is true for the user now, and marks in p how far that goes. Called with mu held.
func (u *user) gather(p *peer) *snapshotParts {
	s := &snapshotParts{fixed: wire.Snapshot{
		Lines: []wire.Line{}, Gaps: []wire.Gap{}, Troubles: u.srv.contactTroubles(), Settings: u.settings(),
		Pops: u.pops.For(p.id),
	}}
	views := u.views()
	for _, v := range views {
		if v.run == nil {
			p.base[v.sys.index] = mark{}
			s.fixed.Troubles = append(s.fixed.Troubles, v.sys.notStarted())
			continue
		}
		p.base[v.sys.index] = mark{v.run.gen, v.view.Seq}
		u.gatherView(s, v)
	}
	s.fixed.Devices, s.fixed.Systems = u.devices(views)
	return s
}

// systemView is what one telephone system knows of a user's devices now; run is nil while it is not started.
type systemView struct {
	sys     *system
	run     *run
	devices []csta.DeviceID
	view    owner.View
}

// views takes a view of each system the user has devices of. Called with mu held.
func (u *user) views() []systemView {
	var list []systemView
	for _, sys := range u.srv.order {
		v := systemView{sys: sys, run: sys.now.Load(), devices: u.devicesOf(sys.id)}
		if len(v.devices) == 0 {
			continue
		}
		if v.run != nil {
			v.view = v.run.owner.ViewOf(v.devices)
		}
		list = append(list, v)
	}
	return list
}

func (u *user) gatherView(s *snapshotParts, from systemView) {
	sys, devices, v := from.sys, from.devices, from.view
	for i := range v.Calls {
		u.gatherCall(s, sys, &v.Calls[i])
	}
	for _, d := range devices {
		if l, ok := v.Lines[d]; ok {
			s.fixed.Lines = append(s.fixed.Lines, sys.lineOf(l))
		}
	}
	now := time.Now()
	for _, a := range v.Attempts {
		id, _ := splitCommand(a.ID)
		if id == u.id && (!a.Settled() || now.Sub(a.Asked) < showAttempts) {
			w := u.attemptOf(sys, a, now)
			s.made = append(s.made, func(now time.Time) wire.Attempt { w.AgeMS = since(now, a.Asked); return w })
		}
	}
	for _, g := range v.Gaps {
		shown := g.To.IsZero() || now.Sub(g.To) < showGaps
		if shown && (len(g.Devices) == 0 || slices.ContainsFunc(g.Devices, func(d csta.DeviceID) bool { return slices.Contains(devices, d) })) {
			s.fixed.Gaps = append(s.fixed.Gaps, gapOf(g))
		}
	}
	for _, t := range v.Troubles {
		if t.Device == "" || slices.Contains(devices, t.Device) {
			s.fixed.Troubles = append(s.fixed.Troubles, troubleOf(sys, t))
		}
	}
}

// gatherCall adds the living legs of a call that the user may see.
func (u *user) gatherCall(s *snapshotParts, sys *system, call *owner.Call) {
	visible := newest(call, func(l *owner.Leg) bool {
		_, ok := u.rightTo(deviceKey{sys.id, l.ID.DeviceID})
		return ok
	})
	var own *userCall
	for _, leg := range visible {
		r, _ := u.rightTo(deviceKey{sys.id, leg.ID.DeviceID})
		if r == rightOwn && own == nil && (call.Live() || time.Since(leg.Ended) < keepEnded) {
			own = u.track(sys, call)
			s.own = append(s.own, own)
		}
		if !leg.Live() {
			continue
		}
		v := seen{right: r, lang: u.lang()}
		var facts *wire.Facts
		if r == rightOwn {
			v.mine, v.vip, v.canPop = u.madeBy(leg), own.vip(), u.canPop(own, leg)
			facts = own.facts()
		}
		s.calls = append(s.calls, func(now time.Time) wire.Call {
			c := sys.callOf(call, leg, v, now)
			c.Facts = facts
			return c
		})
	}
}

// devices lists the user's devices and their systems as they are now. Called with mu held.
func (u *user) devices(views []systemView) ([]wire.Device, []wire.System) {
	devices, systems := []wire.Device{}, []wire.System{}
	known := map[deviceKey]pbx.Device{}
	for _, v := range views {
		for _, d := range v.view.Devices {
			known[deviceKey{v.sys.id, d.ID}] = d
		}
		systems = append(systems, wire.System{ID: v.sys.id, Name: v.sys.name, Up: v.view.Linked, Type: v.sys.p.Type})
	}
	for _, g := range u.account.Grants {
		sys := u.srv.systems[g.System]
		if sys == nil {
			continue
		}
		d := known[deviceKey{g.System, g.Device}]
		if d.Number == "" {
			d.Number = string(g.Device)
		}
		w := wire.Device{System: g.System, ID: g.Device, Number: text(d.Number), Name: text(d.Name), Own: g.Access == accounts.Own}
		if w.Own {
			w.Services = sys.services(g.Device)
		}
		devices = append(devices, w)
	}
	return devices, systems
}

// tellDevices tells everybody concerned what devices there are now, and what can be done with them.
func (s *Server) tellDevices(sys *system) {
	s.eachUser(func(u *user) {
		u.mu.Lock()
		defer u.mu.Unlock()
		if len(u.devicesOf(sys.id)) > 0 {
			devices, systems := u.devices(u.views())
			u.tell(wire.NoteDevices, "devices", wire.Devices{Devices: devices, Systems: systems})
		}
	})
}
