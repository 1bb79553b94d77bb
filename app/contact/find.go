package contact

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"deskbell/app/number"
)

// errPaused says that a source failed lately and is left alone.
var errPaused = errors.New("contact source is paused after failures")

// Stage says what an answer brings.
type Stage string

// The stages.
const (
	StageName   Stage = "name"
	StageCounts Stage = "counts"
)

// maxCounted is for how many of several matches counts are asked.
const maxCounted = 5

// Query asks for a number as one user may see it.
type Query struct {
	Tenant, User string
	Number       number.E164
}

// Answer is everything known by now; each replaces the one before.
type Answer struct {
	Stage Stage
	// Matches are all contacts with an equal number, in the order of the sources; if there is none, those that are perhaps
	// the caller. Never only the first of several.
	Matches []Match
	// Final says that nothing more will come.
	Final bool
	// Paused lists sources that were not asked or failed: the answer may lack something.
	Paused []string
}

// Find tells step by step who a number is: first what is known at once, then what each source adds, at last counts.
// tell is called one at a time from the calling goroutine, the last time with Final; it is not called after ctx ended.
// Find returns when everything is told or ctx ends.
func (l *Lookup) Find(ctx context.Context, q Query, tell func(Answer)) {
	if !q.Number.Valid() {
		tell(Answer{Stage: StageName, Final: true})
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	s := &search{lookup: l, query: q, news: make(chan news), counted: map[Key]bool{}}
	defer s.waiters.Wait()
	defer cancel()
	s.begin(ctx)
	for ctx.Err() == nil {
		if s.changed || s.pending == 0 {
			tell(s.answer())
		}
		if s.pending == 0 {
			return
		}
		select {
		case n := <-s.news:
			s.pending--
			n(s)
			s.countNew(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// FindAll is Find for those who want the end only.
func (l *Lookup) FindAll(ctx context.Context, q Query) (last Answer) {
	l.Find(ctx, q, func(a Answer) { last = a })
	return last
}

// news changes the search; it is applied by the goroutine that owns it.
type news func(*search)

// search is one Find; only its goroutine touches it.
type search struct {
	lookup  *Lookup
	query   Query
	found   []Match
	paused  []string
	counted map[Key]bool
	stage   Stage
	changed bool
	pending int
	news    chan news
	waiters sync.WaitGroup
}

func (s *search) begin(ctx context.Context) {
	s.stage = StageName
	s.add(s.lookup.index.Find(s.query.Tenant, s.query.User, s.query.Number))
	for _, source := range s.lookup.sources {
		if source.Tenant != s.query.Tenant {
			continue
		}
		if f := s.lookup.askName(source, s.query.Number); f != nil {
			wait(ctx, s, f, func(s *search, cs []Contact, err error) { s.named(source, cs, err) })
		}
	}
	s.countNew(ctx)
}

// wait applies a flight's answer to the search: at once if it is there, else when it comes.
func wait[V any](ctx context.Context, s *search, f *flight[V], apply func(*search, V, error)) {
	select {
	case <-f.done:
		apply(s, f.value, f.err)
		return
	default:
	}
	s.pending++
	s.waiters.Go(func() {
		select {
		case <-f.done:
		case <-ctx.Done():
			return
		}
		select {
		case s.news <- func(s *search) { apply(s, f.value, f.err) }:
		case <-ctx.Done():
		}
	})
}

func (s *search) named(source *asked, cs []Contact, err error) {
	if err != nil {
		s.paused = append(s.paused, source.ID)
		return
	}
	var matches []Match
	for _, c := range cs {
		if m, ok := verify(c, s.query.Number, source.Numbers); ok && (c.Owner == "" || c.Owner == s.query.User) {
			matches = append(matches, m)
		}
	}
	s.add(matches)
}

func (s *search) add(ms []Match) {
	if len(ms) == 0 {
		return
	}
	s.found = append(s.found, ms...)
	slices.SortStableFunc(s.found, func(a, b Match) int {
		return cmp.Compare(s.place(a.Source), s.place(b.Source))
	})
	s.found = onlyBest(s.found)
	s.stage, s.changed = StageName, true
}

func (s *search) place(source string) int {
	return slices.IndexFunc(s.lookup.sources, func(a *asked) bool { return a.Tenant == s.query.Tenant && a.ID == source })
}

// countNew asks for the counts of sure matches that were not asked for yet.
func (s *search) countNew(ctx context.Context) {
	for _, m := range slices.Clone(s.found) {
		i := s.place(m.Source)
		if !m.Exact || s.counted[m.Key()] || len(s.counted) >= maxCounted || i < 0 {
			continue
		}
		f := s.lookup.askCounts(s.lookup.sources[i], m.Contact)
		if f == nil {
			continue
		}
		s.counted[m.Key()] = true
		wait(ctx, s, f, func(s *search, c Counts, err error) { s.setCounts(m.Key(), c, err) })
	}
}

func (s *search) setCounts(key Key, c Counts, err error) {
	if err != nil || !c.Known {
		return
	}
	// The answers told before hold the old slice.
	s.found = slices.Clone(s.found)
	for i := range s.found {
		if s.found[i].Key() == key {
			s.found[i].Counts = c
		}
	}
	if !s.changed {
		s.stage = StageCounts
	}
	s.changed = true
}

func (s *search) answer() Answer {
	s.changed = false
	return Answer{Stage: s.stage, Matches: slices.Clone(s.found), Final: s.pending == 0, Paused: slices.Clone(s.paused)}
}
