package eventlog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/csta"
	"deskbell/app/pbx"
	"deskbell/app/server/owner"
)

func open(t testing.TB, path string, opt Options) *Log {
	t.Helper()
	opt.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	l, err := Open(t.Context(), path, opt)
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() }) // closed by the test itself, or lost with the folder
	return l
}

// call makes an update of a call with one leg; ended says whether it is over.
func call(seq uint64, id string, ended bool) owner.Update {
	now := time.Now().UTC().Truncate(time.Millisecond)
	l := owner.Leg{
		ID:  csta.ConnectionID{CallID: csta.CallID(id), DeviceID: "101"},
		Key: pbx.LegKey{Call: "vendor-" + id, Device: "101"}, Incarnation: 1, State: csta.Alerting, FarState: csta.Connected, Direction: csta.Incoming,
		Far: owner.Party{Name: "Ada"}, Began: now, StateSince: now, LastNews: now, Expires: now.Add(time.Minute),
		Linkage: []string{"token"},
	}
	if ended {
		l.State, l.Ended = csta.Null, now
	}
	return owner.Update{
		Tenant: "default", System: "pbx", Epoch: "e1", Seq: seq, Event: csta.DeliveredEvent, Device: "101", Leg: l.ID, Received: now, Vendor: "raw",
		Call: &owner.Call{ID: csta.CallID(id), Tenant: "default", System: "pbx", Began: now, Legs: []owner.Leg{l}},
	}
}

// store appends updates and waits for their commit.
func store(t testing.TB, l *Log, updates ...owner.Update) {
	t.Helper()
	done := make(chan error, 1)
	l.Append(updates, func(err error) { done <- err })
	require.NoError(t, await(t, done))
}

func await[T any](t testing.TB, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(20 * time.Second):
		require.Fail(t, "nothing came")
		panic("unreachable")
	}
}

func rows(t *testing.T, l *Log) int {
	t.Helper()
	db, _, err := l.reading()
	require.NoError(t, err)
	var n int
	require.NoError(t, db.QueryRowContext(t.Context(), `SELECT count(*) FROM updates`).Scan(&n))
	return n
}

func TestRestore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.db")
	l := open(t, path, Options{})
	alive := time.Now().UTC()
	gap := owner.Gap{ID: "g1", System: "pbx", From: alive}
	attempt := owner.Attempt{ID: "k1", Device: "101", State: owner.AttemptAsked, Asked: alive, VendorCall: "v"}
	other := call(1, "elsewhere", false)
	other.System = "other"
	joined := call(5, "b", false)
	joined.Joined = "a"
	last := call(9, "c", true)
	store(t, l, call(1, "a", false), call(2, "b", false), call(3, "c", false), call(4, "d", false))
	store(t, l, other)
	store(t, l, joined, owner.Update{Tenant: "default", System: "pbx", Epoch: "e1", Seq: 6, Gap: &gap, Received: alive},
		owner.Update{Tenant: "default", System: "pbx", Epoch: "e1", Seq: 7, Attempt: &attempt, Received: alive},
		owner.Update{Tenant: "default", System: "pbx", Epoch: "e1", Seq: 8, Devices: []pbx.Device{{ID: "101", Number: "101"}}, Received: alive}, last)
	l.Alive("default", "pbx", alive)
	require.NoError(t, l.Close())

	for range 2 { // the second time after a restart that stored nothing
		l = open(t, path, Options{})
		s, err := l.Restore(t.Context(), "default", "pbx")
		require.NoError(t, err)
		require.Equal(t, "e1", s.Epoch)
		require.Equal(t, uint64(9), s.Seq)
		require.True(t, alive.Equal(s.AliveUntil))
		ids := map[csta.CallID]bool{}
		for _, c := range s.Calls {
			ids[c.ID] = c.Live()
		}
		require.Equal(t, map[csta.CallID]bool{"b": true, "c": false, "d": true}, ids, "joined calls are gone, ended ones kept for late news")
		require.Equal(t, []owner.Attempt{attempt}, s.Attempts)
		require.Equal(t, []owner.Gap{gap}, s.Gaps)
		require.Equal(t, []pbx.Device{{ID: "101", Number: "101"}}, s.Devices)
		require.Equal(t, last.Call.Legs, s.Calls[len(s.Calls)-2].Legs[:1], "a leg comes back as it was")
		require.NoError(t, l.Close())
	}
	l = open(t, path, Options{})
	s, err := l.Restore(t.Context(), "default", "never seen")
	require.NoError(t, err)
	require.Equal(t, owner.State{}, s)
}

