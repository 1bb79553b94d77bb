package script

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"deskbell/app/lab/crm"
	"deskbell/app/lab/nfon"
)

// action does a statement.
type action func(context.Context, *run) error

// now makes an action of something that takes no time.
func now(do func(*run) error) action { return func(_ context.Context, r *run) error { return do(r) } }

func phoneStatement(l *line) (action, error) {
	ext, err := l.extension()
	if err != nil {
		return nil, err
	}
	p := nfon.Phone{Extension: ext, Name: l.name(), Presence: "available"}
	if p.Behaviour, _, err = l.behaviour(); err != nil {
		return nil, err
	}
	return now(func(r *run) error { return r.world.Phones.SetPhone(p) }), nil
}

// outsideStatement is `outside +49… "Name"` with either a behaviour or a call.
func outsideStatement(l *line) (action, error) {
	from, err := l.caller()
	if err != nil {
		return nil, err
	}
	if l.accept("calls") {
		return inboundCall(l, from)
	}
	b, ok, err := l.behaviour()
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return nil, l.expected("calls, answers, rejects, is busy, rings out or does nothing")
	case from.Withheld:
		return nil, l.errorf(l.words[1], "only a number can be called and behave")
	}
	return now(func(r *run) error { return r.world.Phones.SetOutside(from.Number, b) }), nil
}

// caller reads a number with plus or the word withheld, and an optional name.
func (l *line) caller() (nfon.Caller, error) {
	w := l.peek()
	switch {
	case l.accept("withheld"):
		return nfon.Caller{Withheld: true, Name: l.name()}, nil
	case isGlobal(w.text) && !w.quoted:
		l.take()
		return nfon.Caller{Number: w.text, Name: l.name()}, nil
	}
	return nfon.Caller{}, l.expected("a number with + or the word withheld")
}

// inboundCall reads what follows `calls`: extensions, and further rounds of a cascade.
func inboundCall(l *line, from nfon.Caller) (action, error) {
	rounds := [][]string{}
	for {
		list, err := l.extensions()
		if err != nil {
			return nil, err
		}
		rounds = append(rounds, list)
		if !l.accept("then") {
			break
		}
	}
	if len(rounds) == 1 {
		return now(func(r *run) error {
			id, err := r.world.Phones.RingInbound(from, rounds[0]...)
			return r.began(id, err)
		}), nil
	}
	every := 5 * time.Second
	if l.accept("every") {
		var err error
		if every, err = l.duration(); err != nil {
			return nil, err
		}
	}
	return now(func(r *run) error {
		id, err := r.world.Phones.RingCascade(from, every, rounds...)
		return r.began(id, err)
	}), nil
}

// partyStatement begins with who acts: an extension, a number, withheld, caller or callee.
func partyStatement(l *line) (action, error) {
	first := l.peek()
	switch {
	case l.accept("caller"):
		return sideStatement(l, map[string]onCall{"hangs up": (*nfon.Server).CallerHangsUp})
	case l.accept("callee"):
		return sideStatement(l, map[string]onCall{
			"answers": (*nfon.Server).CalleeAnswers, "hangs up": (*nfon.Server).CalleeHangsUp, "rejects": (*nfon.Server).CalleeHangsUp,
		})
	case isExtension(first.text) && !first.quoted:
		return extensionStatement(l, l.take().text)
	case first.text == "withheld" || isGlobal(first.text):
		from, err := l.caller()
		if err != nil {
			return nil, err
		}
		if !l.accept("calls") {
			return nil, l.expected("calls (use caller or callee to act in the running call)")
		}
		return inboundCall(l, from)
	}
	return nil, l.errorf(first, "%q begins no statement", first.text)
}

type onCall func(*nfon.Server, string) error

// sideStatement acts for the outside party of the call begun last.
func sideStatement(l *line, verbs map[string]onCall) (action, error) {
	for phrase, do := range verbs {
		if l.accept(strings.Fields(phrase)...) {
			return now(func(r *run) error { return do(r.world.Phones, r.call) }), nil
		}
	}
	names := []string{}
	for phrase := range verbs {
		names = append(names, phrase)
	}
	slices.Sort(names)
	return nil, l.expected(strings.Join(names, ", "))
}

