package accounts

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"deskbell/app/csta"
)

// known is one consistent reading of the accounts. Immutable.
type known struct {
	revision int64
	users    map[string]*User
	tokens   map[tokenKey]*held

	index  sync.Once // makes owners when somebody first asks
	owners map[string]string
}

// ownerOf tells whose token an id is; "" if there is none. Every greeting asks, so that looking through all tokens would be
// quadratic when all trays come back.
func (k *known) ownerOf(tokenID string) string {
	k.index.Do(func() {
		k.owners = make(map[string]string, len(k.tokens))
		for _, t := range k.tokens {
			k.owners[t.ID] = t.User
		}
	})
	return k.owners[tokenID]
}

// tokenKey is the first half of a secret's SHA-256: enough to find it. The other half is compared in constant time.
type tokenKey [16]byte

// held is a token with the half of its hash that its key does not say.
type held struct {
	Token
	rest [16]byte
}

func (k *known) list() []User {
	ids := slices.Sorted(maps.Keys(k.users))
	list := make([]User, 0, len(ids))
	for _, id := range ids {
		list = append(list, *k.users[id])
	}
	return list
}

func (k *known) devices() map[csta.SystemID][]csta.DeviceID {
	seen := map[Grant]bool{}
	lists := map[csta.SystemID][]csta.DeviceID{}
	for _, u := range k.users {
		for _, g := range u.Grants {
			key := Grant{System: g.System, Device: g.Device}
			if !seen[key] {
				seen[key] = true
				lists[g.System] = append(lists[g.System], g.Device)
			}
		}
	}
	for _, list := range lists {
		slices.Sort(list)
	}
	return lists
}

// tokensOf lists the ids of a user's tokens, sorted.
func (k *known) tokensOf(user string) []string {
	var ids []string
	for _, t := range k.tokens {
		if t.User == user {
			ids = append(ids, t.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// reload reads what changed since the last time, and returns whose accounts differ.
func (a *Accounts) reload(ctx context.Context, user string) (changed []string, err error) {
	var revision int64
	if err := a.params.DB.QueryRowContext(ctx, `SELECT revision FROM accounts_revision`).Scan(&revision); err != nil {
		return nil, fmt.Errorf("accounts revision: %w", err)
	}
	before := a.known.Load()
	if before != nil && before.revision == revision {
		return nil, nil
	}
	if before != nil && before.revision+1 == revision && user != "" {
		return a.reloadUser(ctx, before, user)
	}
	after, err := read(ctx, a.params.DB, "")
	if err != nil {
		return nil, err
	}
	a.known.Store(after)
	if before == nil {
		return nil, nil
	}
	return before.differences(after), nil
}

// reloadUser reads one user and leaves the others as they are.
func (a *Accounts) reloadUser(ctx context.Context, before *known, user string) ([]string, error) {
	one, err := read(ctx, a.params.DB, user)
	if err != nil {
		return nil, err
	}
	after := &known{revision: one.revision, users: maps.Clone(before.users), tokens: maps.Clone(before.tokens)}
	delete(after.users, user)
	maps.DeleteFunc(after.tokens, func(_ tokenKey, t *held) bool { return t.User == user })
	maps.Copy(after.users, one.users)
	maps.Copy(after.tokens, one.tokens)
	if one.revision != before.revision+1 {
		after.revision = before.revision // somebody else changed something meanwhile: the next look reads everything
	}
	a.known.Store(after)
	was, is := before.users[user], one.users[user]
	same := was != nil && is != nil && was.same(is) && slices.Equal(before.tokensOf(user), one.tokensOf(user))
	if same || was == nil && is == nil {
		return nil, nil
	}
	return []string{user}, nil
}

// differences lists the users that exist on one side only or differ, sorted.
func (k *known) differences(after *known) []string {
	// Tokens are gathered once for all users: asking tokensOf for each would be quadratic.
	before, now := k.tokenSets(), after.tokenSets()
	var changed []string
	for id, u := range k.users {
		v := after.users[id]
		if v == nil || !u.same(v) || !maps.Equal(before[id], now[id]) {
			changed = append(changed, id)
		}
	}
	for id := range after.users {
		if k.users[id] == nil {
			changed = append(changed, id)
		}
	}
	slices.Sort(changed)
	return changed
}

func (k *known) tokenSets() map[string]map[string]bool {
	sets := map[string]map[string]bool{}
	for _, t := range k.tokens {
		if sets[t.User] == nil {
			sets[t.User] = map[string]bool{}
		}
		sets[t.User][t.ID] = true
	}
	return sets
}

func (u *User) same(v *User) bool {
	return u.Name == v.Name && u.Role == v.Role && slices.Equal(u.Grants, v.Grants)
}

// read takes one consistent reading, in one transaction: of one user, or of all if user is empty.
func read(ctx context.Context, db *sql.DB, user string) (*known, error) {
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	defer tx.Rollback()
	k := &known{users: map[string]*User{}, tokens: map[tokenKey]*held{}}
	if err := tx.QueryRowContext(ctx, `SELECT revision FROM accounts_revision`).Scan(&k.revision); err != nil {
		return nil, fmt.Errorf("accounts revision: %w", err)
	}
	for _, step := range []func(context.Context, *sql.Tx, string) error{k.readUsers, k.readGrants, k.readTokens} {
		if err := step(ctx, tx, user); err != nil {
			return nil, err
		}
	}
	return k, nil
}

func (k *known) readUsers(ctx context.Context, tx *sql.Tx, user string) error {
	return each(ctx, tx, `SELECT id, name, role FROM users`, "id", user, func(scan scanner) error {
		u := &User{}
		if err := scan(&u.ID, &u.Name, &u.Role); err != nil {
			return err
		}
		k.users[u.ID] = u
		return nil
	})
}

func (k *known) readGrants(ctx context.Context, tx *sql.Tx, user string) error {
	return each(ctx, tx, `SELECT user, system, device, access, place FROM grants`, "user", user, func(scan scanner) error {
		var id string
		var g Grant
		var place int
		if err := scan(&id, &g.System, &g.Device, &g.Access, &place); err != nil {
			return err
		}
		if u := k.users[id]; u != nil {
			for len(u.Grants) <= place {
				u.Grants = append(u.Grants, Grant{})
			}
			u.Grants[place] = g
		}
		return nil
	})
}

func (k *known) readTokens(ctx context.Context, tx *sql.Tx, user string) error {
	return each(ctx, tx, `SELECT id, hash, user, device, created, used FROM tokens`, "user", user, func(scan scanner) error {
		var hash []byte
		var created, used int64
		t := &held{}
		if err := scan(&t.ID, &hash, &t.User, &t.Device, &created, &used); err != nil {
			return err
		}
		t.Created, t.Used = time.Unix(created, 0).UTC(), time.Unix(used, 0).UTC()
		var key tokenKey
		if copy(key[:], hash)+copy(t.rest[:], hash[min(len(key), len(hash)):]) == sha256.Size {
			k.tokens[key] = t
		}
		return nil
	})
}

type scanner func(into ...any) error

// each calls row for the rows of one user, or of all if user is empty. column is where the user stands.
func each(ctx context.Context, tx *sql.Tx, query, column, user string, row func(scanner) error) error {
	var args []any
	if user != "" {
		query, args = query+` WHERE `+column+` = ?`, append(args, user)
	}
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("read accounts: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return fmt.Errorf("read accounts: %w", err)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read accounts: %w", err)
	}
	return nil
}
