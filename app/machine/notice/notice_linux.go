package notice

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/godbus/dbus/v5"

	"deskbell/app/machine/sessionbus"
)

const (
	busName    = "org.freedesktop.Notifications"
	objectPath = "/org/freedesktop/Notifications"

	// answerLimit bounds one call to the notification daemon; a hung one must not hold up the next notice for long.
	answerLimit = 2 * time.Second
)

// Notifier shows notices through org.freedesktop.Notifications. Its methods may be called from any goroutine; one
// goroutine of its own talks to the bus, so notices are shown in the order in which Show was called.
type Notifier struct {
	log      *slog.Logger
	requests chan request
	events   chan Event
	caps     atomic.Pointer[Caps]
	done     chan struct{}
}

// request is one thing for the owner to do, and where the answer goes.
type request struct {
	ctx  context.Context
	do   func(context.Context, *owner) error
	done chan error
}

// Open starts the notifier; it ends with ctx. A missing bus or daemon is not an error here: Check and Show say so.
func Open(ctx context.Context, log *slog.Logger) (*Notifier, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("open notifications: %w", err)
	}
	n := &Notifier{log: log, requests: make(chan request), events: make(chan Event), done: make(chan struct{})}
	n.caps.Store(&Caps{})
	o := &owner{n: n, ids: map[uint32]up{}, keys: map[string]uint32{}, tokens: map[uint32]string{}}
	go o.run(ctx)
	return n, nil
}

// Check asks the daemon for its abilities. ErrNoNotices: there is none.
func (n *Notifier) Check(ctx context.Context) error {
	return n.ask(ctx, func(ctx context.Context, o *owner) error {
		o.known = false
		return o.ready(ctx)
	})
}

// Show puts the notice up, or replaces the one with the same key. ErrNoNotices: nobody can show it.
func (n *Notifier) Show(ctx context.Context, notice Notice) error {
	return n.ask(ctx, func(ctx context.Context, o *owner) error { return o.show(ctx, notice) })
}

// Close takes the notice with this key down; one that is not up is no error. The event of its end follows.
func (n *Notifier) Close(ctx context.Context, key string) error {
	return n.ask(ctx, func(ctx context.Context, o *owner) error { return o.close(ctx, key) })
}

// Events gives what happens to our own notices, in order. The channel closes when the notifier ends.
func (n *Notifier) Events() <-chan Event { return n.events }

// Caps is what the daemon could do when it was last asked; all false before that.
func (n *Notifier) Caps() Caps { return *n.caps.Load() }

// Wait returns when the notifier has ended and holds nothing any more.
func (n *Notifier) Wait() { <-n.done }

func (n *Notifier) ask(ctx context.Context, do func(context.Context, *owner) error) error {
	req := request{ctx: ctx, do: do, done: make(chan error, 1)}
	select {
	case n.requests <- req:
	case <-n.done:
		return fmt.Errorf("%w: notifier has ended", ErrNoNotices)
	case <-ctx.Done():
		return fmt.Errorf("ask for a notice: %w", ctx.Err())
	}
	select {
	case err := <-req.done:
		return err
	case <-n.done:
		return fmt.Errorf("%w: notifier has ended", ErrNoNotices)
	}
}

// connection is the bus, with the signals that were asked for.
type connection struct {
	bus     *dbus.Conn
	signals chan *dbus.Signal
}

// dial opens a connection of our own. The library's shared one is closed by others.
func dial(ctx context.Context) (*connection, error) {
	bus, err := sessionbus.Open(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoNotices, err)
	}
	c := &connection{bus: bus, signals: make(chan *dbus.Signal, 64)}
	bus.Signal(c.signals)
	err = errors.Join(
		bus.AddMatchSignalContext(ctx, dbus.WithMatchSender(busName), dbus.WithMatchObjectPath(objectPath),
			dbus.WithMatchInterface(busName)),
		bus.AddMatchSignalContext(ctx, dbus.WithMatchInterface("org.freedesktop.DBus"),
			dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, busName)),
	)
	if err != nil {
		_ = bus.Close() // the connection is of no use without its signals
		return nil, fmt.Errorf("%w: listen on the bus: %w", ErrNoNotices, err)
	}
	return c, nil
}

// close ends the connection; safe on nil, more than once and from any goroutine.
func (c *connection) close() {
	if c != nil {
		_ = c.bus.Close() // its only error is that the socket was gone already
	}
}
