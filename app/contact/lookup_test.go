package contact

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/number"
)

const peter = number.E164("+4989123456")

// fakeCRM answers after delay and counts its questions. Set fields before use.
type fakeCRM struct {
	delay, countDelay time.Duration
	contacts          []Contact
	tickets           int
	err               atomic.Pointer[error]
	asked, counted    atomic.Int32
	closed            atomic.Bool
}

func (f *fakeCRM) Close() error { f.closed.Store(true); return nil }

func (f *fakeCRM) fail(err error) { f.err.Store(&err) }

func (f *fakeCRM) Lookup(ctx context.Context, _ number.E164) ([]Contact, error) {
	f.asked.Add(1)
	if err := sleep(ctx, f.delay); err != nil {
		return nil, err
	}
	if err := f.err.Load(); err != nil && *err != nil {
		return nil, *err
	}
	return append([]Contact(nil), f.contacts...), nil
}

func (f *fakeCRM) Counts(ctx context.Context, _ Contact) (Counts, error) {
	f.counted.Add(1)
	return Counts{OpenTickets: f.tickets, Known: true}, sleep(ctx, f.countDelay)
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// plainNumbers reads international spellings only, which is all these tests need.
type plainNumbers struct{}

func (plainNumbers) NormalizeAll(field string) []number.Party {
	e, err := number.Parse("+" + number.OnlyDigits(field))
	if err != nil || !strings.HasPrefix(field, "+") {
		return nil
	}
	return []number.Party{{Kind: number.External, E164: e, Raw: field}}
}

func (plainNumbers) NationalDigits(number.E164) string { return "" }

func person(id, name string, raws ...string) Contact {
	c := Contact{ID: id, Name: name}
	for _, r := range raws {
		c.Numbers = append(c.Numbers, Number{Raw: r})
	}
	return c
}

func register(sources ...Source) []Registered {
	var rs []Registered
	for i, s := range sources {
		rs = append(rs, Registered{Tenant: "default", ID: string(rune('a' + i)), Order: i, Source: s, Numbers: plainNumbers{}})
	}
	return rs
}

// told is one answer with the time at which it came.
type told struct {
	after time.Duration
	stage Stage
	names string
	open  int
	final bool
}

func find(ctx context.Context, l *Lookup, e number.E164) (all []told) {
	begin := time.Now()
	l.Find(ctx, Query{Tenant: "default", User: "lang", Number: e}, func(a Answer) {
		one := told{after: time.Since(begin), stage: a.Stage, final: a.Final}
		var names []string
		for _, m := range a.Matches {
			name := m.Name
			if !m.Exact {
				name += "?"
			}
			names = append(names, name)
			one.open += m.Counts.OpenTickets
		}
		one.names = strings.Join(names, " ")
		all = append(all, one)
	})
	return all
}

func TestNameFirstThenCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := &Index{}
		b := x.Begin("default", "b")
		b.Add(Contact{ID: "1", Name: "Index", Numbers: []Number{{E164: peter}}})
		b.Commit()
		slow := &fakeCRM{delay: 800 * time.Millisecond, countDelay: 2 * time.Second, tickets: 3, contacts: []Contact{person("7", "Live", "+49 89 123456")}}
		l := NewLookup(x, append(register(slow), Registered{Tenant: "default", ID: "b", Order: 1, Source: &copiedFake{}, Numbers: plainNumbers{}}), Options{})
		defer l.Close()
		require.Equal(t, []told{
			{0, StageName, "Index", 0, false},
			{800 * time.Millisecond, StageName, "Live Index", 0, false},
			{2800 * time.Millisecond, StageCounts, "Live Index", 3, true},
		}, find(t.Context(), l, peter))

		require.Equal(t, []told{{0, StageName, "Live Index", 3, true}}, find(t.Context(), l, peter), "everything is remembered")
		require.EqualValues(t, 1, slow.asked.Load())
		require.EqualValues(t, 1, slow.counted.Load())

		time.Sleep(61 * time.Second)
		got := find(t.Context(), l, peter)
		require.Equal(t, told{2 * time.Second, StageCounts, "Live Index", 3, true}, got[len(got)-1], "counts are asked anew")
		require.EqualValues(t, 1, slow.asked.Load())
		time.Sleep(10 * time.Minute)
		find(t.Context(), l, peter)
		require.EqualValues(t, 2, slow.asked.Load())
	})
}

