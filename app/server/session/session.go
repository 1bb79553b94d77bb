// Package session is one tray's WebSocket connection: framing, numbering, a bounded queue, heartbeat and flood limits.
//
// It knows JSON-RPC and close codes, and nothing of calls or users. An idle session costs one goroutine that reads; one that
// writes lives only while there is something to write.
package session

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"deskbell/app/wire"
)

// Limits of a session. The zero value of a field takes the default.
type Limits struct {
	Queue    int           // bytes that may wait for a slow reader; 256 KiB
	Hello    time.Duration // until hello must have come; 5 s
	Ping     time.Duration // between pings; unheard for twice as long is dead; 20 s
	Write    time.Duration // for one message; 10 s
	Linger   time.Duration // for the peer to answer a close frame; 2 s
	Rate     float64       // messages a second from the tray, on average; 50
	Burst    int           // messages at once from the tray; 200
	Parallel int           // requests in work at a time; 16
}

func (l Limits) withDefaults() Limits {
	l.Queue = or(l.Queue, 256<<10)
	l.Hello = or(l.Hello, 5*time.Second)
	l.Ping = or(l.Ping, 20*time.Second)
	l.Write = or(l.Write, 10*time.Second)
	l.Linger = or(l.Linger, 2*time.Second)
	l.Rate = or(l.Rate, 50)
	l.Burst = or(l.Burst, 200)
	l.Parallel = or(l.Parallel, 16)
	return l
}

