//go:build linux

package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/lab/bench/floor"
	"deskbell/app/lab/bench/phones"
	"deskbell/app/lab/load"
	"deskbell/app/server/accounts"
	"deskbell/app/server/store"
)

// talk runs a part inside the test: the returned function asks it.
func talk(t *testing.T, name string, ready any, args ...string) func(verb string, params, result any) string {
	t.Helper()
	in, asks := io.Pipe()
	answers, out := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- RunPart(t.Context(), name, args, in, out, slog.New(slog.NewTextHandler(t.Output(), nil)))
	}()
	dec := json.NewDecoder(answers)
	read := func(result any) string {
		var r struct {
			Result json.RawMessage
			Error  string
		}
		require.NoError(t, dec.Decode(&r))
		if result != nil && r.Error == "" {
			require.NoError(t, json.Unmarshal(r.Result, result))
		}
		return r.Error
	}
	require.Empty(t, read(ready))
	t.Cleanup(func() {
		require.NoError(t, asks.Close())
		require.NoError(t, <-ended)
	})
	return func(verb string, params, result any) string {
		require.NoError(t, json.NewEncoder(asks).Encode(map[string]any{"verb": verb, "params": params}))
		return read(result)
	}
}

func TestTheFloorCarriesEveryEvent(t *testing.T) {
	var at floor.Ready
	talk(t, partFloor, &at)
	post := talk(t, partFloorLoad, nil)
	const users = 20
	var agents []agent
	for i := range users {
		agents = append(agents, agent{token: phones.Extension(i)})
	}
	c, err := gather(t.Context(), at.Address, agents)
	require.NoError(t, err)
	defer c.leave()
	stamps := filepath.Join(t.TempDir(), "stamps")
	var r floor.LoadResult
	require.Empty(t, post("load", floor.LoadParams{Address: at.Address, Users: users, Rate: 400, MS: 300, Stamps: stamps}, &r))
	require.Positive(t, r.Events)
	events, err := readStamps(stamps)
	require.NoError(t, err)
	require.Len(t, events, r.Events)
	c.await(len(events))
	c.leave()
	require.Zero(t, c.lost.Load())
	took, missing, extra := delays(events, 1e9, func(yield func(int, heard)) {
		for i, s := range c.seats {
			for _, h := range s.heard {
				yield(load.FirstExtension+i, h)
			}
		}
	})
	require.Len(t, took, len(events))
	require.Zero(t, missing+extra)
	require.Positive(t, quantile(took, 0.01))
	require.NotEmpty(t, post("load", floor.LoadParams{Address: "127.0.0.1:1", Users: 1, Rate: 1, MS: 1, Stamps: stamps}, nil), "nobody listens there")
}

func TestThePhonesDoWhatIsAsked(t *testing.T) {
	var ready phones.Ready
	ask := talk(t, partPhones, &ready)
	require.True(t, strings.HasPrefix(ready.URL, "http://127.0.0.1:"), ready.URL)
	var streams int
	require.Empty(t, ask("streams", nil, &streams))
	require.Zero(t, streams)
	require.Empty(t, ask("act", []phones.Act{{Do: "ring", Extension: "10000", Caller: phones.Caller(1)}, {Do: "answer", Extension: "10000"}, {Do: "hangup", Extension: "10000"}}, nil))
	require.NotEmpty(t, ask("act", []phones.Act{{Do: "hangup", Extension: "10000"}}, nil))
	require.NotEmpty(t, ask("act", []phones.Act{{Do: "dance", Extension: "10000"}}, nil))
	require.NotEmpty(t, ask("sing", nil, nil))

	stamps := filepath.Join(t.TempDir(), "stamps")
	var r phones.LoadResult
	require.Empty(t, ask("load", phones.LoadParams{
		Extensions: 50, Rate: 500, MS: 200, Stamps: stamps, Probe: &phones.Probe{Extension: phones.ProbeExtension, EveryMS: 20, RingMS: 10, First: 7},
	}, &r))
	events, err := readStamps(stamps)
	require.NoError(t, err)
	require.Len(t, events, r.Summary.Events)
	require.NotEmpty(t, r.Probes)
	require.Equal(t, phones.Caller(7), r.Probes[0].Caller)
}

