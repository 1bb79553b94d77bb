package contact

import (
	"cmp"
	"slices"
	"strings"

	"deskbell/app/number"
)

// maxContacts bounds one source; what is more is not added and counted by the batch.
const maxContacts = 5_000_000

// maxHeadEnding is the longest direct-dial ending that is tried behind a head number, minHead the shortest head number.
const (
	maxHeadEnding = 4
	minHead       = 8
)

// table is one source's contacts, immutable once built.
type table struct {
	arena arena
	exact refs // E.164 digits
	loose refs // digits of spellings without country code, for "perhaps"
	heads refs // head numbers without their final zero
}

// refs maps keys to contacts; sorted, so that two flat slices are enough. A key may be there several times.
type refs struct {
	keys []uint64
	ids  []uint32
}

func (r *refs) add(key uint64, id uint32) {
	if key != 0 {
		r.keys, r.ids = append(r.keys, key), append(r.ids, id)
	}
}

func (r *refs) Len() int { return len(r.keys) }

func (r *refs) sort() {
	order := make([]uint32, len(r.keys))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(a, b uint32) int {
		return cmp.Or(cmp.Compare(r.keys[a], r.keys[b]), cmp.Compare(r.ids[a], r.ids[b]))
	})
	keys, ids := make([]uint64, len(order)), make([]uint32, len(order))
	for i, o := range order {
		keys[i], ids[i] = r.keys[o], r.ids[o]
	}
	r.keys, r.ids = keys, ids
}

// find returns the contacts of a key in the order of the source.
func (r *refs) find(key uint64) []uint32 {
	i, found := slices.BinarySearch(r.keys, key)
	if !found || key == 0 {
		return nil
	}
	end := i
	for end < len(r.keys) && r.keys[end] == key {
		end++
	}
	return r.ids[i:end]
}

// add takes a contact in; its numbers become keys.
func (t *table) add(c Contact) {
	id := t.arena.add(c)
	for _, n := range c.Numbers {
		t.exact.add(toKey(string(n.E164)), id)
		if digits := looseDigits(n.Raw); len(digits) >= number.MaybeDigits {
			t.loose.add(toKey(digits), id)
		}
		if n.Head && strings.HasSuffix(string(n.E164), "0") && len(n.E164) > minHead+1 {
			t.heads.add(toKey(string(n.E164[:len(n.E164)-1])), id)
		}
	}
}

func (t *table) build() {
	t.arena.clip()
	t.exact.sort()
	t.loose.sort()
	t.heads.sort()
}

// looseDigits are the digits of a spelling that names no country: such a number could belong to another one.
func looseDigits(raw string) string {
	digits := number.OnlyDigits(number.Clean(raw))
	if strings.ContainsAny(raw, "+＋") || strings.HasPrefix(digits, "00") {
		return ""
	}
	return strings.TrimLeft(digits, "0")
}

// find returns equal numbers, and only if there is none what may be the caller.
func (t *table) find(e number.E164, visible func(owner string) bool, limit int) []Match {
	matches := t.collect(nil, t.exact.find(toKey(string(e))), Match{Exact: true}, visible, limit)
	if len(matches) > 0 {
		return matches
	}
	digits := e.Digits()
	for i := 0; len(digits)-i >= number.MaybeDigits; i++ {
		if digits[i] != '0' {
			matches = t.collect(matches, t.loose.find(toKey(digits[i:])), Match{}, visible, limit)
		}
	}
	for cut := 1; cut <= maxHeadEnding && len(digits)-cut >= minHead; cut++ {
		matches = t.collect(matches, t.heads.find(toKey(digits[:len(digits)-cut])), Match{Head: true}, visible, limit)
	}
	return matches
}

func (t *table) collect(to []Match, ids []uint32, kind Match, visible func(string) bool, limit int) []Match {
	var last int64 = -1
	for _, id := range ids {
		// Ids of one key are sorted: a contact that holds a number twice is told once.
		if int64(id) == last || !visible(t.arena.owner(id)) {
			continue
		}
		if last = int64(id); len(to) == limit {
			break
		}
		m := kind
		m.Contact = t.arena.at(id)
		if !slices.ContainsFunc(to, func(o Match) bool { return o.ID == m.ID && o.Owner == m.Owner }) {
			to = append(to, m)
		}
	}
	return to
}
