package contact

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"deskbell/app/number"
)

// maxMatches bounds what is told of one number: a chooser with more helps nobody.
const maxMatches = 50

// Index holds the contacts of all copied sources by number. Looking up takes no lock; a source's list is replaced as a
// whole. The zero value is ready to use, by several goroutines.
type Index struct {
	mu     sync.Mutex // one writer at a time
	tables atomic.Pointer[map[place]*table]
}

type place struct{ tenant, source string }

// Find returns the contacts of a number that user may see: the tenant's and the user's own, of all sources. Equal numbers
// of any source hide those that are only perhaps.
func (x *Index) Find(tenant, user string, e number.E164) []Match {
	tables := x.tables.Load()
	if tables == nil || !e.Valid() {
		return nil
	}
	visible := func(owner string) bool { return owner == "" || owner == user }
	var found []Match
	for at, t := range *tables {
		if at.tenant != tenant {
			continue
		}
		for _, m := range t.find(e, visible, maxMatches) {
			m.Tenant, m.Source = tenant, at.source
			found = append(found, m)
		}
	}
	slices.SortStableFunc(found, func(a, b Match) int { return cmp.Compare(a.Source, b.Source) })
	return onlyBest(found)
}

// onlyBest drops what is only perhaps where an equal number was found.
func onlyBest(found []Match) []Match {
	if slices.ContainsFunc(found, func(m Match) bool { return m.Exact }) {
		found = slices.DeleteFunc(found, func(m Match) bool { return !m.Exact })
	}
	return found[:min(len(found), maxMatches)]
}

// Len is the number of contacts of a tenant's source.
func (x *Index) Len(tenant, source string) int {
	if tables := x.tables.Load(); tables != nil {
		if t := (*tables)[place{tenant, source}]; t != nil {
			return len(t.arena.starts)
		}
	}
	return 0
}

// Begin starts a new complete list of a tenant's source; Commit puts it in place of the one before.
func (x *Index) Begin(tenant, source string) Batch {
	return &batch{index: x, at: place{tenant, source}, table: &table{}}
}

// Drop forgets a source that is no longer configured.
func (x *Index) Drop(tenant, source string) { x.replace(place{tenant, source}, nil) }

func (x *Index) replace(at place, t *table) {
	x.mu.Lock()
	defer x.mu.Unlock()
	next := map[place]*table{}
	if old := x.tables.Load(); old != nil {
		next = maps.Clone(*old)
	}
	if t == nil {
		delete(next, at)
	} else {
		next[at] = t
	}
	x.tables.Store(&next)
}

type batch struct {
	index *Index
	at    place
	table *table
}

func (b *batch) Add(c Contact) {
	if b.table != nil && len(b.table.arena.starts) < maxContacts {
		b.table.add(c)
	}
}

func (b *batch) Commit() {
	if b.table == nil {
		return
	}
	b.table.build()
	b.index.replace(b.at, b.table)
	b.table = nil
}
