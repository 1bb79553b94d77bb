package desk

import (
	"errors"
	"time"

	"deskbell/app/csta"
	"deskbell/app/desk/link"
	"deskbell/app/desk/view"
	"deskbell/app/wire"
)

// enrolment is an invitation on its way. Asked: the user has the question on screen.
type enrolment struct {
	invitation link.Invitation
	ticket     uint64
	fromLink   bool
	confirmed  bool
	asked      bool
	name       string
}

// invitationError gives the text code of an error about invitations.
func invitationError(err error) (code string, ok bool) {
	switch {
	case errors.Is(err, link.ErrInsecure):
		return "insecure", true
	case errors.Is(err, link.ErrEnroll):
		return "unreadable", true
	}
	return "", false
}

// invite begins with an invitation: first the server's name, so that the question can name it.
func (c *Core) invite(e enrolment) {
	if c.enrol != nil && !c.enrol.asked {
		c.endInvitation(e, "busy")
		return
	}
	c.endQuestion()
	c.enrol = &e
	c.do(FindServer{Server: e.invitation.Server})
}

func (c *Core) endInvitation(e enrolment, code string) {
	answer := view.Answer{Code: "invitation_" + code, Text: c.words.Invitation(code)}
	c.tell(e.ticket, c.words.Say("invitation.failed_title"), answer)
}

// serverFound goes on with an invitation once the server said who it is.
func (c *Core) serverFound(m ServerFound) {
	e := c.enrol
	switch {
	case e == nil || e.asked:
		return
	case m.Err != "":
		c.enrol = nil
		c.endInvitation(*e, m.Err)
		return
	}
	e.name = m.Name
	text := c.inviteQuestion(*e)
	switch {
	case e.fromLink:
		c.ask(question{
			title: c.words.Say("invitation.question_title", "name", e.name),
			body:  text,
			yes:   c.words.Say("button.connect"),
			then:  func() { c.enrolNow(e) },
		})
		e.asked = true
	case c.account.Server != "" && !e.confirmed:
		c.enrol = nil
		c.do(Answer{Ticket: e.ticket, Answer: view.Answer{Code: view.CodeConfirm, Text: text}})
	default:
		c.enrolNow(e)
	}
}

func (c *Core) enrolNow(e *enrolment) {
	e.asked = false
	c.do(Enroll{Server: e.invitation.Server, Code: e.invitation.Code})
}

// inviteQuestion names the server, and the account that would be replaced.
func (c *Core) inviteQuestion(e enrolment) string {
	host := e.invitation.Host()
	if c.account.Server == "" {
		return c.words.Say("invitation.question", "name", e.name, "host", host)
	}
	old := c.account.ServerName
	if old == "" {
		old = c.account.Server
	}
	return c.words.Say("invitation.question_replace", "name", e.name, "host", host, "old", old)
}

// enrolled ends with the new account, or with why there is none. Then the old account stays as it was.
func (c *Core) enrolled(m Enrolled) {
	e := c.enrol
	c.enrol = nil
	if m.Err != "" {
		if e != nil {
			c.endInvitation(*e, m.Err)
		}
		return
	}
	c.resetServer()
	c.account, c.link = m.Account, view.LinkConnecting
	done := c.words.Say("invitation.done", "name", m.Account.ServerName, "user", m.Account.Name)
	if e != nil && e.ticket != 0 {
		c.do(Answer{Ticket: e.ticket, Answer: view.Answer{Text: done}})
		return
	}
	c.say(c.words.Say("invitation.done_title"), done)
}

// resetServer forgets all that an account's server said.
func (c *Core) resetServer() {
	c.newEpoch()
	c.hello = wire.HelloFromServer{}
	clear(c.pops)
	c.snapshot(wire.Snapshot{})
	c.fresh, c.held = false, ""
	c.memory = map[csta.CallID]*memory{}
	c.missed, c.gap, c.seen = missedNotice{}, nil, Seen{}
	c.downAt, c.downTold, c.doubt, c.why = time.Time{}, false, false, ""
	c.do(SaveSeen{Seen: c.seen})
}

// signOut gives the account back. If the server cannot be reached the token is forgotten here all the same.
func (c *Core) signOut(ticket uint64) {
	forget := func(Replied) {
		c.do(Forget{})
		c.resetServer()
		c.account, c.link = Account{}, view.LinkNone
		c.do(Answer{Ticket: ticket, Answer: view.Answer{Text: c.words.Say("invitation.signed_out")}})
	}
	if c.link != view.LinkUp {
		forget(Replied{})
		return
	}
	c.request(wire.MethodSignOut, struct{}{}, waiting{forget})
}
