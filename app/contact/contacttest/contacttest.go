// Package contacttest is the test that every contact source must pass.
package contacttest

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/contact"
	"deskbell/app/number"
)

// limit is how long a test waits for something that must happen.
const limit = 20 * time.Second

// Fixture is one source with what stands behind it. A new one is made for each test.
type Fixture struct {
	// Config must be valid and lead to a source that knows the Known contacts.
	Config contact.Config
	// Secrets are what the settings would hold; may be nil.
	Secrets contact.Secrets
	// Numbers is the plan of a tenant in Munich (region DE, area code 89).
	Numbers contact.Numbers
	// Touched counts how often the source used what stands behind it (requests); nil if that cannot be counted.
	Touched func() int
	// Known contacts, each with at least one number; compared by name, company, VIP, URL and numbers.
	Known []contact.Contact
	// Unknown is a number of nobody.
	Unknown number.E164
	// Break makes the source's other side fail, Mend heals it.
	Break, Mend func(t *testing.T)
	// Add makes a further contact known on the other side of a copied source.
	Add func(t *testing.T, c contact.Contact)
	// Tickets are open tickets by the contact's name, where the source counts them.
	Tickets map[string]int
}

// Run tests the sources that make makes.
func Run(t *testing.T, make func(t *testing.T) Fixture) {
	t.Helper()
	t.Run("opens without touching anything", func(t *testing.T) { opens(t, make(t)) })
	t.Run("finds what it knows", func(t *testing.T) { finds(t, make(t)) })
	t.Run("says nothing of strangers", func(t *testing.T) { strangers(t, make(t)) })
	t.Run("is used by many at once", func(t *testing.T) { many(t, make(t)) })
	t.Run("ends with its context", func(t *testing.T) { ends(t, make(t)) })
	t.Run("fails and comes back", func(t *testing.T) { failsAndMends(t, make(t)) })
	t.Run("follows changes", func(t *testing.T) { follows(t, make(t)) })
	t.Run("counts", func(t *testing.T) { counts(t, make(t)) })
}

// Env is an environment for a source in a test.
func Env(t testing.TB, numbers contact.Numbers, secrets contact.Secrets) contact.Env {
	t.Helper()
	if secrets == nil {
		secrets = NoSecrets{}
	}
	return contact.Env{
		Tenant: "default", Source: "tested", Version: "0.0.0", HTTP: &http.Client{}, Secrets: secrets, Numbers: numbers,
		Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
}

// NoSecrets has none.
type NoSecrets struct{}

// Secret implements contact.Secrets.
func (NoSecrets) Secret(context.Context, string, string) (string, error) {
	return "", contact.ErrConfig
}

// FixedSecrets has the secrets by their key.
type FixedSecrets map[string]string

// Secret implements contact.Secrets.
func (f FixedSecrets) Secret(_ context.Context, key, _ string) (string, error) {
	if s, ok := f[key]; ok {
		return s, nil
	}
	return "", contact.ErrConfig
}

func open(t *testing.T, f Fixture) contact.Source {
	t.Helper()
	require.NoError(t, f.Config.Validate())
	s, err := f.Config.Open(Env(t, f.Numbers, f.Secrets))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// lookup puts the source behind the real lookup, as the server does, and waits until a copied one was read.
func lookup(t *testing.T, f Fixture, s contact.Source) (*contact.Lookup, *contact.Index) {
	t.Helper()
	x := &contact.Index{}
	l := contact.NewLookup(x, []contact.Registered{{Tenant: "default", ID: "tested", Source: s, Numbers: f.Numbers}}, contact.Options{
		Failures: 1, Pause: time.Millisecond, HitLife: time.Nanosecond, MissLife: time.Nanosecond, CountsLife: time.Nanosecond,
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		await(t, "Watch to end with its context", func() bool { return closed(done) })
		l.Close()
	})
	if _, ok := s.(contact.Copied); ok {
		await(t, "the first list", func() bool { return x.Len("default", "tested") >= len(f.Known) })
	}
	return l, x
}

func ask(t *testing.T, l *contact.Lookup, e number.E164) contact.Answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	return l.FindAll(ctx, contact.Query{Tenant: "default", Number: e})
}

func opens(t *testing.T, f Fixture) {
	s := open(t, f)
	_, copied := s.(contact.Copied)
	_, live := s.(contact.Live)
	require.True(t, copied || live, "a source must be Copied or Live")
	if f.Touched != nil {
		require.Zero(t, f.Touched(), "Validate and Open must not touch the other side")
	}
	require.NoError(t, s.Close())
	require.NoError(t, s.Close(), "Close may be called twice")
}

func finds(t *testing.T, f Fixture) {
	l, _ := lookup(t, f, open(t, f))
	for _, want := range f.Known {
		for _, n := range want.Numbers {
			a := ask(t, l, n.E164)
			require.Empty(t, a.Paused)
			i := indexOf(a.Matches, want.Name)
			require.GreaterOrEqual(t, i, 0, "%s is not found", want.Name)
			got := a.Matches[i]
			require.True(t, got.Exact)
			require.Equal(t, want.Company, got.Company)
			require.Equal(t, want.VIP, got.VIP)
			require.Equal(t, want.URL, got.URL)
			require.NotEmpty(t, got.ID)
			require.Equal(t, "tested", got.Source)
			require.Equal(t, "default", got.Tenant)
			require.Subset(t, e164s(got.Numbers), e164s(want.Numbers))
		}
	}
}

func indexOf(ms []contact.Match, name string) int {
	for i, m := range ms {
		if m.Name == name {
			return i
		}
	}
	return -1
}

func e164s(ns []contact.Number) (es []number.E164) {
	for _, n := range ns {
		if n.E164 != "" {
			es = append(es, n.E164)
		}
	}
	return es
}

func strangers(t *testing.T, f Fixture) {
	l, _ := lookup(t, f, open(t, f))
	a := ask(t, l, f.Unknown)
	require.Empty(t, a.Matches)
	require.Empty(t, a.Paused, "no hit is no error")
	require.Empty(t, l.Troubles())
}

func many(t *testing.T, f Fixture) {
	s := open(t, f)
	live, ok := s.(contact.Live)
	if !ok {
		return
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for _, want := range f.Known {
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				cs, err := live.Lookup(ctx, want.Numbers[0].E164)
				cancel()
				if err != nil || len(cs) == 0 {
					t.Errorf("%d contacts, error %v", len(cs), err)
				}
			}
		})
	}
	wg.Wait()
}

