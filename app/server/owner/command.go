package owner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"deskbell/app/csta"
	"deskbell/app/pbx"
)

// requests is how many requests to one telephone system may be under way at once; more wait their turn.
const requests = 16

// maxCommands is how many finished commands are known by their id.
const maxCommands = 20_000

// commands are the ids of what was asked in this run; touched by the owner's goroutine alone.
type commands struct {
	byID  map[string]*command
	order []string
	slots chan struct{}
}

func newCommands() commands {
	return commands{byID: make(map[string]*command), slots: make(chan struct{}, requests)}
}

// command is one wish of a client, and all who asked for it.
type command struct {
	waiters []chan<- outcome
	done    bool
	outcome outcome
}

type outcome struct {
	attempt Attempt
	err     error
}

type askMake struct {
	MakeCall
	reply chan<- outcome
}

type askVerb struct {
	Verb
	reply chan<- outcome
}

// replied is the telephone system's answer to a MakeCall.
type replied struct {
	id       string
	accepted pbx.Accepted
	err      error
}

type verbDone struct {
	id  string
	err error
}

// MakeCall asks for a call and returns once the telephone system accepted or refused it; the attempt's updates tell the rest.
// Asking again with the same ID, also at the same time or after a restart, gives the first one's attempt. The errors wrap
// those of pbx. With pbx.ErrUncertain the attempt stands, and events tell.
func (o *Owner) MakeCall(ctx context.Context, m MakeCall) (Attempt, error) {
	if m.ID == "" || m.Device == "" {
		return Attempt{}, errors.New("owner: a MakeCall needs ID and Device")
	}
	reply := make(chan outcome, 1)
	out := o.ask(ctx, askMake{m, reply}, reply)
	return out.attempt, out.err
}

// Do asks for something about a call and returns once the telephone system accepted or refused it; the call's updates tell
// what became of it. The errors wrap those of pbx. One ID is done once in a run.
func (o *Owner) Do(ctx context.Context, v Verb) error {
	if v.ID == "" || v.Call == "" || v.Device == "" {
		return errors.New("owner: a verb needs ID, Call and Device")
	}
	reply := make(chan outcome, 1)
	return o.ask(ctx, askVerb{v, reply}, reply).err
}

func (o *Owner) ask(ctx context.Context, m any, reply <-chan outcome) outcome {
	if !o.post(ctx, m) {
		if err := ctx.Err(); err != nil {
			return outcome{err: err}
		}
		return outcome{err: ErrStopped}
	}
	select {
	case out := <-reply:
		return out
	case <-ctx.Done():
		return outcome{err: ctx.Err()}
	case <-o.ended:
	}
	select {
	case out := <-reply: // it came together with the end
		return out
	default:
		return outcome{err: ErrStopped}
	}
}

// join adds a waiter to a command that is known already; false if it is new.
func (c *commands) join(id string, reply chan<- outcome) bool {
	cmd, known := c.byID[id]
	switch {
	case !known:
		return false
	case cmd.done:
		reply <- cmd.outcome
	default:
		cmd.waiters = append(cmd.waiters, reply)
	}
	return true
}

func (c *commands) add(id string, reply chan<- outcome) {
	c.byID[id] = &command{waiters: []chan<- outcome{reply}}
	c.order = append(c.order, id)
	for len(c.order) > maxCommands && c.byID[c.order[0]].done {
		delete(c.byID, c.order[0])
		c.order = c.order[1:]
	}
}

// finish returns what tells all who wait.
func (c *commands) finish(id string, out outcome) func() {
	cmd, known := c.byID[id]
	if !known || cmd.done {
		return nil
	}
	waiters := cmd.waiters
	cmd.done, cmd.outcome, cmd.waiters = true, out, nil
	return func() {
		for _, w := range waiters {
			w <- out
		}
	}
}

// startMake records the attempt. The request is sent only after the record was committed: the returned func does it, so that
// a restart knows of every request that may have reached the telephone system and repeats none.
func (o *Owner) startMake(ctx context.Context, m askMake, now time.Time) func() {
	if o.commands.join(m.ID, m.reply) {
		return nil
	}
	if a, known := o.core.attempt(m.ID); known {
		m.reply <- outcome{attempt: a}
		return nil
	}
	maker, err := o.maker(ctx, m.Device)
	if err != nil {
		m.reply <- outcome{err: err}
		return nil
	}
	o.commands.add(m.ID, m.reply)
	o.core.asked(m.MakeCall, now)
	o.work.Add(1)
	return func() {
		go func() {
			defer o.work.Done()
			o.sendMake(ctx, maker, m.MakeCall)
		}()
	}
}

