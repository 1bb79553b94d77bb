package pbxtest

import (
	"context"
	"testing"
	"time"

	"deskbell/app/csta"
	"deskbell/app/pbx"
)

// Channels is a system that knows channels, not calls: a conversation is two channels with ids of their own, tied by a dial
// or a bridge, and one device can have several.
func Channels(*testing.T) (Vendor, Traits) {
	return &channelsVendor{newExchange()}, Traits{
		Devices: []csta.DeviceID{"PJSIP/101", "PJSIP/102"}, Rejects: true, Reasons: true, Doubles: true, Groups: true, Outage: 3 * time.Second, Virtual: true,
	}
}

type channelsVendor struct{ *exchange }

func (v *channelsVendor) Open(pbx.Env) (pbx.Connector, error) {
	return &channels{newBase(v.exchange, csta.MakeCall, csta.ClearConnection, csta.SnapshotDevice)}, nil
}

type channels struct{ *base }

var (
	_ pbx.CallMaker         = (*channels)(nil)
	_ pbx.ConnectionClearer = (*channels)(nil)
)

func (c *channels) Run(ctx context.Context, sink pbx.Sink) error {
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

func (c *channels) listen(ctx context.Context, sink pbx.Sink, l *line, heard time.Time) time.Time {
	sink.Tell(pbx.TroubleChanged{})
	sink.Tell(pbx.LinkUp{HeardUntil: heard, At: time.Now()})
	c.tellAll(ctx, sink)
	for heard = time.Now(); ; {
		select {
		case p := <-l.news:
			heard = time.Now()
			for _, leg := range c.both(p) {
				sink.Tell(pbx.LegChanged{Leg: leg, Stamp: stamp()})
			}
		case <-c.changed:
			c.tellAll(ctx, sink)
		case <-l.gone:
			sink.Tell(pbx.LinkDown{HeardUntil: heard})
			return heard
		case <-ctx.Done():
			return heard
		}
	}
}

func (c *channels) tellAll(ctx context.Context, sink pbx.Sink) {
	for _, d := range c.devices() {
		if s, err := c.Snapshot(ctx, d); err == nil {
			sink.Tell(pbx.SnapshotTaken{Snapshot: s})
		}
	}
}

// both are the two channels of a part: the device's own and the trunk's, which nobody watches.
func (c *channels) both(p part) []pbx.Leg {
	own := c.leg(p)
	trunk := own
	trunk.Key = pbx.LegKey{Call: "trunk-" + p.call, Device: "PJSIP/trunk", Appearance: "PJSIP/trunk-" + p.call}
	trunk.Permitted, trunk.PermittedSaid = 0, false
	return []pbx.Leg{trunk, own}
}

func (c *channels) leg(p part) pbx.Leg {
	l := plainLeg(p)
	channel := string(p.device) + "-" + p.call
	l.Key = pbx.LegKey{Call: "chan-" + p.call + "-" + string(p.device), Device: p.device, Appearance: channel}
	l.Linkage = []string{"dial-" + p.call}
	if p.own == csta.Connected {
		l.Linkage = append(l.Linkage, "bridge-"+p.call)
	}
	l.PermittedSaid, l.Permitted = true, csta.Of(csta.ClearConnection)
	l.VendorData = map[string]string{"channel": channel, "linked": p.call}
	return l
}

func (c *channels) Snapshot(_ context.Context, d csta.DeviceID) (pbx.Snapshot, error) {
	return c.callSnapshot(d, c.leg)
}

// MakeCall: the id of the new channel is ours, so the events name the command.
func (c *channels) MakeCall(_ context.Context, r pbx.MakeCallRequest) (pbx.Accepted, error) {
	number, err := dialled(r.To)
	if err != nil {
		return pbx.Accepted{}, err
	}
	call, err := c.x.makeCall(r.Device, number, r.ID)
	return pbx.Accepted{Call: "chan-" + call + "-" + string(r.Device), Limit: 30 * time.Second}, err
}

func (c *channels) ClearConnection(_ context.Context, r pbx.Command) error {
	for _, p := range c.all(r.Device) {
		if c.leg(p).Key == r.Leg {
			return c.x.command(p.call, p.device, end)
		}
	}
	return pbx.ErrGone
}

func (c *channels) all(d csta.DeviceID) []part {
	parts, err := c.x.partsOf(d)
	if err != nil {
		return nil
	}
	return parts
}
