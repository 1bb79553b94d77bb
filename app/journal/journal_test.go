package journal

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/csta"
	"deskbell/app/number"
	"deskbell/app/pbx"
	"deskbell/app/server/owner"
	"deskbell/app/wire"
)

// fakeLog is an event log in memory.
type fakeLog struct {
	mu       sync.Mutex
	updates  []owner.Update
	released uint64
}

func (l *fakeLog) add(u ...owner.Update) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.updates = append(l.updates, u...)
}

func (l *fakeLog) Read(_ context.Context, _ string, system csta.SystemID, epoch string, seq uint64, limit int) ([]owner.Update, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []owner.Update
	for _, u := range l.updates {
		if u.System == system && (u.Epoch != epoch || u.Seq > seq) && len(list) < limit {
			list = append(list, u)
		}
	}
	return list, nil
}

func (l *fakeLog) Release(_ context.Context, _ string, _ csta.SystemID, _ string, seq uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.released = max(l.released, seq)
	return nil
}

func open(t *testing.T, path string, from Source, opt Options) *Journal {
	t.Helper()
	opt.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	j, err := Open(t.Context(), path, from, opt)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, j.Close()) })
	return j
}

var (
	t0     = time.Now().UTC().Truncate(time.Millisecond)
	mine   = []Device{{"pbx", "101"}, {"pbx", "102"}}
	caller = owner.Party{Number: number.Party{E164: "+4989555010", Kind: number.External}}
)

// leg makes a leg; a zero talk means it was not answered, a zero end that it lives.
func leg(d csta.DeviceID, dir csta.Direction, talk, end time.Duration, cause csta.Cause) owner.Leg {
	l := owner.Leg{Key: pbx.LegKey{Call: "v", Device: d}, State: csta.Alerting, Direction: dir, Far: caller, Original: caller, Began: t0}
	if talk > 0 {
		l.State, l.TalkSince = csta.Connected, t0.Add(talk)
	}
	if end > 0 {
		l.State, l.Ended, l.Cause = csta.Null, t0.Add(end), cause
	}
	return l
}

func update(seq uint64, id string, legs ...owner.Leg) owner.Update {
	c := &owner.Call{ID: csta.CallID(id), Tenant: "default", System: "pbx", Began: t0, Legs: legs}
	return owner.Update{Tenant: "default", System: "pbx", Epoch: "e1", Seq: seq, Call: c, Received: t0}
}

func TestResults(t *testing.T) {
	const in, out = csta.Incoming, csta.Outgoing
	auto := leg("101", in, 1, 5, "")
	auto.Automatic = true
	unsure := leg("101", in, 0, 5, "")
	unsure.Unsure = true
	own := leg("101", "", 0, 5, csta.CauseCallNotAnswered)
	own.Attempt = "k"
	for _, c := range []struct {
		name string
		legs []owner.Leg
		want wire.Result
	}{
		{"rings", []owner.Leg{leg("101", in, 0, 0, "")}, wire.ResultRunning},
		{"talks", []owner.Leg{leg("101", in, 1, 0, "")}, wire.ResultRunning},
		{"answered", []owner.Leg{leg("101", in, 1, 5, csta.CauseNormalClearing)}, wire.ResultAnswered},
		{"answered, end inferred", []owner.Leg{leg("101", in, 1, 5, csta.CauseNoDetails)}, wire.ResultAnswered},
		{"caller gave up", []owner.Leg{leg("101", in, 0, 5, csta.CauseCallCancelled)}, wire.ResultMissed},
		{"rang out", []owner.Leg{leg("101", in, 0, 5, csta.CauseCallNotAnswered)}, wire.ResultMissed},
		{"no reason given", []owner.Leg{leg("101", in, 0, 5, "")}, wire.ResultMissed},
		{"busy", []owner.Leg{leg("101", in, 0, 5, csta.CauseBusy)}, wire.ResultMissed},
		{"mailbox took it", []owner.Leg{auto}, wire.ResultMissed},
		{"declined", []owner.Leg{leg("101", in, 0, 5, csta.CauseCallRejected)}, wire.ResultRejected},
		{"declined here, taken there", []owner.Leg{leg("101", in, 0, 5, csta.CauseCallRejected), leg("102", in, 1, 9, "")}, wire.ResultRejected},
		{"taken by another", []owner.Leg{leg("101", in, 0, 5, csta.CauseAnsweredElsewhere)}, wire.ResultElsewhere},
		{"taken by another, not told so", []owner.Leg{leg("101", in, 0, 5, csta.CauseCallCancelled), leg("102", in, 1, 9, "")}, wire.ResultElsewhere},
		{"another rang too, nobody took it", []owner.Leg{leg("101", in, 0, 5, ""), leg("102", in, 0, 5, "")}, wire.ResultMissed},
		{"rung twice, taken the second time", []owner.Leg{leg("101", in, 0, 5, csta.CauseCallCancelled), leg("101", in, 7, 9, "")}, wire.ResultAnswered},
		{"end not heard", []owner.Leg{leg("101", in, 0, 5, csta.CauseNoDetails)}, wire.ResultUnknown},
		{"only the end heard", []owner.Leg{unsure}, wire.ResultUnknown},
		{"out, answered", []owner.Leg{leg("101", out, 1, 5, "")}, wire.ResultAnswered},
		{"out, busy", []owner.Leg{leg("101", out, 0, 5, csta.CauseBusy)}, wire.ResultBusy},
		{"out, nobody", []owner.Leg{leg("101", out, 0, 5, csta.CauseCallNotAnswered)}, wire.ResultNoAnswer},
		{"out, given up", []owner.Leg{leg("101", out, 0, 5, "")}, wire.ResultCancelled},
		{"out, wrong number", []owner.Leg{leg("101", out, 0, 5, csta.CauseInvalidDestination)}, wire.ResultFailed},
		{"out, end not heard", []owner.Leg{leg("101", out, 0, 5, csta.CauseNoDetails)}, wire.ResultUnknown},
		{"own click to call, not picked up", []owner.Leg{own}, wire.ResultNoAnswer},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, _ := classify(update(1, "c", c.legs...).Call, "101")
			require.Equal(t, c.want, got)
		})
	}
}

