// Package journal keeps the call list: one entry per call and device, made from the owners' updates.
//
// It may lag behind, and after a crash it takes up from the event log where it was: applying an update again does no harm.
package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"deskbell/app/csta"
	"deskbell/app/server/owner"
)

// Options of a journal; zero fields take the defaults.
type Options struct {
	Logger *slog.Logger
	// Retention is how long calls stay in the list (30 days).
	Retention time.Duration
	// Queue is how many updates may wait for the disk (16,384); beyond it the journal reads them from the log later.
	Queue int
	// Changed is told of each entry that is new or changed, after its commit, without what is known per user (name, seen, pop).
	// It must not block.
	Changed func(tenant string, e Entry)
}

// Source is the event log as the journal needs it.
type Source interface {
	// Read gives stored updates of a system after (epoch, seq), in order.
	Read(ctx context.Context, tenant string, system csta.SystemID, epoch string, seq uint64, limit int) ([]owner.Update, error)
	// Release says that the journal has everything up to (epoch, seq).
	Release(ctx context.Context, tenant string, system csta.SystemID, epoch string, seq uint64) error
}

// Journal is the call list of a node. All methods may be called by anyone.
type Journal struct {
	opt  Options
	db   *sql.DB
	log  *slog.Logger
	from Source
	// memory says why the list is kept in memory only; nil if it is not.
	memory error

	statements statements

	mu      sync.Mutex
	writing error // why the last write failed
	queue   []owner.Update
	behind  map[place]bool // systems whose updates did not fit the queue
	closed  bool

	wake    chan struct{}
	flushes chan chan struct{}
	stop    chan struct{}
	done    chan struct{}
}

// place names a system of a tenant.
type place struct {
	tenant string
	system csta.SystemID
}

// ErrMemory is wrapped by Health where the list could not be opened and is kept in memory until the next start.
var ErrMemory = errors.New("the call list is kept in memory only")

// Open opens the journal at path, or makes it, and starts to write. A damaged file is kept aside and a new one begun. Where
// the disk is full or read-only the list is kept in memory, and Health says so: calls come first.
func Open(ctx context.Context, path string, from Source, opt Options) (*Journal, error) {
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	if opt.Retention <= 0 {
		opt.Retention = 30 * 24 * time.Hour
	}
	if opt.Queue <= 0 {
		opt.Queue = 16384
	}
	if opt.Changed == nil {
		opt.Changed = func(string, Entry) {}
	}
	db, memory, err := openFile(ctx, path, opt.Logger)
	if err != nil {
		return nil, err
	}
	j := &Journal{
		opt: opt, db: db, memory: memory, log: opt.Logger, from: from, behind: make(map[place]bool),
		wake: make(chan struct{}, 1), flushes: make(chan chan struct{}), stop: make(chan struct{}), done: make(chan struct{}),
	}
	go j.run(context.WithoutCancel(ctx))
	return j, nil
}

// Health says why the list is not durable at present, nil if all is well.
func (j *Journal) Health() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return errors.Join(j.memory, j.writing)
}

// Take takes an update, as an owner publishes it; the journal writes it soon. It never blocks.
func (j *Journal) Take(u owner.Update) {
	if u.Call == nil && u.Gap == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	switch at := (place{u.Tenant, u.System}); {
	case j.closed, j.behind[at] && !u.Unstored:
		return // it will be read from the log
	case len(j.queue) >= j.opt.Queue:
		j.behind[at] = true
	default:
		j.queue = append(j.queue, u)
	}
	signal(j.wake)
}

// CatchUp takes over what the log has of a system and the journal has not. It is called at each start, before the owner runs.
func (j *Journal) CatchUp(ctx context.Context, tenant string, system csta.SystemID) error {
	mark, err := j.mark(ctx, place{tenant, system})
	if err != nil {
		return err
	}
	const page = 1000
	for {
		list, err := j.from.Read(ctx, tenant, system, mark.epoch, mark.seq, page)
		if err != nil {
			return fmt.Errorf("journal: catch up: %w", err)
		}
		if len(list) == 0 {
			return nil
		}
		if err := j.write(ctx, list); err != nil {
			return err
		}
		last := list[len(list)-1]
		mark = position{last.Epoch, last.Seq}
		j.release(ctx, list)
	}
}

