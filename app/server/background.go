package server

import (
	"context"
	"slices"
	"time"

	"deskbell/app/contact"
	"deskbell/app/journal"
	"deskbell/app/pbx"
	"deskbell/app/wire"
)

// journalQueue is how many notes for the call list may wait for a slow journal before those who make them have to.
const journalQueue = 4096

// gatherNotes is how long notes are gathered to be written together. Nobody waits for them, and each write costs a sync.
const gatherNotes = 50 * time.Millisecond

// inJournal notes something in the call list soon, in order.
func (s *Server) inJournal(n journal.Note) {
	select {
	case s.journal <- n:
	case <-s.base.Done():
	}
}

// writeJournal writes the notes, and at the end those that still wait.
func (s *Server) writeJournal(ctx context.Context) error {
	for ctx.Err() == nil {
		select {
		case n := <-s.journal:
			select {
			case <-time.After(gatherNotes):
			case <-ctx.Done():
			}
			s.writeNotes(ctx, append([]journal.Note{n}, s.waitingNotes()...))
		case <-ctx.Done():
		}
	}
	s.writeNotes(ctx, s.waitingNotes())
	return nil
}

// waitingNotes takes the notes that wait.
func (s *Server) waitingNotes() []journal.Note {
	var list []journal.Note
	for len(list) < journalQueue {
		select {
		case n := <-s.journal:
			list = append(list, n)
		default:
			return list
		}
	}
	return list
}

func (s *Server) writeNotes(ctx context.Context, list []journal.Note) {
	if len(list) == 0 {
		return
	}
	// Notes under way when the server stops are written to their end.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := s.p.Journal.Annotate(ctx, list); err != nil {
		s.log.Warn("call list could not be annotated", "error", err)
	}
}

// contactInterval is how often the state of contact sources is looked at.
const contactInterval = 2 * time.Second

// watchContacts tells troubles of contact sources as they come and go.
func (s *Server) watchContacts(ctx context.Context) error {
	ticker := time.NewTicker(contactInterval)
	defer ticker.Stop()
	for {
		s.compareContacts(s.p.Contacts.Troubles())
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

func (s *Server) compareContacts(found []contact.Trouble) {
	before, now := *s.troubles.Load(), []wire.Trouble{}
	for _, t := range found {
		now = append(now, wire.Trouble{
			ID: "contacts/" + t.Source, Active: true, Code: troubleContacts, Source: t.Source,
			Detail: text(string(t.Code) + ": " + t.Detail), Since: t.Since.UTC(),
		})
	}
	s.troubles.Store(&now)
	for _, t := range now {
		if !slices.ContainsFunc(before, func(b wire.Trouble) bool { return b.ID == t.ID && b.Since.Equal(t.Since) }) {
			s.tellTrouble(t)
		}
	}
	for _, t := range before {
		if !slices.ContainsFunc(now, func(n wire.Trouble) bool { return n.ID == t.ID }) {
			t.Active, t.Detail = false, ""
			s.tellTrouble(t)
		}
	}
}

// troubleContacts is the trouble of a contact source.
const troubleContacts = "contacts_source"

func (s *Server) tellTrouble(t wire.Trouble) {
	n := s.note(wire.NoteTrouble, "", t)
	s.eachUser(func(u *user) {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.toAll(n)
	})
}

// contactTroubles lists the troubles of contact sources; the list is the caller's.
func (s *Server) contactTroubles() []wire.Trouble {
	return append([]wire.Trouble{}, *s.troubles.Load()...)
}

// notStarted is the trouble of a telephone system that has no owner now.
func (sys *system) notStarted() wire.Trouble {
	t := wire.Trouble{
		ID: string(sys.id) + "//" + string(pbx.TroubleConfig), Active: true, Code: string(pbx.TroubleConfig),
		System: sys.id, Source: sys.name, Since: time.Now().UTC(),
	}
	if f := sys.failed.Load(); f != nil {
		t.Detail, t.Since = text(f.err.Error()), f.since.UTC()
	}
	return t
}
