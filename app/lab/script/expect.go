package script

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"deskbell/app/lab/crm"
	"deskbell/app/lab/nfon"
	"deskbell/app/lab/record"
)

// patience is how long an expect waits when it does not say.
const patience = 10 * time.Second

// ErrNotMet tells that an expect did not come true, or an `expect no` did.
var ErrNotMet = errors.New("expectation not met")

// fact recognises an entry; line is set when the present line of a phone counts as well.
type fact struct {
	text  string
	match func(record.Entry) bool
	holds func(*run) bool
}

// expectStatement is `expect FACT [within D]` or `expect no FACT [for D]`.
func expectStatement(l *line) (action, error) {
	start := l.next
	negative := l.accept("no")
	f, err := readFact(l)
	if err != nil {
		return nil, err
	}
	f.text = text(l.words[start:l.next])
	limit := patience
	bound := "within"
	if negative {
		bound, limit = "for", time.Second
	}
	if l.accept(bound) {
		if limit, err = l.duration(); err != nil {
			return nil, err
		}
	}
	if negative {
		return func(ctx context.Context, r *run) error { return r.expectNot(ctx, f, limit) }, nil
	}
	return func(ctx context.Context, r *run) error { return r.expect(ctx, f, limit) }, nil
}

func text(words []word) string {
	var parts []string
	for _, w := range words {
		parts = append(parts, w.text)
	}
	return strings.Join(parts, " ")
}

func (r *run) expect(ctx context.Context, f fact, limit time.Duration) error {
	if f.holds != nil && f.holds(r) {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	e, err := r.world.Log.Await(limited, r.after, f.match)
	if ctx.Err() != nil {
		return fmt.Errorf("expect %s: %w", f.text, context.Cause(ctx))
	}
	if err != nil {
		return fmt.Errorf("%w: %q did not happen within %s", ErrNotMet, f.text, limit)
	}
	r.after = e.Seq
	if made, ok := e.Data.(nfon.APICall); ok {
		r.call = made.UUID
	}
	return nil
}

func (r *run) expectNot(ctx context.Context, f fact, limit time.Duration) error {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	_, err := r.world.Log.Await(limited, r.after, f.match)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("expect %s: %w", f.text, context.Cause(ctx))
	case err == nil:
		return fmt.Errorf("%w: %q happened", ErrNotMet, strings.TrimPrefix(f.text, "no "))
	}
	return nil
}

// of makes a fact of a condition on one type of data.
func of[T any](fits func(T) bool) fact {
	return fact{match: func(e record.Entry) bool {
		v, ok := e.Data.(T)
		return ok && fits(v)
	}}
}

func readFact(l *line) (fact, error) {
	w := l.peek()
	switch {
	case l.accept("login", "refused"):
		return request("login", 401), nil
	case l.accept("login"):
		return request("login", 200), nil
	case l.accept("request"):
		endpoint := l.take().text
		return requestFact(l, endpoint)
	case l.accept("cancel"):
		return requestFact(l, "cancel")
	case l.accept("api", "call", "from"):
		return apiCallFact(l)
	case l.accept("stream"):
		return streamFact(l)
	case l.accept("event"):
		return eventFact(l)
	case l.accept("call", "over"):
		return of(func(nfon.CallFact) bool { return true }).kind(nfon.KindEnded), nil
	case l.accept("crm"):
		return crmFact(l)
	case isExtension(w.text) && !w.quoted:
		return lineFact(l)
	}
	return fact{}, l.expected("login, request, cancel, api call from, stream, event, call over, crm or an extension")
}

// kind narrows a fact to one kind of entry.
func (f fact) kind(kind string) fact {
	inner := f.match
	f.match = func(e record.Entry) bool { return e.Kind == kind && inner(e) }
	return f
}

func request(endpoint string, status int) fact {
	return of(func(r nfon.Request) bool { return r.Endpoint == endpoint && (status < 0 || r.Status == status) })
}

func requestFact(l *line, endpoint string) (fact, error) {
	if !slices.Contains(nfon.Endpoints(), endpoint) {
		l.next--
		return fact{}, l.expected("one of " + strings.Join(nfon.Endpoints(), ", "))
	}
	if !l.accept("status") {
		return request(endpoint, -1), nil
	}
	n, err := l.count(599)
	return request(endpoint, n), err
}

func apiCallFact(l *line) (fact, error) {
	ext, err := l.extension()
	if err != nil {
		return fact{}, err
	}
	callee := ""
	if l.accept("to") {
		if w := l.peek(); w.quoted || !isGlobal(w.text) && !isCode(w.text) {
			return fact{}, l.expected("an extension, a number with + or a code")
		}
		callee = l.take().text
	}
	return of(func(c nfon.APICall) bool { return c.Extension == ext && (callee == "" || c.Callee == callee) }), nil
}

func streamFact(l *line) (fact, error) {
	feed := l.peek().text
	if feed != "calls" && feed != "states" {
		return fact{}, l.expected("calls or states")
	}
	l.take()
	action := "open"
	if l.accept("closed") {
		action = "close"
	} else if !l.accept("open") {
		return fact{}, l.expected("open or closed")
	}
	f := of(func(s nfon.StreamFact) bool { return s.Feed == feed && s.Action == action })
	if action == "open" {
		f.holds = func(r *run) bool { return r.world.Phones.StreamCount(feed) > 0 }
	}
	return f, nil
}

func eventFact(l *line) (fact, error) {
	state := l.take().text
	if !l.accept("at") {
		return fact{}, l.expected("at")
	}
	ext, err := l.extension()
	if err != nil {
		return fact{}, err
	}
	cause := ""
	if l.accept("error") {
		cause = l.take().text
	}
	return of(func(e nfon.EventFact) bool {
		return !e.Lost && e.State == state && e.Extension == ext && (cause == "" || e.Error == cause)
	}), nil
}

func lineFact(l *line) (fact, error) {
	ext := l.take().text
	line := l.peek().text
	if !slices.Contains([]string{"idle", "ringing", "in-use", "offline"}, line) {
		return fact{}, l.expected("idle, ringing, in-use or offline")
	}
	l.take()
	f := of(func(s nfon.LineFact) bool { return s.Extension == ext && s.Line == line })
	f.holds = func(r *run) bool {
		return slices.ContainsFunc(r.world.Phones.Phones(), func(p nfon.PhoneView) bool { return p.Extension == ext && p.Line == line })
	}
	return f, nil
}

// crmFact is `crm lookup`, `crm search`, `crm tickets [ID]` or `crm page [ID]`.
func crmFact(l *line) (fact, error) {
	endpoint := l.peek().text
	if !slices.Contains([]string{crm.Lookup, crm.Search, crm.Tickets, crm.Page}, endpoint) {
		return fact{}, l.expected("lookup, search, tickets or page")
	}
	l.take()
	id := ""
	if w := l.peek(); (endpoint == crm.Page || endpoint == crm.Tickets) && !l.done() && w.text != "within" && w.text != "for" {
		id = l.take().text
	}
	return of(func(a crm.Access) bool { return a.Endpoint == endpoint && (id == "" || a.Contact == id) }), nil
}