func TestReadAndRelease(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.db")
	l := open(t, path, Options{})
	const n = 2000
	var batch []owner.Update
	for i := range n {
		batch = append(batch, call(uint64(i+1), fmt.Sprintf("c%d", i/2), i%2 == 1)) // each rings and ends
	}
	running := call(n+1, "running", false)
	store(t, l, append(batch, running)...)
	list, err := l.Read(t.Context(), "default", "pbx", "e1", 10, 3)
	require.NoError(t, err)
	require.Len(t, list, 3)
	require.Equal(t, uint64(11), list[0].Seq)
	require.Equal(t, batch[10], list[0], "an update comes back as it was")

	second := call(1, "next-run", false)
	second.Epoch = "e2"
	store(t, l, second)
	list, err = l.Read(t.Context(), "default", "pbx", "e1", n, 10)
	require.NoError(t, err)
	require.Equal(t, []string{"e1", "e2"}, []string{list[0].Epoch, list[1].Epoch})
	list, err = l.Read(t.Context(), "default", "pbx", "never", 5, 10)
	require.NoError(t, err)
	require.Equal(t, uint64(1), list[0].Seq, "an unknown place: from the beginning")

	require.NoError(t, l.Release(t.Context(), "default", "pbx", "e2", 1))
	for i := range 10 { // deletion goes along with commits
		next := call(uint64(i+2), "next-run", false)
		next.Epoch = "e2"
		store(t, l, next)
	}
	kept := rows(t, l)
	require.Equal(t, n/2+1+11, kept, "the last news of each ended call, the running ones, and what is not released")
	l.index.expire(time.Now().Add(time.Hour))
	store(t, l, call(n+2, "running", false))
	require.NoError(t, l.Release(t.Context(), "default", "pbx", "e1", n+2))
	for i := range 10 {
		store(t, l, call(uint64(n+3+i), "running", false))
	}
	require.Less(t, rows(t, l), 600, "ended calls are forgotten")
	require.NoError(t, l.Close())
	l = open(t, path, Options{})
	s, err := l.Restore(t.Context(), "default", "pbx")
	require.NoError(t, err)
	require.Len(t, s.Calls, 2, "running calls survive pruning")
}

func TestFullDiskAndRecovery(t *testing.T) {
	var l *Log
	var healed atomic.Bool
	pages := func(Point) {
		limit := 40
		if healed.Load() {
			limit = 1 << 20
		}
		if l.file != nil { // the hook runs on the committer, whose file it is
			_, err := l.file.conn.ExecContext(t.Context(), fmt.Sprintf("PRAGMA max_page_count = %d", limit))
			require.NoError(t, err)
		}
	}
	ready := make(chan struct{})
	l = open(t, filepath.Join(t.TempDir(), "log.db"), Options{Retry: 20 * time.Millisecond, Hook: func(p Point) {
		<-ready
		pages(p)
	}})
	close(ready)
	done := make(chan error, 10_000)
	n := 0
	for l.Health() == nil {
		for range 50 {
			n++
			l.Append([]owner.Update{call(uint64(n), fmt.Sprintf("c%d", n), false)}, func(err error) { done <- err })
		}
		require.Less(t, n, 5000, "40 pages hold less")
		require.Eventually(t, func() bool { return len(done) == n || l.Health() != nil }, 20*time.Second, time.Millisecond)
	}
	require.ErrorIs(t, l.Health(), ErrFull)
	healed.Store(true)
	for range n {
		require.NoError(t, await(t, done), "nothing that waited was lost")
	}
	require.NoError(t, l.Health())
	require.Equal(t, n, rows(t, l))
}

func TestMemoryIsBounded(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "file-not-folder")
	require.NoError(t, os.WriteFile(dir, nil, 0o600))
	l := open(t, filepath.Join(dir, "log.db"), Options{Retry: 10 * time.Millisecond, Pending: 20_000})
	require.Error(t, l.Health(), "the log cannot be opened, and calls go on")
	results := make(chan error, 1000)
	for i := range 200 {
		l.Append([]owner.Update{call(uint64(i+1), "c", false)}, func(err error) { results <- err })
	}
	require.ErrorIs(t, await(t, results), ErrDropped, "the oldest is given up")
	_, err := l.Restore(t.Context(), "default", "pbx")
	require.Error(t, err)
	require.ErrorIs(t, l.Close(), ErrClosed)
	l.Append([]owner.Update{call(1, "c", false)}, func(err error) { results <- err })
	for err := await(t, results); !errors.Is(err, ErrClosed); err = await(t, results) {
		require.ErrorIs(t, err, ErrDropped)
	}
}

func TestDamagedFileIsKeptAside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.db")
	require.NoError(t, os.WriteFile(path, []byte("this was a database once, and is none any more"), 0o600))
	l := open(t, path, Options{})
	require.NoError(t, l.Health())
	store(t, l, call(1, "c", false))
	kept, err := filepath.Glob(path + ".damaged-*")
	require.NoError(t, err)
	require.Len(t, kept, 1)
}

func TestCloseCommitsWhatWaits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.db")
	l := open(t, path, Options{})
	results := make(chan error, 100)
	for i := range 100 {
		l.Append([]owner.Update{call(uint64(i+1), "c", false)}, func(err error) { results <- err })
	}
	require.NoError(t, l.Close())
	for range 100 {
		require.NoError(t, await(t, results))
	}
	l = open(t, path, Options{})
	require.Equal(t, 100, rows(t, l))
}

func TestCancelledOpen(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Open(ctx, filepath.Join(t.TempDir(), "log.db"), Options{})
	require.ErrorIs(t, err, context.Canceled)
}