func (o *Owner) maker(ctx context.Context, device csta.DeviceID) (pbx.CallMaker, error) {
	maker, can := o.p.Connector.(pbx.CallMaker)
	switch {
	case ctx.Err() != nil:
		return nil, ErrStopped
	case !o.core.watched[device]:
		return nil, fmt.Errorf("device is not watched yet: %w", pbx.ErrDown) // its user was added a moment ago
	case !can || !o.p.Connector.Services(device).Has(csta.MakeCall):
		return nil, pbx.ErrCannot
	case !o.core.linkedTo(device):
		return nil, pbx.ErrDown
	}
	return maker, nil
}

func (o *Owner) sendMake(ctx context.Context, maker pbx.CallMaker, m MakeCall) {
	ctx, cancel := context.WithTimeout(ctx, o.p.Limits.Command)
	defer cancel()
	if err := o.slot(ctx); err != nil {
		o.answer(replied{id: m.ID, err: err})
		return
	}
	defer o.freeSlot()
	accepted, err := maker.MakeCall(ctx, pbx.MakeCallRequest{
		Command: pbx.Command{ID: m.ID, Device: m.Device}, To: m.To, Prompt: m.Prompt,
	})
	if err != nil && ctx.Err() != nil && !errors.Is(err, pbx.ErrUncertain) {
		// A connector that was cut off cannot know either.
		err = fmt.Errorf("%w: %w", pbx.ErrUncertain, err)
	}
	o.answer(replied{id: m.ID, accepted: accepted, err: err})
}

// slot waits for a turn; nothing was sent if that fails.
func (o *Owner) slot(ctx context.Context) error {
	select {
	case o.commands.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("no turn among other requests: %w", pbx.ErrDown)
	}
}

func (o *Owner) freeSlot() { <-o.commands.slots }

// finish takes the answer to a MakeCall.
func (o *Owner) finish(m replied, now time.Time) func() {
	if m.err != nil {
		o.log.Warn("MakeCall was not accepted", "command", m.id, "error", m.err)
	}
	o.core.replied(m, now)
	a, _ := o.core.attempt(m.id)
	return o.commands.finish(m.id, outcome{attempt: a, err: m.err})
}

// startVerb sends a verb, if it makes sense now.
func (o *Owner) startVerb(ctx context.Context, m askVerb) {
	if o.commands.join(m.ID, m.reply) {
		return
	}
	send, cmd, err := o.verb(ctx, m.Verb)
	if err != nil {
		m.reply <- outcome{err: err}
		return
	}
	o.commands.add(m.ID, m.reply)
	o.work.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, o.p.Limits.Command)
		defer cancel()
		err := o.slot(ctx)
		if err == nil {
			err = send(ctx, cmd)
			o.freeSlot()
		}
		o.answer(verbDone{id: m.ID, err: err})
	})
}

// verb finds the leg and the connector's method.
func (o *Owner) verb(ctx context.Context, v Verb) (func(context.Context, pbx.Command) error, pbx.Command, error) {
	leg, err := o.core.legFor(v)
	switch {
	case ctx.Err() != nil:
		return nil, pbx.Command{}, ErrStopped
	case err != nil:
		return nil, pbx.Command{}, err
	case !o.p.Connector.Services(v.Device).Has(v.Service):
		return nil, pbx.Command{}, pbx.ErrCannot
	case !leg.Permitted.Has(v.Service):
		return nil, pbx.Command{}, pbx.ErrNotNow
	}
	send := method(o.p.Connector, v.Service)
	if send == nil {
		return nil, pbx.Command{}, pbx.ErrCannot
	}
	return send, pbx.Command{ID: v.ID, Device: v.Device, Leg: leg.Key, Terminal: leg.Terminal}, nil
}

// method is the one place that knows which interface stands for which service.
func method(c pbx.Connector, s csta.Service) func(context.Context, pbx.Command) error {
	switch s { //nolint:exhaustive // the other services have no method yet: nil
	case csta.ClearConnection:
		if c, ok := c.(pbx.ConnectionClearer); ok {
			return c.ClearConnection
		}
	case csta.AnswerCall:
		if c, ok := c.(pbx.CallAnswerer); ok {
			return c.AnswerCall
		}
	case csta.HoldCall:
		if c, ok := c.(pbx.CallHolder); ok {
			return c.HoldCall
		}
	case csta.RetrieveCall:
		if c, ok := c.(pbx.CallHolder); ok {
			return c.RetrieveCall
		}
	}
	return nil
}

func (o *Owner) finishVerb(m verbDone) func() {
	if m.err != nil {
		o.log.Warn("request was not accepted", "command", m.id, "error", m.err)
	}
	return o.commands.finish(m.id, outcome{err: m.err})
}
