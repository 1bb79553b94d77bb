// Package accounts keeps who may use the server: users and their devices, invitations, and one token per tray.
package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"deskbell/app/csta"
)

// Access is what a user may see of a device.
type Access string

// The kinds of access. Own implies the others: everything, and the verbs of the device's calls.
const (
	Own         Access = "own"
	Watch       Access = "watch"        // state and other party
	WatchHidden Access = "watch_hidden" // state, without the other party
)

// Role is what a user is beside his own devices.
type Role string

// The roles.
const (
	Agent      Role = "agent"
	Supervisor Role = "supervisor" // may also see figures
)

// Grant gives access to one device of one telephone system.
type Grant struct {
	System csta.SystemID
	Device csta.DeviceID
	Access Access
}

// User is one person. Values are immutable once handed out. Grants are in the order given: the first own device is the one
// that dials if nothing else is said.
type User struct {
	ID     string
	Name   string
	Role   Role
	Grants []Grant
}

// Token is one tray's way in, without the secret itself.
type Token struct {
	ID      string
	User    string
	Device  string // a name for lists: "Anna's laptop"
	Created time.Time
	Used    time.Time // to the hour
}

// Errors of this package.
var (
	ErrExists            = errors.New("there already is a user of this name")
	ErrNoUser            = errors.New("no such user")
	ErrNoToken           = errors.New("no such token")
	ErrToken             = errors.New("the token is wrong or was revoked")
	ErrInvitation        = errors.New("the invitation is wrong")
	ErrInvitationUsed    = errors.New("the invitation was used already")
	ErrInvitationExpired = errors.New("the invitation has expired")
)

// Params are what Open needs. DB is shared; it is not closed.
type Params struct {
	DB  *sql.DB
	Log *slog.Logger
	// Poll is how often changes made by another process are looked for; zero: 500 ms.
	Poll time.Duration
}

// Accounts answers from memory and writes to the database. Safe for concurrent use.
type Accounts struct {
	params Params
	known  atomic.Pointer[known]

	mu   sync.Mutex
	used map[string]time.Time // tokens whose "last used" is to be written, by token id

	reading  sync.Mutex // one reload at a time, so that changes are told in order
	onChange atomic.Pointer[func(users []string)]
}

// OnChange names who is told the ids of users whose name, role, devices or tokens changed. It is called by Run and by
// whoever makes a change, one at a time.
func (a *Accounts) OnChange(tell func(users []string)) { a.onChange.Store(&tell) }

// Open reads all accounts.
func Open(ctx context.Context, p Params) (*Accounts, error) {
	if p.Poll <= 0 {
		p.Poll = 500 * time.Millisecond
	}
	a := &Accounts{params: p, used: map[string]time.Time{}}
	if _, err := a.reload(ctx, ""); err != nil {
		return nil, err
	}
	return a, nil
}

// User finds a user by id.
func (a *Accounts) User(id string) (User, error) {
	if u, ok := a.known.Load().users[id]; ok {
		return *u, nil
	}
	return User{}, fmt.Errorf("%w: %q", ErrNoUser, id)
}

// Users lists all users, by id.
func (a *Accounts) Users() []User { return a.known.Load().list() }

// Devices lists, for each telephone system, the devices somebody owns or watches.
func (a *Accounts) Devices() map[csta.SystemID][]csta.DeviceID { return a.known.Load().devices() }

// Run follows changes made by other processes and writes down when tokens were used, until ctx ends.
func (a *Accounts) Run(ctx context.Context) error {
	poll := time.NewTicker(a.params.Poll)
	defer poll.Stop()
	write := time.NewTicker(time.Minute)
	defer write.Stop()
	for {
		select {
		case <-ctx.Done():
			return a.writeUsed(context.WithoutCancel(ctx))
		case <-poll.C:
			if err := a.Refresh(ctx); err != nil && ctx.Err() == nil {
				a.params.Log.Warn("accounts could not be read anew", "error", err)
			}
		case <-write.C:
			if err := a.writeUsed(ctx); err != nil && ctx.Err() == nil {
				a.params.Log.Warn("last use of tokens could not be written", "error", err)
			}
		}
	}
}

// Refresh looks for changes now, and tells of them.
func (a *Accounts) Refresh(ctx context.Context) error { return a.refresh(ctx, "") }

// refresh is Refresh. If only one user changed since the last time, and it is known which, only that one is read.
func (a *Accounts) refresh(ctx context.Context, user string) error {
	a.reading.Lock()
	defer a.reading.Unlock()
	changed, err := a.reload(ctx, user)
	if err != nil {
		return err
	}
	if tell := a.onChange.Load(); len(changed) > 0 && tell != nil {
		(*tell)(changed)
	}
	return nil
}
