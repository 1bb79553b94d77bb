package owner

import (
	"context"
	"time"

	"deskbell/app/csta"
	"deskbell/app/pbx"
)

// questions is how many devices are asked about at once: a restart with many doubtful legs must not flood the system.
const questions = 4

// checks are the devices whose state shall be asked for; touched by the owner's goroutine alone.
type checks struct {
	queue   []csta.DeviceID
	queued  map[csta.DeviceID]bool
	running int
}

// checked is the answer about one device.
type checked struct {
	device   csta.DeviceID
	snapshot pbx.Snapshot
	err      error
	asked    time.Time
}

func (c *checks) finished() { c.running-- }

// startChecks asks about the devices the core has doubts about.
func (o *Owner) startChecks(ctx context.Context) {
	for _, d := range o.core.takeChecks() {
		if !o.checks.queued[d] {
			o.checks.queued[d] = true
			o.checks.queue = append(o.checks.queue, d)
		}
	}
	for ctx.Err() == nil && o.checks.running < questions && len(o.checks.queue) > 0 {
		device := o.checks.queue[0]
		o.checks.queue = o.checks.queue[1:]
		delete(o.checks.queued, device)
		o.checks.running++
		o.work.Go(func() { o.answer(o.check(ctx, device)) })
	}
}

func (o *Owner) check(ctx context.Context, device csta.DeviceID) checked {
	ctx, cancel := context.WithTimeout(ctx, o.p.Limits.Check)
	defer cancel()
	asked := time.Now()
	s, err := o.p.Connector.Snapshot(ctx, device)
	if err != nil {
		o.log.Info("device could not be asked about", "device", device, "error", err)
	}
	s.Device = device
	return checked{device: device, snapshot: s, err: err, asked: asked}
}
