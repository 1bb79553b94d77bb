package desk

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"deskbell/app/csta"
	"deskbell/app/desk/link"
	"deskbell/app/desk/view"
	"deskbell/app/wire"
)

// question is the one thing the user is asked now. Each has a key of its own, so that news of an earlier question's notice
// does not touch the next.
type question struct {
	key              string
	title, body, yes string
	then             func()
}

// wish is a call that somebody wants made, until the server accepts it.
type wish struct {
	params wire.MakeCallParams
	name   string
	ticket uint64
	at     time.Time
}

// makeCall asks the server for a call.
func (c *Core) makeCall(w wish) {
	if c.link != view.LinkUp {
		c.tell(w.ticket, c.dialFailed(w), c.no(view.CodeNoLink))
		return
	}
	if w.params.Command == "" {
		w.params.Command = c.newID()
	}
	if w.at.IsZero() {
		w.at = c.now
	}
	c.request(wire.MethodMakeCall, w.params, waiting{func(m Replied) { c.callMade(w, m) }})
}

func (c *Core) dialFailed(w wish) string {
	return c.words.Say("dial.failed_title", "name", w.name)
}

// callMade takes the server's reply to a wish.
func (c *Core) callMade(w wish, m Replied) {
	switch {
	case m.Lost:
		// Whether the server took it is unknown; it does one command once, so the same may be asked again.
		c.stale = append(c.stale, w)
		c.setTimer(timerStale, redialLimit)
	case m.Error != nil && m.Error.Code == wire.CodeConfirm && !w.params.Confirmed:
		c.confirmCall(w, m.Error)
	case m.Error != nil:
		c.tell(w.ticket, c.dialFailed(w), c.failure(m))
	default:
		c.callReplied(w, m)
	}
}

// callReplied takes the attempt from a reply, unless its own news was faster.
func (c *Core) callReplied(w wish, m Replied) {
	result, ok := decode[wire.MakeCallResult](c, m)
	a := result.Attempt
	switch {
	case ok && a.State == attemptFailed && a.Reason != nil:
		c.tell(w.ticket, c.dialFailed(w), view.Answer{Code: a.Reason.Code, Text: c.words.Reason(*a.Reason)})
		return
	case ok && a.ID != "" && a.State != attemptFailed && c.attempt(a.ID) == nil:
		c.attemptTold(a)
	}
	c.callAccepted(w)
}

func (c *Core) callAccepted(w wish) {
	name := w.name
	if a := c.attempt(w.params.Command); a != nil {
		name = c.attemptName(a.Attempt)
	}
	c.tell(w.ticket, "", view.Answer{Text: c.words.Say("dial.started", "name", name), Attempt: w.params.Command})
}

// confirmCall asks the user, because the server wants a person to agree: in the terminal for a wish with a ticket.
func (c *Core) confirmCall(w wish, e *wire.Error) {
	text := c.words.Error(e)
	if w.ticket != 0 {
		c.tell(w.ticket, "", view.Answer{Code: view.CodeConfirm, Text: text})
		return
	}
	c.askCall(w, text)
}

// askCall puts the question whether to dial on screen. It is the same wish then, and keeps its command.
func (c *Core) askCall(w wish, text string) {
	w.params.Confirmed = true
	c.ask(question{
		title: c.words.Say("dial.question_title", "name", w.name),
		body:  text,
		yes:   c.words.Say("button.call"),
		then: func() {
			w.at = c.now
			c.makeCall(w)
		},
	})
}

// askAgain repeats, after a new snapshot, the wishes whose replies were lost.
func (c *Core) askAgain() {
	list := c.stale
	c.stale = nil
	c.stopTimer(timerStale)
	for _, w := range list {
		switch {
		case c.attempt(w.params.Command) != nil || c.led(w.params.Command):
			c.callAccepted(w)
		case c.now.Sub(w.at) > redialLimit:
			c.tellLost(w)
		default:
			c.makeCall(w)
		}
	}
	c.releaseHeld()
}

// releaseHeld goes on with the link that started the program. Without a connection by now it fails.
func (c *Core) releaseHeld() {
	if number := c.held; number != "" {
		c.held = ""
		c.stopTimer(timerHeld)
		c.dialLink(number)
	}
}

// led reports whether a command led to a call that is running.
func (c *Core) led(command string) bool {
	return slices.ContainsFunc(c.calls, func(k *call) bool {
		return slices.ContainsFunc(k.legs, func(l leg) bool { return l.Attempt == command })
	})
}

// dropStale gives up on wishes that can no longer be repeated.
func (c *Core) dropStale() {
	list := c.stale
	c.stale = nil
	c.stopTimer(timerStale)
	for _, w := range list {
		c.tellLost(w)
	}
}

func (c *Core) tellLost(w wish) {
	c.tell(w.ticket, c.dialFailed(w), view.Answer{Code: wire.ReasonUncertain, Text: c.words.Say("dial.lost")})
}