func ends(t *testing.T, f Fixture) {
	s := open(t, f)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if live, ok := s.(contact.Live); ok {
		_, err := live.Lookup(ctx, f.Known[0].Numbers[0].E164)
		require.ErrorIs(t, err, context.Canceled)
	}
	if copied, ok := s.(contact.Copied); ok {
		done := make(chan error, 1)
		go func() { done <- copied.Watch(ctx, discard{}) }()
		select {
		case err := <-done:
			require.NoError(t, err)
		case <-time.After(limit):
			t.Fatal("Watch does not end with its context")
		}
	}
}

func failsAndMends(t *testing.T, f Fixture) {
	if f.Break == nil {
		return
	}
	s := open(t, f)
	l, _ := lookup(t, f, s)
	known := f.Known[0]
	require.NotEmpty(t, ask(t, l, known.Numbers[0].E164).Matches)
	f.Break(t)
	await(t, "trouble", func() bool {
		ask(t, l, known.Numbers[0].E164)
		return len(l.Troubles()) == 1
	})
	if _, ok := s.(contact.Copied); ok {
		require.NotEmpty(t, ask(t, l, known.Numbers[0].E164).Matches, "the old list serves")
	}
	f.Mend(t)
	await(t, "the end of trouble", func() bool {
		return len(ask(t, l, known.Numbers[0].E164).Matches) > 0 && len(l.Troubles()) == 0
	})
}

func follows(t *testing.T, f Fixture) {
	if f.Add == nil {
		return
	}
	l, _ := lookup(t, f, open(t, f))
	f.Add(t, contact.Contact{ID: "added", Name: "Later Added", Numbers: []contact.Number{{E164: f.Unknown, Raw: string(f.Unknown)}}})
	await(t, "the added contact", func() bool { return indexOf(ask(t, l, f.Unknown).Matches, "Later Added") >= 0 })
	require.NotEmpty(t, ask(t, l, f.Known[0].Numbers[0].E164).Matches)
}

func counts(t *testing.T, f Fixture) {
	l, _ := lookup(t, f, open(t, f))
	for _, want := range f.Known {
		tickets, counted := f.Tickets[want.Name]
		a := ask(t, l, want.Numbers[0].E164)
		got := a.Matches[indexOf(a.Matches, want.Name)].Counts
		require.Equal(t, contact.Counts{OpenTickets: tickets, Known: counted}, got)
	}
}

type discard struct{}

func (discard) Begin() contact.Batch  { return discard{} }
func (discard) Report(contact.Report) {}
func (discard) Add(contact.Contact)   {}
func (discard) Commit()               {}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	require.Eventually(t, ok, limit, 5*time.Millisecond, "waiting for %s", what)
}
