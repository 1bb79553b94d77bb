// Package client is the tray's connection to its server: a WebSocket that is dialled again by itself.
package client

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"deskbell/app/wire"
)

// Whys say why there is no connection; they are codes of the texts.
const (
	WhyUnreachable = "unreachable"  // network, DNS, 5xx, silence
	WhyRestart     = "restart"      // the server said that it stops or restarts
	WhyCertificate = "certificate"  // TLS certificate not trusted
	WhySignIn      = "sign_in"      // 401: the token is not known
	WhyNotAllowed  = "not_allowed"  // 403
	WhyRevoked     = "revoked"      // close code: signed out
	WhyProtocol    = "protocol"     // one side does not understand the other
	WhyNotDeskbell = "not_deskbell" // something else answers at that address
	WhyInsecure    = "insecure"     // clear text beyond this computer: refused before dialling
	WhyFlood       = "flood"
	WhyTooBig      = "too_big"
	WhyVersion     = "version"
	WhyTooMany     = "too_many"
)

// Limits of time.
const (
	handshakeLimit = 10 * time.Second
	helloLimit     = 10 * time.Second
	writeLimit     = 10 * time.Second
	backoffBase    = 500 * time.Millisecond
	backoffCap     = 30 * time.Second
	backoffHurry   = 5 * time.Second // while calls are running
	stableAfter    = 5 * time.Second // a session that lasted so long starts the back-off anew
)

// Errors of Request.
var (
	ErrDown = errors.New("no connection to the server")
	ErrLost = errors.New("connection lost before the reply")
)

// Handler is told what happens, in order, from one goroutine. Its methods may block; meanwhile nothing further is read.
type Handler interface {
	// Up says that a session began; a snapshot follows as the first Told.
	Up(hello wire.HelloFromServer)
	// Down says that there is no session. Final: nothing is tried again until Redial or SetAccount.
	Down(why string, final bool)
	// Told hands over a notification by value: wire.Snapshot, wire.Call and so on.
	Told(note any)
}

// Options of a Client. Only Handler and Log must be set.
type Options struct {
	Handler Handler
	Log     *slog.Logger
	Version string // of this program
	Device  string // name of this computer, for lists
	Locale  string // BCP 47
	CanPop  bool   // can open customers
	TLS     *tls.Config
	// Dial makes the network connection; nil: the system's. For tests.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Client owns the connection. Run does the work; all other methods may be called by anyone at any time and do not block,
// except Request.
type Client struct {
	opts Options
	wake chan struct{}

	mu      sync.Mutex
	server  string
	token   string
	hurry   bool
	current *session
	drop    func() // ends the session that is being made or is up
}

// New makes a Client without an account.
func New(o Options) *Client { return &Client{opts: o, wake: make(chan struct{}, 1)} }

// SetAccount moves the connection to a server's base address with a token; both empty: to none. It dials at once.
func (c *Client) SetAccount(server, token string) {
	c.mu.Lock()
	c.server, c.token = server, token
	c.mu.Unlock()
	c.Redial()
}

// Hurry says whether calls are running: then no wait is longer than five seconds.
func (c *Client) Hurry(on bool) {
	c.mu.Lock()
	c.hurry = on
	c.mu.Unlock()
}

// Redial dials at once: a session that is up is in doubt and is given up, a wait ends.
func (c *Client) Redial() {
	c.mu.Lock()
	drop := c.drop
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
	if drop != nil {
		drop()
	}
}

// ended says how a session ended.
type ended struct {
	why    string
	final  bool
	atOnce bool // come back without a wait
	err    error
}

// Run connects and reconnects until ctx ends.
func (c *Client) Run(ctx context.Context) {
	failures := 0
	for ctx.Err() == nil {
		c.mu.Lock()
		server, token := c.server, c.token
		c.mu.Unlock()
		if server == "" {
			c.wait(ctx, -1)
			continue
		}
		end, lasted := c.once(ctx, server, token)
		if ctx.Err() != nil {
			return
		}
		c.opts.Log.Info("session ended", "why", end.why, "final", end.final, "error", end.err)
		c.opts.Handler.Down(end.why, end.final)
		if lasted >= stableAfter {
			failures = 0
		}
		switch {
		case end.final:
			failures = 0
			c.wait(ctx, -1)
		case end.atOnce && lasted >= stableAfter:
		case c.wait(ctx, c.backoff(failures)):
			failures = 0
		default:
			failures++
		}
	}
}

// once runs one session and tells how long it was up.
func (c *Client) once(ctx context.Context, server, token string) (ended, time.Duration) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c.mu.Lock()
	c.drop = cancel
	c.mu.Unlock()
	select {
	case <-c.wake: // what it asked for happens now
	default:
	}
	s, end := c.dial(ctx, server, token)
	if s == nil {
		return end, 0
	}
	began := time.Now()
	end = s.run(ctx)
	c.mu.Lock()
	c.current = nil
	c.mu.Unlock()
	s.fail()
	return end, time.Since(began)
}

// wait waits for a time, for ever if it is negative, and reports whether somebody asked to dial at once.
func (c *Client) wait(ctx context.Context, d time.Duration) (woken bool) {
	var timer <-chan time.Time
	if d >= 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-ctx.Done():
	case <-timer:
	case <-c.wake:
		return true
	}
	return false
}

// backoff is a time chosen from all of nought to the limit ("full jitter"), so that many trays do not come at once.
func (c *Client) backoff(failures int) time.Duration {
	c.mu.Lock()
	limit := backoffCap
	if c.hurry {
		limit = backoffHurry
	}
	c.mu.Unlock()
	ceiling := backoffBase << min(failures, 10)
	return rand.N(min(ceiling, limit))
}

// Request asks the server and waits for its reply. The error is a *wire.Error if the server refused, ErrDown if it was
// never sent, ErrLost or ctx's if no reply will be heard.
func (c *Client) Request(ctx context.Context, method string, params any) (json.RawMessage, error) {
	c.mu.Lock()
	s := c.current
	c.mu.Unlock()
	if s == nil {
		return nil, ErrDown
	}
	return s.request(ctx, method, params)
}
