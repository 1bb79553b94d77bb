package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"deskbell/app/client"
	"deskbell/app/csta"
	"deskbell/app/wire"
)

// trays are many connections of the tray's own client, with as much of a tray's memory as tells whether calls were lost.
type trays struct {
	list    []*tray
	stop    context.CancelFunc
	work    sync.WaitGroup
	current atomic.Int64  // how many have a snapshot of the running server
	change  chan struct{} // gets a token when current rises
}

// tray is one client. It implements client.Handler, which is called from one goroutine; mu is for those who look on.
type tray struct {
	all    *trays
	client *client.Client
	ctx    context.Context //nolint:containedctx // claims live as long as the trays

	mu      sync.Mutex
	current bool
	calls   map[csta.CallID]wire.Call // own legs that live
	entries map[csta.CallID]bool      // ids in the call list
	opened  map[csta.CallID]int       // pages granted
}

// openTrays connects a tray per agent and waits until all are current. While calls run no wait is longer than five seconds,
// so that is what all of them are told.
func openTrays(ctx context.Context, address string, agents []agent) (*trays, error) {
	ts := &trays{change: make(chan struct{}, 1)}
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	ts.stop = stop
	for _, a := range agents {
		t := &tray{all: ts, ctx: life, opened: map[csta.CallID]int{}}
		t.client = client.New(client.Options{Handler: t, Log: slog.New(slog.DiscardHandler), Version: "bench", CanPop: true})
		t.client.Hurry(true)
		t.client.SetAccount("http://"+address, a.token)
		ts.list = append(ts.list, t)
		ts.work.Go(func() { t.client.Run(life) })
	}
	if _, err := ts.await(ctx); err != nil {
		ts.close()
		return nil, err
	}
	return ts, nil
}

// await waits until every tray is current, and tells when that was.
func (ts *trays) await(ctx context.Context) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		if n := ts.current.Load(); n == int64(len(ts.list)) {
			return time.Now(), nil
		}
		select {
		case <-ts.change:
		case <-ctx.Done():
			return time.Time{}, fmt.Errorf("%d of %d trays are current: %w", ts.current.Load(), len(ts.list), ctx.Err())
		}
	}
}

func (ts *trays) close() {
	ts.stop()
	ts.work.Wait()
}

// Up implements client.Handler.
func (t *tray) Up(wire.HelloFromServer) {}

// Down implements client.Handler.
func (t *tray) Down(string, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.current {
		t.current = false
		t.all.current.Add(-1)
	}
}

// Told implements client.Handler.
func (t *tray) Told(note any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch n := note.(type) {
	case wire.Snapshot:
		t.renew(n)
	case wire.Call:
		t.call(n)
	case wire.Joined:
		delete(t.calls, n.From)
	case wire.Entry:
		t.entries[n.ID] = true
	case wire.Pop:
		t.pop(n)
	}
}

func (t *tray) renew(s wire.Snapshot) {
	t.calls, t.entries = map[csta.CallID]wire.Call{}, map[csta.CallID]bool{}
	for _, c := range s.Calls {
		t.call(c)
	}
	for _, e := range s.Entries {
		t.entries[e.ID] = true
	}
	for _, p := range s.Pops {
		t.pop(p)
	}
	if !t.current {
		t.current = true
		t.all.current.Add(1)
		select {
		case t.all.change <- struct{}{}:
		default:
		}
	}
}

func (t *tray) call(c wire.Call) {
	if !c.Own {
		return
	}
	if c.State == csta.Null {
		delete(t.calls, c.ID)
		return
	}
	t.calls[c.ID] = c
}

// pop claims an offer and reports that the page opened, as a tray does.
func (t *tray) pop(p wire.Pop) {
	if p.State != "offered" {
		return
	}
	t.all.work.Go(func() {
		reply, err := t.client.Request(t.ctx, wire.MethodPopClaim, wire.PopParams{ID: p.ID})
		var claim wire.PopClaimResult
		if err != nil || json.Unmarshal(reply, &claim) != nil || !claim.Granted {
			return
		}
		t.mu.Lock()
		t.opened[p.Call]++
		t.mu.Unlock()
		// If the report is lost the server keeps the claim, and never offers it again.
		_, _ = t.client.Request(t.ctx, wire.MethodPopReport, wire.PopReportParams{ID: p.ID, Opened: true})
	})
}

// seen is what a tray shows at a moment.
type seen struct {
	calls  []csta.CallID
	opened int // pages opened since the last forget
}

func (t *tray) seen() seen {
	t.mu.Lock()
	defer t.mu.Unlock()
	var s seen
	for id := range t.calls {
		s.calls = append(s.calls, id)
	}
	slices.Sort(s.calls)
	for _, n := range t.opened {
		s.opened += n
	}
	return s
}

// lists tells whether a call is in the tray's list of calls.
func (t *tray) lists(id csta.CallID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.entries[id]
}

// forget begins a new count of opened pages.
func (t *tray) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.opened)
}

var errNotYet = errors.New("not yet")
