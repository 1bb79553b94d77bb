package server

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"deskbell/app/csta"
	"deskbell/app/server/accounts"
	"deskbell/app/server/owner"
	"deskbell/app/server/pop"
	"deskbell/app/server/session"
	"deskbell/app/wire"
)

// mark is a place in a system's stream of updates.
type mark struct {
	gen uint32 // of the owner
	seq uint64
}

// user is a person with at least one session, or who had one. mu is held only over memory work; everything told to the
// user's sessions is queued with it held, so that a snapshot has one place among what is told. Lock order: user, then
// session; the owners' views are read with it held.
type user struct {
	srv *Server
	id  string

	mu        sync.Mutex
	account   accounts.User
	peers     []*peer
	calls     map[csta.CallID]*userCall // of own devices
	tracked   uint                      // calls that were ever put there
	pops      pop.State
	popTime   *time.Timer
	choices   choices
	entries   uint64 // counts changes of the call list
	seenUntil time.Time
	names     map[string]string // command id -> name of whom is called
	calling   []time.Time       // recent MakeCalls
}

// peer is one session of a user after its hello.
type peer struct {
	user    *user
	session atomic.Pointer[session.Session]
	s       *session.Session // as session, from hello on
	id      string
	token   string // id of the token it came with
	canPop  bool
	lang    string
	usedAt  time.Time
	leaving atomic.Bool // signs out, and closes after its reply
	ready   bool        // a snapshot is queued: what follows may follow
	base    []mark      // by system: up to here the snapshot has it
}

// users are all users that have or had sessions.
type users struct {
	mu   sync.RWMutex
	byID map[string]*user
}

func (r *users) get(id string) *user {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.byID[id]
}

func (r *users) getOrMake(srv *Server, a accounts.User) *user {
	r.mu.Lock()
	defer r.mu.Unlock()
	u := r.byID[a.ID]
	if u == nil {
		u = &user{srv: srv, id: a.ID, account: a, calls: map[csta.CallID]*userCall{}, names: map[string]string{}}
		u.pops.NewID = newID
		u.choices = srv.stored.choicesOf(a.ID)
		srv.stored.restorePops(a.ID, &u.pops)
		r.byID[a.ID] = u
	}
	return u
}

func (r *users) all() []*user {
	r.mu.RLock()
	defer r.mu.RUnlock()
	list := make([]*user, 0, len(r.byID))
	for _, u := range r.byID {
		list = append(list, u)
	}
	return list
}

// eachUser calls do for every user with a session.
func (s *Server) eachUser(do func(*user)) {
	for _, u := range s.users.all() {
		if u.online() {
			do(u)
		}
	}
}

func (u *user) online() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.peers) > 0
}

// concerns tells whether the user has any of the system's devices, or one of those named.
func (u *user) concerns(system csta.SystemID, devices []csta.DeviceID) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.ContainsFunc(u.account.Grants, func(g accounts.Grant) bool {
		return g.System == system && (len(devices) == 0 || slices.Contains(devices, g.Device))
	})
}

// send queues a note about a system for all sessions whose snapshot does not have it already.
func (u *user) send(sys *system, at mark, n *session.Note) {
	if n == nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.sendLocked(sys, at, n)
}

func (u *user) sendLocked(sys *system, at mark, n *session.Note) {
	for _, p := range u.peers {
		if p.ready && p.base[sys.index].before(at) {
			p.s.Notify(n)
		}
	}
}

// before tells whether the update at b is news to one whose snapshot stands at m.
func (m mark) before(b mark) bool { return m.gen == b.gen && m.seq < b.seq }

// tell queues a personal note for all sessions.
func (u *user) tell(method, key string, params any) {
	u.toAll(u.srv.note(method, key, params))
}

func (u *user) toAll(n *session.Note) {
	if n == nil {
		return
	}
	for _, p := range u.peers {
		if p.ready {
			p.s.Notify(n)
		}
	}
}

// deliver is send for something that has to be made with mu held.
func (u *user) deliver(sys *system, at mark, params func(*user) any, method string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if n := u.srv.note(method, "", params(u)); n != nil {
		u.sendLocked(sys, at, n)
	}
}

// callNews takes an event of a leg of one of the user's devices.
func (u *user) callNews(at mark, n *callNotes, r right) {
	u.mu.Lock()
	defer u.mu.Unlock()
	v := seen{right: r, lang: u.lang()}
	var c *userCall
	if r == rightOwn {
		c = u.track(n.sys, n.call)
		v.missed = missed(c.legs)
		v.mine = u.madeBy(n.leg)
		v.vip = c.vip()
		v.canPop = u.canPop(c, n.leg)
	}
	if note := n.as(v); note != nil {
		u.sendLocked(n.sys, at, note)
	}
	if c != nil {
		u.considerPop(c, n.leg)
	}
}

// joined takes the news that one call is part of another now.
func (u *user) joined(sys *system, at mark, n *session.Note, from, to csta.CallID) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if old := u.calls[from]; old != nil {
		old.stop()
		delete(u.calls, from)
	}
	u.pops.Renamed(from, to)
	if n != nil {
		u.sendLocked(sys, at, n)
	}
}

// lang is the language of the newest session.
func (u *user) lang() string {
	if len(u.peers) == 0 {
		return u.srv.lang
	}
	return u.peers[len(u.peers)-1].lang
}

func (u *user) madeBy(leg *owner.Leg) bool {
	id, _ := splitCommand(leg.Attempt)
	return leg.Attempt != "" && id == u.id
}

// rightTo says what the user may see of a device; ok is false for nothing. The caller holds mu.
func (u *user) rightTo(k deviceKey) (r right, ok bool) {
	for _, g := range u.account.Grants {
		if g.System == k.system && g.Device == k.device {
			return rightOf(g.Access), true
		}
	}
	return 0, false
}

// own lists the user's own devices in order.
func (u *user) own() []Device {
	var list []Device
	for _, g := range u.account.Grants {
		if g.Access == accounts.Own {
			list = append(list, Device{System: g.System, Device: g.Device})
		}
	}
	return list
}

// devicesOf lists the user's devices of one system.
func (u *user) devicesOf(id csta.SystemID) []csta.DeviceID {
	var list []csta.DeviceID
	for _, g := range u.account.Grants {
		if g.System == id {
			list = append(list, g.Device)
		}
	}
	return list
}

// Command ids are unique per user only, so the owner gets them with the user's id in front.
func commandID(user, command string) string { return user + "/" + command }

func splitCommand(id string) (user, command string) {
	user, command, _ = strings.Cut(id, "/")
	return user, command
}

func (u *user) attemptOf(sys *system, a owner.Attempt, now time.Time) wire.Attempt {
	_, command := splitCommand(a.ID)
	w := wire.Attempt{
		ID: command, System: sys.id, Device: a.Device, To: u.srv.partyOf(a.To, u.lang()), ToName: u.names[command],
		State: string(a.State), Call: a.CallID, Cause: a.Cause, AgeMS: since(now, a.Asked),
	}
	if a.Reason != "" {
		w.Reason = &wire.Reason{Code: a.Reason, Args: map[string]string{"system": sys.name}}
	}
	return w
}
