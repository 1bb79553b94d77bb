package pbxtest

import (
	"errors"
	"slices"
	"sync"

	"deskbell/app/csta"
	"deskbell/app/pbx"
)

var errUnreachable = errors.New("connection refused")

// part is one device's part in a call, as the exchange knows it.
type part struct {
	call      string
	device    csta.DeviceID
	direction csta.Direction
	number    string
	own, far  csta.State
	cause     csta.Cause
	command   string // of the MakeCall that led to it
}

// exchange is the truth behind a scripted telephone system: the calls, and the lines on which their news is told.
type exchange struct {
	mu      sync.Mutex
	up      bool
	parts   []*part // living ones
	history map[string][]part
	lines   map[*line]bool
	refuse  bool
	made    int
}

// line is one connection on which news is told; it is closed when the connection breaks.
type line struct {
	news chan part
	gone chan struct{}
}

func newExchange() *exchange {
	return &exchange{up: true, history: make(map[string][]part), lines: make(map[*line]bool)}
}

// dial connects.
func (x *exchange) dial() (*line, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.up {
		return nil, errUnreachable
	}
	l := &line{news: make(chan part, 256), gone: make(chan struct{})}
	x.lines[l] = true
	return l, nil
}

func (x *exchange) hangLine(l *line) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.lines, l)
}

// reachable is what any request finds out.
func (x *exchange) reachable() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.up {
		return errUnreachable
	}
	return nil
}

// partsOf lists the living parts of a device.
func (x *exchange) partsOf(device csta.DeviceID) ([]part, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.up {
		return nil, errUnreachable
	}
	var list []part
	for _, p := range x.parts {
		if p.device == device {
			list = append(list, *p)
		}
	}
	return list, nil
}

// lineOf is what a lamp on a telephone would show.
func lineOf(parts []part) csta.LineState {
	state := csta.LineIdle
	for _, p := range parts {
		if csta.Ringing(p.direction, p.own) {
			return csta.LineRinging
		}
		state = csta.LineBusy
	}
	return state
}

// tell puts news on all lines; with the exchange locked.
func (x *exchange) tell(p part) {
	for l := range x.lines {
		l.news <- p
	}
}

// change notes and tells what became of a part; with the exchange locked.
func (x *exchange) change(p *part) {
	x.history[p.call] = append(x.history[p.call], *p)
	if p.own == csta.Null {
		x.parts = slices.DeleteFunc(x.parts, func(q *part) bool { return q == p })
	}
	x.tell(*p)
}

// Act implements Vendor for all scripted systems.
func (x *exchange) Act(a Act) {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch a.Kind {
	case Cut:
		x.up = false
		for l := range x.lines {
			close(l.gone)
			delete(x.lines, l)
		}
	case Heal:
		x.up = true
	case Refuse:
		x.refuse = true
	case Again:
		if h := x.history[a.Call]; len(h) > 0 {
			x.tell(h[len(h)-1])
		}
	case Stale:
		if h := x.history[a.Call]; len(h) > 0 {
			x.tell(h[0])
		}
	case Ring:
		p := &part{call: a.Call, device: a.Device, direction: csta.Incoming, number: a.Number, own: csta.Alerting, far: csta.Connected}
		x.parts = append(x.parts, p)
		x.change(p)
	default:
		x.onPart(a)
	}
}

// outcomes are the ends of parts.
var outcomes = map[Kind]csta.Cause{
	Reject: csta.CauseCallRejected, GiveUp: csta.CauseCallCancelled, RingOut: csta.CauseCallNotAnswered,
	HangUp: csta.CauseNormalClearing, NoPickUp: csta.CauseCallNotAnswered, FarBusy: csta.CauseBusy,
}

func (x *exchange) onPart(a Act) {
	for _, p := range slices.Clone(x.parts) {
		mine := p.device == a.Device || a.Device == ""
		if a.Call != "" && p.call != a.Call || !mine || a.Call == "" && p.command == "" {
			continue
		}
		if cause, end := outcomes[a.Kind]; end {
			p.own, p.cause = csta.Null, cause
			x.change(p)
			continue
		}
		switch a.Kind { // the others are no acts on a part
		case Answer:
			p.own = csta.Connected
			x.parts = slices.DeleteFunc(x.parts, func(q *part) bool { // the others stop ringing, and nobody says so
				return q != p && q.call == p.call && q.own == csta.Alerting
			})
		case PickUp:
			p.own, p.far = csta.Connected, csta.Initiated
		case FarRings:
			p.far = csta.Alerting
		case FarAnswers:
			p.far = csta.Connected
		}
		x.change(p)
	}
}

// makeCall is the exchange's side of MakeCall: the own phone rings.
func (x *exchange) makeCall(device csta.DeviceID, number, command string) (call string, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case !x.up:
		return "", pbx.ErrDown
	case x.refuse:
		x.refuse = false
		return "", pbx.ErrRefused
	}
	x.made++
	p := &part{
		call: "made-" + string(device) + "-" + string(rune('a'+x.made)), device: device, direction: csta.Outgoing, number: number,
		own: csta.Alerting, command: command,
	}
	x.parts = append(x.parts, p)
	x.change(p)
	return p.call, nil
}

// command is the exchange's side of a verb on a part.
func (x *exchange) command(call string, device csta.DeviceID, do func(*part) error) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.up {
		return pbx.ErrDown
	}
	if x.refuse {
		x.refuse = false
		return pbx.ErrRefused
	}
	for _, p := range x.parts {
		if p.call == call && p.device == device {
			if err := do(p); err != nil {
				return err
			}
			x.change(p)
			return nil
		}
	}
	return pbx.ErrGone
}

func end(p *part) error {
	p.own, p.cause = csta.Null, csta.CauseNormalClearing
	return nil
}

func answer(p *part) error {
	if p.own != csta.Alerting {
		return pbx.ErrNotNow
	}
	p.own = csta.Connected
	return nil
}

func hold(p *part) error {
	if p.own != csta.Connected {
		return pbx.ErrNotNow
	}
	p.own = csta.Hold
	return nil
}

func retrieve(p *part) error {
	if p.own != csta.Hold {
		return pbx.ErrNotNow
	}
	p.own = csta.Connected
	return nil
}