func TestListOfAUser(t *testing.T) {
	ctx := t.Context()
	j := open(t, filepath.Join(t.TempDir(), "j.db"), &fakeLog{}, Options{})
	for i := range 5 {
		l := leg("101", csta.Incoming, 0, 5*time.Second, csta.CauseCallCancelled)
		l.Began = t0.Add(time.Duration(i) * time.Minute)
		l.Ended = l.Began.Add(5 * time.Second)
		j.Take(update(uint64(i+1), fmt.Sprintf("c%d", i), l))
	}
	both := leg("102", csta.Incoming, 0, time.Second, csta.CauseCallCancelled)
	j.Take(update(6, "both", leg("101", csta.Incoming, 0, time.Second, csta.CauseCallCancelled), both))
	j.Take(update(7, "foreign", leg("999", csta.Incoming, 0, time.Second, csta.CauseCallCancelled)))
	require.NoError(t, j.Flush(ctx))
	list := j.Tenant("default")

	page, more, err := list.Entries(ctx, "anna", mine, time.Time{}, 2)
	require.NoError(t, err)
	require.True(t, more)
	require.Equal(t, []csta.CallID{"c4", "c3"}, []csta.CallID{page[0].Call, page[1].Call})
	page, more, err = list.Entries(ctx, "anna", mine, page[1].At, 200)
	require.NoError(t, err)
	require.False(t, more)
	require.Len(t, page, 5, "c2, c1, c0 and both devices of one call; nobody else's")
	require.Equal(t, caller, page[0].Far)

	unseen := func(user string) int {
		n, err := list.Unseen(ctx, user, mine)
		require.NoError(t, err)
		return n
	}
	require.Equal(t, 6, unseen("anna"), "a call two devices missed counts once")
	changed, err := list.Seen(ctx, "anna", mine, t0.Add(2*time.Minute))
	require.NoError(t, err)
	require.Len(t, changed, 5)
	require.Equal(t, 2, unseen("anna"))
	require.Equal(t, 6, unseen("ben"), "seen by one is not seen by all")
	_, err = list.Seen(ctx, "anna", mine, t0)
	require.NoError(t, err)
	require.Equal(t, 2, unseen("anna"), "what was seen stays so")

	other := j.Tenant("other")
	page, _, err = other.Entries(ctx, "anna", mine, time.Time{}, 10)
	require.NoError(t, err)
	require.Empty(t, page, "no tenant sees another's calls")
}

