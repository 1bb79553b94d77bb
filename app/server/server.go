package server

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"deskbell/app/contact"
	"deskbell/app/csta"
	"deskbell/app/journal"
	"deskbell/app/number"
	"deskbell/app/server/failpoint"
	"deskbell/app/server/session"
	"deskbell/app/wire"
)

// Contacts is what the server needs of the contact sources; *contact.Lookup is one.
type Contacts interface {
	Find(ctx context.Context, q contact.Query, tell func(contact.Answer))
	Troubles() []contact.Trouble
}

// Server is the CTI server. Handler serves trays while Run runs.
type Server struct {
	p       Params
	limits  Limits
	log     *slog.Logger
	epoch   string // of this run
	lang    string // of place names, for who does not say
	shared  *session.Shared
	hub     *hub
	users   users
	stored  *stored
	shown   shown
	order   []*system
	systems map[csta.SystemID]*system

	base     context.Context //nolint:containedctx // the life of sessions and look-ups, ended by Run
	stop     context.CancelFunc
	work     sync.WaitGroup // look-ups
	journal  chan journal.Note
	sessions sessions
	doors    doors
	stats    stats
	troubles atomic.Pointer[[]wire.Trouble] // of contact sources
	started  chan struct{}                  // closed by Run when sessions may begin
	serving  atomic.Bool

	devicesChanged chan struct{} // of size one
	watched        atomic.Pointer[map[deviceKey]bool]
	setting        sync.Mutex // one setDevices at a time
}

// stats count for the metrics.
type stats struct {
	updates, requests, pops, refused atomic.Int64
}

// New makes a server and reads what it keeps of its users; nothing is connected before Run.
func New(ctx context.Context, p Params) (*Server, error) {
	if err := p.validate(); err != nil {
		return nil, err
	}
	st, err := openStored(ctx, p.DB)
	if err != nil {
		return nil, err
	}
	s := &Server{
		p: p, limits: p.Limits.withDefaults(), log: p.Logger, epoch: newID(), lang: languageOf(p.Plan.Region()), hub: newHub(),
		users: users{byID: map[string]*user{}}, stored: st, systems: map[csta.SystemID]*system{},
		journal: make(chan journal.Note, journalQueue), devicesChanged: make(chan struct{}, 1),
		started: make(chan struct{}),
	}
	s.base, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	s.shown.plan = p.Plan
	s.shared = session.NewShared(s.limits.Session, s.log)
	s.sessions.open = map[*peer]struct{}{}
	s.doors.init()
	s.troubles.Store(&[]wire.Trouble{})
	s.watched.Store(&map[deviceKey]bool{})
	for i, sp := range p.Systems {
		sys := newSystem(s, i, sp)
		s.order = append(s.order, sys)
		s.systems[sys.id] = sys
	}
	return s, nil
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// languageOf is the language of place names for those who name none.
func languageOf(region string) string {
	if slices.Contains([]string{"DE", "AT", "CH", "LI"}, region) {
		return "de"
	}
	return "en"
}

// Run runs the telephone systems and all that goes with sessions until ctx ends; then it closes the sessions with
// CloseRestart, gives them time to go, and waits for everything it started.
func (s *Server) Run(ctx context.Context) error {
	defer s.stop()
	s.p.Accounts.OnChange(s.accountsChanged)
	s.setDevices()
	var parts, systems sync.WaitGroup
	owners, stopOwners := context.WithCancel(context.WithoutCancel(ctx))
	defer stopOwners()
	for _, sys := range s.order {
		systems.Go(func() { sys.serve(owners) })
	}
	for _, run := range []func(context.Context) error{s.shared.Run, s.p.Accounts.Run, s.writeJournal, s.watchContacts, s.watchDevices} {
		parts.Go(func() {
			if err := run(s.base); err != nil {
				s.log.Error("part of the server ended", "error", err)
			}
		})
	}
	s.serving.Store(true)
	close(s.started)
	failpoint.Hit("started")
	<-ctx.Done()
	s.serving.Store(false)
	s.drain()
	stopOwners()
	systems.Wait()
	s.stop()
	s.work.Wait()
	parts.Wait()
	return nil
}

// drain closes all sessions and waits for them, not longer than the limit.
func (s *Server) drain() {
	s.sessions.closeAll(wire.CloseRestart, "server restarts")
	limit := time.NewTimer(s.limits.Drain)
	defer limit.Stop()
	for {
		idle := s.sessions.idle()
		if idle == nil {
			return
		}
		select {
		case <-idle:
		case <-limit.C:
			return
		}
	}
}

// setDevices tells each telephone system which devices somebody owns or watches.
func (s *Server) setDevices() {
	s.setting.Lock()
	defer s.setting.Unlock()
	all := s.p.Accounts.Devices()
	watched := map[deviceKey]bool{}
	for id, list := range all {
		for _, d := range list {
			watched[deviceKey{id, d}] = true
		}
	}
	s.watched.Store(&watched)
	for _, sys := range s.order {
		sys.setDevices(all[sys.id])
	}
}

// note encodes a notification; nil, and a word in the log, if that fails.
func (s *Server) note(method, key string, params any) *session.Note {
	n, err := session.NewNote(method, key, params)
	if err != nil {
		s.log.Error("notification could not be encoded", "method", method, "error", err)
	}
	return n
}

// national is a number as dialled within the country.
func (s *Server) national(p number.Party) string {
	if p.Kind != number.External {
		return ""
	}
	return s.shown.of(p, s.lang).national
}

// numberOf is the extension of a device as users know it.
func (s *Server) numberOf(sys *system, device csta.DeviceID) string {
	if r := sys.now.Load(); r != nil {
		for _, d := range r.owner.ViewOf([]csta.DeviceID{device}).Devices {
			if d.ID == device && d.Number != "" {
				return d.Number
			}
		}
	}
	return string(device)
}

// whoIs asks for a number and waits a moment for the answer.
func (s *Server) whoIs(ctx context.Context, user string, p number.Party) contact.Answer {
	if !p.Lookup() {
		return contact.Answer{Final: true}
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	var last contact.Answer
	s.p.Contacts.Find(ctx, contact.Query{Tenant: s.p.Tenant, User: user, Number: p.E164}, func(a contact.Answer) {
		last = a
		if _, _, _, sure := sureName(a.Matches); sure {
			cancel()
		}
	})
	return last
}

// renewAll gives everybody concerned a new snapshot: a telephone system's stream of updates begins anew.
func (s *Server) renewAll(sys *system) {
	s.eachUser(func(u *user) {
		if u.concerns(sys.id, nil) {
			s.work.Go(func() { u.renew(s.base) })
		}
	})
}

// renew gives all sessions of a user a new snapshot.
func (u *user) renew(ctx context.Context) {
	u.mu.Lock()
	peers := slices.Clone(u.peers)
	u.mu.Unlock()
	for _, p := range peers {
		u.snapshot(ctx, p)
	}
}
