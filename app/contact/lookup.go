package contact

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"deskbell/app/number"
)

// Options bound what a lookup takes. Zero fields have the defaults named.
type Options struct {
	// Budget is how long live sources may take for a name: 5 s. A late name is still worth showing while it rings.
	Budget time.Duration
	// CountsBudget is how long a source may take for counts: 5 s.
	CountsBudget time.Duration
	// HitLife, MissLife and CountsLife say how long answers are remembered: 10 min, 60 s, 60 s.
	HitLife, MissLife, CountsLife time.Duration
	// Remembered bounds the answers kept of each kind: 20,000.
	Remembered int
	// Failures in a row pause a source for Pause: 5, 30 s.
	Failures int
	Pause    time.Duration
	// Observe is told the outcome of every question to a live source ("hit", "miss", "error", "paused", "counts"); nil: nobody.
	Observe func(source, outcome string, took time.Duration)
	Log     *slog.Logger
}

func (o Options) withDefaults() Options {
	o.Budget = cmp.Or(o.Budget, 5*time.Second)
	o.CountsBudget = cmp.Or(o.CountsBudget, 5*time.Second)
	o.HitLife = cmp.Or(o.HitLife, 10*time.Minute)
	o.MissLife = cmp.Or(o.MissLife, time.Minute)
	o.CountsLife = cmp.Or(o.CountsLife, time.Minute)
	o.Remembered = cmp.Or(o.Remembered, 20_000)
	o.Failures = cmp.Or(o.Failures, 5)
	o.Pause = cmp.Or(o.Pause, 30*time.Second)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Observe == nil {
		o.Observe = func(string, string, time.Duration) {}
	}
	return o
}

// Registered is a source with its place among the others.
type Registered struct {
	Tenant, ID string
	// Order says whose contact comes first; equal orders go by ID.
	Order   int
	Source  Source
	Numbers Numbers
}

// Lookup finds who is calling: in the index at once, in the live sources in parallel, then counts. It owns the questions
// on their way, which may outlive the caller that started them because others wait for the same answer.
type Lookup struct {
	index   *Index
	sources []*asked
	options Options
	names   *memo[nameKey, []Contact]
	counts  *memo[Key, Counts]

	mu      sync.Mutex
	closed  bool
	running sync.WaitGroup
	base    context.Context //nolint:containedctx // the life of the questions on their way, ended by Close
	cancel  context.CancelFunc
}

type nameKey struct {
	tenant, source string
	number         number.E164
}

// asked is a source with its state.
type asked struct {
	Registered
	breaker breaker

	mu     sync.Mutex
	report Report
	since  time.Time // of report.Err
}

// NewLookup makes a lookup over the index and the sources. Close ends it; the sources are closed by who opened them.
func NewLookup(index *Index, sources []Registered, o Options) *Lookup {
	o = o.withDefaults()
	l := &Lookup{
		index: index, options: o,
		names:  newMemo[nameKey](o.Remembered, func(cs []Contact) time.Duration { return lifeOf(len(cs) > 0, o) }),
		counts: newMemo[Key](o.Remembered, func(Counts) time.Duration { return o.CountsLife }),
	}
	l.base, l.cancel = context.WithCancel(context.Background())
	for _, r := range sources {
		l.sources = append(l.sources, &asked{Registered: r, breaker: breaker{failuresToOpen: o.Failures, pause: o.Pause}})
	}
	slices.SortStableFunc(l.sources, func(a, b *asked) int {
		return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(a.ID, b.ID))
	})
	return l
}

func lifeOf(hit bool, o Options) time.Duration {
	if hit {
		return o.HitLife
	}
	return o.MissLife
}

// Close ends the questions on their way and waits for them.
func (l *Lookup) Close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.cancel()
	l.running.Wait()
}

// start runs a question in a goroutine that Close waits for.
func (l *Lookup) start(budget time.Duration) func(func(context.Context)) bool {
	return func(run func(context.Context)) bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.closed {
			return false
		}
		l.running.Go(func() {
			ctx, cancel := context.WithTimeout(l.base, budget)
			defer cancel()
			run(ctx)
		})
		return true
	}
}

// askName asks a live source, or takes what is remembered; nil if there is nobody to ask now.
func (l *Lookup) askName(s *asked, e number.E164) *flight[[]Contact] {
	live, ok := s.Source.(Live)
	if !ok {
		return nil
	}
	f, _ := l.names.get(nameKey{s.Tenant, s.ID, e}, func(ctx context.Context) ([]Contact, error) {
		found, err := guarded(ctx, l, s, func(ctx context.Context) ([]Contact, error) { return live.Lookup(ctx, e) })
		for i := range found {
			found[i].Tenant, found[i].Source = s.Tenant, s.ID
		}
		return found, err
	}, l.start(l.options.Budget))
	return f
}

func (l *Lookup) askCounts(s *asked, c Contact) *flight[Counts] {
	counter, ok := s.Source.(Counter)
	if !ok {
		return nil
	}
	f, _ := l.counts.get(c.Key(), func(ctx context.Context) (Counts, error) {
		return guarded(ctx, l, s, func(ctx context.Context) (Counts, error) { return counter.Counts(ctx, c) })
	}, l.start(l.options.CountsBudget))
	return f
}

// guarded asks through the source's breaker and tells the observer.
func guarded[V any](ctx context.Context, l *Lookup, s *asked, ask func(context.Context) (V, error)) (V, error) {
	var none V
	if !s.breaker.allow() {
		l.options.Observe(s.ID, "paused", 0)
		return none, errPaused
	}
	begin := time.Now()
	v, err := ask(ctx)
	if l.base.Err() != nil {
		// The program ends; that is no failure of the source.
		s.breaker.done(nil)
		return none, l.base.Err()
	}
	l.options.Observe(s.ID, outcome(v, err), time.Since(begin))
	if s.breaker.done(err) {
		t, _ := s.breaker.state()
		l.options.Log.Warn("contact source changed its state", "source", s.ID, "trouble", string(t.Code), "error", err)
	}
	if err != nil {
		return none, err
	}
	return v, nil
}

func outcome(v any, err error) string {
	switch v := v.(type) {
	case []Contact:
		if err == nil && len(v) > 0 {
			return "hit"
		}
	case Counts:
		if err == nil {
			return "counts"
		}
	}
	if err != nil {
		return "error"
	}
	return "miss"
}
