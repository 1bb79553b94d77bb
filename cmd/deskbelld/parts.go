package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"deskbell/app/about"
	"deskbell/app/config"
	"deskbell/app/contact"
	"deskbell/app/csta"
	"deskbell/app/journal"
	"deskbell/app/number/plan"
	"deskbell/app/pbx"
	"deskbell/app/server"
	"deskbell/app/server/accounts"
	"deskbell/app/server/eventlog"
	"deskbell/app/server/owner"
	"deskbell/app/server/store"
)

// tenant is the only one there is until there are more.
const tenant = "default"

// parts are what the server is made of, in the order in which they were opened.
type parts struct {
	log      *slog.Logger
	db       *sql.DB
	accounts *accounts.Accounts
	plan     *plan.Plan
	events   *eventlog.Log
	journal  *journal.Journal
	lookup   *contact.Lookup
	server   *server.Server

	extensions server.Extensions
	closers    []func() error
}

// close closes what was opened, the last first.
func (p *parts) close() error {
	var errs []error
	for _, c := range slices.Backward(p.closers) {
		errs = append(errs, c())
	}
	return errors.Join(errs...)
}

func (p *parts) closing(c io.Closer) { p.closers = append(p.closers, c.Close) }

// open opens everything the settings ask for. Nothing is connected yet.
func open(ctx context.Context, c *config.Config, log *slog.Logger) (p *parts, err error) {
	p = &parts{log: log}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
		}
	}()
	if err := p.openAccounts(ctx, c); err != nil {
		return nil, err
	}
	numbers := c.Tenant.Plan()
	numbers.IsExtension = p.extensions.Exists
	if p.plan, err = plan.New(numbers); err != nil {
		return nil, fmt.Errorf("tenant: %w", err)
	}
	var tell atomic.Pointer[server.Server]
	if err := p.openCalls(ctx, c, &tell); err != nil {
		return nil, err
	}
	if err := p.openContacts(c); err != nil {
		return nil, err
	}
	if err := p.openServer(ctx, c); err != nil {
		return nil, err
	}
	tell.Store(p.server)
	return p, nil
}

// openAccounts opens the server's own database.
func (p *parts) openAccounts(ctx context.Context, c *config.Config) (err error) {
	if p.db, err = store.Open(ctx, c.Server.DataDir); err != nil {
		return err
	}
	p.closing(p.db)
	p.accounts, err = accounts.Open(ctx, accounts.Params{DB: p.db, Log: p.log})
	return err
}

// openCalls opens event log and journal.
func (p *parts) openCalls(ctx context.Context, c *config.Config, tell *atomic.Pointer[server.Server]) (err error) {
	keep := time.Duration(c.Retention.Days) * 24 * time.Hour
	p.events, err = eventlog.Open(ctx, filepath.Join(c.Server.DataDir, "events.db"), eventlog.Options{Logger: p.log, Retention: keep})
	if err != nil {
		return err
	}
	p.closing(p.events)
	p.journal, err = journal.Open(ctx, filepath.Join(c.Server.DataDir, "journal.db"), p.events, journal.Options{
		Logger: p.log, Retention: keep, Changed: func(_ string, e journal.Entry) {
			if s := tell.Load(); s != nil {
				s.EntryChanged(e)
			}
		},
	})
	if err != nil {
		return err
	}
	p.closing(p.journal)
	return nil
}

// openContacts opens the contact sources and the look-up over them.
func (p *parts) openContacts(c *config.Config) error {
	index := &contact.Index{}
	var sources []contact.Registered
	for _, id := range slices.Sorted(maps.Keys(c.Contacts)) {
		s := c.Contacts[id]
		opener, ok := s.Config.(contact.Config)
		if !ok {
			return fmt.Errorf("contacts.%s: %q is no contact source", id, s.Type)
		}
		source, err := opener.Open(contact.Env{
			Tenant: tenant, Source: id, Log: p.log.With("source_type", s.Type, "contacts", id), HTTP: httpClient(), Secrets: s.Secrets,
			Numbers: p.plan, Version: about.Version,
		})
		if err != nil {
			return fmt.Errorf("contacts.%s: %w", id, err)
		}
		p.closing(source)
		sources = append(sources, contact.Registered{Tenant: tenant, ID: id, Order: s.Order, Source: source, Numbers: p.plan})
	}
	p.lookup = contact.NewLookup(index, sources, contact.Options{Log: p.log})
	p.closers = append(p.closers, func() error { p.lookup.Close(); return nil })
	return nil
}

func (p *parts) openServer(ctx context.Context, c *config.Config) error {
	pages, err := pageBuilder(c)
	if err != nil {
		return err
	}
	secret, err := store.Secret(ctx, p.db, "inbox")
	if err != nil {
		return err
	}
	inbox := server.NewInbox(c.Server.PublicURL, secret)
	systems, err := p.systems(ctx, c, inbox)
	if err != nil {
		return err
	}
	p.server, err = server.New(ctx, server.Params{
		Tenant: tenant, Name: c.Server.Name, Version: about.Version, Systems: systems, Accounts: p.accounts, DB: p.db, Plan: p.plan,
		Log: p.events, Journal: p.journal.Tenant(tenant), Take: p.journal.Take, Contacts: p.lookup, Extensions: &p.extensions,
		Inbox: inbox, Page: pages, Logger: p.log,
		Settings: server.Admin{Defaults: c.Defaults, Locks: c.Locks, LockedBy: c.Tenant.Administrator},
	})
	return err
}

// systems are the telephone systems, each with the way to open its connector.
func (p *parts) systems(ctx context.Context, c *config.Config, inbox *server.Inbox) ([]server.SystemParams, error) {
	var list []server.SystemParams
	for _, name := range slices.Sorted(maps.Keys(c.Systems)) {
		s, id := c.Systems[name], csta.SystemID(name)
		opener, ok := s.Config.(pbx.Config)
		if !ok {
			return nil, fmt.Errorf("system.%s: %q is no telephone system", name, s.Type)
		}
		env := pbx.Env{
			System: id, Log: p.log.With("connector", s.Type, "system", id), HTTP: httpClient(), Secrets: s.Secrets,
			Store: store.Values{DB: p.db, System: id}, Inbox: inbox.For(id), Version: about.Version,
		}
		list = append(list, server.SystemParams{
			ID: id, Name: s.Name, Type: s.Type, Emergency: server.Emergency(s.Emergency),
			Open:    func() (pbx.Connector, error) { return opener.Open(env) },
			Restore: func() (owner.State, error) { return p.restore(ctx, id) },
		})
	}
	return list, nil
}

// restore brings the journal up to date with the log, and gives what the log knows of the earlier run.
func (p *parts) restore(ctx context.Context, id csta.SystemID) (owner.State, error) {
	if err := p.journal.CatchUp(ctx, tenant, id); err != nil {
		// The call list may lag; that must not keep anybody from seeing who is calling.
		p.log.Error("call list could not catch up", "system", id, "error", err)
	}
	return p.events.Restore(ctx, tenant, id)
}

// localAddress is what invitations name where no public address is set.
func localAddress(c *config.Config) string {
	if c.Server.PublicURL != "" {
		return c.Server.PublicURL
	}
	scheme := "http"
	if c.Server.TLSCert != "" {
		scheme = "https"
		if name, err := os.Hostname(); err == nil {
			return scheme + "://" + name + portOf(c.Server.Listen)
		}
	}
	return scheme + "://" + c.Server.Listen
}