func TestNobodyKnows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crm := &fakeCRM{delay: time.Second}
		l := NewLookup(&Index{}, register(crm), Options{})
		defer l.Close()
		require.Equal(t, []told{{time.Second, StageName, "", 0, true}}, find(t.Context(), l, peter))
		require.Equal(t, []told{{0, StageName, "", 0, true}}, find(t.Context(), l, peter), "a miss is remembered")
		time.Sleep(59 * time.Second)
		find(t.Context(), l, peter)
		require.EqualValues(t, 1, crm.asked.Load())
		time.Sleep(2 * time.Second)
		find(t.Context(), l, peter)
		require.EqualValues(t, 2, crm.asked.Load())

		require.Equal(t, []told{{0, StageName, "", 0, true}}, find(t.Context(), l, "101"), "only E.164 numbers are looked up")
		require.EqualValues(t, 2, crm.asked.Load())
	})
}

func TestAHitIsNeverTrusted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crm := &fakeCRM{contacts: []Contact{
			person("1", "Wrong", "+49 89 999999"),
			{ID: "2", Name: "Liar", Numbers: []Number{{E164: peter, Raw: "+49 30 111111"}}},
			person("3", "NoCountry", "89 123456"),
			{ID: "4", Name: "Head", Numbers: []Number{{Raw: "+49 89 1234-0", Head: true}}},
			person("5", "Foreign", "+43 89 123456"),
			person("6", "None"),
			{ID: "7", Name: "Private", Owner: "somebody else", Numbers: []Number{{E164: peter}}},
		}}
		l := NewLookup(&Index{}, register(crm), Options{})
		defer l.Close()
		require.Equal(t, []told{{0, StageName, "NoCountry? Head?", 0, true}}, find(t.Context(), l, peter))
		require.Equal(t, "", find(t.Context(), l, "+4930555555")[0].names)
		require.Zero(t, crm.counted.Load(), "no counts for a perhaps")

		crm.contacts = append(crm.contacts, person("8", "Sure", "+49 89 123456"), person("9", "Sure too", "+4989123456"))
		time.Sleep(20 * time.Minute)
		got := find(t.Context(), l, peter)
		require.Equal(t, "Sure Sure too", got[len(got)-1].names, "several are all listed")
		require.Equal(t, "Head?", find(t.Context(), l, "+49891234567")[0].names)
	})
}

func TestOneQuestionForMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crm := &fakeCRM{delay: time.Second, contacts: []Contact{person("7", "Live", "+49 89 123456")}}
		l := NewLookup(&Index{}, register(crm), Options{})
		defer l.Close()
		first, leave := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { require.Empty(t, find(first, l, peter), "the first caller leaves early") })
		for range 9 {
			wg.Go(func() { require.Equal(t, "Live", find(t.Context(), l, peter)[0].names) })
		}
		time.Sleep(500 * time.Millisecond)
		leave()
		wg.Wait()
		require.EqualValues(t, 1, crm.asked.Load())
		require.EqualValues(t, 1, crm.counted.Load())
	})
}

func TestBudgetAndBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		var outcomes []string
		hangs := &fakeCRM{delay: time.Hour}
		quick := &fakeCRM{delay: time.Millisecond, contacts: []Contact{person("7", "Quick", "+49 89 123456")}}
		l := NewLookup(&Index{}, register(hangs, quick), Options{
			Budget: 2 * time.Second, Failures: 2, Log: slog.New(slog.NewTextHandler(&log, nil)),
			Observe: func(source, outcome string, _ time.Duration) {
				if source == "a" {
					outcomes = append(outcomes, outcome)
				}
			},
		})
		defer l.Close()

		got := find(t.Context(), l, peter)
		require.Equal(t, told{time.Millisecond, StageName, "Quick", 0, false}, got[0], "a slow source delays nothing")
		require.Equal(t, 2*time.Second, got[len(got)-1].after)
		require.Empty(t, l.Troubles())
		find(t.Context(), l, peter)
		require.Len(t, l.Troubles(), 1)
		require.Equal(t, TroubleUnreachable, l.Troubles()[0].Code)
		require.Equal(t, "a", l.Troubles()[0].Source)
		require.Contains(t, log.String(), "unreachable")

		got = find(t.Context(), l, peter)
		require.Zero(t, got[len(got)-1].after, "a paused source is not waited for")
		require.EqualValues(t, 2, hangs.asked.Load())

		hangs.delay = 0
		time.Sleep(31 * time.Second)
		a := l.FindAll(t.Context(), Query{Tenant: "default", Number: peter})
		require.Empty(t, a.Paused)
		require.Empty(t, l.Troubles())
		require.Equal(t, []string{"error", "error", "paused", "miss"}, outcomes)
	})
}

func TestBreakerLetsOneThrough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker{failuresToOpen: 1, pause: time.Minute}
		require.True(t, b.allow())
		require.True(t, b.done(errors.New("down")))
		require.False(t, b.allow())
		time.Sleep(time.Minute)
		require.True(t, b.allow())
		require.False(t, b.allow(), "only one trial")
		require.False(t, b.done(errors.New("down")), "the same trouble is told once")
		require.False(t, b.allow())
		time.Sleep(time.Minute)
		require.True(t, b.allow())
		require.True(t, b.done(nil))
		require.True(t, b.allow())
		require.True(t, b.allow())
	})
}

