package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"deskbell/app/csta"
	"deskbell/app/server/owner"
)

// position is a place in the numbering of a system.
type position struct {
	epoch string
	seq   uint64
}

func (j *Journal) mark(ctx context.Context, at place) (position, error) {
	var p position
	var seq int64
	err := j.db.QueryRowContext(ctx, `SELECT epoch, seq FROM marks WHERE tenant = ? AND system = ?`, at.tenant, string(at.system)).Scan(&p.epoch, &seq)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return p, fmt.Errorf("journal: mark: %w", err)
	}
	p.seq = uint64(seq)
	return p, nil
}

// write applies updates in their order, together with the mark of how far it came.
func (j *Journal) write(ctx context.Context, list []owner.Update) error {
	tx, err := j.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	changed, err := j.apply(ctx, tx, list)
	if err != nil {
		if rerr := tx.Rollback(); rerr != nil {
			err = errors.Join(err, rerr)
		}
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	for _, c := range changed {
		j.opt.Changed(c.tenant, c.entry)
	}
	return nil
}

type change struct {
	tenant string
	entry  Entry
}

func (j *Journal) apply(ctx context.Context, tx *sql.Tx, list []owner.Update) ([]change, error) {
	var changed []change
	marks := make(map[place]position)
	last := lastOfCalls(list)
	insert, err := tx.PrepareContext(ctx, putEntry)
	if err != nil {
		return nil, fmt.Errorf("journal: entry: %w", err)
	}
	defer insert.Close() // it ends with the transaction
	for i := range list {
		u := &list[i]
		marks[place{u.Tenant, u.System}] = position{u.Epoch, u.Seq}
		if u.Gap != nil {
			if err := putGap(ctx, tx, u.Tenant, *u.Gap); err != nil {
				return nil, err
			}
		}
		if u.Call == nil {
			continue
		}
		if err := moved(ctx, tx, u); err != nil {
			return nil, err
		}
		if last[u.Call.ID] != i {
			continue // a later update of this group says more
		}
		entries, err := putCall(ctx, insert, u)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			changed = append(changed, change{u.Tenant, e})
		}
	}
	for at, p := range marks {
		if _, err := tx.ExecContext(ctx, `INSERT INTO marks (tenant, system, epoch, seq) VALUES (?, ?, ?, ?)
			ON CONFLICT (tenant, system) DO UPDATE SET epoch = excluded.epoch, seq = excluded.seq`, at.tenant, string(at.system), p.epoch, int64(p.seq)); err != nil {
			return nil, fmt.Errorf("journal: mark: %w", err)
		}
	}
	return changed, nil
}

// lastOfCalls finds the last update of each call: each carries the whole call.
func lastOfCalls(list []owner.Update) map[csta.CallID]int {
	last := make(map[csta.CallID]int)
	for i := range list {
		if list[i].Call != nil {
			last[list[i].Call.ID] = i
		}
	}
	return last
}

// moved follows calls that were joined or split: entries of an id that is gone belong to the call they are part of now.
func moved(ctx context.Context, tx *sql.Tx, u *owner.Update) error {
	if u.Joined != "" {
		for _, text := range []string{
			`UPDATE OR IGNORE contacts SET call = ? WHERE tenant = ? AND call = ?`,
			`UPDATE OR IGNORE pops SET call = ? WHERE tenant = ? AND call = ?`,
		} {
			if _, err := tx.ExecContext(ctx, text, string(u.Call.ID), u.Tenant, string(u.Joined)); err != nil {
				return fmt.Errorf("journal: joined call: %w", err)
			}
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM entries WHERE tenant = ? AND system = ? AND call = ?`, u.Tenant, string(u.System), string(u.Joined)); err != nil {
			return fmt.Errorf("journal: joined call: %w", err)
		}
	}
	if u.SplitFrom == "" {
		return nil
	}
	for i := range u.Call.Legs {
		if _, err := tx.ExecContext(ctx, `DELETE FROM entries WHERE tenant = ? AND system = ? AND call = ? AND device = ?`,
			u.Tenant, string(u.System), string(u.SplitFrom), string(u.Call.Legs[i].Key.Device)); err != nil {
			return fmt.Errorf("journal: split call: %w", err)
		}
	}
	return nil
}

// putEntry changes nothing, and says so, where the entry is as it was.
const putEntry = `INSERT INTO entries (tenant, system, call, device, direction, far, began, ended, talk, result, cause)
	VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
	ON CONFLICT (tenant, system, call, device) DO UPDATE SET
	  direction = ?5, far = ?6, began = ?7, ended = ?8, talk = ?9, result = ?10, cause = ?11
	WHERE direction <> ?5 OR far <> ?6 OR began <> ?7 OR ended <> ?8 OR talk <> ?9 OR result <> ?10 OR cause <> ?11`

// putCall writes the entries of a call, one for each of its devices, and returns those that changed.
func putCall(ctx context.Context, insert *sql.Stmt, u *owner.Update) ([]Entry, error) {
	var changed []Entry
	done := make(map[csta.DeviceID]bool)
	for i := range u.Call.Legs {
		device := u.Call.Legs[i].Key.Device
		if done[device] {
			continue
		}
		done[device] = true
		e, ended, _ := entryOf(u.Call, device)
		e.System = u.System
		far, err := json.Marshal(e.Far)
		if err != nil {
			return nil, fmt.Errorf("journal: entry: %w", err)
		}
		res, err := insert.ExecContext(ctx, u.Tenant, string(u.System), string(e.Call), string(e.Device), string(e.Direction), string(far), ms(e.At), ms(ended),
			e.Talk.Milliseconds(), string(e.Result), string(e.Cause))
		if err != nil {
			return nil, fmt.Errorf("journal: entry: %w", err)
		}
		if n, err := res.RowsAffected(); err == nil && n > 0 {
			changed = append(changed, e)
		}
	}
	return changed, nil
}

func putGap(ctx context.Context, tx *sql.Tx, tenant string, g owner.Gap) error {
	devices := g.Devices
	if devices == nil {
		devices = []csta.DeviceID{}
	}
	list, err := json.Marshal(devices)
	if err != nil {
		return fmt.Errorf("journal: gap: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO gaps (id, tenant, system, devices, began, ended) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
		ON CONFLICT (id) DO UPDATE SET ended = ?6`, g.ID, tenant, string(g.System), string(list), ms(g.From), ms(g.To)); err != nil {
		return fmt.Errorf("journal: gap: %w", err)
	}
	return nil
}

func ms(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMS(v int64) time.Time {
	if v == 0 {
		return time.Time{}
	}
	return time.UnixMilli(v).UTC()
}

// deleteOld keeps the promise of the retention, and gives the space back.
func (j *Journal) deleteOld(ctx context.Context, now time.Time) {
	before := now.Add(-j.opt.Retention).UnixMilli()
	for _, text := range []string{
		`DELETE FROM entries WHERE began < ?`, `DELETE FROM contacts WHERE at < ?`, `DELETE FROM pops WHERE at < ?`,
		`DELETE FROM gaps WHERE began < ?`,
	} {
		if _, err := j.db.ExecContext(ctx, text, before); err != nil {
			j.log.Error("old calls cannot be deleted", "error", err)
			return
		}
	}
	if _, err := j.db.ExecContext(ctx, `PRAGMA incremental_vacuum(1024)`); err != nil {
		j.log.Warn("space of old calls cannot be given back", "error", err)
	}
}
