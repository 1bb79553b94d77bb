package nfon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"

	"deskbell/app/pbx"
)

var errSilent = errors.New("the stream fell silent")

// flapping is how many short-lived connections in a row are trouble, though each of them opened.
const flapping = 3

// worthwhile is how long a connection must last for the next one to be worth opening soon, however often they break: calls are
// heard for most of the time then.
const worthwhile = 1500 * time.Millisecond

// keepCalls keeps the call stream open until ctx ends.
func (d *desk) keepCalls(ctx context.Context) {
	var r redial
	flaps := 0 // connections in a row that opened and soon ended
	for ctx.Err() == nil {
		var opened, expires time.Time
		err := d.readCalls(ctx, func() { opened, expires = time.Now(), d.c.auth.expires() }, flaps < flapping)
		if ctx.Err() != nil {
			return
		}
		lasted := time.Duration(0)
		if !opened.IsZero() {
			lasted, flaps = time.Since(opened), flaps+1
		}
		r.stable(lasted)
		delay := r.after(err)
		if lasted >= stableAfter || (err == nil && !expires.IsZero() && time.Now().After(expires)) {
			// It may be closed in order, say because its token ended: be back before it rings.
			r, flaps, delay = redial{}, 0, jitter(promptDelay)
		}
		if lasted >= worthwhile {
			delay = min(delay, max(jitter(firstDelay), lasted/4))
		}
		if opened.IsZero() || flaps >= flapping {
			retry := time.Now().Add(delay)
			d.post(ctx, func() { d.trouble(feedCalls, orEnded(err), retry) })
		}
		d.c.log.Info("nfon's call stream ended", "error", err, "lasted", lasted, "retry_in", delay)
		if sleep(ctx, delay, d.hurry(ctx, err)) != nil {
			return
		}
	}
}

// hurry gives what may cut a pause short: calls that run, but not where each try could lock the account. There only another
// password does.
func (d *desk) hurry(ctx context.Context, err error) func() bool {
	code, slow := diagnose(err)
	switch {
	case err == nil || !slow:
		return d.sink.CallsRunning
	case code == pbx.TroubleSignIn:
		return func() bool { return d.c.auth.newPassword(ctx) }
	}
	return never
}

func orEnded(err error) error {
	if err == nil {
		return errors.New("the stream ends again and again")
	}
	return err
}

// readCalls opens the call stream and reads it to its end. calm says whether opening it is enough to clear trouble; else a
// first sign of life is needed.
func (d *desk) readCalls(outer context.Context, opened func(), calm bool) error {
	ctx, cancel := context.WithCancelCause(outer)
	defer cancel(nil)
	resp, err := d.c.api.do(ctx, request{method: http.MethodGet, path: pathCalls, accept: typeStream})
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := checkStream(resp); err != nil {
		return err
	}
	opened()
	d.c.log.Info("nfon's call stream is open", "request_id", requestID(resp))
	now := time.Now()
	d.post(ctx, func() {
		if calm {
			d.trouble(feedCalls, nil, time.Time{})
		}
		d.opened(now)
	})
	p := newPulse(resp.Body, now, time.Duration(d.c.config.SilentWatchdog), func() { cancel(errSilent) })
	defer p.stop()
	p.tell = func(at time.Time) {
		d.post(ctx, func() {
			d.trouble(feedCalls, nil, time.Time{})
			d.heard(at)
		})
	}
	err = d.readEvents(outer, p, requestID(resp))
	if cause := context.Cause(ctx); errors.Is(cause, errSilent) {
		err = cause
	}
	until := p.heardUntil(err)
	d.post(outer, func() { d.closed(until) })
	if errors.Is(err, io.EOF) {
		return nil
	}
	return withoutURL(err)
}

// readEvents hands every event to the desk.
func (d *desk) readEvents(ctx context.Context, p *pulse, id string) error {
	for {
		n, err := p.events.next()
		if err != nil {
			return err
		}
		at := time.Now()
		switch {
		case n.comment:
			p.watch()
		case n.tooLong:
			d.post(ctx, func() { d.skipped("size", id, fmt.Errorf("an event of more than %d bytes", maxEvent)) })
		default:
			list, err := decodeEvent[callEvent](n.data)
			d.post(ctx, func() {
				for _, e := range list {
					e.received, e.requestID = at, id
					d.event(e)
				}
				if err != nil {
					d.skipped("json", id, err)
				}
			})
		}
	}
}

// checkStream refuses what is plainly no stream of events, such as the sign-in page of a guest network.
func checkStream(resp *http.Response) error {
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")) // without a kind, the content will tell
	switch kind {
	case typeStream, "", "text/plain", "application/octet-stream":
		return nil
	}
	return &protocolError{op: operation(resp.Request.URL.Path), id: requestID(resp), err: fmt.Errorf("answered with %s instead of a stream", cut(kind, 60))}
}

// pulse reads a stream and knows when it was last alive.
type pulse struct {
	in       io.Reader
	events   *eventReader
	tell     func(time.Time)
	silence  time.Duration
	watchdog *time.Timer
	watching bool
	last     time.Time // last byte
	complete time.Time // last moment at which everything read had been handed on
	told     time.Time
}

func newPulse(in io.Reader, opened time.Time, silence time.Duration, onSilence func()) *pulse {
	p := &pulse{in: in, silence: silence, last: opened, complete: opened, told: opened}
	p.watchdog = time.AfterFunc(silence, onSilence)
	p.watchdog.Stop()
	p.events = newEventReader(p)
	return p
}

// watch begins to expect signs of life: only a stream that sends comments between events can be called dead for its silence.
func (p *pulse) watch() {
	p.watching = true
	p.watchdog.Reset(p.silence)
}

func (p *pulse) stop() { p.watchdog.Stop() }

// Read is called by the event reader when it needs more, so that what it had before has been handed on.
func (p *pulse) Read(b []byte) (int, error) {
	if p.events.between() {
		p.complete = p.last
		if p.tell != nil && p.last.Sub(p.told) >= time.Second {
			p.told = p.last
			p.tell(p.last)
		}
	}
	n, err := p.in.Read(b)
	if n > 0 {
		p.last = time.Now()
		if p.watching {
			p.watchdog.Reset(p.silence)
		}
	}
	return n, err
}

// heardUntil is the moment up to which nothing was missed. A stream that was closed in order says so by itself; of one that
// broke, only what came counts.
func (p *pulse) heardUntil(err error) time.Time {
	if (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)) && p.events.between() {
		return time.Now()
	}
	if p.events.between() {
		return p.last
	}
	return p.complete
}
