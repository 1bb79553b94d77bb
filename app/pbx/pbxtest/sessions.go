package pbxtest

import (
	"context"
	"sync"
	"testing"
	"time"

	"deskbell/app/csta"
	"deskbell/app/pbx"
)

// Sessions is a system with a connection per user: requests, replies and events on the same wire. Each comes and goes by itself.
func Sessions(*testing.T) (Vendor, Traits) {
	return &sessionsVendor{newExchange()}, Traits{
		Devices: []csta.DeviceID{"line-7", "line-8"}, Rejects: true, Reasons: true, Doubles: true, Groups: true, Outage: 3 * time.Second, Virtual: true,
	}
}

type sessionsVendor struct{ *exchange }

func (v *sessionsVendor) Open(pbx.Env) (pbx.Connector, error) {
	return &sessions{newBase(v.exchange, csta.MakeCall, csta.ClearConnection, csta.AnswerCall, csta.HoldCall, csta.RetrieveCall, csta.SnapshotDevice)}, nil
}

type sessions struct{ *base }

var (
	_ pbx.CallMaker         = (*sessions)(nil)
	_ pbx.ConnectionClearer = (*sessions)(nil)
	_ pbx.CallAnswerer      = (*sessions)(nil)
	_ pbx.CallHolder        = (*sessions)(nil)
)

// Run keeps one session for each watched device.
func (c *sessions) Run(ctx context.Context, sink pbx.Sink) error {
	var all sync.WaitGroup
	defer all.Wait()
	running := make(map[csta.DeviceID]context.CancelFunc)
	for {
		wanted := make(map[csta.DeviceID]bool)
		for _, d := range c.devices() {
			wanted[d] = true
			if running[d] == nil {
				one, cancel := context.WithCancel(ctx)
				running[d] = cancel
				all.Go(func() { c.session(one, sink, d) })
			}
		}
		for d, cancel := range running {
			if !wanted[d] {
				cancel()
				delete(running, d)
			}
		}
		select {
		case <-c.changed:
		case <-ctx.Done():
			for _, cancel := range running {
				cancel()
			}
			return nil
		}
	}
}

func (c *sessions) session(ctx context.Context, sink pbx.Sink, d csta.DeviceID) {
	var heard time.Time
	for {
		if l, err := c.x.dial(); err != nil {
			t := unreachable(err)
			t.Trouble.Device = d
			sink.Tell(t)
		} else {
			heard = c.listen(ctx, sink, l, d, heard)
			c.x.hangLine(l)
		}
		if !wait(ctx, redial) {
			return
		}
	}
}

func (c *sessions) listen(ctx context.Context, sink pbx.Sink, l *line, d csta.DeviceID, heard time.Time) time.Time {
	one := []csta.DeviceID{d}
	sink.Tell(pbx.TroubleChanged{Trouble: pbx.Trouble{Device: d}})
	sink.Tell(pbx.LinkUp{Devices: one, HeardUntil: heard, At: time.Now()})
	if s, err := c.Snapshot(ctx, d); err == nil {
		sink.Tell(pbx.SnapshotTaken{Snapshot: s})
	}
	alive := time.NewTicker(5 * time.Second)
	defer alive.Stop()
	for heard = time.Now(); ; {
		select {
		case p := <-l.news:
			heard = time.Now()
			if p.device == d {
				sink.Tell(pbx.LegChanged{Leg: c.leg(p), Stamp: stamp()})
			}
		case <-alive.C:
			heard = time.Now()
			sink.Tell(pbx.Heard{At: heard})
		case <-l.gone:
			sink.Tell(pbx.LinkDown{Devices: one, HeardUntil: heard})
			return heard
		case <-ctx.Done():
			return heard
		}
	}
}

func (c *sessions) leg(p part) pbx.Leg {
	l := plainLeg(p)
	l.PermittedSaid = true
	l.Permitted = csta.Of(csta.ClearConnection, csta.AnswerCall, csta.HoldCall, csta.RetrieveCall)
	return l
}

func (c *sessions) Snapshot(_ context.Context, d csta.DeviceID) (pbx.Snapshot, error) {
	return c.callSnapshot(d, c.leg)
}

// MakeCall: the event with the new call overtakes the reply.
func (c *sessions) MakeCall(ctx context.Context, r pbx.MakeCallRequest) (pbx.Accepted, error) {
	number, err := dialled(r.To)
	if err != nil {
		return pbx.Accepted{}, err
	}
	call, err := c.x.makeCall(r.Device, number, r.ID)
	if err == nil && !wait(ctx, 300*time.Millisecond) {
		return pbx.Accepted{}, pbx.ErrUncertain
	}
	return pbx.Accepted{Call: call}, err
}

func (c *sessions) ClearConnection(_ context.Context, r pbx.Command) error {
	return c.x.command(r.Leg.Call, r.Device, end)
}

func (c *sessions) AnswerCall(_ context.Context, r pbx.Command) error {
	return c.x.command(r.Leg.Call, r.Device, answer)
}

func (c *sessions) HoldCall(_ context.Context, r pbx.Command) error {
	return c.x.command(r.Leg.Call, r.Device, hold)
}

func (c *sessions) RetrieveCall(_ context.Context, r pbx.Command) error {
	return c.x.command(r.Leg.Call, r.Device, retrieve)
}
