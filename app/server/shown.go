package server

import (
	"sync"

	"deskbell/app/number"
	"deskbell/app/number/plan"
)

// shown remembers how numbers look on the screen: asking the number plan costs more than all else that an event does, and a
// call brings the same number many times.
type shown struct {
	plan *plan.Plan

	mu       sync.Mutex
	now, old map[shownKey]shownText // when now is full it becomes old, and what was old is forgotten
}

type shownKey struct {
	number   number.E164
	postDial string
	lang     string
}

type shownText struct{ display, place, national string }

// maxShown bounds each half of what is remembered.
const maxShown = 10_000

// of gives the display form of an outside number, its place, and how it is dialled within the country.
func (s *shown) of(p number.Party, lang string) shownText {
	key := shownKey{p.E164, p.PostDial, lang}
	t, ok := s.get(key)
	if !ok {
		t = shownText{text(s.plan.Show(p)), s.plan.Place(p.E164, lang), s.plan.NationalDigits(p.E164)}
		s.put(key, t)
	}
	return t
}

func (s *shown) get(key shownKey) (shownText, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.now[key]
	if !ok {
		t, ok = s.old[key]
	}
	return t, ok
}

func (s *shown) put(key shownKey, t shownText) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now == nil || len(s.now) >= maxShown {
		s.now, s.old = make(map[shownKey]shownText), s.now
	}
	s.now[key] = t
}
