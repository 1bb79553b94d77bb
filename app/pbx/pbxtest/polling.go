package pbxtest

import (
	"context"
	"strings"
	"testing"
	"time"

	"deskbell/app/csta"
	"deskbell/app/pbx"
)

// Polling is a system that is asked again and again for a complete snapshot of each user, where each user has other ids for
// the same call, and that besides posts rings and ends to a webhook, in no order with the answers.
func Polling(*testing.T) (Vendor, Traits) {
	return &pollingVendor{newExchange()}, Traits{
		Devices: []csta.DeviceID{"lena", "omar"}, Doubles: true, Groups: true, Outage: 5 * time.Second, Virtual: true,
	}
}

type pollingVendor struct{ *exchange }

func (v *pollingVendor) Open(pbx.Env) (pbx.Connector, error) {
	return &polling{newBase(v.exchange, csta.MakeCall, csta.ClearConnection, csta.AnswerCall, csta.HoldCall, csta.RetrieveCall, csta.SnapshotDevice)}, nil
}

type polling struct{ *base }

var (
	_ pbx.CallMaker         = (*polling)(nil)
	_ pbx.ConnectionClearer = (*polling)(nil)
	_ pbx.CallAnswerer      = (*polling)(nil)
	_ pbx.CallHolder        = (*polling)(nil)
)

// pollEvery is the time between two snapshots of a user.
const pollEvery = 1500 * time.Millisecond

func (c *polling) Run(ctx context.Context, sink pbx.Sink) error {
	var heard time.Time
	up := false
	var hook *line
	for {
		if hook == nil {
			hook, _ = c.x.dial() // the poll tells whether the system is there
		}
		if now := time.Now(); c.poll(ctx, sink, up, heard) {
			up, heard = true, now
			sink.Tell(pbx.Heard{At: now})
		} else if up {
			up = false
			sink.Tell(pbx.LinkDown{HeardUntil: heard})
			sink.Tell(unreachable(errUnreachable))
		}
		if !c.listen(ctx, sink, &hook) {
			return nil
		}
	}
}

// poll asks about everybody; false if the system cannot be reached.
func (c *polling) poll(ctx context.Context, sink pbx.Sink, up bool, heard time.Time) bool {
	if c.x.reachable() != nil {
		return false
	}
	if !up {
		sink.Tell(pbx.TroubleChanged{})
		sink.Tell(pbx.LinkUp{HeardUntil: heard, At: time.Now()})
	}
	for _, d := range c.devices() {
		s, err := c.Snapshot(ctx, d)
		if err != nil {
			return false
		}
		sink.Tell(pbx.SnapshotTaken{Snapshot: s})
	}
	return true
}

// listen takes what the webhook brings until the next poll is due.
func (c *polling) listen(ctx context.Context, sink pbx.Sink, hook **line) bool {
	next := time.NewTimer(pollEvery)
	defer next.Stop()
	for {
		var news chan part
		var gone chan struct{}
		if *hook != nil {
			news, gone = (*hook).news, (*hook).gone
		}
		select {
		case p := <-news:
			if p.own == csta.Alerting || p.own == csta.Null {
				l := c.leg(p)
				l.Cause = csta.CauseUnknown // the webhook gives no reasons
				sink.Tell(pbx.LegChanged{Leg: l, Stamp: stamp()})
			}
		case <-gone:
			*hook = nil
		case <-c.changed:
			return true
		case <-next.C:
			return true
		case <-ctx.Done():
			if *hook != nil {
				c.x.hangLine(*hook)
			}
			return false
		}
	}
}

func (c *polling) leg(p part) pbx.Leg {
	l := plainLeg(p)
	l.Key.Call = p.call + "/" + string(p.device)
	l.Cause = csta.CauseUnknown
	l.PermittedSaid = true
	l.Permitted = csta.Of(csta.ClearConnection)
	switch p.own { // nothing more in the others
	case csta.Alerting:
		if p.direction == csta.Incoming {
			l.Permitted = l.Permitted.With(csta.AnswerCall)
		}
	case csta.Connected:
		l.Permitted = l.Permitted.With(csta.HoldCall)
	case csta.Hold:
		l.Permitted = l.Permitted.With(csta.RetrieveCall)
	}
	return l
}

func (c *polling) Snapshot(_ context.Context, d csta.DeviceID) (pbx.Snapshot, error) {
	return c.callSnapshot(d, c.leg)
}

// MakeCall: the reply names no call.
func (c *polling) MakeCall(_ context.Context, r pbx.MakeCallRequest) (pbx.Accepted, error) {
	number, err := dialled(r.To)
	if err != nil {
		return pbx.Accepted{}, err
	}
	_, err = c.x.makeCall(r.Device, number, r.ID)
	return pbx.Accepted{Limit: 30 * time.Second}, err
}

func (c *polling) verb(r pbx.Command, do func(*part) error) error {
	call, _, _ := strings.Cut(r.Leg.Call, "/")
	return c.x.command(call, r.Device, do)
}

func (c *polling) ClearConnection(_ context.Context, r pbx.Command) error { return c.verb(r, end) }
func (c *polling) AnswerCall(_ context.Context, r pbx.Command) error      { return c.verb(r, answer) }
func (c *polling) HoldCall(_ context.Context, r pbx.Command) error        { return c.verb(r, hold) }
func (c *polling) RetrieveCall(_ context.Context, r pbx.Command) error    { return c.verb(r, retrieve) }