// ask puts a question on screen in place of an earlier one, which counts as refused.
func (c *Core) ask(q question) {
	c.questionNo++
	q.key = "question:" + strconv.Itoa(c.questionNo)
	c.question = &q
	c.setTimer(timerQuestion, questionLimit)
}

func (c *Core) endQuestion() {
	c.question = nil
	c.stopTimer(timerQuestion)
	if c.enrol != nil && c.enrol.asked {
		c.enrol = nil
	}
}

func (c *Core) questionNotices() []wanted {
	if c.question == nil {
		return nil
	}
	n := Notice{Key: c.question.key, Title: c.question.title, Body: c.question.body, Stay: true}
	n.Buttons = []Button{{"yes", c.question.yes}, {"no", c.words.Say("button.cancel")}}
	return []wanted{{n, n.Title + "\x00" + n.Body}}
}

// agreed does what the question was about.
func (c *Core) agreed() {
	if q := c.question; q != nil {
		c.question = nil
		c.stopTimer(timerQuestion)
		q.then()
	}
}

// openLink takes a link from outside. It is answered at once: what comes of it is shown as notices.
func (c *Core) openLink(raw string, ticket uint64) {
	refuse := func(id string) {
		c.do(Answer{Ticket: ticket, Answer: view.Answer{Code: "link", Text: c.words.Say(id)}})
	}
	if !c.lastLink.IsZero() && c.now.Sub(c.lastLink) < linkPause {
		refuse("dial.link_limited")
		return
	}
	c.lastLink = c.now
	l, err := link.Parse(raw)
	switch {
	case err != nil:
		id := "dial.link_unreadable"
		if code, ok := invitationError(err); ok {
			id = "invitation." + code
		}
		refuse(id)
		c.say(c.words.Say("trouble_title.call"), c.words.Say(id))
		return
	case l.Invitation != nil:
		c.do(Answer{Ticket: ticket})
		c.invite(enrolment{invitation: *l.Invitation, fromLink: true})
		return
	}
	c.do(Answer{Ticket: ticket})
	if c.link == view.LinkConnecting {
		c.held = l.Number // the program was started by this link
		c.setTimer(timerHeld, heldLimit)
		return
	}
	c.dialLink(l.Number)
}

// dialLink asks the server what a number would mean, and then always the user.
func (c *Core) dialLink(number string) {
	c.checkThenAsk(number, wire.OriginLink, "dial.question_link")
}

func (c *Core) checkThenAsk(number string, origin wire.Origin, question string) {
	w := wish{params: wire.MakeCallParams{Number: number, Origin: origin}, name: c.words.Clean(number)}
	if c.link != view.LinkUp {
		c.tell(0, c.dialFailed(w), c.no(view.CodeNoLink))
		return
	}
	c.request(wire.MethodCheckNumber, wire.CheckParams{Text: number, Origin: origin}, waiting{func(m Replied) {
		result, ok := decode[wire.CheckResult](c, m)
		switch {
		case m.Error != nil:
			c.tell(0, c.dialFailed(w), c.failure(m))
		case !ok:
			c.tell(0, c.dialFailed(w), c.no(view.CodeNoLink))
		default:
			c.checked(w, result, question)
		}
	}})
}

// checked puts the question, with what the server knows of the number.
func (c *Core) checked(w wish, r wire.CheckResult, question string) {
	shown := c.party(r.Party).title
	if shownNumber(r.Party) == "" {
		shown = w.name
	}
	w.name = shown
	if r.Name != "" {
		w.name = c.words.Clean(r.Name)
	}
	if r.Refused != nil {
		c.tell(0, c.dialFailed(w), view.Answer{Code: r.Refused.Code, Text: c.words.Reason(*r.Refused)})
		return
	}
	text := c.words.Say(question, "number", shown)
	if r.Confirm != nil && r.Confirm.Code != wire.ReasonConfirmExternal {
		text = lines(text, c.words.Reason(*r.Confirm))
	}
	c.askCall(w, text)
}

// clipboardRead dials what is in the clipboard, after asking: a web page may have put it there.
func (c *Core) clipboardRead(m ClipboardRead) {
	number := strings.TrimSpace(c.words.Clean(m.Text))
	id := ""
	switch {
	case m.Err != "":
		id = "dial.clipboard_failed"
	case number == "" || len(m.Text) > link.MaxNumber:
		id = "dial.clipboard_empty"
	}
	if id != "" {
		c.say(c.words.Say("trouble_title.call"), c.words.Say(id))
		return
	}
	if l, err := link.Parse(m.Text); err == nil && l.Number != "" {
		number = l.Number
	}
	c.checkThenAsk(number, wire.OriginProgram, "dial.question_clipboard")
}

// callBack dials the other party of a line of the call list, and counts missed calls as seen.
func (c *Core) callBack(id csta.CallID) {
	for _, e := range c.entries {
		if e.ID == id && dialable(e.Far) {
			c.markSeen()
			c.missed = missedNotice{told: c.missed.told}
			c.makeCall(wish{
				params: wire.MakeCallParams{Number: e.Far.Number, Origin: wire.OriginList},
				name:   c.entryWho(e).title,
			})
			return
		}
	}
}
