package desk

import (
	"slices"
	"time"
)

// wanted is a notice that should be there. Weight is what of it is important: a notice that the user dismissed comes back
// only when its weight changes.
type wanted struct {
	Notice
	weight string
}

// shown is a notice as it was shown last. Up: as far as is known it is still on screen.
type shown struct {
	wanted
	up bool
	// pressed is when one of its buttons was pressed: most desktops close a notice then, and that is no dismissal.
	pressed time.Time
	again   bool // show it again, whatever the desktop did
}

// pressCloses is how long after a press its notice's end counts as part of the press.
const pressCloses = time.Second

// settleNotices gives the difference between the notices that are there and those that should be.
func (c *Core) settleNotices() {
	want := slices.Concat(c.callNotices(), c.attemptNotices(), c.questionNotices(), c.popNotices(), c.missedNotices(),
		c.gapNotices(), c.troubleNotices(), c.saidNotices())
	c.shown = slices.DeleteFunc(c.shown, func(s shown) bool {
		keep := slices.ContainsFunc(want, func(w wanted) bool { return w.Key == s.Key })
		if !keep && s.up {
			c.do(CloseNotice{Key: s.Key})
		}
		return !keep
	})
	for _, w := range want {
		c.show(w)
	}
}

func (c *Core) show(w wanted) {
	i := slices.IndexFunc(c.shown, func(s shown) bool { return s.Key == w.Key })
	if i < 0 {
		c.shown = append(c.shown, shown{wanted: w, up: true})
		c.do(ShowNotice{Notice: w.Notice})
		return
	}
	s := &c.shown[i]
	changed := !sameNotice(s.Notice, w.Notice) && (s.up || s.weight != w.weight)
	if changed || s.again {
		c.do(ShowNotice{Notice: w.Notice})
		s.up = true
	}
	s.wanted, s.again = w, false
}

func sameNotice(a, b Notice) bool {
	return a.Key == b.Key && a.Title == b.Title && a.Body == b.Body && a.Urgency == b.Urgency && a.Stay == b.Stay &&
		slices.Equal(a.Buttons, b.Buttons)
}

// touched notes that a button of a notice was pressed. Stays: the notice is shown again, should the desktop take it away.
func (c *Core) touched(key string, stays bool) {
	for i := range c.shown {
		if c.shown[i].Key == key {
			c.shown[i].pressed, c.shown[i].up = c.now, true
			c.shown[i].again = c.shown[i].again || stays
		}
	}
}

// noticesBack has everything shown again that should be up.
func (c *Core) noticesBack() {
	c.machine(Machine{Code: "notices", Over: true})
	for i := range c.shown {
		c.shown[i].again = c.shown[i].up
	}
}

// noticeGone takes note that a notice left the screen. For some that is the end of what they stood for.
func (c *Core) noticeGone(m NoticeGone) {
	i := slices.IndexFunc(c.shown, func(s shown) bool { return s.Key == m.Key })
	if i < 0 {
		return
	}
	s := &c.shown[i]
	if m.Lost {
		s.again = s.up
		return
	}
	if !s.pressed.IsZero() && c.now.Sub(s.pressed) < pressCloses {
		s.pressed = time.Time{}
		return
	}
	s.up = false
	switch {
	case c.question != nil && m.Key == c.question.key:
		c.endQuestion()
	case m.Key == keyGap:
		c.gap = nil
	case m.Key == keyChoose:
		c.choose = ""
	default:
		c.said = slices.DeleteFunc(c.said, func(n Notice) bool { return n.Key == m.Key })
	}
}
