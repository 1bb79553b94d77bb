// Package eventlog is the durable log of call events: each is committed to it before anybody is told.
//
// Many updates wait while one commit is under way and then go into the next together (group commit), so that the price of a
// durable write is shared. The log is no archive: what the journal has and no running call needs is deleted.
package eventlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"deskbell/app/csta"
	"deskbell/app/server/owner"
)

// Errors of the log. ErrFull and ErrReadOnly wrap the database's own error.
var (
	ErrClosed   = errors.New("event log: closed")
	ErrFull     = errors.New("event log: the disk is full")
	ErrReadOnly = errors.New("event log: the disk is read-only")
	ErrDropped  = errors.New("event log: too much waits for the disk, the oldest was given up")
)

// Options of a log; zero fields take the defaults.
type Options struct {
	Logger *slog.Logger
	// Retention deletes rows that the journal never asked for (30 days).
	Retention time.Duration
	// Pending bounds what waits for a disk that does not take it, in bytes (64 MiB); beyond it the oldest is given up.
	Pending int
	// Retry is the time between tries while the disk takes nothing (500 ms).
	Retry time.Duration

	// Hook, if set, is called by the committer at its turning points. For tests that end the process there.
	Hook func(Point)
}

// Point is a turning point of a commit.
type Point string

// The turning points.
const (
	BeforeCommit Point = "before commit" // read from the telephone system, not stored
	AfterCommit  Point = "after commit"  // stored, not told
)

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Retention <= 0 {
		o.Retention = 30 * 24 * time.Hour
	}
	if o.Pending <= 0 {
		o.Pending = 64 << 20
	}
	if o.Hook == nil {
		o.Hook = func(Point) {}
	}
	if o.Retry <= 0 {
		o.Retry = 500 * time.Millisecond
	}
	return o
}

// Log is a node's event log for all its telephone systems. All methods may be called by anyone. It implements owner.Log.
type Log struct {
	opt  Options
	path string
	log  *slog.Logger

	mu      sync.Mutex
	pending []*batch // in the order of Append; the committer takes from the front
	bytes   int      // of pending
	health  error
	closed  bool
	index   *index // what is in the file; nil while it cannot be opened

	wake chan struct{}
	stop chan struct{}
	done chan struct{}

	file    *file // set by the committer alone, under mu; it reads it without
	written int   // bytes since the last checkpoint
	bulk    sync.WaitGroup
	busy    atomic.Bool // the bulk of a checkpoint is being made
	rest    atomic.Bool // its rest is to be made
}

var _ owner.Log = (*Log)(nil)

// batch is what one Append or Alive brought.
type batch struct {
	from  system
	epoch string
	rows  []row
	alive time.Time
	bytes int
	done  func(error)
}

type system struct {
	tenant string
	id     csta.SystemID
}

// row is one update, ready for the database.
type row struct {
	seq   uint64
	key   string
	gone  string
	until int64
	at    int64
	data  []byte
}

// Open opens the log file at path, or makes it. A file that is damaged is kept aside and a new one begun. Where the disk is
// full or read-only the log opens all the same, says so by Health, and keeps trying: calls come first.
func Open(ctx context.Context, path string, opt Options) (*Log, error) {
	opt = opt.withDefaults()
	l := &Log{
		opt: opt, path: path, log: opt.Logger,
		wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("event log: %w", err)
	}
	if err := l.reopen(ctx); err != nil {
		l.log.Error("event log cannot be opened, going on without", "error", err)
		l.setHealth(err)
	}
	go l.run(context.WithoutCancel(ctx))
	return l, nil
}

// Append implements owner.Log. The updates are those of one system and run.
func (l *Log) Append(updates []owner.Update, done func(error)) {
	b := &batch{done: done, rows: make([]row, 0, len(updates))}
	for i := range updates {
		u := &updates[i]
		b.from, b.epoch = system{u.Tenant, u.System}, u.Epoch
		r, err := encode(u)
		if err != nil {
			l.log.Error("update cannot be stored", "seq", u.Seq, "error", err)
			continue
		}
		b.rows = append(b.rows, r)
		b.bytes += len(r.data) + 200
	}
	l.enqueue(b)
}

// Alive implements owner.Log: the mark becomes durable with, or after, everything appended before it.
func (l *Log) Alive(tenant string, id csta.SystemID, at time.Time) {
	l.enqueue(&batch{from: system{tenant, id}, alive: at, bytes: 100})
}

func (l *Log) enqueue(b *batch) {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		b.finish(ErrClosed)
		return
	}
	l.pending = append(l.pending, b)
	l.bytes += b.bytes
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (b *batch) finish(err error) {
	if b.done != nil {
		b.done(err)
	}
}

// Health implements owner.Log.
func (l *Log) Health() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.health
}

func (l *Log) setHealth(err error) {
	l.mu.Lock()
	was := l.health
	l.health = err
	l.mu.Unlock()
	switch {
	case err != nil && was == nil:
		l.log.Error("event log takes nothing", "error", err)
	case err == nil && was != nil:
		l.log.Info("event log works again")
	}
}

// Close commits what waits, if the disk takes it, and closes the file.
func (l *Log) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		<-l.done
		return nil
	}
	l.closed = true
	l.mu.Unlock()
	close(l.stop)
	<-l.done
	l.mu.Lock()
	rest := l.pending
	l.pending = nil
	l.mu.Unlock()
	for _, b := range rest {
		b.finish(ErrClosed)
	}
	if len(rest) > 0 {
		return fmt.Errorf("%w: %d writes were lost", ErrClosed, len(rest))
	}
	return nil
}

// How long the last state of something is needed for a restart.
const (
	keepCall    = 2 * time.Minute // after its end, for late news
	keepAttempt = time.Hour       // so that a command id is not carried out twice
	keepGap     = 24 * time.Hour  // users see the gaps of a day
	forever     = int64(1)<<62 - 1
)

// encode makes a row of an update.
func encode(u *owner.Update) (row, error) {
	data, err := json.Marshal(u)
	if err != nil {
		return row{}, fmt.Errorf("encode update: %w", err)
	}
	at := u.Received.UnixMilli()
	r := row{seq: u.Seq, at: at, data: data, until: forever}
	after := func(d time.Duration) int64 { return at + d.Milliseconds() }
	switch {
	case u.Call != nil:
		r.key = "c" + string(u.Call.ID)
		if !u.Call.Live() {
			r.until = after(keepCall)
		}
		if u.Joined != "" {
			r.gone = "c" + string(u.Joined)
		}
	case u.Attempt != nil:
		r.key, r.until = "a"+u.Attempt.ID, after(keepAttempt)
	case u.Gap != nil:
		r.key = "g" + u.Gap.ID
		if !u.Gap.To.IsZero() {
			r.until = after(keepGap)
		}
	case u.Devices != nil:
		r.key = "d"
	}
	return r, nil
}
