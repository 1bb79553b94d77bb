package server

import (
	"context"
	"errors"
	"time"
	"unicode/utf8"

	"deskbell/app/contact"
	"deskbell/app/csta"
	"deskbell/app/number"
	"deskbell/app/number/plan"
	"deskbell/app/pbx"
	"deskbell/app/server/owner"
	"deskbell/app/wire"
)

// maxDial bounds a text that is to be dialled, in characters.
const maxDial = 200

// judged is what may be done with a text that somebody wants to dial. At most one of refused and confirm is set.
type judged struct {
	to      plan.Dialable
	refused *wire.Reason
	confirm *wire.Reason // only after the user was asked
}

// judge reads a text and decides how careful to be with it. sys is the system it would go through; own are the numbers of
// the device it would be dialled from.
func (s *Server) judge(typed string, origin wire.Origin, sys *system, own string) judged {
	if utf8.RuneCountInString(typed) > maxDial {
		return judged{refused: &wire.Reason{Code: wire.ReasonNumberLong}}
	}
	d, err := s.p.Plan.Dial(typed)
	if err != nil {
		return judged{refused: &wire.Reason{Code: refusal(err)}}
	}
	j := judged{to: d}
	args := map[string]string{"number": text(d.Display)}
	foreign := origin == wire.OriginLink || origin == wire.OriginProgram
	switch {
	case d.Class == plan.Emergency && origin != wire.OriginTyped && origin != wire.OriginList:
		j.refused = &wire.Reason{Code: wire.ReasonEmergencyLink, Args: args}
	case d.Class == plan.Emergency && sys.p.Emergency != EmergencyDial:
		j.refused = &wire.Reason{Code: wire.ReasonEmergencyPhone, Args: args}
	case d.Class == plan.Internal && d.Party.Extension == own:
		j.refused = &wire.Reason{Code: wire.ReasonNumberOwn}
	case d.Class == plan.StarCode:
		j.confirm = &wire.Reason{Code: wire.ReasonConfirmStar, Args: args}
	case d.Class == plan.Premium:
		j.confirm = &wire.Reason{Code: wire.ReasonConfirmPremium, Args: args}
	case d.Class == plan.Foreign:
		args["country"] = d.Country
		j.confirm = &wire.Reason{Code: wire.ReasonConfirmCountry, Args: args}
	case foreign:
		j.confirm = &wire.Reason{Code: wire.ReasonConfirmExternal, Args: args}
	}
	return j
}

func refusal(err error) string {
	switch {
	case errors.Is(err, plan.ErrEmpty):
		return wire.ReasonNumberEmpty
	case errors.Is(err, plan.ErrTooLong):
		return wire.ReasonNumberLong
	}
	return wire.ReasonNumberInvalid
}

// validOrigin reports whether an origin is one of the protocol's. Another one could be anything: it is taken for a program.
func validOrigin(o wire.Origin) wire.Origin {
	switch o {
	case wire.OriginTyped, wire.OriginList, wire.OriginLink, wire.OriginProgram:
		return o
	}
	return wire.OriginProgram
}

// checkNumber is number.check.
func (p *peer) checkNumber(ctx context.Context, q wire.CheckParams) (any, error) {
	u := p.user
	sys, device, err := u.deviceFor("", "")
	if err != nil {
		return nil, err
	}
	j := u.srv.judge(q.Text, validOrigin(q.Origin), sys, u.srv.numberOf(sys, device))
	r := wire.CheckResult{Party: wire.Party{Kind: wire.PartyUnknown}, Confirm: j.confirm, Refused: j.refused}
	if j.to.Send != "" {
		far := u.srv.dialled(sys, j.to)
		r.Party, r.Name = u.srv.partyOf(far, p.lang), u.nameOf(ctx, far)
	}
	return r, nil
}

