package journal

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"deskbell/app/csta"
	"deskbell/app/server/owner"
	"deskbell/app/wire"
)

// Tenant is the journal of one tenant.
type Tenant struct {
	j    *Journal
	name string
}

// Tenant gives the journal of one tenant.
func (j *Journal) Tenant(name string) Tenant { return Tenant{j, name} }

const maxPage = 200

// columns of an entry as a user sees it. The user's own contact wins over everybody's.
const columns = `SELECT e.call, e.system, e.device, e.direction, e.far,
	coalesce(own.name, every.name, ''), coalesce(own.company, every.company, ''), coalesce(own.vip, every.vip, 0),
	e.began, e.talk, e.result, e.cause, e.began <= coalesce(seen.until, 0), coalesce(pops.state, '')
	FROM entries e
	LEFT JOIN contacts own ON own.tenant = e.tenant AND own.call = e.call AND own.user = ?1
	LEFT JOIN contacts every ON every.tenant = e.tenant AND every.call = e.call AND every.user = ''
	LEFT JOIN pops ON pops.tenant = e.tenant AND pops.call = e.call AND pops.user = ?1
	LEFT JOIN seen ON seen.tenant = e.tenant AND seen.user = ?1
	WHERE e.tenant = ?2`

// Queries of entries. One device at a time, so that its index gives the entries in their order and no others are looked at;
// "+ 0" because SQLite plans anew for each LIMIT that is a parameter alone.
const (
	ofDevice = ` AND e.system = ?3 AND e.device = ?4`
	byDevice = columns + ofDevice + ` AND e.began < ?5 ORDER BY e.began DESC, e.call DESC LIMIT ?6 + 0`
	unseen   = columns + ofDevice + ` AND e.result = ?5 AND e.began <= ?6 AND e.began > coalesce(seen.until, 0) ORDER BY e.began DESC LIMIT 1000`
	byCall   = columns + ` AND e.call = ?4 AND (e.system, e.device) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?3))
		ORDER BY e.result = 'answered' DESC, e.began LIMIT 1`
	callsUnseen = `SELECT e.call FROM entries e WHERE e.tenant = ?2` + ofDevice + ` AND e.result = ?5
		AND e.began > coalesce((SELECT until FROM seen WHERE tenant = ?2 AND user = ?1), 0)`
)

// Entries lists entries of the devices that began before a time (zero: all), newest first; more says that there are others.
func (t Tenant) Entries(ctx context.Context, user string, devices []Device, before time.Time, limit int) (list []Entry, more bool, err error) {
	limit = min(max(limit, 1), maxPage)
	end := int64(math.MaxInt64)
	if !before.IsZero() {
		end = before.UnixMilli()
	}
	for _, d := range devices {
		some, err := t.query(ctx, byDevice, user, t.name, string(d.System), string(d.Device), end, limit+1)
		if err != nil {
			return nil, false, err
		}
		list = append(list, some...)
	}
	slices.SortFunc(list, newestFirst)
	if len(list) > limit {
		return list[:limit], true, nil
	}
	return list, false, nil
}

// newestFirst orders entries as the list shows them.
func newestFirst(a, b Entry) int {
	return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.Call, a.Call), cmp.Compare(a.Device, b.Device))
}

// Unseen counts the missed calls of the devices that the user has not seen. A call that two devices missed counts once.
func (t Tenant) Unseen(ctx context.Context, user string, devices []Device) (int, error) {
	stmt, err := t.j.statements.of(ctx, t.j.db, callsUnseen)
	if err != nil {
		return 0, err
	}
	calls := map[string]bool{}
	for _, d := range devices {
		rows, err := stmt.QueryContext(ctx, user, t.name, string(d.System), string(d.Device), string(wire.ResultMissed))
		if err != nil {
			return 0, fmt.Errorf("journal: unseen: %w", err)
		}
		if err := addAll(calls, rows); err != nil {
			return 0, fmt.Errorf("journal: unseen: %w", err)
		}
	}
	return len(calls), nil
}

