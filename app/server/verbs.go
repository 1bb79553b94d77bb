package server

import (
	"context"
	"errors"

	"deskbell/app/csta"
	"deskbell/app/pbx"
	"deskbell/app/server/owner"
	"deskbell/app/wire"
)

func (p *peer) clearConnection(ctx context.Context, q wire.CallParams) (any, error) {
	return p.verb(ctx, csta.ClearConnection, q)
}

func (p *peer) answerCall(ctx context.Context, q wire.CallParams) (any, error) {
	return p.verb(ctx, csta.AnswerCall, q)
}

func (p *peer) holdCall(ctx context.Context, q wire.CallParams) (any, error) {
	return p.verb(ctx, csta.HoldCall, q)
}

func (p *peer) retrieveCall(ctx context.Context, q wire.CallParams) (any, error) {
	return p.verb(ctx, csta.RetrieveCall, q)
}

// verb asks the telephone system for something about an own leg. The reply means that it was accepted; events tell the rest.
func (p *peer) verb(ctx context.Context, service csta.Service, q wire.CallParams) (any, error) {
	u := p.user
	if !validCommand(q.Command) {
		return nil, invalid("command: expected 1 to 64 printable ASCII characters")
	}
	sys, leg, err := u.ownLeg(q)
	if err != nil {
		return nil, err
	}
	if !leg.Permitted.Has(service) {
		reason := sys.whyNot(leg, service)
		return nil, &wire.Error{Code: wire.CodeNotNow, Message: service.String() + " is not permitted now", Data: &reason}
	}
	r := sys.now.Load()
	if r == nil {
		return nil, sys.commandError(pbx.ErrDown)
	}
	err = r.owner.Do(ctx, owner.Verb{
		ID: commandID(u.id, q.Command), Service: service, Call: q.Call, Device: leg.ID.DeviceID, Appearance: leg.ID.Appearance,
	})
	if errors.Is(err, pbx.ErrGone) {
		return nil, u.outOfReach(sys, q, service, err)
	}
	if err != nil {
		return nil, sys.commandError(err)
	}
	return struct{}{}, nil
}

// outOfReach tells a call that is over from one that runs but that the telephone system does not reach: "it is over" said
// of a phone that still rings would be false.
func (u *user) outOfReach(sys *system, q wire.CallParams, service csta.Service, err error) error {
	_, leg, gone := u.ownLeg(q)
	if gone != nil || service != csta.ClearConnection {
		return sys.commandError(err)
	}
	reason := sys.whyNot(leg, service)
	return &wire.Error{Code: wire.CodeNotNow, Message: "the telephone system does not reach this call", Data: &reason}
}

// ownLeg finds the living leg a verb is about: at the device named, or the only one.
func (u *user) ownLeg(q wire.CallParams) (*system, *owner.Leg, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	c := u.calls[q.Call]
	if c == nil {
		return nil, nil, u.strange(q.Call)
	}
	var found *owner.Leg
	for _, l := range c.legs {
		if !l.Live() || q.Device != "" && l.ID.DeviceID != q.Device {
			continue
		}
		// Of several the one that is furthest: talking before ringing.
		if found == nil || rank(l) > rank(found) {
			found = l
		}
	}
	if found == nil {
		return nil, nil, gone("the call is over")
	}
	return c.sys, found, nil
}

func rank(l *owner.Leg) int {
	switch l.State {
	case csta.Connected:
		return 3
	case csta.Hold:
		return 2
	case csta.Alerting, csta.Initiated:
		return 1
	case csta.StateUnknown, csta.Null, csta.Queued, csta.Fail:
	}
	return 0
}

// strange says why a call is not among the user's own: it is over or was never his. Which of the two is not told.
func (u *user) strange(csta.CallID) error {
	return &wire.Error{Code: wire.CodeNotPermitted, Message: "no such own call", Data: &wire.Reason{Code: wire.ReasonNotYours}}
}

// whyDown says why there is no connection, where only an administrator can mend it.
func (sys *system) whyDown() string {
	if r := sys.now.Load(); r != nil {
		for _, t := range r.owner.View().Troubles {
			switch {
			case t.Device != "":
			case t.Code == pbx.TroubleSignIn:
				return wire.ReasonSignIn
			case t.Code == pbx.TroubleLicence:
				return wire.ReasonLicence
			}
		}
	}
	return wire.ReasonDown
}

// commandError puts an error of a telephone system into the protocol's words.
func (sys *system) commandError(err error) error {
	args := map[string]string{"system": sys.name}
	for _, known := range []struct {
		is     error
		code   int
		reason string
	}{
		{pbx.ErrUncertain, wire.CodeUncertain, wire.ReasonUncertain},
		{pbx.ErrDown, wire.CodeDown, wire.ReasonDown},
		{pbx.ErrSignIn, wire.CodeRefused, wire.ReasonSignIn},
		{pbx.ErrLicence, wire.CodeRefused, wire.ReasonLicence},
		{pbx.ErrGone, wire.CodeGone, wire.ReasonCallOver},
		{pbx.ErrNotNow, wire.CodeNotNow, wire.ReasonNotNow},
		{pbx.ErrCannot, wire.CodeNotNow, wire.ReasonSystemCannot},
		{pbx.ErrDestination, wire.CodeNumber, wire.ReasonNumberInvalid},
		{pbx.ErrRefused, wire.CodeRefused, wire.ReasonRefused},
	} {
		if errors.Is(err, known.is) {
			if known.is == pbx.ErrDown { //nolint:errorlint // an entry of the table, not an error that happened
				known.reason = sys.whyDown()
			}
			return &wire.Error{Code: known.code, Message: known.is.Error(), Data: &wire.Reason{Code: known.reason, Args: args}}
		}
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return &wire.Error{Code: wire.CodeUncertain, Message: "not waited for", Data: &wire.Reason{Code: wire.ReasonUncertain, Args: args}}
	}
	sys.log.Warn("telephone system did not take a command", "error", err)
	return &wire.Error{Code: wire.CodeRefused, Message: "the telephone system did not take it", Data: &wire.Reason{Code: wire.ReasonRefused, Args: args}}
}
