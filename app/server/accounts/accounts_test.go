package accounts

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/server/store"
)

// open opens the accounts in a folder, as each process does for itself.
func open(t *testing.T, dir string) *Accounts {
	t.Helper()
	db, err := store.Open(t.Context(), dir)
	require.NoError(t, err)
	a, err := Open(t.Context(), Params{DB: db, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Poll: 20 * time.Millisecond})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return a
}

func anna() User {
	return User{ID: "anna", Name: "Anna Huber", Role: Agent, Grants: []Grant{
		{"munich", "102", Own}, {"munich", "101", Own}, {"munich", "103", WatchHidden}, {"berlin", "101", Watch},
	}}
}

func TestUsers(t *testing.T) {
	a := open(t, t.TempDir())
	ctx := t.Context()
	require.NoError(t, a.Add(ctx, anna()))
	require.ErrorIs(t, a.Add(ctx, anna()), ErrExists)
	got, err := a.User("anna")
	require.NoError(t, err)
	require.Equal(t, anna(), got, "devices keep their order: the first own one dials")
	require.Len(t, a.Devices()["munich"], 3)

	changed := anna()
	changed.Name, changed.Grants = "A. Huber", changed.Grants[:1]
	require.NoError(t, a.Set(ctx, changed))
	got, err = a.User("anna")
	require.NoError(t, err)
	require.Equal(t, changed, got)
	require.ErrorIs(t, a.Set(ctx, User{ID: "ben", Name: "Ben", Role: Agent}), ErrNoUser)

	require.NoError(t, a.Remove(ctx, "anna"))
	require.ErrorIs(t, a.Remove(ctx, "anna"), ErrNoUser)
	_, err = a.User("anna")
	require.ErrorIs(t, err, ErrNoUser)
}

func TestAllMistakesOfAUser(t *testing.T) {
	err := User{ID: "a b", Role: "king", Grants: []Grant{{"m", "1", "see"}, {"", "1", Own}, {"m", "2", Own}, {"m", "2", Watch}}}.Validate()
	for _, want := range []string{`user "a b"`, "name:", `role "king"`, `access "see"`, `device "/1"`, "named twice"} {
		require.ErrorContains(t, err, want)
	}
}

func TestInvitationsWorkOnce(t *testing.T) {
	a := open(t, t.TempDir())
	ctx := t.Context()
	require.NoError(t, a.Add(ctx, anna()))
	inv, err := a.Invite(ctx, "anna")
	require.NoError(t, err)
	require.Regexp(t, `^([0-9A-HJ-KM-NP-TV-Z]{4}-){7}[0-9A-HJ-KM-NP-TV-Z]{4}$`, inv.Code)
	require.WithinDuration(t, time.Now().Add(24*time.Hour), inv.Expires, time.Minute)
	_, err = a.Invite(ctx, "nobody")
	require.ErrorIs(t, err, ErrNoUser)

	_, _, err = a.Exchange(ctx, "WRONG", "laptop")
	require.ErrorIs(t, err, ErrInvitation)
	var won, used int
	var mu sync.Mutex
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			// As a person would copy it.
			_, u, err := a.Exchange(ctx, " "+strings.ToLower(strings.ReplaceAll(inv.Code, "-", " ")), "laptop")
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil && u.ID == "anna":
				won++
			case errors.Is(err, ErrInvitationUsed):
				used++
			}
		})
	}
	all.Wait()
	require.Equal(t, 1, won)
	require.Equal(t, 7, used)
	require.Len(t, a.Tokens("anna"), 1)
}

func TestInvitationsExpire(t *testing.T) {
	a := open(t, t.TempDir())
	ctx := t.Context()
	require.NoError(t, a.Add(ctx, anna()))
	inv, err := a.Invite(ctx, "anna")
	require.NoError(t, err)
	_, err = a.params.DB.ExecContext(ctx, `UPDATE invitations SET expires = ?`, time.Now().Unix()-1)
	require.NoError(t, err)
	_, _, err = a.Exchange(ctx, inv.Code, "laptop")
	require.ErrorIs(t, err, ErrInvitationExpired)
}

func TestTokens(t *testing.T) {
	dir := t.TempDir()
	a := open(t, dir)
	ctx := t.Context()
	require.NoError(t, a.Add(ctx, anna()))
	inv, err := a.Invite(ctx, "anna")
	require.NoError(t, err)
	secret, _, err := a.Exchange(ctx, inv.Code, "Anna's laptop")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(secret), 43, "256 bits and more")
	token, u, err := a.Authenticate(secret)
	require.NoError(t, err)
	require.Equal(t, "anna", u.ID)
	require.Equal(t, "Anna's laptop", token.Device)
	for _, wrong := range []string{"", "dbt_", secret[:len(secret)-1], secret + "x", strings.Repeat("x", 10_000)} {
		_, _, err := a.Authenticate(wrong)
		require.ErrorIs(t, err, ErrToken)
	}
	var stored int
	require.NoError(t, a.params.DB.QueryRowContext(ctx, `SELECT count(*) FROM tokens WHERE hash LIKE '%' || ? || '%'`, secret[4:]).Scan(&stored))
	require.Zero(t, stored, "the secret itself is nowhere")
	require.True(t, a.Valid("anna", token.ID))
	require.False(t, a.Valid("ben", token.ID))
	require.NoError(t, a.writeUsed(ctx))

	require.NoError(t, a.Revoke(ctx, token.ID))
	require.ErrorIs(t, a.Revoke(ctx, token.ID), ErrNoToken)
	_, _, err = a.Authenticate(secret)
	require.ErrorIs(t, err, ErrToken)
}

// TestChangesOfAnotherProcessAreNoticed has two processes on one database: the server and the command line.
func TestChangesOfAnotherProcessAreNoticed(t *testing.T) {
	dir := t.TempDir()
	server, cli := open(t, dir), open(t, dir)
	told := make(chan []string, 10)
	server.OnChange(func(users []string) { told <- users })
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- server.Run(ctx) }()
	next := func() []string {
		select {
		case users := <-told:
			return users
		case <-time.After(2 * time.Second):
			require.Fail(t, "not noticed within 2 s")
			return nil
		}
	}
	require.NoError(t, cli.Add(ctx, anna()))
	require.Equal(t, []string{"anna"}, next())
	inv, err := cli.Invite(ctx, "anna")
	require.NoError(t, err)
	secret, _, err := server.Exchange(ctx, inv.Code, "laptop")
	require.NoError(t, err)
	require.Equal(t, []string{"anna"}, next())
	token, _, err := server.Authenticate(secret)
	require.NoError(t, err)
	require.NoError(t, cli.Refresh(ctx))
	require.NoError(t, cli.Revoke(ctx, token.ID))
	require.Equal(t, []string{"anna"}, next())
	_, _, err = server.Authenticate(secret)
	require.ErrorIs(t, err, ErrToken)
	require.NoError(t, cli.Remove(ctx, "anna"))
	require.Equal(t, []string{"anna"}, next())
	cancel()
	require.NoError(t, <-ended)
}

func TestFilesArePrivate(t *testing.T) {
	dir := t.TempDir() + "/new/folder"
	open(t, dir)
	requirePrivate(t, dir)
}
