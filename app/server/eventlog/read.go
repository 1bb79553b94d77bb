package eventlog

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"deskbell/app/csta"
	"deskbell/app/server/owner"
)

func (f *file) systemID(ctx context.Context, s system) (int64, error) {
	if id, ok := f.systems[s]; ok {
		return id, nil
	}
	if _, err := f.conn.ExecContext(ctx, `INSERT INTO systems (tenant, system) VALUES (?, ?) ON CONFLICT DO NOTHING`, s.tenant, string(s.id)); err != nil {
		return 0, fmt.Errorf("new system: %w", err)
	}
	var id int64
	if err := f.conn.QueryRowContext(ctx, `SELECT id FROM systems WHERE tenant = ? AND system = ?`, s.tenant, string(s.id)).Scan(&id); err != nil {
		return 0, fmt.Errorf("new system: %w", err)
	}
	f.systems[s] = id
	return id, nil
}

func (f *file) streamID(ctx context.Context, sys int64, epoch string) (int64, error) {
	key := streamKey{sys, epoch}
	if id, ok := f.streams[key]; ok {
		return id, nil
	}
	if _, err := f.conn.ExecContext(ctx, `INSERT INTO streams (system, epoch) VALUES (?, ?) ON CONFLICT DO NOTHING`, sys, epoch); err != nil {
		return 0, fmt.Errorf("new run: %w", err)
	}
	var id int64
	if err := f.conn.QueryRowContext(ctx, `SELECT id FROM streams WHERE system = ? AND epoch = ?`, sys, epoch).Scan(&id); err != nil {
		return 0, fmt.Errorf("new run: %w", err)
	}
	f.streams[key] = id
	return id, nil
}

// reading gives the file for reading. The committer may replace it at any time; a read that this breaks is simply tried again
// by whoever needs it.
func (l *Log) reading() (*sql.DB, *index, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		if l.health != nil {
			return nil, nil, l.health
		}
		return nil, nil, ErrClosed
	}
	return l.file.reader, l.index, nil
}

// Restore gives what an owner starts from: the state the log has of a system. It is asked before the owner runs.
func (l *Log) Restore(ctx context.Context, tenant string, id csta.SystemID) (owner.State, error) {
	db, idx, err := l.reading()
	if err != nil {
		return owner.State{}, err
	}
	var sys, alive int64
	err = db.QueryRowContext(ctx, `SELECT id, alive FROM systems WHERE tenant = ? AND system = ?`, tenant, string(id)).Scan(&sys, &alive)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return owner.State{}, nil
	case err != nil:
		return owner.State{}, explain(err)
	}
	ids := idx.states(sys, time.Now())
	slices.Sort(ids)
	var s owner.State
	if alive > 0 {
		s.AliveUntil = time.Unix(0, alive).UTC()
	}
	if err := lastNumber(ctx, db, sys, &s); err != nil {
		return owner.State{}, explain(err)
	}
	stmt, err := db.PrepareContext(ctx, `SELECT data FROM updates WHERE id = ?`)
	if err != nil {
		return owner.State{}, explain(err)
	}
	defer stmt.Close() // nothing was written
	for _, row := range ids {
		var data []byte
		if err := stmt.QueryRowContext(ctx, row).Scan(&data); err != nil {
			return owner.State{}, explain(err)
		}
		l.addState(&s, row, data)
	}
	sortState(&s)
	return s, nil
}

// lastNumber finds the newest run of a system and its last number.
func lastNumber(ctx context.Context, db *sql.DB, sys int64, s *owner.State) error {
	var stream int64
	err := db.QueryRowContext(ctx, `SELECT id, epoch FROM streams WHERE system = ? ORDER BY id DESC LIMIT 1`, sys).Scan(&stream, &s.Epoch)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("last run: %w", err)
	}
	var last sql.NullInt64
	err = db.QueryRowContext(ctx, `SELECT max(id) FROM updates WHERE id BETWEEN ? AND ?`, rowID(stream, 0), rowID(stream+1, 0)-1).Scan(&last)
	if err != nil {
		return fmt.Errorf("last number: %w", err)
	}
	if last.Valid {
		s.Seq = uint64(last.Int64 & (1<<seqBits - 1))
	}
	return nil
}

// addState adds one row. A row that makes no sense costs what it says, not the rest.
func (l *Log) addState(s *owner.State, row int64, data []byte) {
	var u owner.Update
	if err := json.Unmarshal(data, &u); err != nil {
		l.log.Error("stored update cannot be read", "row", row, "error", err)
		return
	}
	switch {
	case u.Call != nil:
		s.Calls = append(s.Calls, *u.Call)
	case u.Attempt != nil:
		s.Attempts = append(s.Attempts, *u.Attempt)
	case u.Gap != nil:
		s.Gaps = append(s.Gaps, *u.Gap)
	case u.Devices != nil:
		s.Devices = u.Devices
	}
}

func sortState(s *owner.State) {
	slices.SortFunc(s.Calls, func(a, b owner.Call) int { return cmp.Or(a.Began.Compare(b.Began), cmp.Compare(a.ID, b.ID)) })
	slices.SortFunc(s.Attempts, func(a, b owner.Attempt) int { return a.Asked.Compare(b.Asked) })
	slices.SortFunc(s.Gaps, func(a, b owner.Gap) int { return a.From.Compare(b.From) })
}

// Read gives up to limit stored updates of a system that come after (epoch, seq), in order; from the beginning, if the log does
// not know that place. The journal catches up with it.
func (l *Log) Read(ctx context.Context, tenant string, id csta.SystemID, epoch string, seq uint64, limit int) ([]owner.Update, error) {
	db, _, err := l.reading()
	if err != nil {
		return nil, err
	}
	rows, err := db.QueryContext(ctx, `
		WITH runs AS (SELECT streams.id, epoch FROM streams JOIN systems ON systems.id = streams.system WHERE tenant = ?1 AND systems.system = ?2)
		SELECT updates.id, runs.epoch, data FROM runs JOIN updates ON updates.id BETWEEN runs.id << ?3 AND ((runs.id + 1) << ?3) - 1
		WHERE updates.id > coalesce((SELECT (id << ?3) + ?5 FROM runs WHERE epoch = ?4), 0)
		ORDER BY updates.id LIMIT ?6`,
		tenant, string(id), seqBits, epoch, int64(seq), limit)
	if err != nil {
		return nil, explain(err)
	}
	defer rows.Close() // Err tells
	var list []owner.Update
	for rows.Next() {
		var row int64
		var u owner.Update
		var run string
		var data []byte
		if err := rows.Scan(&row, &run, &data); err != nil {
			return nil, explain(err)
		}
		if err := json.Unmarshal(data, &u); err != nil {
			l.log.Error("stored update cannot be read", "row", row, "error", err)
			continue
		}
		u.Tenant, u.System, u.Epoch, u.Seq = tenant, id, run, uint64(row&(1<<seqBits-1))
		list = append(list, u)
	}
	if err := rows.Err(); err != nil {
		return nil, explain(err)
	}
	return list, nil
}