// Flush waits until everything taken before is written, or could not be.
func (j *Journal) Flush(ctx context.Context) error {
	ready := make(chan struct{})
	select {
	case j.flushes <- ready:
	case <-j.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("journal: flush: %w", ctx.Err())
	}
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("journal: flush: %w", ctx.Err())
	}
}

// Close writes what waits and closes the file.
func (j *Journal) Close() error {
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		<-j.done
		return nil
	}
	j.closed = true
	j.mu.Unlock()
	close(j.stop)
	<-j.done
	if err := errors.Join(j.statements.close(), j.db.Close()); err != nil {
		return fmt.Errorf("journal: close: %w", err)
	}
	return nil
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

const (
	writeAfter  = 50 * time.Millisecond // collects updates: a call list is not looked at as fast as a ring
	retryAfter  = 2 * time.Second
	deleteEvery = time.Hour
	groupSize   = 2000
)

// run writes what was taken.
func (j *Journal) run(ctx context.Context) {
	defer close(j.done)
	old := time.NewTicker(deleteEvery)
	defer old.Stop()
	j.deleteOld(ctx, time.Now())
	for {
		select {
		case <-j.stop:
			j.drain(ctx)
			return
		case ready := <-j.flushes:
			j.drain(ctx)
			close(ready)
		case <-old.C:
			j.deleteOld(ctx, time.Now())
		case <-j.wake:
			if j.pause(writeAfter) {
				continue // stop or flush comes next
			}
			if !j.drain(ctx) {
				j.pause(retryAfter)
				signal(j.wake)
			}
		}
	}
}

// pause waits a little; true if it was cut short by the end.
func (j *Journal) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return false
	case <-j.stop:
		return true
	}
}

// drain writes the queue, and reads from the log what did not fit it; false if that failed.
func (j *Journal) drain(ctx context.Context) bool {
	for {
		group := j.front()
		if len(group) == 0 {
			return j.catchUpBehind(ctx)
		}
		err := j.write(ctx, group)
		j.mu.Lock()
		j.writing = err
		if err != nil {
			j.mu.Unlock()
			j.log.Error("call list cannot be written", "error", err)
			return false
		}
		j.queue = j.queue[len(group):]
		if len(j.queue) == 0 {
			j.queue = nil
		}
		j.mu.Unlock()
		j.release(ctx, group)
	}
}

func (j *Journal) front() []owner.Update {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.queue[:min(len(j.queue), groupSize)]
}

// release lets the log go of what is written here; a list in memory still needs the log after the next start.
func (j *Journal) release(ctx context.Context, group []owner.Update) {
	if j.memory != nil {
		return
	}
	last := make(map[place]position)
	for i := range group {
		last[place{group[i].Tenant, group[i].System}] = position{group[i].Epoch, group[i].Seq}
	}
	for at, p := range last {
		if err := j.from.Release(ctx, at.tenant, at.system, p.epoch, p.seq); err != nil {
			j.log.Debug("event log cannot be released", "error", err)
		}
	}
}

func (j *Journal) catchUpBehind(ctx context.Context) bool {
	j.mu.Lock()
	var list []place
	for at := range j.behind {
		list = append(list, at)
	}
	j.mu.Unlock()
	for _, at := range list {
		if err := j.CatchUp(ctx, at.tenant, at.system); err != nil {
			j.log.Error("call list cannot catch up", "error", err)
			return false
		}
		j.mu.Lock()
		delete(j.behind, at) // what came meanwhile and was left out, the next overflow or start finds
		j.mu.Unlock()
		if err := j.CatchUp(ctx, at.tenant, at.system); err != nil && !errors.Is(err, context.Canceled) {
			j.log.Error("call list cannot catch up", "error", err)
			return false
		}
	}
	return true
}
