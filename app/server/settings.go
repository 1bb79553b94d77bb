package server

import (
	"context"
	"strconv"

	"deskbell/app/server/pop"
	"deskbell/app/wire"
)

// Names of the settings that live on the server.
const (
	settingOpenCustomer = "open_customer"
	settingOpenOutgoing = "open_outgoing"
	settingOpenInternal = "open_internal"
)

// choices are what a user chose himself; nil where he did not.
type choices struct {
	openCustomer *string
	openOutgoing *bool
	openInternal *bool
}

func readChoices(values map[string]string) choices {
	var c choices
	if v, ok := values[settingOpenCustomer]; ok && pop.When(v).Valid() {
		c.openCustomer = &v
	}
	c.openOutgoing = readBool(values, settingOpenOutgoing)
	c.openInternal = readBool(values, settingOpenInternal)
	return c
}

func readBool(values map[string]string, name string) *bool {
	b, err := strconv.ParseBool(values[name])
	if err != nil {
		return nil
	}
	return &b
}

// over gives c with the choices of above put over it.
func (c choices) over(above choices) choices {
	if above.openCustomer != nil {
		c.openCustomer = above.openCustomer
	}
	if above.openOutgoing != nil {
		c.openOutgoing = above.openOutgoing
	}
	if above.openInternal != nil {
		c.openInternal = above.openInternal
	}
	return c
}

// effective is what holds: a lock over the user's choice over the administrator's default.
func (u *user) effective() choices {
	admin := u.srv.p.Settings
	return readChoices(admin.Defaults).over(u.choices).over(readChoices(admin.Locks))
}

// rules are the effective choices as the offers need them. Called with mu held.
func (u *user) rules() pop.Rules {
	r := pop.Rules{When: pop.WhenAnswered}
	c := u.effective()
	if c.openCustomer != nil {
		r.When = pop.When(*c.openCustomer)
	}
	r.Outgoing = c.openOutgoing != nil && *c.openOutgoing
	r.Internal = c.openInternal != nil && *c.openInternal
	return r
}

// settings are what the tray is told. Called with mu held.
func (u *user) settings() wire.Settings {
	r, admin := u.rules(), u.srv.p.Settings
	return wire.Settings{
		OpenCustomer: string(r.When), OpenOutgoing: r.Outgoing, OpenInternal: r.Internal,
		Defaults: admin.Defaults, Locks: admin.Locks, LockedBy: admin.LockedBy,
	}
}

// set is settings.set.
func (p *peer) set(ctx context.Context, q wire.SettingsParams) (any, error) {
	u := p.user
	values := map[string]string{}
	if q.OpenCustomer != nil {
		if !pop.When(*q.OpenCustomer).Valid() {
			return nil, invalid("open_customer: expected never, ringing or answered")
		}
		values[settingOpenCustomer] = *q.OpenCustomer
	}
	if q.OpenOutgoing != nil {
		values[settingOpenOutgoing] = strconv.FormatBool(*q.OpenOutgoing)
	}
	if q.OpenInternal != nil {
		values[settingOpenInternal] = strconv.FormatBool(*q.OpenInternal)
	}
	for name := range values {
		if _, locked := u.srv.p.Settings.Locks[name]; locked {
			return nil, &wire.Error{Code: wire.CodeNotPermitted, Message: name + " is locked by the administrator"}
		}
	}
	if err := u.srv.stored.choose(ctx, u.id, values); err != nil {
		return nil, err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.choices = u.choices.over(readChoices(values))
	u.tell(wire.NoteSettings, "settings", u.settings())
	for _, c := range u.calls {
		for _, leg := range c.legs {
			u.considerPop(c, leg)
		}
	}
	return struct{}{}, nil
}
