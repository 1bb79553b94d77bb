package nfon

import (
	"fmt"
	"time"
)

// phone is an extension with its running legs. Guarded by Server.mu.
type phone struct {
	Phone
	legs   []*leg
	since  time.Time
	last   publicState // what the line is
	public publicState // what the states feed says it is
}

type publicState struct {
	extension, line, presence string
	since                     time.Time
}

// lagged is a line state the states feed does not know yet.
type lagged struct {
	phone *phone
	state publicState
	due   time.Time
}

// line computes what the phone's line does.
func (p *phone) line(sw *Switches) string {
	if p.Offline {
		return lineOffline
	}
	line := lineIdle
	for _, l := range p.legs {
		switch l.phase {
		case legTalking:
			return lineInUse
		case legRinging:
			line = lineRinging
		case legCalling:
			if l.call.farRinging && sw.RingbackLine != lineInUse {
				if sw.RingbackLine == lineRinging {
					line = lineRinging
				}
				continue
			}
			return lineInUse
		case legNew, legOver:
		}
	}
	return line
}

// refusal is why the phone does not even ring, or nothing.
func (p *phone) refusal(sw *Switches) string {
	switch {
	case p.Offline:
		return causeUnspecified
	case p.Presence == "dnd", p.Behaviour.Act == Busy:
		return causeBusy
	case sw.NoCallWaiting && p.line(sw) == lineInUse:
		return causeBusy
	}
	return ""
}

// refresh tells the states feed when a phone's state has changed, at once or after states_lag. s.mu is held.
func (s *Server) refresh(p *phone) {
	sw := s.sw.Load()
	now := publicState{extension: p.Extension, line: p.line(sw), presence: p.Presence, since: time.Now()}
	if before := p.last; before.line == now.line && before.presence == now.presence {
		return
	}
	p.last = now
	lag := time.Duration(sw.StatesLag)
	if lag == 0 && len(s.lagging) == 0 {
		s.publishState(p, now)
		return
	}
	s.lagging = append(s.lagging, lagged{phone: p, state: now, due: now.since.Add(lag)})
	time.AfterFunc(lag, s.catchUp)
}

// catchUp publishes what has waited long enough, oldest first.
func (s *Server) catchUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for len(s.lagging) > 0 && !s.lagging[0].due.After(now) {
		s.publishState(s.lagging[0].phone, s.lagging[0].state)
		s.lagging = s.lagging[1:]
	}
}

func (s *Server) publishState(p *phone, st publicState) {
	p.public = st
	if p.Hidden {
		return
	}
	s.fact(KindLine, LineFact{Extension: p.Extension, Line: st.line, Presence: st.presence})
	if len(s.stateFeed) == 0 {
		return
	}
	c := s.stateChunk(st)
	for _, to := range s.stateFeed {
		to.push(c)
	}
}

func (s *Server) stateChunk(st publicState) chunk {
	sw := s.sw.Load()
	return chunk{data: frame(sw, encode(s.lineState(sw, st)))}
}

// SetPhone adds an extension or changes name, presence, device state and behaviour of one; its calls go on.
func (s *Server) SetPhone(p Phone) error {
	if !extensionPattern.MatchString(p.Extension) {
		return fmt.Errorf("extension %q is not digits", p.Extension)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.phones[p.Extension]
	if known == nil {
		known = &phone{since: time.Now()}
		s.phones[p.Extension] = known
		s.order = append(s.order, known)
	}
	known.Phone = p
	s.refresh(known)
	return nil
}

// ChangePhone changes an existing extension in place.
func (s *Server) ChangePhone(extension string, change func(*Phone)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.phones[extension]
	if p == nil {
		return unknownPhone(extension)
	}
	change(&p.Phone)
	p.Extension = extension
	s.refresh(p)
	return nil
}

// SetOutside says how an outside number (E.164 with plus) behaves when it is called.
func (s *Server) SetOutside(number string, b Behaviour) error {
	if !globalPattern.MatchString(number) {
		return fmt.Errorf("outside number %q is not a plus and digits", number)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outside[number] = b
	return nil
}
