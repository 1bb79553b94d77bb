// Package nfon simulates the NFON CTI API: a small telephone system behind the vendor's HTTP endpoints, with a switch for everything that is uncertain or may go wrong.
package nfon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Server is a simulated tenant. All methods may be called from any goroutine. It never replays: a stream shows what
// happens while it is open.
type Server struct {
	opts    Options
	issuer  *issuer
	handler http.Handler
	sw      atomic.Pointer[Switches]

	mu        sync.Mutex
	phones    map[string]*phone
	order     []*phone
	outside   map[string]Behaviour
	calls     map[string]*call // running and kept ones, by every uuid they have
	finished  []*call
	streams   map[*stream]struct{}
	callFeeds []*stream
	stateFeed []*stream
	streamID  uint64
	events    uint64
	lastFrame []byte
	held      []chunk
	lagging   []lagged
	darkUntil time.Time
	faultsMet map[string]int
	closed    bool

	listener net.Listener
	server   *http.Server
	served   chan struct{}
	hurry    context.CancelFunc // ends requests that wait on purpose
}

// New makes a server of valid options (Options.Validate). It answers through Handler at once; Start adds a listener.
// It panics when the machine has no randomness for a key, since nothing can work then.
func New(o Options) *Server {
	o = o.withDefaults()
	keys, err := newIssuer()
	if err != nil {
		panic(err)
	}
	s := &Server{
		opts: o, issuer: keys,
		phones: map[string]*phone{}, outside: map[string]Behaviour{}, calls: map[string]*call{},
		streams: map[*stream]struct{}{}, faultsMet: map[string]int{},
	}
	sw := *o.Switches
	s.sw.Store(&sw)
	now := time.Now()
	for _, p := range o.Phones {
		ph := &phone{Phone: p, since: now}
		ph.last = publicState{extension: p.Extension, line: ph.line(&sw), presence: p.Presence, since: now}
		ph.public = ph.last
		s.phones[p.Extension] = ph
		s.order = append(s.order, ph)
	}
	s.handler = s.routes()
	return s
}

// Handler serves the API below /v1.
func (s *Server) Handler() http.Handler { return s.handler }

// Start listens on 127.0.0.1, on a free port.
func (s *Server) Start() error { return s.StartAt("127.0.0.1:0") }

// StartAt listens on the given address.
func (s *Server) StartAt(address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("listen for the telephone system: %w", err)
	}
	s.listener = l
	ctx, cancel := context.WithCancel(context.Background())
	s.server = &http.Server{
		Handler: s.handler, ReadHeaderTimeout: 10 * time.Second,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	s.hurry = cancel
	s.served = make(chan struct{})
	go func() {
		defer close(s.served)
		if err := s.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.opts.Logger.Error("telephone system stopped serving", "error", err)
		}
	}()
	return nil
}

// URL is the API's base, with /v1 and without a final slash. Only after Start.
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() + "/v1" }

// Account is the K-Account of the tenant, Credentials what signs in to it.
func (s *Server) Account() string { return s.opts.Account }

// Credentials are the user name and password that POST /login takes.
func (s *Server) Credentials() (username, password string) { return s.opts.Username, s.opts.Password }

// Close ends all calls silently, all streams and the listener, and waits for them.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	for _, c := range s.calls {
		c.stopTimers()
	}
	for st := range s.streams {
		st.cut("server closed", false)
	}
	s.mu.Unlock()
	if s.server == nil {
		return nil
	}
	s.hurry()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := s.server.Shutdown(ctx); err != nil {
		err = s.server.Close() // a request hangs on purpose (a client that never reads)
		<-s.served
		return err
	}
	<-s.served
	return nil
}

// Switches returns the present switches. The maps and slices in it must not be changed.
func (s *Server) Switches() Switches { return *s.sw.Load() }

// Configure changes switches under a lock; a change that does not validate is dropped.
func (s *Server) Configure(change func(*Switches)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	sw := *s.sw.Load()
	faults := make(map[string]Fault, len(sw.Faults))
	for k, v := range sw.Faults {
		faults[k] = v
	}
	sw.Faults, sw.Lose = faults, append([]string{}, sw.Lose...)
	change(&sw)
	return s.put(sw)
}

// Set changes one switch by its JSON name; see Switches.With.
func (s *Server) Set(name, value string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	sw, err := s.sw.Load().With(name, value)
	if err != nil {
		return err
	}
	return s.put(sw)
}

// ResetSwitches puts all defaults back.
func (s *Server) ResetSwitches() error {
	return s.Configure(func(sw *Switches) { *sw = Defaults() })
}

func (s *Server) put(sw Switches) error {
	if err := sw.Validate(); err != nil {
		return err
	}
	s.sw.Store(&sw)
	clear(s.faultsMet)
	for _, p := range s.order {
		s.refresh(p)
	}
	return nil
}

// RevokeTokens makes all tokens issued so far useless, as after a change of the password.
func (s *Server) RevokeTokens() { s.issuer.revoke() }

// DropStreams breaks all open GET streams and refuses new ones with a reset connection for d. What happens meanwhile
// is lost for everybody.
func (s *Server) DropStreams(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.darkUntil = time.Now().Add(d)
	for st := range s.streams {
		if st.feed != feedOriginate {
			st.cut("dropped", true)
			s.forget(st)
		}
	}
}

// EndStreams ends all open GET streams properly, as a server does that is about to restart.
func (s *Server) EndStreams() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for st := range s.streams {
		if st.feed != feedOriginate {
			st.cut("ended by server", false)
			s.forget(st)
		}
	}
}

// StreamCount is how many streams of a feed ("calls", "states", "originate") are open.
func (s *Server) StreamCount(feed string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for st := range s.streams {
		if st.feed == feed {
			n++
		}
	}
	return n
}

// open registers a stream. s.mu is held.
func (s *Server) open(feed string) *stream {
	s.streamID++
	st := newStream(s.streamID, feed)
	s.streams[st] = struct{}{}
	switch feed {
	case feedCalls:
		s.callFeeds = append(s.callFeeds[:len(s.callFeeds):len(s.callFeeds)], st)
	case feedStates:
		s.stateFeed = append(s.stateFeed[:len(s.stateFeed):len(s.stateFeed)], st)
	}
	s.fact(KindStream, StreamFact{Stream: st.id, Feed: feed, Action: "open"})
	return st
}

func (s *Server) remove(st *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(st)
}

func (s *Server) forget(st *stream) {
	delete(s.streams, st)
	s.callFeeds = without(s.callFeeds, st)
	s.stateFeed = without(s.stateFeed, st)
}

func (s *Server) streamsOf(feed string) []*stream {
	if feed == feedCalls {
		return s.callFeeds
	}
	return s.stateFeed
}

// without makes a new slice, since publishers may be walking over the old one.
func without(list []*stream, gone *stream) []*stream {
	var kept []*stream
	for _, st := range list {
		if st != gone {
			kept = append(kept, st)
		}
	}
	return kept
}
