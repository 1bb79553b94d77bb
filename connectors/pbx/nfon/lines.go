package nfon

import (
	"context"
	"errors"
	"net/http"
	"time"

	"deskbell/app/csta"
	"deskbell/app/pbx"
)

const (
	// streamRest is how long line states are polled before a stream that proved unusable is tried again.
	streamRest = 10 * time.Minute
	// streamUseful is how long such a stream must last to be worth opening again at once.
	streamUseful = 20 * time.Second
)

// errNoBegin: the stream did not begin with the latest states, as it should; whether it tells changes is not to be relied on.
var errNoBegin = errors.New("the stream of line states says nothing")

func idle(l csta.LineState) bool { return l == csta.LineIdle || l == csta.LineOffline }
func busy(l csta.LineState) bool { return l == csta.LineBusy || l == csta.LineRinging }

// observe takes one line state from whichever way it came, and tells what is new in it.
func (d *desk) observe(device csta.DeviceID, s stateEvent, stamp pbx.Stamp) {
	if _, known := d.names[string(device)]; !known {
		d.names[string(device)] = ""
	}
	was := d.lines[device]
	is := lineSeen{line: lineOf(s), presence: presenceOf(s), since: stamp.Received}
	if is.line == was.line && is.presence == was.presence {
		return
	}
	if is.line == was.line {
		is.since = was.since
	}
	d.lines[device] = is
	d.sink.Tell(pbx.LineChanged{Device: device, Line: is.line, Presence: is.presence, Stamp: stamp})
	switch {
	case busy(is.line):
		d.t.lineBusyNow(device)
	case idle(is.line) && is.line != was.line && d.t.doubtful(device, is.since):
		d.later(idleGrace, func() { d.checkIdle(device, is.since) })
	}
}

// checkIdle looks again at a line that has gone idle under a call we still hold: its hangup may be lost. What the line
// proves is for the owner to decide.
func (d *desk) checkIdle(device csta.DeviceID, since time.Time) {
	now := d.lines[device]
	if !idle(now.line) || now.since != since || !d.t.doubtful(device, since) {
		return
	}
	d.owned.Go(func() {
		found, err := d.c.lookAt(d.ctx, device)
		d.post(d.ctx, func() {
			switch {
			case err != nil:
				d.c.log.Warn("a line that went idle cannot be checked", "error", err)
				d.later(pollIdle, func() { d.checkIdle(device, since) })
			case d.link.open && !d.link.holding:
				d.tellSnapshot(found, device, since)
			}
		})
	})
}

// keepStates follows the line states until ctx ends: by the stream, or by polling where that is wanted or the stream of no
// use. It is independent of the call stream.
func (d *desk) keepStates(ctx context.Context) {
	var r redial
	useless := 0 // streams in a row that opened and soon ended
	failing := sideTrouble{desk: d, feed: feedStates}
	for ctx.Err() == nil {
		if d.c.config.States == StatesSnapshot || useless >= flapping {
			useless = 0
			d.poll(ctx, streamRest)
			continue
		}
		opened := time.Time{}
		err := d.readStates(ctx, func() { opened = time.Now() })
		if ctx.Err() != nil {
			return
		}
		if lasted := time.Since(opened); !opened.IsZero() {
			r.stable(lasted)
			failing.since = time.Time{}
			if useless++; lasted >= streamUseful {
				useless = 0
			}
		}
		if streamUnusable(err) {
			useless = flapping
			continue
		}
		delay := r.after(err)
		failing.note(ctx, err, delay)
		if sleep(ctx, delay, d.patience(err)) != nil {
			return
		}
	}
}

// streamUnusable tells an answer by which NFON has no stream of line states, rather than none at the moment.
func streamUnusable(err error) bool {
	var status *statusError
	var protocol *protocolError
	if errors.As(err, &status) {
		switch status.status {
		case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotAcceptable, http.StatusNotImplemented:
			return true
		}
	}
	return errors.As(err, &protocol) || errors.Is(err, errNoBegin)
}

