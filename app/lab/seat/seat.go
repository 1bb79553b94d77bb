// Package seat is a bare seat at Deskbell's server: a client written from docs/protocol.md alone, for evidence and load.
//
// It shares no types with Deskbell's own client or protocol package, so that what it sees is what any stranger would see.
package seat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// Options say how a seat behaves.
type Options struct {
	URL   string // ws:// or wss:// address of the server, with or without the socket's path
	Token string
	// Locale is the language of place names, as BCP 47; empty: the server's.
	Locale string
	// Open opens a customer's page after a granted claim; nil: the seat does not offer to open pages.
	Open func(ctx context.Context, url string) error
	// Redial is the longest pause between two tries; zero: do not dial again after a loss.
	Redial time.Duration
	Log    *slog.Logger
	// OnMessage sees every notification with the moment it was read, before the state changes. It must not block.
	OnMessage func(method string, params json.RawMessage, read time.Time)
	Dialer    *websocket.Dialer // nil: a small default
}

// Seat is one signed-in client. Its state may be read from any goroutine.
type Seat struct {
	opts    Options
	mu      sync.Mutex
	state   State
	changed chan struct{} // closed and replaced at each change
	conn    *websocket.Conn
	next    int
	waiting map[string]chan reply
}

type reply struct {
	result json.RawMessage
	err    error
}

type message struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *RPCError       `json:"error,omitempty"`
}

// RPCError is an error reply of the server.
type RPCError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    struct {
		Code string            `json:"code"`
		Args map[string]string `json:"args"`
	} `json:"data"`
}

// Error implements error.
func (e *RPCError) Error() string {
	return fmt.Sprintf("%s (%d %s)", e.Message, e.Code, e.Data.Code)
}

// ErrClosed is wrapped by requests whose connection ended before the reply.
var ErrClosed = errors.New("seat: connection closed")

// New makes a seat; nothing is dialled before Run.
func New(opts Options) *Seat {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Dialer == nil {
		opts.Dialer = &websocket.Dialer{HandshakeTimeout: 5 * time.Second, ReadBufferSize: 1024, WriteBufferSize: 512}
	}
	return &Seat{opts: opts, changed: make(chan struct{}), waiting: map[string]chan reply{}, state: newState()}
}

