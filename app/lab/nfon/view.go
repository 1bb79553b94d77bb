package nfon

import (
	"cmp"
	"slices"
	"time"
)

// PhoneView is a phone as the lab's page shows it.
type PhoneView struct {
	Phone
	Line  string     `json:"line"`
	Calls []CallView `json:"calls"` // running ones at this phone, oldest first
}

// CallView is a call as the lab's page shows it.
type CallView struct {
	UUID       string   `json:"uuid"`
	Kind       Kind     `json:"kind"`
	Caller     string   `json:"caller"`
	CallerName string   `json:"caller_name,omitempty"`
	Callee     string   `json:"callee"`
	Extensions []string `json:"extensions"`
	State      string   `json:"state"` // setup, ringing, talking, over
	Cause      string   `json:"cause,omitempty"`
	Answered   bool     `json:"answered"`
	// Began and TalkedFrom are on the server's clock; the second is the zero time before an answer.
	Began      time.Time `json:"began"`
	TalkedFrom time.Time `json:"talked_from,omitzero"`
}

// Phones lists all extensions in the order they were added.
func (s *Server) Phones() []PhoneView {
	s.mu.Lock()
	defer s.mu.Unlock()
	sw := s.sw.Load()
	list := make([]PhoneView, 0, len(s.order))
	for _, p := range s.order {
		v := PhoneView{Phone: p.Phone, Line: p.line(sw), Calls: []CallView{}}
		for _, l := range p.legs {
			c := l.call.view()
			if c.State == "ringing" && l.phase == legCalling {
				c.State = "calling"
			}
			v.Calls = append(v.Calls, c)
		}
		list = append(list, v)
	}
	return list
}

// Calls lists running calls and the kept finished ones, oldest first.
func (s *Server) Calls() []CallView {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := map[*call]bool{}
	list := []CallView{}
	for _, c := range s.calls {
		if !seen[c] {
			seen[c] = true
			list = append(list, c.view())
		}
	}
	slices.SortFunc(list, func(a, b CallView) int {
		return cmp.Or(a.Began.Compare(b.Began), cmp.Compare(a.UUID, b.UUID))
	})
	return list
}

// Call finds a call by its uuid.
func (s *Server) Call(uuid string) (CallView, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.calls[uuid]
	if c == nil {
		return CallView{}, false
	}
	return c.view(), true
}

func (c *call) view() CallView {
	f := c.fact()
	v := CallView{
		UUID: c.uuid, Kind: c.kind, Caller: f.Caller, CallerName: c.caller.name, Callee: f.Callee, Extensions: f.Extensions,
		State: "setup", Cause: c.cause, Answered: c.answered, Began: c.began, TalkedFrom: c.talkedFrom,
	}
	switch {
	case c.over:
		v.State = "over"
	case c.answered:
		v.State = "talking"
	default:
		for _, l := range c.legs() {
			if l.phase == legRinging || l.phase == legCalling {
				v.State = "ringing"
			}
		}
	}
	return v
}
