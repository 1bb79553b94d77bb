package contact

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Run keeps the index in step with all copied sources until ctx ends.
func (l *Lookup) Run(ctx context.Context) {
	var running sync.WaitGroup
	for _, s := range l.sources {
		copied, ok := s.Source.(Copied)
		if !ok {
			continue
		}
		running.Go(func() {
			if err := copied.Watch(ctx, sourceSink{l, s}); err != nil {
				l.options.Log.Error("contact source gave up", "source", s.ID, "error", err)
				sourceSink{l, s}.Report(Report{At: time.Now(), Err: err})
			}
		})
	}
	running.Wait()
}

type sourceSink struct {
	lookup *Lookup
	source *asked
}

func (k sourceSink) Begin() Batch { return k.lookup.index.Begin(k.source.Tenant, k.source.ID) }

func (k sourceSink) Report(r Report) {
	log := k.lookup.options.Log.With("source", k.source.ID)
	if r.Err != nil {
		log.Warn("contact source cannot be read, the old list serves", "error", r.Err)
	} else {
		log.Info("contacts read", "rows", r.Rows, "contacts", r.Contacts, "numbers", r.Numbers, "skipped", r.Skipped,
			"problems", len(r.Problems)+r.Omitted)
	}
	k.source.mu.Lock()
	defer k.source.mu.Unlock()
	switch {
	case r.Err == nil:
		k.source.since = time.Time{}
	case k.source.since.IsZero():
		k.source.since = r.At
	}
	k.source.report = r
}

// Reports returns the last report of each copied source of a tenant, by the source's id.
func (l *Lookup) Reports(tenant string) map[string]Report {
	reports := map[string]Report{}
	for _, s := range l.sources {
		if _, ok := s.Source.(Copied); !ok || s.Tenant != tenant {
			continue
		}
		s.mu.Lock()
		r := s.report
		s.mu.Unlock()
		r.Problems = slices.Clone(r.Problems)
		reports[s.ID] = r
	}
	return reports
}

// Troubles lists the sources that do not work now, in their order.
func (l *Lookup) Troubles() []Trouble {
	var all []Trouble
	for _, s := range l.sources {
		t, bad := s.breaker.state()
		if !bad {
			t, bad = s.unreadable()
		}
		if bad {
			t.Tenant, t.Source = s.Tenant, s.ID
			all = append(all, t)
		}
	}
	return all
}

func (s *asked) unreadable() (Trouble, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.report.Err == nil {
		return Trouble{}, false
	}
	return Trouble{Code: TroubleUnreadable, Detail: s.report.Err.Error(), Since: s.since}, true
}
