package server

import (
	"context"
	"slices"
	"sync"
	"time"

	"deskbell/app/wire"
)

// sessions are all that are open, greeted or not.
type sessions struct {
	mu   sync.Mutex
	open map[*peer]struct{}
	none chan struct{} // closed when the last one goes; nil while nobody waits
}

func (s *sessions) add(p *peer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[p] = struct{}{}
}

func (s *sessions) remove(p *peer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, p)
	if len(s.open) == 0 && s.none != nil {
		close(s.none)
		s.none = nil
	}
}

func (s *sessions) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// idle gives a channel that is closed when no session is open; nil if there is none now.
func (s *sessions) idle() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.open) == 0 {
		return nil
	}
	if s.none == nil {
		s.none = make(chan struct{})
	}
	return s.none
}

func (s *sessions) list() []*peer {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*peer, 0, len(s.open))
	for p := range s.open {
		list = append(list, p)
	}
	return list
}

func (s *sessions) closeAll(code int, text string) {
	for _, p := range s.list() {
		p.closeWith(code, text)
	}
}

// closeWith closes the session, also one that has not said hello.
func (p *peer) closeWith(code int, text string) {
	if s := p.session.Load(); s != nil {
		s.Close(code, text)
	}
}

// accountsChanged takes changes of users, their devices and tokens.
func (s *Server) accountsChanged(ids []string) {
	for _, p := range s.sessions.list() {
		if slices.Contains(ids, p.user.id) && !p.leaving.Load() && !s.p.Accounts.Valid(p.user.id, p.token) {
			p.closeWith(wire.CloseRevoked, "token revoked")
		}
	}
	for _, id := range ids {
		s.userChanged(id)
	}
	if s.newDevices(ids) {
		s.setDevices() // at once: the next thing that happens may be a call
		return
	}
	select {
	case s.devicesChanged <- struct{}{}:
	default:
	}
}

// newDevices tells whether one of the users has a device that is not watched yet.
func (s *Server) newDevices(ids []string) bool {
	watched := s.watched.Load()
	for _, id := range ids {
		u, err := s.p.Accounts.User(id)
		if err != nil {
			continue
		}
		for _, g := range u.Grants {
			if !(*watched)[deviceKey{g.System, g.Device}] {
				return true
			}
		}
	}
	return false
}

// deviceInterval gathers changes of many users into one change of what is watched.
const deviceInterval = 50 * time.Millisecond

// watchDevices tells the telephone systems which devices somebody owns or watches, whenever that may have changed.
func (s *Server) watchDevices(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.devicesChanged:
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(deviceInterval):
			s.setDevices()
		}
	}
}

// userChanged gives a user his new rights and his sessions a new snapshot.
func (s *Server) userChanged(id string) {
	u := s.users.get(id)
	now, err := s.p.Accounts.User(id)
	if u == nil || err != nil {
		return // nobody here, or removed: his sessions were closed
	}
	u.mu.Lock()
	same := slices.Equal(u.account.Grants, now.Grants) && u.account.Name == now.Name
	if !same {
		if len(u.peers) > 0 {
			u.unsubscribe(u.account.Grants)
			u.subscribe(now.Grants)
		}
		u.account = now
		u.dropCalls()
	}
	u.mu.Unlock()
	if !same {
		s.work.Go(func() { u.renew(s.base) })
	}
}