// Run keeps the seat connected until ctx ends, or until the connection is lost if it may not dial again.
func (s *Seat) Run(ctx context.Context) error {
	pause := 20 * time.Millisecond
	for {
		err := s.session(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the end that was asked for
		}
		if s.opts.Redial == 0 {
			return err
		}
		if s.Snapshot().Connected {
			pause = 20 * time.Millisecond
		}
		s.update(func(st *State) { st.Connected = false; st.LastError = errText(err) })
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		pause = min(2*pause, s.opts.Redial)
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func (s *Seat) session(ctx context.Context) error {
	header := http.Header{"Authorization": {"Bearer " + s.opts.Token}}
	dialer := *s.opts.Dialer
	dialer.Subprotocols = []string{"deskbell.v1"}
	conn, resp, err := dialer.DialContext(ctx, socketURL(s.opts.URL), header)
	if resp != nil && resp.Body != nil {
		defer func() { _ = resp.Body.Close() }()
	}
	if err != nil {
		if resp != nil {
			return fmt.Errorf("seat: handshake answered %d: %w", resp.StatusCode, err)
		}
		return fmt.Errorf("seat: dial: %w", err)
	}
	s.mu.Lock()
	s.conn = conn
	s.mu.Unlock()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer func() {
		stop()
		_ = conn.Close()
		s.failWaiting()
	}()
	capabilities := []string{}
	if s.opts.Open != nil {
		capabilities = append(capabilities, "pop")
	}
	hello := map[string]any{"version": "seat", "capabilities": capabilities, "device": "seat", "locale": s.opts.Locale}
	if err := s.write(map[string]any{"jsonrpc": "2.0", "method": "hello", "params": hello}); err != nil {
		return err
	}
	for {
		_, data, err := conn.ReadMessage()
		if err != nil {
			return fmt.Errorf("seat: read: %w", err)
		}
		s.take(ctx, data, time.Now())
	}
}

func (s *Seat) take(ctx context.Context, data []byte, read time.Time) {
	var m message
	if err := json.Unmarshal(data, &m); err != nil || m.Version != "2.0" {
		s.update(func(st *State) { st.fault("not JSON-RPC 2.0: %.80s", data) })
		return
	}
	if m.Method == "" {
		s.answer(m)
		return
	}
	if s.opts.OnMessage != nil {
		s.opts.OnMessage(m.Method, m.Params, read)
	}
	var offers []Pop
	s.update(func(st *State) { offers = st.apply(m.Method, m.Params) })
	if s.opts.Open == nil {
		return
	}
	for _, offer := range offers {
		go s.open(ctx, offer.ID)
	}
}

// open claims an offer and opens its page; run per offer, it ends with the connection or the page.
func (s *Seat) open(ctx context.Context, id string) {
	var claim struct {
		Granted bool   `json:"granted"`
		URL     string `json:"url"`
	}
	if err := s.Call(ctx, "pop.claim", map[string]any{"id": id}, &claim); err != nil || !claim.Granted {
		return
	}
	err := s.opts.Open(ctx, claim.URL)
	report := map[string]any{"id": id, "opened": err == nil}
	if err != nil {
		report["error"] = "no_browser"
	}
	if err := s.Call(ctx, "pop.report", report, nil); err != nil {
		s.opts.Log.Debug("pop report not taken", "error", err)
	}
}

func (s *Seat) answer(m message) {
	s.mu.Lock()
	ch := s.waiting[string(m.ID)]
	delete(s.waiting, string(m.ID))
	s.mu.Unlock()
	if ch == nil {
		return
	}
	if m.Error != nil {
		ch <- reply{err: m.Error}
		return
	}
	ch <- reply{result: m.Result}
}

// Call sends one request and waits for its reply.
func (s *Seat) Call(ctx context.Context, method string, params, result any) error {
	s.mu.Lock()
	s.next++
	id := fmt.Sprint(s.next)
	ch := make(chan reply, 1)
	s.waiting[id] = ch
	s.mu.Unlock()
	if err := s.write(map[string]any{"jsonrpc": "2.0", "id": json.RawMessage(id), "method": method, "params": params}); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return fmt.Errorf("seat: %s: %w", method, ctx.Err())
	case r := <-ch:
		if r.err != nil {
			return fmt.Errorf("seat: %s: %w", method, r.err)
		}
		if result == nil {
			return nil
		}
		return json.Unmarshal(r.result, result)
	}
}

func (s *Seat) write(v any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil {
		return ErrClosed
	}
	if err := s.conn.SetWriteDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return fmt.Errorf("seat: %w", err)
	}
	if err := s.conn.WriteJSON(v); err != nil {
		return fmt.Errorf("seat: write: %w", err)
	}
	return nil
}

func (s *Seat) failWaiting() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conn = nil
	for id, ch := range s.waiting {
		ch <- reply{err: ErrClosed}
		delete(s.waiting, id)
	}
}

func (s *Seat) update(change func(*State)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.state)
	close(s.changed)
	s.changed = make(chan struct{})
}

// Snapshot gives a copy of the state.
func (s *Seat) Snapshot() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.clone()
}

// Await waits until the state satisfies ok, and gives it.
func (s *Seat) Await(ctx context.Context, ok func(State) bool) (State, error) {
	for {
		s.mu.Lock()
		st, changed := s.state.clone(), s.changed
		s.mu.Unlock()
		if ok(st) {
			return st, nil
		}
		select {
		case <-ctx.Done():
			return st, fmt.Errorf("seat: waited in vain: %w", ctx.Err())
		case <-changed:
		}
	}
}

func socketURL(base string) string {
	const path = "/v1/socket"
	if len(base) >= len(path) && base[len(base)-len(path):] == path {
		return base
	}
	for len(base) > 0 && base[len(base)-1] == '/' {
		base = base[:len(base)-1]
	}
	return base + path
}
