//go:build !linux && !windows

package notice

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"github.com/gen2brain/beeep"
)

// Notifier shows plain notifications without buttons; that is all this system offers without a signed bundle.
type Notifier struct {
	events chan Event
	once   sync.Once
	done   chan struct{}
}

// Open starts the notifier; it ends with ctx.
func Open(ctx context.Context, _ *slog.Logger) (*Notifier, error) {
	n := &Notifier{events: make(chan Event), done: make(chan struct{})}
	context.AfterFunc(ctx, func() { n.once.Do(func() { close(n.events); close(n.done) }) })
	return n, nil
}

// Check finds nothing wrong beforehand.
func (n *Notifier) Check(ctx context.Context) error { return ctx.Err() }

// Show puts up a plain notification.
func (n *Notifier) Show(_ context.Context, notice Notice) error {
	if err := beeep.Notify(plain(notice.Title, false), plain(notice.Body, true), notice.Icon); err != nil {
		return fmt.Errorf("%w: %w", ErrNoNotices, err)
	}
	return nil
}

// Close does nothing: a plain notification leaves by itself.
func (n *Notifier) Close(context.Context, string) error { return nil }

// Events never gives one; it closes when the notifier ends.
func (n *Notifier) Events() <-chan Event { return n.events }

// Caps is empty: no buttons, no replacing.
func (n *Notifier) Caps() Caps { return Caps{} }

// Wait returns when the notifier has ended.
func (n *Notifier) Wait() { <-n.done }