func TestNotesOfACall(t *testing.T) {
	ctx := t.Context()
	j := open(t, filepath.Join(t.TempDir(), "j.db"), &fakeLog{}, Options{})
	list := j.Tenant("default")
	require.NoError(t, list.Annotate(ctx, []Note{
		{Call: "c", Contact: &Contact{Name: "Peter", Company: "Lang", VIP: false}},
		{Call: "c", Contact: &Contact{Name: "Peter Lang", Company: "Lang & Sons", VIP: true}},
		{User: "ben", Call: "c", Contact: &Contact{Name: "Uncle Peter"}},
		{User: "anna", Call: "c", Pop: "claimed"},
		{User: "anna", Call: "c", Pop: "opened"},
	}))
	_, err := list.Find(ctx, "anna", mine, "c")
	require.ErrorIs(t, err, ErrNoEntry)
	j.Take(update(1, "c", leg("101", csta.Incoming, time.Second, 5*time.Second, "")))
	require.NoError(t, j.Flush(ctx))
	e, err := list.Find(ctx, "anna", mine, "c")
	require.NoError(t, err)
	require.Equal(t, Entry{
		Call: "c", System: "pbx", Device: "101", Direction: csta.Incoming, Far: caller, Name: "Peter Lang", Company: "Lang & Sons", VIP: true,
		At: t0, Talk: 4 * time.Second, Result: wire.ResultAnswered, Pop: "opened",
	}, e)
	e, err = list.Find(ctx, "ben", mine, "c")
	require.NoError(t, err)
	require.Equal(t, "Uncle Peter", e.Name)
	require.Empty(t, e.Pop)
	require.NoError(t, list.Annotate(ctx, []Note{{Call: "c", Contact: &Contact{}}}))
	e, err = list.Find(ctx, "anna", mine, "c")
	require.NoError(t, err)
	require.Empty(t, e.Name)
}

func TestTakesUpFromTheLog(t *testing.T) {
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "j.db")
	log := &fakeLog{}
	var changes []wire.Result
	opt := Options{Changed: func(_ string, e Entry) { changes = append(changes, e.Result) }}
	rings, ends := update(1, "c", leg("101", csta.Incoming, 0, 0, "")), update(2, "c", leg("101", csta.Incoming, 0, 5, csta.CauseCallCancelled))
	j := open(t, path, log, opt)
	j.Take(rings)
	require.NoError(t, j.Flush(ctx))
	require.NoError(t, j.Close())
	log.add(rings, ends, update(3, "d", leg("102", csta.Outgoing, 1, 5, ""))) // stored, and then the process was gone

	for range 2 {
		j = open(t, path, log, opt)
		require.NoError(t, j.CatchUp(ctx, "default", "pbx"))
		j.Take(ends) // told again: no harm
		require.NoError(t, j.Flush(ctx))
		page, _, err := j.Tenant("default").Entries(ctx, "anna", mine, time.Time{}, 10)
		require.NoError(t, err)
		require.Len(t, page, 2)
		require.Equal(t, uint64(3), log.released)
		require.NoError(t, j.Close())
	}
	require.Equal(t, []wire.Result{wire.ResultRunning, wire.ResultMissed, wire.ResultAnswered}, changes, "each change is told once")
}

func TestOverflowIsReadFromTheLog(t *testing.T) {
	ctx := t.Context()
	log := &fakeLog{}
	j := open(t, filepath.Join(t.TempDir(), "j.db"), log, Options{Queue: 10})
	const n = 300
	for i := range n {
		u := update(uint64(i+1), fmt.Sprintf("c%d", i), leg("101", csta.Incoming, 0, 5, ""))
		log.add(u)
		j.Take(u)
	}
	require.NoError(t, j.Flush(ctx))
	unseen, err := j.Tenant("default").Unseen(ctx, "anna", mine)
	require.NoError(t, err)
	require.Equal(t, n, unseen)
}