func TestUnknownPart(t *testing.T) {
	require.ErrorContains(t, RunPart(t.Context(), "violin", nil, nil, nil, nil), "violin")
}

func TestSeededUsersAreTheServersOwn(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, seed(t.Context(), dir, []agent{{id: "u1", extension: "10000", token: "one"}, {id: "u2", extension: "10001", token: "two"}}))
	db, err := store.Open(t.Context(), dir)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	a, err := accounts.Open(t.Context(), accounts.Params{DB: db, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	require.NoError(t, err)
	_, u, err := a.Authenticate("two")
	require.NoError(t, err)
	require.Equal(t, "u2", u.ID)
	require.Equal(t, []accounts.Grant{{System: "nfon", Device: "10001", Access: accounts.Own}}, u.Grants)
}

func TestHear(t *testing.T) {
	for text, want := range map[string][2]string{
		`{"jsonrpc":"2.0","method":"call","params":{"seq":3,"id":"x","own":true,"direction":"incoming","state":"alerting","far_state":"connected"}}`: {"call", "ring"},
		`{"jsonrpc":"2.0","method":"call","params":{"seq":3,"id":"x","own":true,"direction":"incoming","state":"null","far_state":"null"}}`:          {"call", "hangup"},
		`{"jsonrpc":"2.0","method":"snapshot","params":{"calls":[` + strings.Repeat(`{},`, 4000) + `]}}`:                                             {"snapshot", ""},
		`{"jsonrpc":"2.0","method":"entry","params":{"seq":4,"state":"alerting"}}`:                                                                   {"", ""},
		``: {"", ""},
	} {
		method, state := hear(strings.NewReader(text))
		require.Equal(t, want, [2]string{method, state}, fmt.Sprintf("%.60s", text))
	}
}

func TestWatchCountsThisProcess(t *testing.T) {
	w, err := newWatch(os.Getpid())
	require.NoError(t, err)
	rss, err := resident(os.Getpid())
	require.NoError(t, err)
	require.Greater(t, rss, int64(1<<20))
	done, err := w.end()
	require.NoError(t, err)
	require.GreaterOrEqual(t, done.cpu, time.Duration(0))
	require.Greater(t, done.rss, int64(1<<20))
	cpu, err := cpuTime(os.Getpid())
	require.NoError(t, err)
	require.GreaterOrEqual(t, cpu, time.Duration(0))
	_, err = newWatch(1 << 30)
	require.Error(t, err)
}

func TestChoosingWhatToMeasure(t *testing.T) {
	names := func(only ...string) (list []string, err error) {
		chosen, err := (&bench{Options: Options{Only: only}}).choose()
		for _, g := range chosen {
			list = append(list, g.name)
		}
		return list, err
	}
	list, err := names()
	require.NoError(t, err)
	require.Equal(t, []string{"log", "contacts", "crowd", "restart", "desk"}, list)
	list, err = names("fanout_p50", "tone")
	require.NoError(t, err)
	require.Equal(t, []string{"crowd", "desk"}, list)
	_, err = names("nothing")
	require.ErrorContains(t, err, "fanout_p50")
}

func TestARunWritesItsFigures(t *testing.T) {
	out := filepath.Join(t.TempDir(), "bench.json")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	require.NoError(t, Run(ctx, Options{
		Programs: t.TempDir(), Out: out, Quick: true, Only: []string{"log"}, Say: t.Output(), Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}))
	data, err := os.ReadFile(out)
	require.NoError(t, err)
	var rows []Row
	require.NoError(t, json.Unmarshal(data, &rows))
	require.Len(t, rows, 2)
	require.True(t, rows[0].Quick)
	require.NotNil(t, rows[0].Floor)
}