// makeCall is MakeCall. All of design's caution with numbers is here, whatever the tray has asked its user.
func (p *peer) makeCall(ctx context.Context, q wire.MakeCallParams) (any, error) {
	u := p.user
	if !validCommand(q.Command) {
		return nil, invalid("command: expected 1 to 64 printable ASCII characters")
	}
	sys, device, err := u.deviceFor(q.System, q.Device)
	if err != nil {
		return nil, err
	}
	r := sys.now.Load()
	if r == nil {
		return nil, sys.commandError(pbx.ErrDown)
	}
	j := u.srv.judge(q.Number, validOrigin(q.Origin), sys, u.srv.numberOf(sys, device))
	switch {
	case j.refused != nil:
		return nil, &wire.Error{Code: wire.CodeNumber, Message: "the number is not dialled", Data: j.refused}
	case j.confirm != nil && !q.Confirmed:
		return nil, &wire.Error{Code: wire.CodeConfirm, Message: "only after asking", Data: j.confirm}
	}
	if !u.mayCall(q.Command, time.Now()) {
		return nil, &wire.Error{Code: wire.CodeLimited, Message: "too many calls in a minute"}
	}
	far := u.srv.dialled(sys, j.to)
	u.remember(q.Command, u.nameOf(ctx, far))
	a, err := r.owner.MakeCall(ctx, owner.MakeCall{
		ID: commandID(u.id, q.Command), Device: device, To: destination(j.to), Far: far,
	})
	if err != nil {
		return nil, sys.commandError(err)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return wire.MakeCallResult{Attempt: u.attemptOf(sys, a, time.Now())}, nil
}

func destination(d plan.Dialable) pbx.Destination {
	switch d.Party.Kind {
	case number.External:
		return pbx.Destination{E164: d.Party.E164}
	case number.Internal:
		return pbx.Destination{Internal: d.Send}
	case number.Service, number.Emergency, number.Unknown, number.Withheld:
	}
	return pbx.Destination{Service: d.Send}
}

// dialled is the far party of a call to be made; an extension that is a known device gets its name.
func (s *Server) dialled(sys *system, d plan.Dialable) owner.Party {
	p := owner.Party{Number: d.Party}
	if d.Party.Kind != number.Internal {
		return p
	}
	if dev, ok := s.p.Extensions.find(sys.id, d.Party.Extension); ok {
		p.Device, p.Name = dev.ID, dev.Name
	}
	return p
}

// validCommand keeps command ids fit for logs and keys.
func validCommand(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return false
		}
	}
	return true
}

// deviceFor finds the own device to dial from: the one named, or the first that can.
func (u *user) deviceFor(id csta.SystemID, device csta.DeviceID) (*system, csta.DeviceID, error) {
	u.mu.Lock()
	own := u.own()
	u.mu.Unlock()
	var first *system
	var firstDevice csta.DeviceID
	for _, d := range own {
		sys := u.srv.systems[d.System]
		switch {
		case sys == nil:
		case device != "" && (d.Device != device || id != "" && d.System != id):
		case device == "" && id != "" && d.System != id:
		case device != "" || sys.services(d.Device).Has(csta.MakeCall):
			return sys, d.Device, nil
		case first == nil:
			first, firstDevice = sys, d.Device
		}
	}
	switch {
	case first != nil:
		return first, firstDevice, nil
	case device != "":
		return nil, "", &wire.Error{Code: wire.CodeNotPermitted, Message: "not an own device", Data: &wire.Reason{Code: wire.ReasonNotYours}}
	}
	return nil, "", &wire.Error{Code: wire.CodeNotPermitted, Message: "no own device", Data: &wire.Reason{Code: wire.ReasonNoDevice}}
}

// mayCall limits MakeCalls of one user. A repeated command is no new call; the owner knows it.
func (u *user) mayCall(command string, now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if _, repeated := u.names[command]; repeated {
		return true
	}
	for len(u.calling) > 0 && now.Sub(u.calling[0]) > time.Minute {
		u.calling = u.calling[1:]
	}
	if len(u.calling) >= u.srv.limits.Calls {
		return false
	}
	u.calling = append(u.calling, now)
	return true
}

// maxNames bounds the names remembered for attempts.
const maxNames = 64

func (u *user) remember(command, name string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.names) >= maxNames {
		clear(u.names)
	}
	u.names[command] = name
}

// nameBudget is how long a name may hold up a reply: long enough for the index, no time for a slow CRM.
const nameBudget = 50 * time.Millisecond

// nameOf is a contact's or colleague's name, if it is known at once.
func (u *user) nameOf(ctx context.Context, far owner.Party) string {
	if !far.Number.Lookup() {
		return text(far.Name)
	}
	ctx, cancel := context.WithTimeout(ctx, nameBudget)
	defer cancel()
	name := ""
	u.srv.p.Contacts.Find(ctx, contact.Query{Tenant: u.srv.p.Tenant, User: u.id, Number: far.Number.E164}, func(a contact.Answer) {
		if n, _, _, ok := sureName(a.Matches); ok {
			name = n
			cancel()
		}
	})
	return name
}
