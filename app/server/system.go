package server

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"deskbell/app/csta"
	"deskbell/app/number"
	"deskbell/app/number/plan"
	"deskbell/app/pbx"
	"deskbell/app/server/failpoint"
	"deskbell/app/server/owner"
	"deskbell/app/wire"
)

// system is one telephone system: its owner, started anew when its connector gave up, and what of it goes to whom.
type system struct {
	srv    *Server
	p      SystemParams
	id     csta.SystemID
	name   string
	index  int // in Server.order
	log    *slog.Logger
	lines  lines
	now    atomic.Pointer[run]
	failed atomic.Pointer[failure]

	mu      sync.Mutex
	devices []csta.DeviceID // that somebody owns or watches
}

// run is one owner. gen tells its updates from those of an earlier one.
type run struct {
	owner *owner.Owner
	gen   uint32
	gone  chan error // the connector gave up
}

// failure is why there is no owner at present.
type failure struct {
	err   error
	since time.Time
}

func newSystem(srv *Server, index int, p SystemParams) *system {
	sys := &system{srv: srv, p: p, id: p.ID, name: p.Name, index: index, log: srv.log.With("system", p.ID)}
	if sys.name == "" {
		sys.name = string(p.ID)
	}
	sys.lines.init(sys)
	return sys
}

// services says what the system can do for a device; nothing while there is no owner.
func (sys *system) services(d csta.DeviceID) csta.Services {
	if r := sys.now.Load(); r != nil {
		return r.owner.Services(d)
	}
	return 0
}

// setDevices says which devices somebody owns or watches.
func (sys *system) setDevices(list []csta.DeviceID) {
	sys.mu.Lock()
	defer sys.mu.Unlock()
	sys.devices = list
	if r := sys.now.Load(); r != nil {
		r.owner.SetDevices(list)
	}
}

// serve runs owners one after the other until ctx ends.
func (sys *system) serve(ctx context.Context) {
	pause := time.Second
	for gen := uint32(1); ctx.Err() == nil; gen++ {
		begin := time.Now()
		err := sys.once(ctx, gen)
		if ctx.Err() != nil {
			return
		}
		sys.failed.Store(&failure{err, time.Now()})
		sys.log.Error("telephone system ended, will be started again", "error", err, "pause", pause)
		if time.Since(begin) > sys.srv.limits.Retry {
			pause = time.Second
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, sys.srv.limits.Retry)
	}
}

// once runs one owner until ctx ends or its connector gives up.
func (sys *system) once(ctx context.Context, gen uint32) error {
	r, err := sys.open(gen)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- r.owner.Run(ctx) }()

	sys.mu.Lock()
	sys.now.Store(r)
	sys.failed.Store(nil)
	r.owner.SetDevices(sys.devices)
	sys.mu.Unlock()
	sys.srv.renewAll(sys)

	select {
	case err = <-r.gone:
		cancel()
		<-ended
	case err = <-ended:
	}
	return err
}

func (sys *system) open(gen uint32) (*run, error) {
	connector, err := sys.p.Open()
	if err != nil {
		return nil, err
	}
	state := owner.State{}
	if sys.p.Restore != nil {
		if state, err = sys.p.Restore(); err != nil {
			return nil, err
		}
	}
	if len(state.Devices) > 0 {
		sys.srv.p.Extensions.set(sys.id, state.Devices)
	}
	r := &run{gen: gen, gone: make(chan error, 1)}
	r.owner, err = owner.New(owner.Params{
		Tenant: sys.srv.p.Tenant, System: sys.id, Connector: connector, Plan: normalizer{sys.srv.p.Plan},
		Log: sys.srv.p.Log, Logger: sys.log, Epoch: uuid.Must(uuid.NewV7()).String(), Restore: state, Limits: sys.p.Limits,
		Publish: func(u owner.Update) { sys.publish(r, u) },
		Ended:   func(err error) { r.gone <- err },
	})
	return r, err
}

// normalizer lets the owner read numbers by the tenant's plan.
type normalizer struct{ plan *plan.Plan }

func (n normalizer) Normalize(raw string, scope pbx.Scope) number.Party {
	switch scope {
	case pbx.ScopeInternal:
		return n.plan.Normalize(raw, plan.HintInternal)
	case pbx.ScopeGlobal:
		return n.plan.Normalize(raw, plan.HintGlobal)
	case pbx.ScopeUnknown:
	}
	return n.plan.Normalize(raw, plan.HintNone)
}

