// Package power tells when the machine woke up or its network changed, so that connections are made anew at once.
package power

import (
	"context"
	"log/slog"
	"time"
)

// Event is what happened.
type Event int

// The events. Neither says that anything works again; both say that trying now is worth it.
const (
	Resumed        Event = iota + 1 // the machine slept and is awake again
	NetworkChanged                  // an address or a link came or went
)

// String is the event's name in logs.
func (e Event) String() string {
	switch e {
	case Resumed:
		return "resumed"
	case NetworkChanged:
		return "network changed"
	}
	return "unknown"
}

// settle is how long the network must be quiet before its change is told: one cable makes a dozen messages.
const settle = 300 * time.Millisecond

// Watch gives events until ctx ends, then closes the channel. It waits in the kernel and on the bus and polls nothing.
// What this machine cannot tell is left out, with a line in the log. The channel holds the newest events; a reader
// that is away misses repetitions, not the fact.
func Watch(ctx context.Context, log *slog.Logger) <-chan Event {
	raw := make(chan Event, 16)
	out := make(chan Event, 2)
	watch(ctx, log, raw)
	go func() {
		defer close(out)
		gather(ctx, raw, out)
	}()
	return out
}

// gather merges a burst of network changes into one event; waking up is told at once.
func gather(ctx context.Context, raw <-chan Event, out chan<- Event) {
	quiet := time.NewTimer(settle)
	quiet.Stop()
	defer quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-raw:
			if e == NetworkChanged {
				quiet.Reset(settle)
				continue
			}
			offer(out, e)
		case <-quiet.C:
			offer(out, NetworkChanged)
		}
	}
}

// offer never waits for a reader: with two untaken events it already has reason enough.
func offer(out chan<- Event, e Event) {
	select {
	case out <- e:
	default:
	}
}
