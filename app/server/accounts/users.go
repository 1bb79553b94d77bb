package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// idShape keeps user ids usable in command lines, logs and subjects of a bus.
var idShape = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$`)

// Validate reports all mistakes of a user at once.
func (u User) Validate() error {
	var errs []error
	if !idShape.MatchString(u.ID) {
		errs = append(errs, fmt.Errorf("user %q: expected letters, digits and . _ @ -, at most 64, beginning with a letter or digit", u.ID))
	}
	if strings.TrimSpace(u.Name) == "" || utf8.RuneCountInString(u.Name) > 200 {
		errs = append(errs, errors.New("name: expected 1 to 200 characters"))
	}
	switch u.Role {
	case Agent, Supervisor:
	default:
		errs = append(errs, fmt.Errorf("role %q: expected %s or %s", u.Role, Agent, Supervisor))
	}
	seen := map[Grant]bool{}
	for _, g := range u.Grants {
		if err := g.Validate(); err != nil {
			errs = append(errs, err)
		}
		key := Grant{System: g.System, Device: g.Device}
		if seen[key] {
			errs = append(errs, fmt.Errorf("device %s/%s: named twice", g.System, g.Device))
		}
		seen[key] = true
	}
	return errors.Join(errs...)
}

// Validate checks one grant.
func (g Grant) Validate() error {
	if g.System == "" || g.Device == "" || len(g.System) > 64 || len(g.Device) > 128 {
		return fmt.Errorf("device %q: expected SYSTEM/DEVICE", string(g.System)+"/"+string(g.Device))
	}
	switch g.Access {
	case Own, Watch, WatchHidden:
		return nil
	}
	return fmt.Errorf("device %s/%s: access %q, expected %s, %s or %s", g.System, g.Device, g.Access, Own, Watch, WatchHidden)
}

// Add makes a new user; ErrExists if the id is taken.
func (a *Accounts) Add(ctx context.Context, u User) error {
	if err := u.Validate(); err != nil {
		return err
	}
	return a.change(ctx, &u.ID, func(tx *sql.Tx) error {
		done, err := affected(tx.ExecContext(ctx, `INSERT INTO users (id, name, role, created) VALUES (?, ?, ?, ?)
			ON CONFLICT DO NOTHING`, u.ID, u.Name, u.Role, time.Now().Unix()))
		if err != nil {
			return err
		}
		if !done {
			return fmt.Errorf("%w: %q", ErrExists, u.ID)
		}
		return writeGrants(ctx, tx, u)
	})
}

// Set replaces name, role and devices of an existing user.
func (a *Accounts) Set(ctx context.Context, u User) error {
	if err := u.Validate(); err != nil {
		return err
	}
	return a.change(ctx, &u.ID, func(tx *sql.Tx) error {
		done, err := affected(tx.ExecContext(ctx, `UPDATE users SET name = ?, role = ? WHERE id = ?`, u.Name, u.Role, u.ID))
		if err != nil {
			return err
		}
		if !done {
			return fmt.Errorf("%w: %q", ErrNoUser, u.ID)
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM grants WHERE user = ?`, u.ID); err != nil {
			return err
		}
		return writeGrants(ctx, tx, u)
	})
}

// Remove deletes a user with his tokens and invitations.
func (a *Accounts) Remove(ctx context.Context, id string) error {
	return a.change(ctx, &id, func(tx *sql.Tx) error {
		done, err := affected(tx.ExecContext(ctx, `DELETE FROM users WHERE id = ?`, id))
		if err == nil && !done {
			return fmt.Errorf("%w: %q", ErrNoUser, id)
		}
		return err
	})
}

func writeGrants(ctx context.Context, tx *sql.Tx, u User) error {
	for i, g := range u.Grants {
		if _, err := tx.ExecContext(ctx, `INSERT INTO grants (user, system, device, access, place) VALUES (?, ?, ?, ?, ?)`,
			u.ID, g.System, g.Device, g.Access, i); err != nil {
			return err
		}
	}
	return nil
}

// change runs do in a transaction that moves the revision on, and takes the result into memory. user is whom it is about; it
// is looked at after do, which may find it out.
func (a *Accounts) change(ctx context.Context, user *string, do func(*sql.Tx) error) error {
	tx, err := a.params.DB.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("change accounts: %w", err)
	}
	defer tx.Rollback()
	if err := do(tx); err != nil {
		return fmt.Errorf("change accounts: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `UPDATE accounts_revision SET revision = revision + 1`); err != nil {
		return fmt.Errorf("change accounts: %w", err)
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("change accounts: %w", err)
	}
	return a.refresh(ctx, *user)
}

func affected(r sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	n, err := r.RowsAffected()
	return n > 0, err
}
