// Package contact is the caller: the contract with contact sources, the index of copied contacts, and the lookup.
package contact

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"deskbell/app/number"
)

// Contact is one person or company of one source. Texts come from outside and are untrusted. Values are shared and must
// not be changed by who receives them.
type Contact struct {
	// Tenant, Owner, Source and ID together name the contact. Owner is empty for the tenant's contacts, else a user.
	Tenant string `json:"tenant"`
	Owner  string `json:"owner,omitempty"`
	Source string `json:"source"`
	ID     string `json:"id"`

	Name    string   `json:"name,omitempty"`
	Company string   `json:"company,omitempty"`
	Numbers []Number `json:"numbers,omitempty"`
	VIP     bool     `json:"vip,omitempty"`
	// URL is the record page. Only http and https get here.
	URL string `json:"url,omitempty"`
	// Fields are further values for the templates of action URLs, by the names of the source's settings.
	Fields map[string]string `json:"fields,omitempty"`
}

// Number is one number of a contact.
type Number struct {
	// E164 is empty where the spelling is no number of the tenant's plan.
	E164 number.E164 `json:"e164,omitempty"`
	// Raw is the source's spelling.
	Raw string `json:"raw,omitempty"`
	// Label is the source's word for it: "mobile", "office".
	Label string `json:"label,omitempty"`
	// Head marks a switchboard ("089 1234-0"): direct-dial numbers of the company begin with its digits.
	Head bool `json:"head,omitempty"`
}

// Key names the contact across sources.
type Key struct{ Tenant, Owner, Source, ID string }

// Key returns the contact's name across sources.
func (c Contact) Key() Key { return Key{c.Tenant, c.Owner, c.Source, c.ID} }

// LogValue shows the source only: names, ids and pages of customers are personal.
func (c Contact) LogValue() slog.Value {
	return slog.GroupValue(slog.String("source", c.Source), slog.Bool("vip", c.VIP))
}

// Counts are figures of a contact that its source knows.
type Counts struct {
	// OpenTickets counts only if Known.
	OpenTickets int  `json:"openTickets"`
	Known       bool `json:"known"`
}

// Match is a contact that may be the caller.
type Match struct {
	Contact
	// Exact says that a number of the contact is equal to the caller's; otherwise it is "Perhaps …".
	Exact bool `json:"exact"`
	// Head says that only the head number of the contact's company matches.
	Head bool `json:"head,omitempty"`
	// Counts follow later, where the source has them.
	Counts Counts `json:"counts"`
}

// Config is what the settings file holds for one source. Neither method touches the network or a file.
type Config interface {
	// Validate reports all mistakes at once, joined, each starting with the key it is about.
	Validate() error
	// Open makes the source.
	Open(env Env) (Source, error)
}

// Env is what a source gets from its surroundings. Everything is safe for use by several goroutines.
type Env struct {
	Tenant  string
	Source  string // the id of this source in the settings
	Log     *slog.Logger
	HTTP    *http.Client // base client with TLS settings; a source sets its own time limits per request
	Secrets Secrets
	Numbers Numbers
	Version string // of Deskbell, for User-Agent headers
}

// Secrets gives passwords and tokens; they may change while running, so ask anew and never keep them.
type Secrets interface {
	// Secret returns the secret named by the configuration key; subject is empty for the source's own account.
	Secret(ctx context.Context, key, subject string) (string, error)
}

// Numbers reads and writes numbers by the tenant's plan.
type Numbers interface {
	// NormalizeAll reads a field that may hold several numbers.
	NormalizeAll(field string) []number.Party
	// NationalDigits is a number as dialled within the country, "089123456"; empty for foreign numbers.
	NationalDigits(number.E164) string
}

// Source is one opened contact source. It shows by the abilities Copied, Live and Counter what it can do, and has at
// least one of Copied and Live.
type Source interface {
	// Close frees what the source holds. It may be called more than once, and after everything else has returned.
	Close() error
}

// Copied is a source whose contacts are copied into the index.
type Copied interface {
	Source
	// Watch gives the complete list to sink, and again whenever it changes, until ctx ends (then nil). A source that
	// cannot be read now reports it and tries again; the list given before stays. Watch returns an error only when nothing
	// more can be done.
	Watch(ctx context.Context, sink Sink) error
}

// Live is a source that is asked for each number.
type Live interface {
	Source
	// Lookup returns candidates; the caller compares their numbers again. No hit is no error.
	Lookup(ctx context.Context, e number.E164) ([]Contact, error)
}

// Counter is a source that knows figures of its contacts.
type Counter interface {
	Source
	Counts(ctx context.Context, c Contact) (Counts, error)
}

// Sink takes the list of a copied source.
type Sink interface {
	// Begin starts a new complete list. Nothing of it is seen before Commit; without Commit it is dropped.
	Begin() Batch
	// Report tells how reading went, also where no list was begun because the source could not be read.
	Report(r Report)
}

// Batch is a list being filled, by one goroutine.
type Batch interface {
	// Add takes a contact; tenant and source are filled in.
	Add(c Contact)
	Commit()
}

// Report says how a copied source was read.
type Report struct {
	At       time.Time
	Rows     int // read, without the heading
	Contacts int // served
	Numbers  int // served
	Skipped  int // rows without a usable contact
	// Problems are the first of the mistakes; Omitted says how many more there were.
	Problems []Problem
	Omitted  int
	// Err is set if the source could not be read; then the list given before stays.
	Err error
}

// Problem is one mistake in a source. Reason is technical and carries no personal data.
type Problem struct {
	Row    int    `json:"row"` // as an editor counts lines, from 1; 0 for the source as a whole
	Column string `json:"column,omitempty"`
	Reason string `json:"reason"`
}

// Errors that sources wrap, so that trouble has a reason a person understands. Anything else is "unreachable".
var (
	ErrSignIn   = errors.New("the contact source refuses the sign-in")
	ErrRights   = errors.New("the contact source refuses access")
	ErrLimited  = errors.New("the contact source asks to wait")
	ErrProtocol = errors.New("the contact source's answer makes no sense")
	ErrConfig   = errors.New("the contact source cannot work as configured")
)
