package eventlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"deskbell/app/csta"
)

// pruneRows bounds what one commit deletes: enough to keep up, too little to be felt.
const pruneRows = 512

// Release says that the journal has a system's updates up to (epoch, seq): they are deleted by and by, except for what a
// restart needs. Earlier runs of the system are released whole.
func (l *Log) Release(ctx context.Context, tenant string, id csta.SystemID, epoch string, seq uint64) error {
	db, idx, err := l.reading()
	if err != nil {
		return err
	}
	rows, err := db.QueryContext(ctx, `SELECT streams.id, epoch FROM streams JOIN systems ON systems.id = streams.system
		WHERE tenant = ? AND systems.system = ? ORDER BY streams.id`, tenant, string(id))
	if err != nil {
		return explain(err)
	}
	defer rows.Close() // Err tells
	earlier := make(map[int64]int64)
	for rows.Next() {
		var stream int64
		var run string
		if err := rows.Scan(&stream, &run); err != nil {
			return explain(err)
		}
		if run == epoch {
			for s, to := range earlier {
				idx.release(s, to)
			}
			idx.release(stream, rowID(stream, seq))
			break
		}
		earlier[stream] = rowID(stream+1, 0) - 1
	}
	return explain(rows.Err())
}

// delete deletes one piece inside a transaction. Beside the commit that has to be made anyway it costs no write of its own.
func (f *file) delete(ctx context.Context, p piece) error {
	except, err := json.Marshal(p.except)
	if err != nil {
		return fmt.Errorf("prune: %w", err)
	}
	_, err = f.conn.ExecContext(ctx, `DELETE FROM updates WHERE id > ? AND id <= ? AND id NOT IN (SELECT value FROM json_each(?))`,
		p.from, p.to, string(except))
	if err != nil {
		return fmt.Errorf("prune: %w", err)
	}
	if len(p.stale) == 0 {
		return nil
	}
	stale, err := json.Marshal(p.stale)
	if err != nil {
		return fmt.Errorf("prune: %w", err)
	}
	if _, err := f.conn.ExecContext(ctx, `DELETE FROM updates WHERE id IN (SELECT value FROM json_each(?))`, string(stale)); err != nil {
		return fmt.Errorf("prune: %w", err)
	}
	return nil
}

// tidy runs once a minute: states that are over, rows nobody released, space.
func (l *Log) tidy(ctx context.Context, now time.Time) {
	if l.file == nil {
		return
	}
	f := l.file
	l.index.expire(now)
	for p, some := l.index.next(1, pruneRows); some; p, some = l.index.next(1, pruneRows) {
		if err := f.transaction(ctx, func() error { return f.delete(ctx, p) }); err != nil {
			l.log.Warn("event log cannot be pruned", "error", err)
			return
		}
		l.index.pruneDone(p)
		if l.waiting() {
			return // calls come first; the next commits go on with it
		}
	}
	_, err := f.conn.ExecContext(ctx, `DELETE FROM updates WHERE at < ?`, now.Add(-l.opt.Retention).UnixMilli())
	if _, verr := f.conn.ExecContext(ctx, `PRAGMA incremental_vacuum(256)`); verr != nil {
		err = errors.Join(err, verr)
	}
	if err != nil {
		l.log.Warn("event log cannot be tidied", "error", err)
	}
}

func (l *Log) waiting() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.pending) > 0
}
