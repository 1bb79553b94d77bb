package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
)

// Secret gives the random value of 32 bytes that this server keeps under name, made when it is first asked for.
func Secret(ctx context.Context, db *sql.DB, name string) ([]byte, error) {
	fresh := make([]byte, 32)
	if _, err := rand.Read(fresh); err != nil {
		return nil, fmt.Errorf("server secret: %w", err)
	}
	if _, err := db.ExecContext(ctx, `INSERT INTO server_secrets (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING`,
		name, fresh); err != nil {
		return nil, fmt.Errorf("server secret: %w", err)
	}
	var value []byte
	if err := db.QueryRowContext(ctx, `SELECT value FROM server_secrets WHERE name = ?`, name).Scan(&value); err != nil {
		return nil, fmt.Errorf("server secret: %w", err)
	}
	return value, nil
}
