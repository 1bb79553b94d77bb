package accounts

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// InvitationTTL is how long an invitation may be used.
const InvitationTTL = 24 * time.Hour

// tokenPrefix lets people and secret scanners see what a stray token is.
const tokenPrefix = "dbt_"

// Invitation is a one-time code that turns into a token.
type Invitation struct {
	Code    string
	User    string
	Expires time.Time
}

// Invite makes an invitation of a user. The code has 160 random bits and is stored as a hash only.
func (a *Accounts) Invite(ctx context.Context, user string) (Invitation, error) {
	code, err := newCode()
	if err != nil {
		return Invitation{}, err
	}
	now := time.Now()
	inv := Invitation{Code: code, User: user, Expires: now.Add(InvitationTTL).UTC().Truncate(time.Second)}
	hash := hashOf(normalCode(code))
	err = a.change(ctx, &user, func(tx *sql.Tx) error {
		var id string
		if err := tx.QueryRowContext(ctx, `SELECT id FROM users WHERE id = ?`, user).Scan(&id); errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("%w: %q", ErrNoUser, user)
		} else if err != nil {
			return err
		}
		// Used and expired ones are kept a month, so that a late click is told the truth.
		if _, err := tx.ExecContext(ctx, `DELETE FROM invitations WHERE expires < ?`, now.AddDate(0, -1, 0).Unix()); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO invitations (hash, user, created, expires) VALUES (?, ?, ?, ?)`,
			hash[:], user, now.Unix(), inv.Expires.Unix())
		return err
	})
	return inv, err
}

// Exchange turns an invitation's code into a token of a device named device, once. The token is not kept in the clear.
func (a *Accounts) Exchange(ctx context.Context, code, device string) (secret string, u User, err error) {
	secret, hash, err := newToken()
	if err != nil {
		return "", User{}, err
	}
	now, codeHash := time.Now(), hashOf(normalCode(code))
	var user string
	err = a.change(ctx, &user, func(tx *sql.Tx) error {
		if user, err = useInvitation(ctx, tx, codeHash, now); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO tokens (id, hash, user, device, created, used) VALUES (?, ?, ?, ?, ?, ?)`,
			uuid.Must(uuid.NewV7()).String(), hash[:], user, device, now.Unix(), now.Unix())
		return err
	})
	if err != nil {
		return "", User{}, err
	}
	u, err = a.User(user)
	return secret, u, err
}

// useInvitation marks an invitation used, or says why it cannot be.
func useInvitation(ctx context.Context, tx *sql.Tx, hash [32]byte, now time.Time) (user string, err error) {
	var expires int64
	var used sql.NullInt64
	err = tx.QueryRowContext(ctx, `SELECT user, expires, used FROM invitations WHERE hash = ?`, hash[:]).Scan(&user, &expires, &used)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return "", ErrInvitation
	case err != nil:
		return "", err
	case used.Valid:
		return "", ErrInvitationUsed
	case now.Unix() >= expires:
		return "", ErrInvitationExpired
	}
	// "used IS NULL" again: of two exchanges at the same moment only one finds it so.
	done, err := affected(tx.ExecContext(ctx, `UPDATE invitations SET used = ? WHERE hash = ? AND used IS NULL`, now.Unix(), hash[:]))
	if err == nil && !done {
		return "", ErrInvitationUsed
	}
	return user, err
}

// Authenticate finds whose token it is; ErrToken for any that is not valid. Answered from memory.
func (a *Accounts) Authenticate(secret string) (Token, User, error) {
	if len(secret) > 256 {
		return Token{}, User{}, ErrToken
	}
	k, hash := a.known.Load(), hashOf(secret)
	t := k.tokens[tokenKey(hash[:16])]
	if t == nil || subtle.ConstantTimeCompare(hash[16:], t.rest[:]) != 1 || k.users[t.User] == nil {
		return Token{}, User{}, ErrToken
	}
	a.noteUse(&t.Token)
	return t.Token, *k.users[t.User], nil
}

// Valid reports whether a token with this id still exists.
func (a *Accounts) Valid(user, tokenID string) bool {
	return user != "" && a.known.Load().ownerOf(tokenID) == user
}

// Tokens lists the tokens of a user, or of all if user is empty, oldest first.
func (a *Accounts) Tokens(user string) []Token {
	var list []Token
	for _, t := range a.known.Load().tokens {
		if user == "" || t.User == user {
			list = append(list, t.Token)
		}
	}
	slices.SortFunc(list, func(x, y Token) int { return strings.Compare(x.ID, y.ID) })
	return list
}

// Revoke deletes a token. Sessions that use it are closed by whoever hears of the change.
func (a *Accounts) Revoke(ctx context.Context, tokenID string) error {
	var user string
	return a.change(ctx, &user, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, `DELETE FROM tokens WHERE id = ? RETURNING user`, tokenID).Scan(&user)
		if errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("%w: %q", ErrNoToken, tokenID)
		}
		return err
	})
}

// noteUse remembers a use to be written later, to the hour: thousands of trays coming back must not write thousands of rows.
func (a *Accounts) noteUse(t *Token) {
	hour := time.Now().UTC().Truncate(time.Hour)
	if !t.Used.Before(hour) {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.used[t.ID] = hour
}

// writeUsed writes the uses noted so far. It does not move the revision: nobody's rights changed.
func (a *Accounts) writeUsed(ctx context.Context) error {
	a.mu.Lock()
	used := a.used
	a.used = map[string]time.Time{}
	a.mu.Unlock()
	if len(used) == 0 {
		return nil
	}
	tx, err := a.params.DB.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("last use of tokens: %w", err)
	}
	defer tx.Rollback()
	for id, at := range used {
		if _, err := tx.ExecContext(ctx, `UPDATE tokens SET used = ? WHERE id = ?`, at.Unix(), id); err != nil {
			return fmt.Errorf("last use of tokens: %w", err)
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("last use of tokens: %w", err)
	}
	return nil
}

func newToken() (secret string, hash [32]byte, err error) {
	raw := make([]byte, 32)
	if _, err := rand.Read(raw); err != nil {
		return "", hash, fmt.Errorf("new token: %w", err)
	}
	secret = tokenPrefix + base64.RawURLEncoding.EncodeToString(raw)
	return secret, sha256.Sum256([]byte(secret)), nil
}

var codeAlphabet = base32.NewEncoding("ABCDEFGHJKMNPQRSTVWXYZ0123456789").WithPadding(base32.NoPadding)

// newCode makes a code a person can read aloud: 32 letters and digits in groups of four, without I, L, O and U.
func newCode() (string, error) {
	raw := make([]byte, 20)
	if _, err := rand.Read(raw); err != nil {
		return "", fmt.Errorf("new invitation: %w", err)
	}
	text := codeAlphabet.EncodeToString(raw)
	var groups []string
	for part := range slices.Chunk([]byte(text), 4) {
		groups = append(groups, string(part))
	}
	return strings.Join(groups, "-"), nil
}

// normalCode forgives what happens to a code that is read aloud or copied: case, blanks, hyphens, O for 0, I and L for 1.
func normalCode(code string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '-' || r == ' ' || r == '\t' || r == '\n' || r == '\r':
			return -1
		case r == 'O' || r == 'o':
			return '0'
		case r == 'I' || r == 'i' || r == 'L' || r == 'l':
			return '1'
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		}
		return r
	}, code)
}

func hashOf(s string) [32]byte { return sha256.Sum256([]byte(s)) }