func TestErrorsThatPauseAtOnce(t *testing.T) {
	for _, c := range []struct {
		err   error
		code  TroubleCode
		pause time.Duration
	}{
		{ErrSignIn, TroubleSignIn, 30 * time.Second},
		{ErrRights, TroubleRights, 30 * time.Second},
		{&LimitedError{After: 2 * time.Minute}, TroubleLimited, 2 * time.Minute},
		{&LimitedError{After: 24 * time.Hour}, TroubleLimited, maxPause},
		{ErrConfig, TroubleConfig, 30 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			crm := &fakeCRM{}
			crm.fail(c.err)
			l := NewLookup(&Index{}, register(crm), Options{})
			defer l.Close()
			a := l.FindAll(t.Context(), Query{Tenant: "default", Number: peter})
			require.Equal(t, []string{"a"}, a.Paused)
			require.Equal(t, c.code, l.Troubles()[0].Code)
			time.Sleep(c.pause - time.Second)
			l.FindAll(t.Context(), Query{Tenant: "default", Number: peter})
			require.EqualValues(t, 1, crm.asked.Load())
			crm.fail(nil)
			time.Sleep(2 * time.Second)
			l.FindAll(t.Context(), Query{Tenant: "default", Number: peter})
			require.EqualValues(t, 2, crm.asked.Load())
			require.Empty(t, l.Troubles())
		})
	}
}

func TestCloseEndsQuestions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crm := &fakeCRM{delay: time.Hour}
		l := NewLookup(&Index{}, register(crm), Options{Budget: 2 * time.Hour})
		done := make(chan []told, 1)
		go func() { done <- find(context.Background(), l, peter) }()
		synctest.Wait()
		l.Close()
		require.Equal(t, "", (<-done)[0].names)
		require.Empty(t, l.Troubles(), "ending the program is no failure of the source")
		require.True(t, find(t.Context(), l, peter)[0].final)
		require.EqualValues(t, 1, crm.asked.Load())
	})
}

func TestTenantsAreApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crm := &fakeCRM{contacts: []Contact{person("7", "Live", "+49 89 123456")}}
		l := NewLookup(&Index{}, register(crm), Options{})
		defer l.Close()
		require.Empty(t, l.FindAll(t.Context(), Query{Tenant: "other", Number: peter}).Matches)
		require.Zero(t, crm.asked.Load())
	})
}

func TestMemoForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemo[int](10, func(int) time.Duration { return time.Hour })
		asked := 0
		get := func(k int) {
			f, ok := m.get(k, func(context.Context) (int, error) { asked++; return k, nil }, func(run func(context.Context)) bool {
				go run(context.Background())
				return true
			})
			require.True(t, ok)
			<-f.done
		}
		for k := range 100 {
			get(k)
		}
		require.LessOrEqual(t, len(m.young)+len(m.old), 10)
		get(99)
		require.Equal(t, 100, asked)
		get(0)
		require.Equal(t, 101, asked)
	})
}

type copiedFake struct {
	lists [][]Contact
	err   error
}

func (c *copiedFake) Close() error { return nil }

func (c *copiedFake) Watch(ctx context.Context, sink Sink) error {
	for _, list := range c.lists {
		b := sink.Begin()
		for _, one := range list {
			b.Add(one)
		}
		b.Commit()
		sink.Report(Report{At: time.Now(), Contacts: len(list), Problems: []Problem{{Row: 2, Reason: "no number"}}})
	}
	sink.Report(Report{At: time.Now(), Err: errors.New("file is gone")})
	<-ctx.Done()
	return c.err
}

func TestRunFillsTheIndex(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := &Index{}
		src := &copiedFake{lists: [][]Contact{{{ID: "1", Name: "Old", Numbers: []Number{{E164: peter}}}}, {{ID: "1", Name: "New", Numbers: []Number{{E164: peter}}}}}}
		l := NewLookup(x, register(src), Options{Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
		defer l.Close()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { l.Run(ctx); close(done) }()
		synctest.Wait()
		require.Equal(t, "New", find(t.Context(), l, peter)[0].names, "a source that becomes unreadable keeps its list")
		require.Equal(t, TroubleUnreadable, l.Troubles()[0].Code)
		require.ErrorContains(t, l.Reports("default")["a"].Err, "gone")
		require.Empty(t, l.Reports("other"))
		cancel()
		<-done
	})
}

func TestContactInLogs(t *testing.T) {
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "contact", lang())
	require.NotContains(t, out.String(), "Lang")
	require.NotContains(t, out.String(), "123456")
	require.Contains(t, out.String(), `"vip":true`)
}