func callStatement(l *line) (action, error) {
	return sideStatement(l, map[string]onCall{"rings out": (*nfon.Server).RingsOut})
}

// extensionVerbs act at a phone without more words.
var extensionVerbs = []struct {
	phrase string
	do     func(*nfon.Server, string) error
}{
	{"answers", (*nfon.Server).Answer},
	{"hangs up", (*nfon.Server).HangUp},
	{"rejects", (*nfon.Server).Reject},
	{"goes offline", offline(true)},
	{"goes online", offline(false)},
}

func offline(yes bool) func(*nfon.Server, string) error {
	return func(s *nfon.Server, ext string) error {
		return s.ChangePhone(ext, func(p *nfon.Phone) { p.Offline = yes })
	}
}

func extensionStatement(l *line, ext string) (action, error) {
	for _, v := range extensionVerbs {
		if l.accept(strings.Fields(v.phrase)...) {
			return now(func(r *run) error { return v.do(r.world.Phones, ext) }), nil
		}
	}
	switch {
	case l.accept("calls"):
		return dialStatement(l, ext)
	case l.accept("rings", "again"):
		return now(func(r *run) error { return r.world.Phones.RingAgain(r.call, ext) }), nil
	case l.accept("is"):
		return statusStatement(l, ext)
	case l.accept("transfers", "to"):
		to, err := l.extension()
		if err != nil {
			return nil, err
		}
		if l.accept("by", "call") {
			return now(func(r *run) error { return r.world.Phones.TransferByCall(ext, to) }), nil
		}
		return now(func(r *run) error { return r.world.Phones.Transfer(ext, to) }), nil
	}
	return nil, l.expected("answers, rejects, hangs up, calls, rings again, transfers to, is, goes offline or goes online")
}

func dialStatement(l *line, ext string) (action, error) {
	w := l.peek()
	if w.quoted || !isGlobal(w.text) && !isCode(w.text) {
		return nil, l.expected("an extension, a number with + or a code")
	}
	l.take()
	return now(func(r *run) error {
		id, err := r.world.Phones.Dial(ext, w.text)
		return r.began(id, err)
	}), nil
}

// statusStatement sets what the vendor calls presence; unset is its "null".
func statusStatement(l *line, ext string) (action, error) {
	w := l.peek()
	if w.quoted || !slices.Contains([]string{"offline", "available", "away", "busy", "dnd", "unset"}, w.text) {
		return nil, l.expected("available, away, busy, dnd, offline or unset")
	}
	l.take()
	value := strings.TrimPrefix(w.text, "unset")
	return now(func(r *run) error {
		return r.world.Phones.ChangePhone(ext, func(p *nfon.Phone) { p.Presence = value })
	}), nil
}

func atStatement(l *line) (action, error) {
	d, err := l.duration()
	if err != nil {
		return nil, err
	}
	if l.done() {
		return nil, l.expected("a statement")
	}
	do, err := statement(l)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, r *run) error {
		if err := sleep(ctx, time.Until(r.roundBegan.Add(d))); err != nil {
			return err
		}
		return do(ctx, r)
	}, nil
}

func waitStatement(l *line) (action, error) {
	d, err := l.duration()
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, _ *run) error { return sleep(ctx, d) }, nil
}

// setStatement takes the rest of the line as the value, and tries it out at once.
func setStatement(l *line) (action, error) {
	name := l.take()
	if name.text == "" {
		l.next--
		return nil, l.expected("the name of a switch")
	}
	at := l.peek()
	value := l.rest()
	if _, err := nfon.Defaults().With(name.text, value); err != nil {
		return nil, l.errorf(at, "%w", err)
	}
	return now(func(r *run) error { return r.world.Phones.Set(name.text, value) }), nil
}

func resetStatement(l *line) (action, error) {
	if !l.accept("switches") {
		return nil, l.expected("switches")
	}
	return now(func(r *run) error { return r.world.Phones.ResetSwitches() }), nil
}

