// Package server is the CTI server: it tells trays what their users may know, and does what they ask.
package server

import (
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"deskbell/app/csta"
	"deskbell/app/number/plan"
	"deskbell/app/pbx"
	"deskbell/app/server/accounts"
	"deskbell/app/server/owner"
	"deskbell/app/server/page"
	"deskbell/app/server/session"
)

// Params are what a server needs. All but the zero-able limits must be set.
type Params struct {
	Tenant  string
	Name    string // of this server, shown to users
	Version string
	Systems []SystemParams
	// Accounts, DB and Log stay the caller's: the server does not close them.
	Accounts *accounts.Accounts
	DB       *sql.DB
	Plan     *plan.Plan
	Log      owner.Log
	Journal  Journal
	// Take gives each update to the call list before it is told. It must not block.
	Take     func(owner.Update)
	Contacts Contacts
	// Extensions is filled by the server and asked by Plan. Inbox may be nil.
	Extensions *Extensions
	Inbox      *Inbox
	Page       *page.Builder
	Settings   Admin
	Limits     Limits
	Logger     *slog.Logger
}

// SystemParams are one telephone system.
type SystemParams struct {
	ID   csta.SystemID
	Name string // as users know it: "NFON"
	Type string // connector type
	// Emergency: whether emergency numbers typed by hand are dialled through this system, or the user is sent to the phone.
	Emergency Emergency
	// Open makes the connector, anew for each start.
	Open func() (pbx.Connector, error)
	// Restore gives what the log knows of the earlier run.
	Restore func() (owner.State, error)
	Limits  owner.Limits
}

// Emergency says what happens to an emergency number typed by hand.
type Emergency string

// The ways with emergency numbers.
const (
	EmergencyPhone Emergency = "phone" // it is refused with a word to use the phone
	EmergencyDial  Emergency = "dial"
)

// Admin are the administrator's defaults and locks for settings of users, by the names of the tray's settings file.
type Admin struct {
	Defaults map[string]string
	Locks    map[string]string
	LockedBy string
}

// Limits of the server; zero fields take the defaults.
type Limits struct {
	Session  session.Limits
	Sessions int           // of one user at a time; 10
	Calls    int           // MakeCalls of one user in a minute; 30
	Drain    time.Duration // for sessions to end when the server stops; 5 s
	Retry    time.Duration // until a connector that gave up is started again, at most; 1 min
}

func (l Limits) withDefaults() Limits {
	def := func(n *int, v int) {
		if *n <= 0 {
			*n = v
		}
	}
	def(&l.Sessions, 10)
	def(&l.Calls, 30)
	if l.Drain <= 0 {
		l.Drain = 5 * time.Second
	}
	if l.Retry <= 0 {
		l.Retry = time.Minute
	}
	return l
}

func (p Params) validate() error {
	var errs []error
	for name, ok := range map[string]bool{
		"Tenant": p.Tenant != "", "Accounts": p.Accounts != nil, "DB": p.DB != nil, "Plan": p.Plan != nil, "Log": p.Log != nil,
		"Journal": p.Journal != nil, "Take": p.Take != nil, "Contacts": p.Contacts != nil, "Extensions": p.Extensions != nil, "Page": p.Page != nil, "Logger": p.Logger != nil,
	} {
		if !ok {
			errs = append(errs, fmt.Errorf("server: %s is missing", name))
		}
	}
	for _, s := range p.Systems {
		if s.ID == "" || s.Open == nil {
			errs = append(errs, errors.New("server: a telephone system needs ID and Open"))
		}
	}
	return errors.Join(errs...)
}
