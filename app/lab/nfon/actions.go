package nfon

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Errors of the actions below, for errors.Is.
var (
	ErrNoPhone = errors.New("no such extension")
	ErrNoCall  = errors.New("no call fits")
)

func unknownPhone(ext string) error { return fmt.Errorf("extension %q: %w", ext, ErrNoPhone) }

// Caller is the outside party of an inbound call. Without a number, or withheld, the number is suppressed.
type Caller struct {
	Number   string `json:"caller"` // E.164 with plus
	Name     string `json:"name"`   // for the lab's page only
	Withheld bool   `json:"withheld"`
}

func (c Caller) party() (party, error) {
	if c.Withheld || c.Number == "" {
		return party{name: c.Name, withheld: true}, nil
	}
	if !globalPattern.MatchString(c.Number) {
		return party{}, fmt.Errorf("caller %q is not a plus and digits", c.Number)
	}
	return party{number: c.Number, name: c.Name}, nil
}

// RingInbound calls extensions from outside; several ring as a group, under one uuid, called by the group's number. It
// returns the call's uuid.
func (s *Server) RingInbound(from Caller, extensions ...string) (string, error) {
	caller, err := from.party()
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.inboundCall(caller, extensions)
	if err != nil {
		return "", err
	}
	s.reach(c)
	return c.uuid, nil
}

func (s *Server) inboundCall(caller party, extensions []string) (*call, error) {
	phones, err := s.phonesOf(extensions)
	if err != nil {
		return nil, err
	}
	callee := party{phone: phones[0]}
	if len(phones) > 1 {
		callee = party{number: s.opts.HeadNumber + "900"}
	}
	c := s.newCall(KindInbound, caller, callee)
	for _, p := range phones {
		s.addLeg(c, p, inbound)
	}
	s.fact(KindCall, c.fact())
	return c, nil
}

func (s *Server) phonesOf(extensions []string) ([]*phone, error) {
	var found []*phone
	for _, ext := range extensions {
		p := s.phones[ext]
		if p == nil {
			return nil, unknownPhone(ext)
		}
		found = append(found, p)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no extension given: %w", ErrNoPhone)
	}
	return found, nil
}

// RingCascade rings groups one after the other, a fresh uuid per round, until somebody answers; the last round goes on
// ringing. It returns the first round's uuid, which the actions below follow to the running round.
func (s *Server) RingCascade(from Caller, every time.Duration, rounds ...[]string) (string, error) {
	caller, err := from.party()
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range rounds {
		if _, err := s.phonesOf(r); err != nil {
			return "", err
		}
	}
	if len(rounds) == 0 {
		return "", fmt.Errorf("no round given: %w", ErrNoPhone)
	}
	return s.round(caller, every, rounds).uuid, nil
}

func (s *Server) round(caller party, every time.Duration, rounds [][]string) *call {
	c, err := s.inboundCall(caller, rounds[0])
	if err != nil {
		panic(err) // RingCascade looked all of them up
	}
	if len(rounds) > 1 {
		c.follow = func() { s.nextRound(c, func() *call { return s.round(caller, every, rounds[1:]) }) }
		s.after(c, every, func() {
			if !c.answered && c.follow != nil {
				c.follow()
			}
		})
	}
	s.reach(c)
	return c
}

// nextRound ends a round nobody answered and begins the following one.
func (s *Server) nextRound(c *call, begin func() *call) {
	c.follow = nil
	for _, l := range c.b {
		if l.phase == legRinging && !s.sw.Load().GroupLosersEnd {
			s.phaseOf(l, legOver)
		}
	}
	s.end(c, causeCancel)
	c.next = begin()
}

// Dial lets a phone call an extension, an outside number with plus, or a code such as *87. It returns the call's uuid.
func (s *Server) Dial(extension, number string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.dial(extension, number)
	if err != nil {
		return "", err
	}
	s.reach(c)
	return c.uuid, nil
}

