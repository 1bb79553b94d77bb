package nfon

import (
	"crypto/rand"
	"slices"
	"time"

	"github.com/google/uuid"
)

// Kind is what sort of call it is.
type Kind string

// Kinds of calls.
const (
	KindInbound  Kind = "inbound"
	KindInternal Kind = "internal"
	KindOutbound Kind = "outbound" // dialled at a phone, to the outside or to a code
	KindAPI      Kind = "api"
)

// States of the call object.
const (
	stateStart        = "start"
	stateCallerDial   = "caller-dial"
	stateCallerRing   = "caller-ring"
	stateCallerAnswer = "caller-answer"
	stateDial         = "dial"
	stateRing         = "ring"
	stateAnswer       = "answer"
	stateHangup       = "hangup"
	stateEnd          = "end"
)

// Causes of a failed call.
const (
	causeTimeout     = "timeout"
	causeBusy        = "busy"
	causeCancel      = "cancel"
	causeReject      = "reject"
	causeUnspecified = "unspecified"
)

const (
	inbound  = "inbound"
	outbound = "outbound"
)

// Lines of the states feed.
const (
	lineOffline = "offline"
	lineIdle    = "idle"
	lineRinging = "ringing"
	lineInUse   = "in-use"
)

// call is one conversation or the attempt at one. All fields are guarded by Server.mu.
type call struct {
	uuid           string
	kind           Kind
	caller, callee party
	posted         *originateBody // of an API call
	a              *leg           // the own phone that calls; nil when the caller is outside
	b              []*leg         // own phones that are called
	watch          *stream        // of an API call that asked for a stream
	callerAnswered bool
	farRinging     bool
	answered       bool
	over           bool
	cause          string
	began          time.Time
	talkedFrom     time.Time
	follow         func() // begins the next round of a cascade, once
	next           *call  // that round
	whenAnswered   func()
	timers         []*time.Timer
}

type legPhase int

const (
	legNew     legPhase = iota
	legRinging          // the phone rings
	legCalling          // the phone has dialled and waits for the other side
	legTalking
	legOver
)

// leg is one phone's part in a call.
type leg struct {
	call      *call
	uuid      string // differs from the call's only by internal_two_uuids or a transfer by a new call
	phone     *phone
	direction string
	phase     legPhase
	answered  bool
	silent    bool // sends no events of its own
	leaves    bool // hands over to the leg that answers next
}

func (c *call) legs() []*leg {
	if c.a == nil {
		return c.b
	}
	return append([]*leg{c.a}, c.b...)
}

func (c *call) stopTimers() {
	for _, t := range c.timers {
		t.Stop()
	}
	c.timers = nil
}

func (c *call) fact() CallFact {
	f := CallFact{UUID: c.uuid, Kind: c.kind, Caller: c.caller.label(), Callee: c.callee.label(), Answered: c.answered, Cause: c.cause}
	for _, l := range c.legs() {
		if !slices.Contains(f.Extensions, l.phone.Extension) {
			f.Extensions = append(f.Extensions, l.phone.Extension)
		}
	}
	return f
}

func newUUID(sw *Switches) string {
	if sw.UUIDStyle != "word" {
		return uuid.NewString()
	}
	const letters = "0123456789abcdefghijklmnopqrstuv" // 32, so that a byte picks evenly
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails
	for i := range b {
		b[i] = letters[b[i]%32]
	}
	b[3] = 'v' // never hexadecimal by chance
	t := string(b)
	return t[:8] + "-" + t[8:12] + "-" + t[12:16] + "-" + t[16:20] + "-" + t[20:]
}

// newCall registers a call. s.mu is held, as in everything below.
func (s *Server) newCall(kind Kind, caller, callee party) *call {
	c := &call{uuid: newUUID(s.sw.Load()), kind: kind, caller: caller, callee: callee, began: time.Now()}
	s.calls[c.uuid] = c
	return c
}

func (s *Server) addLeg(c *call, p *phone, direction string) *leg {
	l := &leg{call: c, uuid: c.uuid, phone: p, direction: direction}
	p.legs = append(p.legs, l)
	if direction == outbound {
		c.a = l
	} else {
		c.b = append(c.b, l)
	}
	return l
}

// after runs f in d, unless the call is over by then.
func (s *Server) after(c *call, d time.Duration, f func()) {
	c.timers = append(c.timers, time.AfterFunc(d, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.closed && !c.over {
			f()
		}
	}))
}

// phaseOf moves a leg on and lets the phone's line follow, before the event that tells of it.
func (s *Server) phaseOf(l *leg, p legPhase) {
	l.phase = p
	if p == legOver {
		l.phone.legs = slices.DeleteFunc(l.phone.legs, func(x *leg) bool { return x == l })
	}
	s.refresh(l.phone)
}

// tell sends an event of a leg, and to the stream of the POST that began the call.
func (s *Server) tell(l *leg, state, cause string) {
	sw := s.sw.Load()
	if l.silent {
		return
	}
	if state == stateRing && sw.OmitRing || state == stateCallerRing && sw.OmitCallerRing {
		return
	}
	caller, callee := s.parties(sw, l)
	ev := Event{
		UUID: l.uuid, State: state, Direction: l.direction, Extension: l.phone.Extension,
		Caller: caller.number, CallerContext: caller.context, Callee: callee.number, CalleeContext: callee.context,
		Customer: s.opts.Account, Updated: s.stamp(sw, time.Now()), Error: cause,
	}
	if sw.OmitCustomer {
		ev.Customer = ""
	}
	s.publishCall(ev)
	if l == l.call.a && state != stateHangup && state != stateEnd {
		s.report(l.call, state, "")
	}
}

// parties are how an event of the leg shows caller and callee.
func (s *Server) parties(sw *Switches, l *leg) (caller, callee shown) {
	c := l.call
	switch c.kind {
	case KindAPI:
		return show(c.posted.Caller, c.posted.CallerContext), show(c.posted.Callee, c.posted.CalleeContext)
	case KindInternal:
		return s.showInternal(sw, c.caller.phone), s.showInternal(sw, c.callee.phone)
	case KindOutbound:
		return s.showCalling(sw, c.caller.phone), s.showOutside(sw, c.callee)
	case KindInbound:
	}
	if c.callee.phone != nil {
		return s.showOutside(sw, c.caller), s.showDialled(sw, c.callee.phone)
	}
	return s.showOutside(sw, c.caller), s.showOutside(sw, c.callee)
}

// report sends progress to the POST stream of an API call; end is the last of it.
func (s *Server) report(c *call, state, cause string) {
	if c.watch == nil {
		return
	}
	sw := s.sw.Load()
	c.watch.push(chunk{
		data: frame(sw, encode(progress{UUID: c.uuid, State: state, Updated: s.stamp(sw, time.Now()), Error: cause})),
		last: state == stateEnd,
	})
	if state == stateEnd {
		c.watch = nil
	}
}
