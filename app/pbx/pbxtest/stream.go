package pbxtest

import (
	"context"
	"testing"
	"time"

	"deskbell/app/csta"
	"deskbell/app/pbx"
)

// Stream is a system with one event stream and no snapshot of calls: after a break only the state of the lines is known. It
// can end a call it made while that is being set up.
func Stream(*testing.T) (Vendor, Traits) {
	return &streamVendor{newExchange()}, Traits{
		Devices: []csta.DeviceID{"101", "102"}, Rejects: true, Reasons: true, Doubles: true, Groups: true, Outage: 3 * time.Second, Virtual: true,
	}
}

type streamVendor struct{ *exchange }

func (v *streamVendor) Open(pbx.Env) (pbx.Connector, error) {
	return &stream{newBase(v.exchange, csta.MakeCall, csta.ClearConnection, csta.SnapshotDevice)}, nil
}

type stream struct{ *base }

var (
	_ pbx.CallMaker         = (*stream)(nil)
	_ pbx.ConnectionClearer = (*stream)(nil)
)

func (c *stream) Run(ctx context.Context, sink pbx.Sink) error {
	var heard time.Time
	for {
		l, err := c.x.dial()
		if err != nil {
			sink.Tell(unreachable(err))
		} else {
			heard = c.listen(ctx, sink, l, heard)
			c.x.hangLine(l)
		}
		if !wait(ctx, redial) {
			return nil
		}
	}
}

func (c *stream) listen(ctx context.Context, sink pbx.Sink, l *line, heard time.Time) time.Time {
	sink.Tell(pbx.TroubleChanged{})
	sink.Tell(pbx.LinkUp{HeardUntil: heard, At: time.Now()})
	c.tellLines(ctx, sink)
	heard = time.Now()
	again := time.NewTimer(5 * time.Second) // the feeds are not ordered among each other: once more, a little later
	defer again.Stop()
	for {
		select {
		case p := <-l.news:
			heard = time.Now()
			sink.Tell(pbx.LegChanged{Leg: c.leg(p), Stamp: stamp()})
		case <-again.C:
			c.tellLines(ctx, sink)
		case <-c.changed:
			c.tellLines(ctx, sink)
		case <-l.gone:
			sink.Tell(pbx.LinkDown{HeardUntil: heard})
			return heard
		case <-ctx.Done():
			return heard
		}
	}
}

func (c *stream) tellLines(ctx context.Context, sink pbx.Sink) {
	for _, d := range c.devices() {
		if s, err := c.Snapshot(ctx, d); err == nil {
			sink.Tell(pbx.SnapshotTaken{Snapshot: s})
		}
	}
}

func (c *stream) leg(p part) pbx.Leg {
	l := plainLeg(p)
	l.PermittedSaid = true
	if p.command != "" && p.far != csta.Connected {
		l.Permitted = csta.Of(csta.ClearConnection)
	}
	return l
}

func (c *stream) Snapshot(_ context.Context, d csta.DeviceID) (pbx.Snapshot, error) {
	return c.lineSnapshot(d)
}

func (c *stream) MakeCall(_ context.Context, r pbx.MakeCallRequest) (pbx.Accepted, error) {
	number, err := dialled(r.To)
	if err != nil {
		return pbx.Accepted{}, err
	}
	call, err := c.x.makeCall(r.Device, number, r.ID)
	return pbx.Accepted{Call: call, Limit: 30 * time.Second}, err
}

func (c *stream) ClearConnection(_ context.Context, r pbx.Command) error {
	return c.x.command(r.Leg.Call, r.Device, func(p *part) error {
		if p.command == "" || p.far == csta.Connected {
			return pbx.ErrGone
		}
		return end(p)
	})
}