// readStates reads the stream of line states to its end. It begins with the latest state of every extension.
func (d *desk) readStates(ctx context.Context, opened func()) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	resp, err := d.c.api.do(ctx, request{method: http.MethodGet, path: pathStates, accept: typeStream})
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := checkStream(resp); err != nil {
		return err
	}
	opened()
	id := requestID(resp)
	d.post(ctx, func() { d.trouble(feedStates, nil, time.Time{}) })
	p := newPulse(resp.Body, time.Now(), time.Duration(d.c.config.SilentWatchdog), func() { cancel(errSilent) })
	defer p.stop()
	guard := time.AfterFunc(jitter(pollGuard), func() { d.post(ctx, func() { d.glance(ctx) }) })
	defer guard.Stop()
	begin := time.AfterFunc(statesBegin, func() { cancel(errNoBegin) })
	defer begin.Stop()
	for {
		n, err := p.events.next()
		if cause := context.Cause(ctx); errors.Is(cause, errNoBegin) {
			return cause
		}
		if err != nil {
			return withoutURL(err)
		}
		if n.comment {
			p.watch()
			continue
		}
		begin.Stop()
		d.takeStates(ctx, n, id)
	}
}

func (d *desk) takeStates(ctx context.Context, n news, id string) {
	if n.tooLong {
		d.post(ctx, func() { d.skipped("size", id, errors.New("a line state that is too long")) })
		return
	}
	now := time.Now()
	list, err := decodeEvent[stateEvent](n.data)
	d.post(ctx, func() {
		for _, s := range list {
			if device, ok := d.c.deviceOf(s); ok {
				d.observe(device, s, pbx.Stamp{Received: now, Vendor: cut(string(s.Updated), 64), RequestID: id})
			} else {
				d.skipped("fields", id, errors.New("a line state without an extension of ours"))
			}
		}
		if err != nil {
			d.skipped("json", id, err)
		}
	})
}

// glance compares all line states once in a while beside the stream, which could be stuck without a sign.
func (d *desk) glance(ctx context.Context) {
	d.owned.Go(func() {
		found, err := d.c.fetchStates(ctx)
		d.post(ctx, func() {
			if err == nil {
				d.observeAll(found)
			}
			d.later(jitter(pollGuard), func() {
				if ctx.Err() == nil {
					d.glance(ctx)
				}
			})
		})
	})
}

func (d *desk) observeAll(found look) {
	for _, device := range found.order {
		s := found.states[device]
		d.observe(device, s, pbx.Stamp{Received: found.received, Vendor: cut(string(s.Updated), 64), RequestID: found.requestID})
	}
}

// poll reads the line states again and again for a while: often while calls run, else seldom.
func (d *desk) poll(ctx context.Context, lasting time.Duration) {
	var r redial
	failing := sideTrouble{desk: d, feed: feedStates}
	for end := time.Now().Add(lasting); ctx.Err() == nil && time.Now().Before(end); {
		found, err := d.c.fetchStates(ctx)
		if ctx.Err() != nil {
			return
		}
		failing.note(ctx, err, pollIdle)
		if err != nil {
			if sleep(ctx, r.after(err), d.patience(err)) != nil {
				return
			}
			continue
		}
		r = redial{}
		d.post(ctx, func() { d.observeAll(found) })
		if pause(ctx, jitter(pollIdle), pollBusy, d.sink.CallsRunning) != nil {
			return
		}
	}
}

// pause waits for long, or only for short while calls run.
func pause(ctx context.Context, long, short time.Duration, callsRunning func() bool) error {
	for waited := time.Duration(0); waited < long; waited += short {
		if err := sleep(ctx, short, never); err != nil {
			return err
		}
		if callsRunning() {
			return nil
		}
	}
	return nil
}
