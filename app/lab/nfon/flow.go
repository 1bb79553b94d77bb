package nfon

import (
	"strings"
	"time"
)

// Times a code takes: it answers at once, says its piece, and hangs up.
const (
	codeAnswers = 100 * time.Millisecond
	codeHangsUp = time.Second
)

// reach calls the callee side of a call whose caller is ready.
func (s *Server) reach(c *call) {
	if c.a != nil {
		s.phaseOf(c.a, legCalling)
		s.tell(c.a, stateDial, "")
	}
	switch {
	case len(c.b) > 0:
		for _, l := range append([]*leg(nil), c.b...) {
			if !c.over && l.phase == legNew {
				s.ring(l)
			}
		}
	case c.callee.number != "":
		s.ringFar(c)
	case strings.ContainsAny(c.callee.code, "*#"):
		s.after(c, codeAnswers, func() {
			s.connect(c, nil)
			s.after(c, codeHangsUp, func() { s.end(c, "") })
		})
	default: // digits nobody has
		s.end(c, causeUnspecified)
	}
}

// ring lets an own phone ring, or fail at once.
func (s *Server) ring(l *leg) {
	sw := s.sw.Load()
	if cause := l.phone.refusal(sw); cause != "" {
		s.failLeg(l, cause)
		return
	}
	s.phaseOf(l, legRinging)
	if l.call.kind == KindInbound && sw.InboundStart != "" {
		s.tell(l, sw.InboundStart, "")
	}
	s.tell(l, stateRing, "")
	s.ringback(l.call)
	s.behave(l.call, l.phone.Behaviour, legIs(l, legRinging), func() { s.connect(l.call, l) }, func(cause string) { s.failLeg(l, cause) })
}

// ringback tells the calling phone, once, that the other side rings.
func (s *Server) ringback(c *call) {
	if c.a == nil || c.farRinging || c.a.phase != legCalling {
		return
	}
	c.farRinging = true
	s.refresh(c.a.phone)
	s.tell(c.a, stateRing, "")
}

// ringFar lets an outside number ring and behave.
func (s *Server) ringFar(c *call) {
	b := s.outside[c.callee.number]
	if b.Act == Busy {
		s.end(c, causeBusy)
		return
	}
	s.ringback(c)
	waiting := func() bool { return !c.answered }
	s.behave(c, b, waiting, func() { s.connect(c, nil) }, func(cause string) { s.end(c, cause) })
}

// behave arranges what a called party does by itself while it is still waiting.
func (s *Server) behave(c *call, b Behaviour, waiting func() bool, answer func(), fail func(cause string)) {
	then := func(f func()) func() {
		return func() {
			if waiting() {
				f()
			}
		}
	}
	switch b.Act {
	case Answers:
		s.after(c, b.After, then(answer))
	case Rejects:
		s.after(c, b.After, then(func() { fail(causeReject) }))
	case RingOut:
		s.after(c, b.After, then(func() { fail(causeTimeout) }))
	case Nothing, Busy: // busy failed before it could ring
	}
	if limit := time.Duration(s.sw.Load().RingTimeout); limit > 0 {
		s.after(c, limit, then(func() { fail(causeTimeout) }))
	}
}

func legIs(l *leg, p legPhase) func() bool { return func() bool { return l.phase == p } }

// connect joins the sides: by is the own leg that answered, nil for the outside world.
func (s *Server) connect(c *call, by *leg) {
	first := !c.answered
	c.answered = true
	if first {
		c.talkedFrom = time.Now()
	}
	if by != nil {
		by.answered = true
		s.phaseOf(by, legTalking)
		s.tell(by, stateAnswer, "")
		s.extra(by)
		s.handOver(c, by)
	}
	if c.a != nil && c.a.phase == legCalling {
		s.connectCaller(c)
	}
	if f := c.whenAnswered; f != nil {
		c.whenAnswered = nil
		f()
	}
}

func (s *Server) connectCaller(c *call) {
	c.a.answered = true
	s.phaseOf(c.a, legTalking)
	s.tell(c.a, stateAnswer, "")
	s.extra(c.a)
	if c.kind == KindAPI {
		s.finishRequest(c, "")
	}
}

// handOver ends the legs that lost the call to another one.
func (s *Server) handOver(c *call, winner *leg) {
	for _, l := range c.legs() {
		switch {
		case l == winner || l.phase == legOver:
		case l.leaves:
			s.terminal(l, "")
		case l.phase == legRinging && s.sw.Load().GroupLosersEnd:
			s.terminal(l, causeCancel)
		case l.phase == legRinging:
			s.phaseOf(l, legOver) // as seen in production: nobody is told
		}
	}
}

func (s *Server) extra(l *leg) {
	if state := s.sw.Load().ExtraState; state != "" {
		s.tell(l, state, "")
	}
}

// finishRequest tells the end of an API request, which is not the end of the call.
func (s *Server) finishRequest(c *call, cause string) {
	if s.sw.Load().APIStatesOnStream {
		s.tell(c.a, stateEnd, cause)
	}
	s.report(c, stateEnd, cause)
}

// failLeg ends one called leg; the call ends with it when nobody is left who rings or talks.
func (s *Server) failLeg(l *leg, cause string) {
	c := l.call
	s.terminal(l, cause)
	for _, other := range c.b {
		if other.phase != legOver {
			return
		}
	}
	if c.follow != nil {
		c.follow()
		return
	}
	s.end(c, cause)
}

// end ends the whole call. The cause is told where nobody had answered.
func (s *Server) end(c *call, cause string) {
	if c.over {
		return
	}
	c.over = true
	c.stopTimers()
	if c.answered {
		cause = ""
	}
	c.cause = cause
	for _, l := range c.legs() {
		if l.phase != legOver {
			s.terminal(l, cause)
		}
	}
	if c.kind == KindAPI && !c.answered {
		if s.sw.Load().ErrorOn == "hangup" {
			s.finishRequest(c, cause)
		} else {
			s.report(c, stateEnd, cause)
		}
	}
	s.archive(c)
}

// terminal tells that a leg is over, in the form error_on asks for.
func (s *Server) terminal(l *leg, cause string) {
	if l.phase == legOver {
		return
	}
	if l.answered {
		cause = ""
	}
	s.phaseOf(l, legOver)
	form := s.sw.Load().ErrorOn
	if cause == "" || form == "hangup" || form == "both" {
		s.tell(l, stateHangup, cause)
	}
	if cause == "" {
		return
	}
	switch form {
	case "end_after_hangup":
		s.tell(l, stateHangup, "")
		s.tell(l, stateEnd, cause)
	case "end", "both":
		s.tell(l, stateEnd, cause)
	}
}

// archive keeps the newest finished calls readable and forgets older ones.
func (s *Server) archive(c *call) {
	s.fact(KindEnded, c.fact())
	s.finished = append(s.finished, c)
	for len(s.finished) > s.opts.KeepCalls {
		old := s.finished[0]
		s.finished = s.finished[1:]
		if old.over { // it may ring again
			delete(s.calls, old.uuid)
			for _, l := range old.legs() {
				delete(s.calls, l.uuid)
			}
		}
	}
}