// publish passes on what became true. It is called in order by one goroutine of the owner.
func (sys *system) publish(r *run, u owner.Update) {
	if u.Call != nil {
		failpoint.Hit("log-committed")
	}
	if now := sys.now.Load(); now != nil && now != r {
		return // the last words of an owner that was replaced
	}
	sys.srv.stats.updates.Add(1)
	sys.srv.p.Take(u)
	if u.Devices != nil {
		sys.srv.p.Extensions.set(sys.id, u.Devices)
	}
	at := mark{r.gen, u.Seq}
	if u.Call != nil {
		sys.publishCall(at, u)
	}
	switch {
	case u.Line != nil:
		sys.lines.put(at, *u.Line)
	case u.Attempt != nil:
		sys.publishAttempt(at, *u.Attempt)
	case u.Gap != nil:
		sys.publishGap(at, *u.Gap)
	case u.Trouble != nil:
		sys.publishTrouble(at, u)
	case u.Devices != nil, u.Event == csta.DeviceCapabilitiesChanged, u.Device == "" && linkEvent(u.Event):
		sys.srv.tellDevices(sys)
	}
}

func linkEvent(e csta.Event) bool { return e == csta.BackInServiceEvent || e == csta.OutOfServiceEvent }

// publishCall tells the legs the update is about, each to those who may see its device.
func (sys *system) publishCall(at mark, u owner.Update) {
	if u.Joined != "" {
		sys.publishJoined(at, u)
	}
	all := u.Joined != "" || u.SplitFrom != "" || u.Leg == (csta.ConnectionID{})
	now := time.Now()
	for _, leg := range newest(u.Call, func(l *owner.Leg) bool { return all || l.ID == u.Leg }) {
		subs := sys.srv.hub.of(deviceKey{sys.id, leg.ID.DeviceID})
		if len(subs) == 0 {
			continue
		}
		notes := &callNotes{sys: sys, call: u.Call, leg: leg, event: u.Event, cause: u.Cause, now: now}
		for _, sub := range subs {
			sub.user.callNews(at, notes, sub.right)
		}
	}
}

func (sys *system) publishJoined(at mark, u owner.Update) {
	n := sys.srv.note(wire.NoteJoined, "", wire.Joined{ID: u.Call.ID, From: u.Joined})
	told := map[*user]bool{}
	for i := range u.Call.Legs {
		for _, sub := range sys.srv.hub.of(deviceKey{sys.id, u.Call.Legs[i].ID.DeviceID}) {
			if !told[sub.user] {
				told[sub.user] = true
				sub.user.joined(sys, at, n, u.Joined, u.Call.ID)
			}
		}
	}
}

func (sys *system) publishAttempt(at mark, a owner.Attempt) {
	id, _ := splitCommand(a.ID)
	if u := sys.srv.users.get(id); u != nil {
		u.deliver(sys, at, func(u *user) any { return u.attemptOf(sys, a, time.Now()) }, wire.NoteAttempt)
	}
}

func (sys *system) publishGap(at mark, g owner.Gap) {
	n := sys.srv.note(wire.NoteGap, "", gapOf(g))
	sys.srv.eachUser(func(u *user) {
		if u.concerns(sys.id, g.Devices) {
			u.send(sys, at, n)
		}
	})
}

func (sys *system) publishTrouble(at mark, u owner.Update) {
	t := troubleOf(sys, *u.Trouble)
	if !t.Active {
		t = troubleOf(sys, pbx.Trouble{Code: u.Cleared, Device: u.Trouble.Device, Since: u.Trouble.Since})
		t.Active, t.Detail = false, ""
	}
	n := sys.srv.note(wire.NoteTrouble, "", t)
	var devices []csta.DeviceID
	if u.Trouble.Device != "" {
		devices = []csta.DeviceID{u.Trouble.Device}
	}
	sys.srv.eachUser(func(usr *user) {
		if usr.concerns(sys.id, devices) {
			usr.send(sys, at, n)
		}
	})
}

func gapOf(g owner.Gap) wire.Gap {
	w := wire.Gap{ID: g.ID, System: g.System, From: g.From.UTC()}
	if !g.To.IsZero() {
		to := g.To.UTC()
		w.To = &to
	}
	return w
}

func troubleOf(sys *system, t pbx.Trouble) wire.Trouble {
	return wire.Trouble{
		ID: string(sys.id) + "/" + string(t.Device) + "/" + string(t.Code), Active: t.Code != "", Code: string(t.Code),
		System: sys.id, Source: sys.name, Detail: text(t.Detail), Since: t.Since.UTC(),
	}
}
