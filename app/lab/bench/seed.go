package bench

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"deskbell/app/server/store"
)

// agent is a user to be made, with one own extension and one token.
type agent struct {
	id, extension, token string
}

// seed writes agents into the server's database in one transaction. The server's own way is made for one user at a time,
// each with an invitation, and would take hours for ten thousand.
func seed(ctx context.Context, dataDir string, agents []agent) (err error) {
	db, err := store.Open(ctx, dataDir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("make users: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // nothing is left to roll back after the commit
	now := time.Now().Unix()
	for _, a := range agents {
		if err := seedOne(ctx, tx, a, now); err != nil {
			return fmt.Errorf("make users: %w", err)
		}
	}
	if _, err := tx.ExecContext(ctx, `UPDATE accounts_revision SET revision = revision + 1`); err != nil {
		return fmt.Errorf("make users: %w", err)
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("make users: %w", err)
	}
	return nil
}

func seedOne(ctx context.Context, tx *sql.Tx, a agent, now int64) error {
	hash := sha256.Sum256([]byte(a.token))
	for _, row := range []struct {
		query string
		args  []any
	}{
		{`INSERT INTO users (id, name, role, created) VALUES (?, ?, 'agent', ?)`, []any{a.id, "Agent " + a.extension, now}},
		{`INSERT INTO grants (user, system, device, access, place) VALUES (?, 'nfon', ?, 'own', 0)`, []any{a.id, a.extension}},
		{
			`INSERT INTO tokens (id, hash, user, device, created, used) VALUES (?, ?, ?, 'bench', ?, ?)`,
			[]any{uuid.Must(uuid.NewV7()).String(), hash[:], a.id, now, now},
		},
	} {
		if _, err := tx.ExecContext(ctx, row.query, row.args...); err != nil {
			return err
		}
	}
	return nil
}