func (s *Server) dial(extension, number string) (*call, error) {
	p := s.phones[extension]
	if p == nil {
		return nil, unknownPhone(extension)
	}
	if p.Offline {
		return nil, fmt.Errorf("extension %s is offline: %w", extension, ErrNoPhone)
	}
	callee := s.dialled(number)
	if callee.code != "" && !codePattern.MatchString(callee.code) || callee.number != "" && !globalPattern.MatchString(callee.number) {
		return nil, fmt.Errorf("%q cannot be dialled", number)
	}
	if callee.phone == p {
		return nil, fmt.Errorf("extension %s cannot call itself", extension)
	}
	kind := KindOutbound
	if callee.phone != nil {
		kind = KindInternal
	}
	c := s.newCall(kind, party{phone: p}, callee)
	s.addLeg(c, p, outbound)
	if sw := s.sw.Load(); callee.phone != nil {
		l := s.addLeg(c, callee.phone, inbound)
		if sw.InternalTwoUUIDs {
			l.uuid = newUUID(sw)
			s.calls[l.uuid] = c
		}
		l.silent = sw.InternalOneLeg
	}
	s.fact(KindCall, c.fact())
	return c, nil
}

// apiCall begins a call asked for over HTTP. The extension's phone is the A party, whatever number it is called by.
func (s *Server) apiCall(own *phone, body originateBody, watched bool) (*call, *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	callee := s.dialled(body.calleeAsDialled())
	c := s.newCall(KindAPI, party{phone: own}, callee)
	c.posted = &body
	s.addLeg(c, own, outbound)
	if callee.phone != nil && callee.phone != own {
		s.addLeg(c, callee.phone, inbound)
	}
	var st *stream
	if watched {
		st = s.open(feedOriginate)
		c.watch = st
	}
	s.fact(KindAPICall, APICall{
		UUID: c.uuid, Extension: own.Extension, Caller: body.Caller, Callee: callee.label(), Context: body.CalleeContext, Stream: watched,
	})
	s.fact(KindCall, c.fact())
	if s.sw.Load().APIStatesOnStream {
		s.tell(c.a, stateStart, "")
	} else {
		s.report(c, stateStart, "")
	}
	s.after(c, time.Duration(s.sw.Load().SetupDelay), func() { s.ringCaller(c, body.callerTimeout()) })
	return c, st
}

// ringCaller rings the A party of an API call.
func (s *Server) ringCaller(c *call, limit time.Duration) {
	if c.a.phone.Offline || c.a.phone.Behaviour.Act == Busy {
		s.tell(c.a, stateCallerDial, "")
		s.end(c, causeUnspecified)
		return
	}
	s.phaseOf(c.a, legRinging)
	s.tell(c.a, stateCallerDial, "")
	s.tell(c.a, stateCallerRing, "")
	waiting := legIs(c.a, legRinging)
	s.after(c, limit, func() {
		if waiting() {
			s.end(c, causeTimeout)
		}
	})
	s.behave(c, c.a.phone.Behaviour, waiting, func() { s.callerAnswers(c) }, func(cause string) { s.end(c, cause) })
}

func (s *Server) callerAnswers(c *call) {
	c.callerAnswered = true
	c.a.phase = legCalling // reach lets the line follow
	s.tell(c.a, stateCallerAnswer, "")
	s.reach(c)
}

// acts are the words of scripts and the control interface.
var acts = map[string]Act{"nothing": Nothing, "answer": Answers, "reject": Rejects, "busy": Busy, "ringout": RingOut}

// ParseBehaviour reads "answer 2s", "reject", "busy", "ringout 30s" or "nothing".
func ParseBehaviour(text string) (Behaviour, error) {
	word, rest, _ := strings.Cut(strings.TrimSpace(text), " ")
	act, ok := acts[word]
	if !ok {
		return Behaviour{}, fmt.Errorf("no behaviour is named %q; there are nothing, answer, reject, busy, ringout", word)
	}
	b := Behaviour{Act: act}
	if rest = strings.TrimSpace(rest); rest != "" {
		var d Duration
		if err := d.UnmarshalText([]byte(rest)); err != nil {
			return Behaviour{}, err
		}
		b.After = time.Duration(d)
	}
	return b, nil
}