func or[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

// Handler answers what a tray sends. Its methods are called from the session's goroutines, Request from several at once.
type Handler interface {
	// Hello is called once, first. Any error closes the session: a *CloseError with its code, others as internal.
	Hello(ctx context.Context, s *Session, hello wire.HelloFromTray) error
	// Request answers one request. The error should be a *wire.Error; any other is told as an internal one.
	Request(ctx context.Context, s *Session, method string, params json.RawMessage) (any, error)
	// Ended is called once when the connection is over, also if hello never came.
	Ended(s *Session)
}

// CloseError is a wish to close the session with a code of package wire.
type CloseError struct {
	Code int
	Text string
}

func (e *CloseError) Error() string { return e.Text }

// ThenClose is a result of Request: an empty reply, after which the session is closed.
type ThenClose struct {
	Code int
	Text string
}

// Session is one connection. Methods are safe for concurrent use.
type Session struct {
	conn    *websocket.Conn
	shared  *Shared
	handler Handler
	ctx     context.Context
	cancel  context.CancelFunc
	heardAt atomic.Int64 // since Shared.start, in nanoseconds
	working atomic.Int32 // requests in work
	hello   *time.Timer  // until hello came, then nil; only the reading goroutine looks, or greet while that one waits
	bucket  bucket       // only the reading goroutine looks
	slot    int          // in the wheel; guarded by the wheel
	index   int

	mu      sync.Mutex
	queue   []item
	waiting int // bytes in queue
	writing bool
	closing bool // nothing more is taken
	said    bool // the close frame is out
	over    bool // nothing more comes in
	code    int
	text    string
	seq     uint64 // of the last notification sent; only the writing goroutine changes it
}

// Shared is what the sessions of a server have in common.
type Shared struct {
	limits Limits
	log    *slog.Logger
	wheel  wheel
	start  time.Time
	stats  Stats
}

// Stats counts what happened to sessions, for the metrics.
type Stats struct {
	Opened, Closed atomic.Int64
	Sent, Received atomic.Int64
	TooSlow        atomic.Int64
}

// NewShared makes what sessions share. Run must be running while there are sessions.
func NewShared(l Limits, log *slog.Logger) *Shared {
	sh := &Shared{limits: l.withDefaults(), log: log, start: time.Now()}
	sh.wheel.init(sh.limits.Ping)
	return sh
}

// Stats gives the counters.
func (sh *Shared) Stats() *Stats { return &sh.stats }

// PingInterval is how often the server pings.
func (sh *Shared) PingInterval() time.Duration { return sh.limits.Ping }

// Open takes over an upgraded connection and serves it with goroutines of its own; the caller's may go. ctx bounds the
// session's life.
func (sh *Shared) Open(ctx context.Context, conn *websocket.Conn, h Handler) *Session {
	s := &Session{conn: conn, shared: sh, handler: h, bucket: newBucket(sh.limits.Rate, sh.limits.Burst)}
	s.ctx, s.cancel = context.WithCancel(ctx)
	s.heard()
	conn.SetPingHandler(s.onPing)
	conn.SetPongHandler(s.onPong)
	s.hello = time.AfterFunc(sh.limits.Hello, func() { s.Close(wire.CloseNoHello, "no hello") })
	sh.stats.Opened.Add(1)
	go s.read()
	return s
}

// Context ends with the session.
func (s *Session) Context() context.Context { return s.ctx }

func (s *Session) heard() { s.heardAt.Store(int64(time.Since(s.shared.start))) }

func (s *Session) silence() time.Duration {
	return time.Since(s.shared.start) - time.Duration(s.heardAt.Load())
}

// read is the session's own goroutine: it takes messages until the connection is over.
func (s *Session) read() {
	defer s.end()
	for {
		kind, r, err := s.conn.NextReader()
		if err != nil {
			return
		}
		s.heard()
		data, err := io.ReadAll(io.LimitReader(r, wire.MaxFromTray+1))
		if err != nil {
			return
		}
		// After an error what still comes is read and thrown away for a moment: closing a socket with unread bytes resets
		// it, and the close frame would be lost.
		if err := s.take(kind, data); err != nil {
			s.closeFor(err)
		}
	}
}

// closeFor closes the session with the code err asks for.
func (s *Session) closeFor(err error) {
	var c *CloseError
	if errors.As(err, &c) {
		s.Close(c.Code, c.Text)
		return
	}
	s.shared.log.Error("session failed", "error", err)
	s.Close(websocket.CloseInternalServerErr, "internal error")
}

// end is the last thing the reading goroutine does.
func (s *Session) end() {
	s.mu.Lock()
	lastWordsComing := s.closing && !s.said
	s.closing, s.over = true, true
	s.mu.Unlock()
	if !lastWordsComing { // else the writer hangs up
		s.hangUp()
	}
	if s.hello != nil {
		s.hello.Stop()
	}
	s.shared.wheel.remove(s)
	s.cancel()
	s.shared.stats.Closed.Add(1)
	s.handler.Ended(s)
}

func (s *Session) hangUp() {
	if err := s.conn.Close(); err != nil {
		s.shared.log.Debug("connection was closed already", "error", err)
	}
}

var (
	errFlood    = &CloseError{wire.CloseFlood, "too many messages"}
	errTooBig   = &CloseError{wire.CloseTooBig, "message too big"}
	errProtocol = &CloseError{wire.CloseProtocol, "not JSON-RPC 2.0 in a text frame"}
	errNoHello  = &CloseError{wire.CloseNoHello, "hello must come first"}
)

// count takes one message off the flood limit.
func (s *Session) count() error {
	s.shared.stats.Received.Add(1)
	if !s.bucket.take(time.Since(s.shared.start)) {
		return errFlood
	}
	return nil
}

// take checks one message and gives it to the handler.
func (s *Session) take(kind int, data []byte) error {
	if s.isClosing() {
		return nil
	}
	if err := s.count(); err != nil {
		return err
	}
	switch {
	case len(data) > wire.MaxFromTray:
		return errTooBig
	case kind != websocket.TextMessage:
		return errProtocol
	}
	m, err := Parse(data)
	if err != nil {
		return err
	}
	if s.hello != nil {
		return s.aside(func() error { return s.greet(m) })
	}
	if m.Method != "" {
		s.dispatch(m)
	}
	return nil
}

// aside runs do in a goroutine of its own and waits for it: what a greeting needs of stack, the reading goroutine would keep
// for as long as the session idles.
func (s *Session) aside(do func() error) error {
	done := make(chan error, 1)
	go func() { done <- do() }()
	return <-done
}

func (s *Session) greet(m wire.Message) error {
	if m.Method != wire.NoteHello {
		return errNoHello
	}
	var hello wire.HelloFromTray
	if err := json.Unmarshal(orEmpty(m.Params), &hello); err != nil {
		return errProtocol
	}
	s.hello.Stop()
	s.hello = nil
	// Without the session's cancellation: whatever waits for that leaves its list of waiters behind, for as long as the session lives.
	if err := s.handler.Hello(context.WithoutCancel(s.ctx), s, hello); err != nil {
		return err
	}
	s.reply(m.ID, struct{}{}, nil)
	s.shared.wheel.add(s)
	return nil
}

// dispatch runs a request in a goroutine of its own: hanging up must not wait for a MakeCall that takes its time.
func (s *Session) dispatch(m wire.Message) {
	if s.working.Add(1) > int32(s.shared.limits.Parallel) {
		s.working.Add(-1)
		s.reply(m.ID, nil, &wire.Error{Code: wire.CodeLimited, Message: "too many requests at a time"})
		return
	}
	go func() {
		defer s.working.Add(-1)
		result, err := s.handler.Request(s.ctx, s, m.Method, orEmpty(m.Params))
		last, leave := result.(ThenClose)
		if leave {
			result = struct{}{}
		}
		s.reply(m.ID, result, err)
		if leave && err == nil {
			s.Close(last.Code, last.Text)
		}
	}()
}

func orEmpty(params json.RawMessage) json.RawMessage {
	if len(params) == 0 || string(params) == "null" {
		return json.RawMessage("{}")
	}
	return params
}

// onPing answers through the queue, since the connection has one writer.
func (s *Session) onPing(data string) error {
	if err := s.onPong(""); err != nil {
		return err
	}
	s.push(item{control: websocket.PongMessage, raw: []byte(data)})
	return nil
}

// onPong counts control frames like messages: they cost as much.
func (s *Session) onPong(string) error {
	s.heard()
	if err := s.count(); err != nil {
		s.closeFor(err)
	}
	return nil
}

// DefaultLimits are the limits where nothing else is said.
func DefaultLimits() Limits { return Limits{}.withDefaults() }
