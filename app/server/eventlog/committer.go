package eventlog

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	groupRows       = 4096 // rows of one commit at most
	checkpointAfter = 8 << 20
	tidyEvery       = time.Minute
)

// run is the committer: the one goroutine that writes.
func (l *Log) run(ctx context.Context) {
	defer close(l.done)
	defer func() {
		l.bulk.Wait()
		if l.file != nil {
			if err := l.file.close(); err != nil {
				l.log.Warn("event log cannot be closed", "error", err)
			}
		}
	}()
	retry := time.NewTimer(time.Hour)
	defer retry.Stop()
	tidy := time.NewTicker(tidyEvery)
	defer tidy.Stop()
	for {
		select {
		case <-l.stop:
			for l.commitGroup(ctx) {
			}
			return
		case <-l.wake:
			if l.Health() != nil { // the disk is asked again at its time, not with each event
				l.bound()
				retry.Reset(l.opt.Retry)
				l.waitRetry(ctx, retry)
			}
			l.commitAll(ctx)
		case <-retry.C:
			l.commitAll(ctx)
		case <-tidy.C:
			l.tidy(ctx, time.Now())
		}
		if l.Health() != nil {
			retry.Reset(l.opt.Retry)
		}
	}
}

// waitRetry keeps memory bounded until the next try.
func (l *Log) waitRetry(ctx context.Context, retry *time.Timer) {
	for {
		select {
		case <-retry.C:
			return
		case <-l.stop:
			return
		case <-ctx.Done():
			return
		case <-l.wake:
			l.bound()
		}
	}
}

// bound gives up the oldest of what waits for a disk that takes nothing.
func (l *Log) bound() {
	l.mu.Lock()
	var dropped []*batch
	for l.bytes > l.opt.Pending && len(l.pending) > 1 {
		dropped = append(dropped, l.pending[0])
		l.bytes -= l.pending[0].bytes
		l.pending = l.pending[1:]
	}
	l.mu.Unlock()
	for _, b := range dropped {
		b.finish(ErrDropped)
	}
	if len(dropped) > 0 {
		l.log.Error("events given up: too many wait for the disk", "writes", len(dropped))
	}
}

func (l *Log) commitAll(ctx context.Context) {
	for l.commitGroup(ctx) {
	}
}

// commitGroup commits what waits; false if there was nothing or the disk did not take it.
func (l *Log) commitGroup(ctx context.Context) bool {
	group, bytes := l.group()
	if len(group) == 0 {
		return false
	}
	l.opt.Hook(BeforeCommit)
	if err := l.write(ctx, group); err != nil {
		l.failed(ctx, err)
		return false
	}
	l.mu.Lock()
	l.pending = l.pending[len(group):]
	if len(l.pending) == 0 {
		l.pending = nil // lets go of the array
	}
	l.bytes -= bytes
	l.mu.Unlock()
	l.setHealth(nil)
	l.opt.Hook(AfterCommit)
	for _, b := range group {
		b.finish(nil)
	}
	l.written += bytes
	l.checkpoint(ctx)
	return true
}

// group is what goes into the next commit. It stays at the front of pending until it is committed; nobody else takes from there.
func (l *Log) group() (group []*batch, bytes int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	rows := 0
	for _, b := range l.pending {
		if rows += len(b.rows); rows > groupRows && len(group) > 0 {
			break
		}
		group = append(group, b)
		bytes += b.bytes
	}
	return group, bytes
}

// write puts a group into the file, as one transaction.
func (l *Log) write(ctx context.Context, group []*batch) error {
	if l.file == nil {
		if err := l.reopen(ctx); err != nil {
			return err
		}
	}
	f := l.file
	ids := make([]int64, len(group)) // stream of each batch
	old, prune := l.index.next(pruneRows/2, pruneRows)
	err := f.transaction(ctx, func() error {
		for i, b := range group {
			sys, err := f.systemID(ctx, b.from)
			if err != nil {
				return err
			}
			if !b.alive.IsZero() {
				if _, err := f.alive.ExecContext(ctx, b.alive.UnixNano(), sys); err != nil {
					return fmt.Errorf("alive: %w", err)
				}
				continue
			}
			if ids[i], err = f.streamID(ctx, sys, b.epoch); err != nil {
				return err
			}
			for _, r := range b.rows {
				if _, err := f.insert.ExecContext(ctx, rowID(ids[i], r.seq), r.key, r.gone, r.until, r.at, r.data); err != nil {
					return fmt.Errorf("insert: %w", err)
				}
			}
		}
		if prune {
			return f.delete(ctx, old)
		}
		return nil
	})
	if err != nil {
		clear(f.systems) // ids made in a transaction that came to nothing
		clear(f.streams)
		return err
	}
	if prune {
		l.index.pruneDone(old)
	}
	for i, b := range group {
		for _, r := range b.rows {
			l.index.put(f.systems[b.from], entry{id: rowID(ids[i], r.seq), until: r.until}, r.key, r.gone)
		}
	}
	return nil
}

// failed notes why nothing could be written, and helps where it can.
func (l *Log) failed(ctx context.Context, err error) {
	if l.file != nil && (damaged(err) || !errors.Is(explain(err), ErrFull)) {
		// A fresh connection is the cure for most of what can happen to an open one.
		if cerr := l.file.close(); cerr != nil {
			l.log.Warn("event log cannot be closed", "error", cerr)
		}
		l.mu.Lock()
		l.file = nil
		l.mu.Unlock()
		if rerr := l.reopen(ctx); rerr != nil {
			err = rerr
		}
	}
	l.setHealth(explain(err))
}

// reopen opens the file, a new one in place of a damaged one.
func (l *Log) reopen(ctx context.Context) error {
	f, idx, err := l.load(ctx)
	if damaged(err) {
		kept, aerr := setAside(l.path, time.Now())
		if aerr != nil {
			return errors.Join(err, aerr)
		}
		l.log.Error("event log was damaged: kept aside, a new one begun", "file", kept, "error", err)
		f, idx, err = l.load(ctx)
	}
	if err != nil {
		return explain(err)
	}
	l.mu.Lock()
	l.file, l.index = f, idx
	l.mu.Unlock()
	return nil
}

func (l *Log) load(ctx context.Context) (*file, *index, error) {
	f, err := openFile(ctx, l.path)
	if err != nil {
		return nil, nil, err
	}
	idx, err := readIndex(ctx, f)
	if err != nil {
		return nil, nil, errors.Join(err, f.close())
	}
	return f, idx, nil
}

// checkpoint moves pages from the write-ahead log into the database: the bulk beside the commits, on another connection,
// then the small rest between two commits, after which the write-ahead log begins anew instead of growing.
func (l *Log) checkpoint(ctx context.Context) {
	if l.rest.CompareAndSwap(true, false) {
		if _, err := l.file.conn.ExecContext(ctx, "PRAGMA wal_checkpoint(PASSIVE)"); err != nil {
			l.log.Debug("checkpoint failed", "error", err)
		}
	}
	if l.written < checkpointAfter || !l.busy.CompareAndSwap(false, true) {
		return
	}
	l.written = 0
	reader := l.file.reader
	l.bulk.Go(func() {
		defer l.busy.Store(false)
		if _, err := reader.ExecContext(ctx, "PRAGMA wal_checkpoint(PASSIVE)"); err != nil {
			l.log.Debug("checkpoint failed", "error", err)
			return
		}
		l.rest.Store(true)
	})
}