// addAll puts the one column of rows into a set, and closes them.
func addAll(set map[string]bool, rows *sql.Rows) error {
	defer rows.Close() // Err tells
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return err
		}
		set[id] = true
	}
	return rows.Err()
}

// Seen marks the missed calls that began up to a time as seen by the user, and returns those it changed.
func (t Tenant) Seen(ctx context.Context, user string, devices []Device, until time.Time) ([]Entry, error) {
	var list []Entry
	for _, d := range devices {
		some, err := t.query(ctx, unseen, user, t.name, string(d.System), string(d.Device), string(wire.ResultMissed), until.UnixMilli())
		if err != nil {
			return nil, err
		}
		list = append(list, some...)
	}
	slices.SortFunc(list, newestFirst)
	if _, err := t.j.db.ExecContext(ctx, `INSERT INTO seen (tenant, user, until) VALUES (?, ?, ?)
		ON CONFLICT (tenant, user) DO UPDATE SET until = max(until, excluded.until)`, t.name, user, until.UnixMilli()); err != nil {
		return nil, fmt.Errorf("journal: seen: %w", err)
	}
	for i := range list {
		list[i].Seen = true
	}
	return list, nil
}

// Find gives the entry of a call at one of the devices; ErrNoEntry if there is none.
func (t Tenant) Find(ctx context.Context, user string, devices []Device, call csta.CallID) (Entry, error) {
	list, err := t.query(ctx, byCall, user, t.name, deviceList(devices), string(call))
	if err != nil {
		return Entry{}, err
	}
	if len(list) == 0 {
		return Entry{}, ErrNoEntry
	}
	return list[0], nil
}

// Gaps lists the gaps of a system that reach beyond a time, oldest first.
func (t Tenant) Gaps(ctx context.Context, system csta.SystemID, since time.Time) ([]owner.Gap, error) {
	rows, err := t.j.db.QueryContext(ctx, `SELECT id, devices, began, ended FROM gaps
		WHERE tenant = ? AND system = ? AND (ended = 0 OR ended > ?) ORDER BY began`, t.name, string(system), since.UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("journal: gaps: %w", err)
	}
	defer rows.Close() // Err tells
	var list []owner.Gap
	for rows.Next() {
		g := owner.Gap{System: system}
		var devices string
		var from, to int64
		if err := rows.Scan(&g.ID, &devices, &from, &to); err != nil {
			return nil, fmt.Errorf("journal: gaps: %w", err)
		}
		if err := json.Unmarshal([]byte(devices), &g.Devices); err != nil {
			return nil, fmt.Errorf("journal: gaps: %w", err)
		}
		g.From, g.To = fromMS(from), fromMS(to)
		list = append(list, g)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("journal: gaps: %w", err)
	}
	return list, nil
}

func (t Tenant) query(ctx context.Context, text string, args ...any) ([]Entry, error) {
	stmt, err := t.j.statements.of(ctx, t.j.db, text)
	if err != nil {
		return nil, err
	}
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	defer rows.Close() // Err tells
	return scan(rows)
}

func scan(rows *sql.Rows) ([]Entry, error) {
	var list []Entry
	for rows.Next() {
		var e Entry
		var far string
		var began, talk int64
		if err := rows.Scan(&e.Call, &e.System, &e.Device, &e.Direction, &far, &e.Name, &e.Company, &e.VIP,
			&began, &talk, &e.Result, &e.Cause, &e.Seen, &e.Pop); err != nil {
			return nil, fmt.Errorf("journal: entry: %w", err)
		}
		if err := json.Unmarshal([]byte(far), &e.Far); err != nil {
			return nil, fmt.Errorf("journal: entry: %w", err)
		}
		e.At, e.Talk = fromMS(began), time.Duration(talk)*time.Millisecond
		list = append(list, e)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("journal: entries: %w", err)
	}
	return list, nil
}

// deviceList is the devices as JSON, for a query.
func deviceList(devices []Device) string {
	var b strings.Builder
	b.WriteByte('[')
	for i, d := range devices {
		pair, err := json.Marshal([2]string{string(d.System), string(d.Device)})
		if err != nil {
			continue // two strings always encode
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(pair)
	}
	b.WriteByte(']')
	return b.String()
}
