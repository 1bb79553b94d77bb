package desk

import (
	"log/slog"
	"slices"
	"time"

	"deskbell/app/csta"
	"deskbell/app/wire"
)

// attempt is an own MakeCall on its way: from the wish until the far end answers or it fails.
type attempt struct {
	wire.Attempt
	at time.Time // when this tray heard of it first
}

// The states of an attempt on the wire.
const (
	attemptCall   = "call"
	attemptFailed = "failed"
)

func (c *Core) attempt(id string) *attempt {
	for _, a := range c.attempts {
		if a.ID == id {
			return a
		}
	}
	return nil
}

func (c *Core) attemptTold(w wire.Attempt) {
	a := c.attempt(w.ID)
	if w.State == attemptFailed {
		if a != nil {
			c.attemptFailed(w)
		}
		return
	}
	if a == nil {
		a = &attempt{at: c.now}
		c.attempts = append(c.attempts, a)
		c.setTimer(timerAttempt+w.ID, attemptLimit)
	}
	a.Attempt = w
}

// attemptFailed says once why an own call did not come about. A cancelled one needs no words: the user did it.
func (c *Core) attemptFailed(w wire.Attempt) {
	c.endAttempt(w.ID)
	reason := wire.Reason{Code: wire.ReasonFailed}
	if w.Reason != nil {
		reason = *w.Reason
	}
	if reason.Code != wire.ReasonCancelled {
		c.say(c.words.Say("dial.failed_title", "name", c.attemptName(w)), c.words.Reason(reason))
	}
}

func (c *Core) endAttempt(id string) {
	c.stopTimer(timerAttempt + id)
	c.attempts = slices.DeleteFunc(c.attempts, func(a *attempt) bool { return a.ID == id })
}

// attemptCalled joins a call with the attempt that led to it, should the attempt's own news come later, and ends the
// attempt once the far end has answered.
func (c *Core) attemptCalled(w wire.Call) {
	if w.Attempt == "" || !w.Own {
		return
	}
	if a := c.attempt(w.Attempt); a != nil {
		a.State, a.Call = attemptCall, w.ID
		if csta.Talking(w.State, w.FarState) {
			c.endAttempt(a.ID)
		}
	}
}

// attemptOver ends the attempt that led to a call when that call ends.
func (c *Core) attemptOver(w wire.Call) {
	if !w.Own {
		return
	}
	for _, a := range slices.Clone(c.attempts) {
		if a.ID == w.Attempt || a.Call != "" && a.Call == w.ID {
			c.endAttempt(a.ID)
		}
	}
}

// attemptLost ends an attempt of which nothing was heard for too long.
func (c *Core) attemptLost(id string) {
	if c.attempt(id) != nil {
		c.log(slog.LevelWarn, "no news of a dialled call", slog.String("command", id))
		c.endAttempt(id)
	}
}

func (c *Core) snapshotAttempts(list []wire.Attempt) {
	for _, a := range slices.Clone(c.attempts) {
		if !slices.ContainsFunc(list, func(w wire.Attempt) bool { return w.ID == a.ID }) {
			c.endAttempt(a.ID)
		}
	}
	for _, w := range list {
		if w.State == attemptCall && !c.dialled(w) {
			c.endAttempt(w.ID)
			continue
		}
		c.attemptTold(w)
	}
	for _, k := range c.calls {
		for _, l := range k.legs {
			c.attemptCalled(l.Call)
		}
	}
}

// dialled reports whether the call that an attempt led to is still on its way: a snapshot also lists attempts whose calls
// were answered or are over.
func (c *Core) dialled(w wire.Attempt) bool {
	return slices.ContainsFunc(c.calls, func(k *call) bool {
		return slices.ContainsFunc(k.legs, func(l leg) bool {
			return l.Own && (k.id == w.Call || l.Attempt == w.ID) && !csta.Talking(l.State, l.FarState)
		})
	})
}

// attemptNotices are the announcements of own calls that were dialled from here.
func (c *Core) attemptNotices() []wanted {
	var list []wanted
	for _, a := range c.attempts {
		list = append(list, c.attemptNotice(a))
	}
	return list
}

func (c *Core) attemptNotice(a *attempt) wanted {
	name := c.attemptName(a.Attempt)
	n := Notice{Key: "attempt:" + a.ID, Title: c.words.Say("call.dialing", "name", name), Stay: true}
	phase := c.words.Say("call.pick_up", "name", name)
	k := c.call(a.Call)
	if k == nil {
		n.Body = phase
		return wanted{n, phase}
	}
	l, own := k.own()
	if own && l.State == csta.Connected {
		phase = c.words.Say("call.rings_there", "name", name)
	}
	n.Body = lines(phase, c.doubtLine(k), c.askedLine(k))
	if own && l.Permitted.Has(csta.ClearConnection) {
		n.Buttons = []Button{{verbClear, c.words.Say("button.hang_up")}}
	}
	return wanted{n, phase + "\x00" + k.asked}
}
