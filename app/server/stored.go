package server

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"deskbell/app/csta"
	"deskbell/app/server/pop"
	"deskbell/app/server/store"
)

// stored is what the server keeps of its users on disk: choices and claims. It is read once, at the start.
type stored struct {
	db   *sql.DB
	salt []byte

	mu      sync.Mutex
	choices map[string]map[string]string
	pops    map[string][]storedPop
}

type storedPop struct {
	id      string
	call    pop.Call
	trigger pop.Trigger
	state   string
	at      time.Time
}

// keepClaims is how long claims stay on disk: longer than any call.
const keepClaims = 48 * time.Hour

// errClaimed says that the call's customer was claimed before, in an earlier run.
var errClaimed = errors.New("claimed already")

func openStored(ctx context.Context, db *sql.DB) (*stored, error) {
	salt, err := store.Secret(ctx, db, "far-hash")
	if err != nil {
		return nil, err
	}
	s := &stored{db: db, salt: salt, choices: map[string]map[string]string{}, pops: map[string][]storedPop{}}
	if _, err := db.ExecContext(ctx, `DELETE FROM pops WHERE claimed < ?`, time.Now().Add(-keepClaims).UnixMilli()); err != nil {
		return nil, fmt.Errorf("old claims: %w", err)
	}
	if err := s.readChoices(ctx); err != nil {
		return nil, err
	}
	return s, s.readPops(ctx)
}

func (s *stored) readChoices(ctx context.Context) error {
	rows, err := s.db.QueryContext(ctx, `SELECT user, name, value FROM user_settings`)
	if err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var user, name, value string
		if err := rows.Scan(&user, &name, &value); err != nil {
			return fmt.Errorf("settings: %w", err)
		}
		if s.choices[user] == nil {
			s.choices[user] = map[string]string{}
		}
		s.choices[user][name] = value
	}
	return rows.Err()
}

func (s *stored) readPops(ctx context.Context) error {
	rows, err := s.db.QueryContext(ctx, `SELECT id, user, call, trigger, far, system, began, claimed, state FROM pops`)
	if err != nil {
		return fmt.Errorf("claims: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var user string
		var far []byte
		var began, at int64
		var p storedPop
		if err := rows.Scan(&p.id, &user, &p.call.ID, &p.trigger, &far, &p.call.System, &began, &at, &p.state); err != nil {
			return fmt.Errorf("claims: %w", err)
		}
		p.call.Far, p.call.Began, p.at = string(far), time.UnixMilli(began), time.UnixMilli(at)
		s.pops[user] = append(s.pops[user], p)
	}
	return rows.Err()
}

// farKey makes a number's key into something that can be compared after a restart and says nothing of the number.
func (s *stored) farKey(key string) string {
	if key == "" {
		return ""
	}
	m := hmac.New(sha256.New, s.salt)
	m.Write([]byte(key))
	return string(m.Sum(nil)[:16])
}

// restorePops gives a user's claims of earlier runs to his offers, once.
func (s *stored) restorePops(user string, into *pop.State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.pops[user] {
		into.Restore(p.id, p.call, p.trigger, p.state, p.at)
	}
	delete(s.pops, user)
}

// claim writes a claim; errClaimed if the call has one.
func (s *stored) claim(ctx context.Context, user string, o pop.Offer) error {
	r, err := s.db.ExecContext(ctx, `INSERT INTO pops (id, user, call, trigger, far, system, began, claimed, state)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		o.ID, user, o.Call.ID, o.Trigger, []byte(o.Call.Far), o.Call.System, o.Call.Began.UnixMilli(), time.Now().UnixMilli(), pop.Claimed)
	if err != nil {
		return fmt.Errorf("write claim: %w", err)
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return errors.Join(errClaimed, err)
	}
	return nil
}

// opened notes that a call's page was opened.
func (s *stored) opened(ctx context.Context, user string, call csta.CallID) error {
	_, err := s.db.ExecContext(ctx, `UPDATE pops SET state = ? WHERE user = ? AND call = ?`, pop.Opened, user, call)
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

func (s *stored) choicesOf(user string) choices {
	s.mu.Lock()
	defer s.mu.Unlock()
	return readChoices(s.choices[user])
}

// choose writes a user's choices.
func (s *stored) choose(ctx context.Context, user string, values map[string]string) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("write settings: %w", err)
	}
	defer tx.Rollback()
	for name, value := range values {
		if _, err := tx.ExecContext(ctx, `INSERT INTO user_settings (user, name, value) VALUES (?, ?, ?)
			ON CONFLICT (user, name) DO UPDATE SET value = excluded.value`, user, name, value); err != nil {
			return fmt.Errorf("write settings: %w", err)
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("write settings: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.choices[user] == nil {
		s.choices[user] = map[string]string{}
	}
	for name, value := range values {
		s.choices[user][name] = value
	}
	return nil
}