func faultStatement(l *line) (action, error) {
	endpoint, kind := l.take(), l.peek()
	f, off := nfon.Fault{}, false
	var err error
	switch {
	case l.accept("off"):
		off = true
	case l.accept("reset"):
		f.Reset = true
	case l.accept("status"):
		f.Status, err = l.count(599)
	case l.accept("redirect"):
		if f.Redirect = l.take().text; f.Redirect == "" {
			err = l.expected("an address")
		}
	case l.accept("delay"):
		var d time.Duration
		d, err = l.duration()
		f.Delay = nfon.Duration(d)
	default:
		return nil, l.expected("status, delay, reset, redirect or off")
	}
	if err == nil && l.accept("times") {
		f.Times, err = l.count(1_000_000)
	}
	if err != nil {
		return nil, err
	}
	sw := nfon.Defaults()
	if sw.Faults[endpoint.text] = f; sw.Validate() != nil {
		return nil, l.errorf(kind, "%w", sw.Validate())
	}
	return now(func(r *run) error {
		return r.world.Phones.Configure(func(sw *nfon.Switches) {
			if off {
				delete(sw.Faults, endpoint.text)
			} else {
				sw.Faults[endpoint.text] = f
			}
		})
	}), nil
}

func crmStatement(l *line) (action, error) {
	endpoint, kind := l.take(), l.peek()
	f := crm.Fault{}
	var err error
	switch {
	case l.accept("works"):
	case l.accept("delay"):
		f.Delay, err = l.duration()
	case l.accept("fails"):
		f.Failure = l.take().text
	default:
		return nil, l.expected("works, delay or fails")
	}
	if err == nil {
		if problem := crm.New(crm.Options{Contacts: []crm.Contact{}}).SetFault(endpoint.text, f); problem != nil {
			err = l.errorf(kind, "%w", problem)
		}
	}
	if err != nil {
		return nil, err
	}
	return now(func(r *run) error { return r.world.CRM.SetFault(endpoint.text, f) }), nil
}

func dropStatement(l *line) (action, error) {
	if !l.accept("streams") {
		return nil, l.expected("streams")
	}
	d := time.Duration(0)
	if l.accept("for") {
		var err error
		if d, err = l.duration(); err != nil {
			return nil, err
		}
	}
	return now(func(r *run) error { r.world.Phones.DropStreams(d); return nil }), nil
}

func closeStatement(l *line) (action, error) {
	if !l.accept("streams") {
		return nil, l.expected("streams")
	}
	return now(func(r *run) error { r.world.Phones.EndStreams(); return nil }), nil
}

func revokeStatement(l *line) (action, error) {
	if !l.accept("tokens") {
		return nil, l.expected("tokens")
	}
	return now(func(r *run) error { r.world.Phones.RevokeTokens(); return nil }), nil
}

func sendStatement(l *line) (action, error) {
	w := l.peek()
	if !slices.Contains(nfon.Rubbish(), w.text) {
		return nil, l.expected("one of " + strings.Join(nfon.Rubbish(), ", "))
	}
	l.take()
	return now(func(r *run) error { return r.world.Phones.Hostile(w.text) }), nil
}

func sayStatement(l *line) (action, error) {
	w := l.peek()
	if !w.quoted {
		return nil, l.expected("a quoted text")
	}
	l.take()
	return now(func(r *run) error { r.say(w.text); return nil }), nil
}

func markStatement(*line) (action, error) {
	return now(func(r *run) error { r.after = r.world.Log.Last(); return nil }), nil
}

// loop repeats steps; `at` counts from the beginning of each round.
func loop(rounds int, steps []step) action {
	return func(ctx context.Context, r *run) error {
		outer := r.roundBegan
		defer func() { r.roundBegan = outer }()
		for i := range rounds {
			r.roundBegan = time.Now()
			if err := r.steps(ctx, steps); err != nil {
				return fmt.Errorf("round %d: %w", i+1, err)
			}
		}
		return nil
	}
}
