package desk

import (
	"encoding/json"
	"log/slog"

	"deskbell/app/desk/view"
	"deskbell/app/wire"
)

// waiting is a request whose reply has not come: what to do with it then.
type waiting struct{ then func(Replied) }

func (c *Core) request(method string, params any, w waiting) {
	c.nextID++
	c.waiting[c.nextID] = w
	c.do(Request{ID: c.nextID, Method: method, Params: params})
}

func (c *Core) replied(m Replied) {
	w, ok := c.waiting[m.ID]
	delete(c.waiting, m.ID)
	if ok && w.then != nil {
		w.then(m)
	}
}

// decode reads a reply's result. A reply that makes no sense is treated like none.
func decode[T any](c *Core, m Replied) (T, bool) {
	var result T
	if m.Lost || m.Error != nil {
		return result, false
	}
	if err := json.Unmarshal(m.Result, &result); err != nil {
		c.log(slog.LevelWarn, "reply makes no sense", slog.String("error", err.Error()))
		return result, false
	}
	return result, true
}

// failure is why a request came to nothing, as code and sentence.
func (c *Core) failure(m Replied) view.Answer {
	switch {
	case m.Lost && c.link != view.LinkUp:
		return c.no(view.CodeNoLink)
	case m.Lost || m.Error == nil:
		return c.no(wire.ReasonUncertain)
	}
	code := wire.ReasonFailed
	if m.Error.Data != nil && m.Error.Data.Code != "" {
		code = m.Error.Data.Code
	}
	return view.Answer{Code: code, Text: c.words.Error(m.Error)}
}

// no is a refusal with the sentence of a reason.
func (c *Core) no(code string) view.Answer {
	return view.Answer{Code: code, Text: c.words.Reason(wire.Reason{Code: code})}
}

// tell answers a wish: to whoever waits for it by ticket, else as a notice if it was refused.
func (c *Core) tell(ticket uint64, title string, a view.Answer) {
	switch {
	case ticket != 0:
		c.do(Answer{Ticket: ticket, Answer: a})
	case !a.OK():
		c.say(title, a.Text)
	}
}

// used reports that the user is at this computer, so that customers open here first.
func (c *Core) used() {
	if c.link == view.LinkUp && (c.lastUse.IsZero() || c.now.Sub(c.lastUse) >= activePause) {
		c.lastUse = c.now
		c.request(wire.MethodActive, struct{}{}, waiting{})
	}
}
