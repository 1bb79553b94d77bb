package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"deskbell/app/csta"
	"deskbell/app/pbx"
)

// Values keeps the few durable values of one telephone system's connector.
type Values struct {
	DB     *sql.DB
	System csta.SystemID
}

var _ pbx.Store = Values{}

// Get implements pbx.Store.
func (v Values) Get(ctx context.Context, key string) (value []byte, ok bool, err error) {
	err = v.DB.QueryRowContext(ctx, `SELECT value FROM connector_values WHERE system = ? AND name = ?`, v.System, key).Scan(&value)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, false, nil
	case err != nil:
		return nil, false, fmt.Errorf("connector value: %w", err)
	}
	return value, true, nil
}

// Set implements pbx.Store.
func (v Values) Set(ctx context.Context, key string, value []byte) error {
	_, err := v.DB.ExecContext(ctx, `INSERT INTO connector_values (system, name, value) VALUES (?, ?, ?)
		ON CONFLICT (system, name) DO UPDATE SET value = excluded.value`, v.System, key, value)
	if err != nil {
		return fmt.Errorf("connector value: %w", err)
	}
	return nil
}

// Delete implements pbx.Store.
func (v Values) Delete(ctx context.Context, key string) error {
	if _, err := v.DB.ExecContext(ctx, `DELETE FROM connector_values WHERE system = ? AND name = ?`, v.System, key); err != nil {
		return fmt.Errorf("connector value: %w", err)
	}
	return nil
}