func TestJoinedAndSplitCalls(t *testing.T) {
	ctx := t.Context()
	j := open(t, filepath.Join(t.TempDir(), "j.db"), &fakeLog{}, Options{})
	list := j.Tenant("default")
	j.Take(update(1, "a", leg("101", csta.Incoming, 1, 0, "")))
	j.Take(update(2, "b", leg("102", csta.Incoming, 1, 0, "")))
	require.NoError(t, list.Annotate(ctx, []Note{{Call: "b", Contact: &Contact{Name: "Peter Lang"}}}))
	require.NoError(t, j.Flush(ctx))
	joined := update(3, "a", leg("101", csta.Incoming, 1, 0, ""), leg("102", csta.Incoming, 1, 0, ""))
	joined.Joined = "b"
	j.Take(joined)
	require.NoError(t, j.Flush(ctx))
	ids := func() map[csta.DeviceID]csta.CallID {
		page, _, err := list.Entries(ctx, "anna", mine, time.Time{}, 10)
		require.NoError(t, err)
		m := make(map[csta.DeviceID]csta.CallID)
		for _, e := range page {
			m[e.Device] = e.Call
		}
		require.Len(t, page, len(m), "none is doubled")
		return m
	}
	require.Equal(t, map[csta.DeviceID]csta.CallID{"101": "a", "102": "a"}, ids())
	e, err := list.Find(ctx, "anna", mine, "a")
	require.NoError(t, err)
	require.Equal(t, "Peter Lang", e.Name, "notes go along")
	split := update(4, "x", leg("102", csta.Incoming, 1, 0, ""))
	split.SplitFrom = "a"
	j.Take(split)
	require.NoError(t, j.Flush(ctx))
	require.Equal(t, map[csta.DeviceID]csta.CallID{"101": "a", "102": "x"}, ids())
}

func TestGapsAndRetention(t *testing.T) {
	ctx := t.Context()
	j := open(t, filepath.Join(t.TempDir(), "j.db"), &fakeLog{}, Options{Retention: time.Hour})
	gap := owner.Gap{ID: "g", System: "pbx", From: t0}
	j.Take(owner.Update{Tenant: "default", System: "pbx", Epoch: "e1", Seq: 1, Gap: &gap})
	gap.To = t0.Add(time.Minute)
	j.Take(owner.Update{Tenant: "default", System: "pbx", Epoch: "e1", Seq: 2, Gap: &gap})
	j.Take(update(3, "c", leg("101", csta.Incoming, 0, 5, "")))
	require.NoError(t, j.Flush(ctx))
	list := j.Tenant("default")
	gaps, err := list.Gaps(ctx, "pbx", t0)
	require.NoError(t, err)
	require.Equal(t, []owner.Gap{{ID: "g", System: "pbx", Devices: []csta.DeviceID{}, From: t0, To: t0.Add(time.Minute)}}, gaps)

	j.deleteOld(ctx, t0.Add(59*time.Minute))
	_, err = list.Find(ctx, "anna", mine, "c")
	require.NoError(t, err)
	j.deleteOld(ctx, t0.Add(61*time.Minute))
	_, err = list.Find(ctx, "anna", mine, "c")
	require.ErrorIs(t, err, ErrNoEntry, "deleted after the retention")
	gaps, err = list.Gaps(ctx, "pbx", t0)
	require.NoError(t, err)
	require.Empty(t, gaps)
}

func TestDamagedFileIsKeptAside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	require.NoError(t, os.WriteFile(path, []byte("not a database, though it once may have been one"), 0o600))
	open(t, path, &fakeLog{}, Options{})
	kept, err := filepath.Glob(path + ".damaged-*")
	require.NoError(t, err)
	require.Len(t, kept, 1)
}

func TestNoDiskNoEnd(t *testing.T) {
	notAFolder := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(notAFolder, nil, 0o600))
	j := open(t, filepath.Join(notAFolder, "j.db"), &fakeLog{}, Options{})
	require.ErrorIs(t, j.Health(), ErrMemory)
	j.Take(update(1, "c", leg("101", csta.Incoming, 0, 5, "")))
	require.NoError(t, j.Flush(t.Context()))
	_, err := j.Tenant("default").Find(t.Context(), "anna", mine, "c")
	require.NoError(t, err, "the list works in memory")
}

// A list that grew for a month must not make greetings slow: every query of a list goes to the device's own entries.
func TestListsLookAtOneDeviceOnly(t *testing.T) {
	j := open(t, filepath.Join(t.TempDir(), "j.db"), &fakeLog{}, Options{})
	for _, text := range []string{byDevice, unseen, callsUnseen} {
		rows, err := j.db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+text, "anna", "default", "pbx", "101", "missed", 1)
		require.NoError(t, err)
		var plan []string
		for rows.Next() {
			var id, parent, unused int
			var step string
			require.NoError(t, rows.Scan(&id, &parent, &unused, &step))
			plan = append(plan, step)
		}
		require.NoError(t, rows.Err())
		require.NoError(t, rows.Close())
		require.Contains(t, plan[0], "SEARCH e USING INDEX entries_by_device (tenant=? AND system=? AND device=? AND began", text)
		for _, step := range plan {
			require.NotContains(t, step, "SCAN")
			require.NotContains(t, step, "TEMP B-TREE")
		}
	}
}
