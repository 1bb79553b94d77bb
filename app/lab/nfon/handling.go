package nfon

import "fmt"

// What people do with running calls. A phone with several calls acts on the one it would act on in real life: it
// answers the one that rings longest, and hangs up the one it talks on before the one that rings.

// Answer picks up at a phone.
func (s *Server) Answer(extension string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, err := s.legAt(extension, legRinging)
	if err != nil {
		return err
	}
	if l == l.call.a {
		s.callerAnswers(l.call)
		return nil
	}
	s.connect(l.call, l)
	return nil
}

// HangUp puts the phone down; a phone that only rings rejects.
func (s *Server) HangUp(extension string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, err := s.legAt(extension, legTalking, legCalling, legRinging)
	if err != nil {
		return err
	}
	if l.phase == legRinging {
		s.reject(l)
		return nil
	}
	s.end(l.call, causeCancel)
	return nil
}

// Reject refuses a ringing call at a phone.
func (s *Server) Reject(extension string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, err := s.legAt(extension, legRinging)
	if err != nil {
		return err
	}
	s.reject(l)
	return nil
}

func (s *Server) reject(l *leg) {
	if l == l.call.a {
		s.end(l.call, causeReject)
		return
	}
	s.failLeg(l, causeReject)
}

func (s *Server) legAt(extension string, phases ...legPhase) (*leg, error) {
	p := s.phones[extension]
	if p == nil {
		return nil, unknownPhone(extension)
	}
	for _, phase := range phases {
		for _, l := range p.legs {
			if l.phase == phase {
				return l, nil
			}
		}
	}
	return nil, fmt.Errorf("extension %s: %w", extension, ErrNoCall)
}

// running finds a call that is not over, following a cascade to its present round.
func (s *Server) running(uuid string) (*call, error) {
	c := s.calls[uuid]
	for c != nil && c.over && c.next != nil {
		c = c.next
	}
	if c == nil || c.over {
		return nil, fmt.Errorf("call %s: %w", uuid, ErrNoCall)
	}
	return c, nil
}

// CallerHangsUp and CalleeHangsUp end a call from one side, CalleeAnswers picks up on the called side: the first phone
// that rings, or the outside party.
func (s *Server) CallerHangsUp(uuid string) error {
	return s.onCall(uuid, func(c *call) error {
		s.end(c, causeCancel)
		return nil
	})
}

// CalleeHangsUp ends the call from the called side; unanswered it is a rejection.
func (s *Server) CalleeHangsUp(uuid string) error {
	return s.onCall(uuid, func(c *call) error {
		s.end(c, causeReject)
		return nil
	})
}

// CalleeAnswers picks up on the called side.
func (s *Server) CalleeAnswers(uuid string) error {
	return s.onCall(uuid, func(c *call) error {
		for _, l := range c.b {
			if l.phase == legRinging {
				s.connect(c, l)
				return nil
			}
		}
		if c.a == nil || c.a.phase != legCalling {
			return fmt.Errorf("nothing rings on the called side: %w", ErrNoCall)
		}
		s.connect(c, nil)
		return nil
	})
}

// RingsOut ends an unanswered call the way nobody's reaction does.
func (s *Server) RingsOut(uuid string) error {
	return s.onCall(uuid, func(c *call) error {
		if c.answered {
			return fmt.Errorf("call is answered: %w", ErrNoCall)
		}
		s.end(c, causeTimeout)
		return nil
	})
}

func (s *Server) onCall(uuid string, do func(*call) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.running(uuid)
	if err != nil {
		return err
	}
	return do(c)
}

// RingAgain rings an extension once more under the uuid of an inbound or internal call. A ring that still runs is
// cancelled first; a call that was over runs again.
func (s *Server) RingAgain(uuid, extension string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, c := s.phones[extension], s.calls[uuid]
	if p == nil {
		return unknownPhone(extension)
	}
	if c == nil || c.answered || c.kind == KindOutbound || c.kind == KindAPI {
		return fmt.Errorf("call %s cannot ring again: %w", uuid, ErrNoCall)
	}
	for _, l := range c.b {
		if l.phone == p && l.phase == legRinging {
			s.terminal(l, causeCancel)
		}
	}
	c.over, c.cause = false, ""
	s.ring(s.addLeg(c, p, inbound))
	return nil
}

// Transfer hands the conversation of a phone to another one under the same uuid: the other phone rings, and when it
// answers the first one is out. When it does not, nothing has changed.
func (s *Server) Transfer(from, to string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, err := s.legAt(from, legTalking)
	if err != nil {
		return err
	}
	p := s.phones[to]
	if p == nil {
		return unknownPhone(to)
	}
	l.leaves = true
	s.ring(s.addLeg(l.call, p, inbound))
	return nil
}

// TransferByCall hands over the way a consultation does: the phone calls the other one while it talks, and when that
// one answers leaves both calls. The other phone goes on under the new call's uuid.
func (s *Server) TransferByCall(from, to string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, err := s.legAt(from, legTalking)
	if err != nil {
		return err
	}
	n, err := s.dial(from, to)
	if err != nil {
		return err
	}
	if len(n.b) == 0 {
		return fmt.Errorf("%q is no extension: %w", to, ErrNoPhone)
	}
	n.whenAnswered = func() { s.join(l, n) }
	s.reach(n)
	return nil
}

// join ends both calls of the phone that hands over, and lets the third one go on with the first call's other side.
func (s *Server) join(l *leg, n *call) {
	moved, held := n.b[0], l.call
	s.terminal(n.a, "")
	s.terminal(l, "")
	n.b = nil
	s.end(n, "")
	if held.over { // the other side left while the consultation rang
		s.terminal(moved, "")
		return
	}
	moved.call = held
	held.b = append(held.b, moved)
	s.calls[moved.uuid] = held
}
