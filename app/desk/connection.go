package desk

import (
	"log/slog"
	"strconv"
	"strings"
	"time"

	"deskbell/app/desk/view"
)

// Timers, by name; those ending in a colon are followed by an id.
const (
	timerDoubt    = "doubt"    // what is shown of calls is doubted aloud
	timerAway     = "away"     // ringing is no longer believed
	timerDown     = "down"     // the lost connection becomes a notice
	timerQuestion = "question" // the question goes away
	timerAttempt  = "attempt:" // a dialled call without news goes away
	timerTrouble  = "trouble:" // a trouble becomes a notice
	timerPop      = "pop:"     // a claimed page was not reported
	timerStale    = "stale"    // a dialling wish is too old to be asked again
	timerHeld     = "held"     // the link that started the program waited too long
)

// linkUp begins a session. What was known stays until the snapshot replaces it. Another epoch voids the ids of attempts
// and offers.
func (c *Core) linkUp(m LinkUp) {
	if c.hello.Epoch != "" && c.hello.Epoch != m.Hello.Epoch {
		c.log(slog.LevelInfo, "the server began a new numbering")
		c.newEpoch()
	}
	c.hello = m.Hello
	c.link, c.why, c.fresh = view.LinkUp, "", false
	c.downAt, c.downTold, c.doubt = time.Time{}, false, false
	c.stopTimer(timerDoubt)
	c.stopTimer(timerAway)
	c.stopTimer(timerDown)
	if m.Hello.ServerName != "" {
		c.account.ServerName = m.Hello.ServerName
	}
	c.account.Name = m.Hello.User.Name
}

// linkDown ends a session, or tells that none could be had.
func (c *Core) linkDown(m LinkDown) {
	if c.link == view.LinkNone {
		return
	}
	was := c.link
	c.why, c.fresh = m.Why, false
	switch {
	case m.Final:
		c.link = view.LinkRefused
		c.releaseHeld()
	case was == view.LinkConnecting:
		c.setDownTimer()
	default:
		c.link = view.LinkDown
	}
	if c.downAt.IsZero() {
		c.downAt = c.now
		c.setTimer(timerDoubt, doubtAfter)
		c.setTimer(timerAway, awayLimit)
	}
	if c.link == view.LinkDown && was != view.LinkDown {
		c.setDownTimer()
	}
	c.log(slog.LevelInfo, "no connection", slog.String("why", m.Why), slog.Bool("final", m.Final))
}

func (c *Core) setDownTimer() {
	if !c.timers[timerDown] && !c.downTold {
		c.setTimer(timerDown, noticeAfter)
	}
}

// again dials anew at the user's wish.
func (c *Core) again() {
	if c.link == view.LinkRefused {
		c.link = view.LinkDown
		c.setDownTimer()
	}
	c.do(Redial{})
}

// fired takes a timer that has run out.
func (c *Core) fired(name string) {
	if !c.timers[name] {
		return // stopped while the news was on its way
	}
	delete(c.timers, name)
	kind, id, _ := strings.Cut(name, ":")
	switch kind + ":" {
	case timerAttempt:
		c.attemptLost(id)
	case timerTrouble:
		if t := c.troubles[id]; t != nil {
			t.told = true
		}
	case timerPop:
		if p := c.pops[id]; p != nil && p.stage == popElsewhere {
			p.stage = popMissed
		}
	}
	switch name {
	case timerDoubt:
		c.doubt = true
	case timerDown:
		c.downTold = c.link == view.LinkDown || c.link == view.LinkConnecting
	case timerQuestion:
		c.endQuestion()
	case timerStale:
		c.dropStale()
	case timerHeld:
		c.releaseHeld()
	}
}

// say shows a sentence that stands for itself, until the desktop or the user takes it away. Only the newest few stay.
func (c *Core) say(title, body string) {
	c.saidNo++
	c.said = append(c.said, Notice{Key: "said:" + strconv.Itoa(c.saidNo), Title: title, Body: body})
	if len(c.said) > 3 {
		c.said = c.said[1:]
	}
}

func (c *Core) saidNotices() []wanted {
	var list []wanted
	for _, n := range c.said {
		list = append(list, wanted{n, ""})
	}
	return list
}
