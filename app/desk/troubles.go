package desk

import (
	"slices"
	"sort"
	"strings"

	"deskbell/app/desk/view"
	"deskbell/app/wire"
)

const keyConnection = "connection"

// trouble is a trouble of the server's side. Told: its notice is due, or was.
type trouble struct {
	wire.Trouble
	told bool
}

// slow says which troubles often mend themselves: their notice waits a moment.
func slow(code string) bool {
	return slices.Contains([]string{"unreachable", "rate_limited", "contacts_source"}, code)
}

func (c *Core) troubleTold(t wire.Trouble) {
	if !t.Active {
		delete(c.troubles, t.ID)
		c.stopTimer(timerTrouble + t.ID)
		return
	}
	if have := c.troubles[t.ID]; have != nil {
		have.Trouble = t
		return
	}
	c.troubles[t.ID] = &trouble{Trouble: t, told: !slow(t.Code)}
	if slow(t.Code) {
		c.setTimer(timerTrouble+t.ID, troubleGrace)
	}
}

func (c *Core) snapshotTroubles(list []wire.Trouble) {
	for id := range c.troubles {
		if !slices.ContainsFunc(list, func(t wire.Trouble) bool { return t.ID == id && t.Active }) {
			delete(c.troubles, id)
			c.stopTimer(timerTrouble + id)
		}
	}
	for _, t := range list {
		c.troubleTold(t)
	}
}

// machine raises or ends a trouble of this computer.
func (c *Core) machine(m Machine) {
	c.local = slices.DeleteFunc(c.local, func(have Machine) bool { return have.Code == m.Code })
	if !m.Over {
		c.local = append(c.local, m)
	}
}

// sortedTroubles are the server's troubles in an order that does not change: oldest first.
func (c *Core) sortedTroubles() []*trouble {
	list := make([]*trouble, 0, len(c.troubles))
	for _, t := range c.troubles {
		list = append(list, t)
	}
	sort.Slice(list, func(i, j int) bool {
		if !list[i].Since.Equal(list[j].Since) {
			return list[i].Since.Before(list[j].Since)
		}
		return list[i].ID < list[j].ID
	})
	return list
}

// source names whose trouble it is.
func (c *Core) source(t wire.Trouble) string {
	if t.Source != "" {
		return t.Source
	}
	return c.systemName(string(t.System))
}

// viewTroubles are all troubles as sentences: the connection's first, then the server's, then this computer's.
func (c *Core) viewTroubles() []view.Trouble {
	list := []view.Trouble{}
	if c.link == view.LinkRefused {
		list = append(list, view.Trouble{Code: c.why, Said: c.words.Why(c.why), Detail: c.account.Server})
	}
	for _, t := range c.sortedTroubles() {
		list = append(list, view.Trouble{Code: t.Code, Said: c.words.Trouble(t.Code, c.source(t.Trouble)), Detail: c.words.Clean(t.Detail)})
	}
	for _, m := range c.local {
		list = append(list, view.Trouble{Code: m.Code, Said: c.words.Trouble(m.Code, m.Subject)})
	}
	return list
}

// troubleNotices tell each trouble once. One of the notices themselves cannot be told so; the tray says it.
func (c *Core) troubleNotices() []wanted {
	var list []wanted
	switch {
	case c.link == view.LinkRefused:
		n := Notice{Key: keyConnection, Title: c.words.Say("trouble_title.connection"), Body: c.words.Why(c.why)}
		n.Buttons = []Button{{"again", c.words.Say("button.try_again")}, {"copy", c.words.Say("button.copy_details")}}
		list = append(list, wanted{n, c.why})
	case c.downTold:
		n := Notice{Key: keyConnection, Title: c.words.Say("trouble_title.connection"), Body: c.words.Why(c.why), Urgency: Quiet}
		list = append(list, wanted{n, c.why})
	}
	for _, t := range c.sortedTroubles() {
		if t.told {
			list = append(list, c.troubleNotice(t.Trouble))
		}
	}
	for _, m := range c.local {
		// The notices' own trouble cannot be told so, and the browser's is told with the customer that did not open.
		if m.Code != "notices" && m.Code != "browser" {
			n := Notice{Key: "local:" + m.Code, Title: c.words.Say("trouble_title.general"), Body: c.words.Trouble(m.Code, m.Subject), Urgency: Quiet}
			list = append(list, wanted{n, n.Body})
		}
	}
	return list
}

func (c *Core) troubleNotice(t wire.Trouble) wanted {
	n := Notice{Key: "trouble:" + t.ID, Title: c.words.Say("trouble_title.general"), Body: c.words.Trouble(t.Code, c.source(t))}
	if t.Detail != "" {
		n.Buttons = []Button{{"copy", c.words.Say("button.copy_details")}}
	}
	return wanted{n, n.Body}
}

// details is what "Copy details" puts into the clipboard: for an administrator, without any secret.
func (c *Core) details(key string) string {
	if key == keyConnection {
		return strings.Join([]string{c.words.Why(c.why), c.why, c.account.Server}, "\n")
	}
	if t := c.troubles[strings.TrimPrefix(key, "trouble:")]; t != nil {
		return lines(c.words.Trouble(t.Code, c.source(t.Trouble)), t.Code, c.words.Clean(t.Detail), t.Since.UTC().Format("2006-01-02 15:04:05 UTC"))
	}
	return ""
}
