// Package crm simulates a small CRM: contact pages for people, a JSON interface for programs, and a record of who asked.
package crm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"deskbell/app/lab/record"
)

// Source is the record.Entry source of this package; its entries are of kind KindRequest and carry an Access.
const (
	Source      = "crm"
	KindRequest = "request"
)

// Endpoints that can fail: lookup by number, search by name, ticket counts, contact pages.
const (
	Lookup  = "lookup"
	Search  = "search"
	Tickets = "tickets"
	Page    = "page"
)

var endpoints = []string{Lookup, Search, Tickets, Page}

// Failures an endpoint can be given.
const (
	None         = ""
	ServerError  = "500"
	Hang         = "hang" // no answer until the client leaves
	Broken       = "broken"
	Unauthorized = "401"
	Reset        = "reset"
)

var failures = []string{None, ServerError, Hang, Broken, Unauthorized, Reset}

// Fault is how an endpoint misbehaves.
type Fault struct {
	Delay   time.Duration `json:"delay"` // nanoseconds in JSON
	Failure string        `json:"failure"`
}

// Access is one request, recorded when its reply began.
type Access struct {
	Endpoint  string `json:"endpoint"`
	Method    string `json:"method"`
	Path      string `json:"path"`
	Query     string `json:"query"`
	Status    int    `json:"status"` // 0: no reply
	UserAgent string `json:"user_agent"`
	Contact   string `json:"contact,omitempty"` // whose page or tickets were asked for
}

// Options of a Server; the zero value serves the fixture contacts without a token.
type Options struct {
	Contacts []Contact
	Token    string      // bearer token of the JSON interface; empty: open
	Log      *record.Log // nil: a log of its own
	Logger   *slog.Logger
}

// Server is safe for use by several goroutines.
type Server struct {
	opts    Options
	handler http.Handler

	mu       sync.Mutex
	contacts []Contact
	faults   map[string]Fault

	listener net.Listener
	server   *http.Server
	served   chan struct{}
	hurry    context.CancelFunc
}

// New makes a CRM that answers through Handler at once; Start adds a listener.
func New(o Options) *Server {
	if o.Contacts == nil {
		o.Contacts = DefaultContacts()
	}
	if o.Log == nil {
		o.Log = record.New(0)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{opts: o, contacts: slices.Clone(o.Contacts), faults: map[string]Fault{}}
	s.handler = s.routes()
	return s
}

// Handler serves pages at /contacts and the JSON interface below /api.
func (s *Server) Handler() http.Handler { return s.handler }

// Start listens on 127.0.0.1, on a free port.
func (s *Server) Start() error { return s.StartAt("127.0.0.1:0") }

// StartAt listens on the given address.
func (s *Server) StartAt(address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("listen for the CRM: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.listener, s.hurry, s.served = l, cancel, make(chan struct{})
	s.server = &http.Server{
		Handler: s.handler, ReadHeaderTimeout: 10 * time.Second,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	go func() {
		defer close(s.served)
		if err := s.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.opts.Logger.Error("CRM stopped serving", "error", err)
		}
	}()
	return nil
}

// URL is the CRM's address without a final slash. Only after Start.
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() }

// Close ends all requests and the listener, and waits for them.
func (s *Server) Close() error {
	if s.server == nil {
		return nil
	}
	s.hurry()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	err := s.server.Shutdown(ctx)
	if err != nil {
		err = s.server.Close()
	}
	<-s.served
	return err
}

// SetFault makes an endpoint misbehave from the next request on; the zero Fault heals it.
func (s *Server) SetFault(endpoint string, f Fault) error {
	if !slices.Contains(endpoints, endpoint) {
		return fmt.Errorf("no endpoint is named %q; there are %s", endpoint, strings.Join(endpoints, ", "))
	}
	if !slices.Contains(failures, f.Failure) {
		return fmt.Errorf("no failure is named %q; there are %s", f.Failure, strings.Join(failures[1:], ", "))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[endpoint] = f
	return nil
}

// Faults returns a copy of what misbehaves.
func (s *Server) Faults() map[string]Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]Fault{}
	for k, v := range s.faults {
		if v != (Fault{}) {
			out[k] = v
		}
	}
	return out
}

// SetContacts replaces all contacts.
func (s *Server) SetContacts(list []Contact) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.contacts = slices.Clone(list)
}

// Contacts returns a copy of all contacts.
func (s *Server) Contacts() []Contact {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.contacts)
}

// ByNumber finds the contacts with a number, in any spelling.
func (s *Server) ByNumber(number string) []Contact {
	want := e164(number)
	return s.find(func(c Contact) bool { return want != "" && c.has(want) })
}

func (s *Server) find(fits func(Contact) bool) []Contact {
	found := []Contact{}
	for _, c := range s.Contacts() {
		if fits(c) {
			found = append(found, c)
		}
	}
	return found
}

// Accesses lists the recorded requests to one endpoint, or to all when it is empty.
func (s *Server) Accesses(endpoint string) []Access {
	var found []Access
	for _, e := range s.opts.Log.Since(0) {
		if a, ok := e.Data.(Access); ok && (endpoint == "" || a.Endpoint == endpoint) {
			found = append(found, a)
		}
	}
	return found
}

// Log is where the CRM records requests.
func (s *Server) Log() *record.Log { return s.opts.Log }
