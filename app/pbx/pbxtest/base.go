package pbxtest

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"deskbell/app/csta"
	"deskbell/app/pbx"
)

// redial is how long the scripted connectors wait before they dial again.
const redial = time.Second

// base is what the five connectors share: the exchange, and whom they watch.
type base struct {
	x       *exchange
	can     csta.Services
	mu      sync.Mutex
	watched map[csta.DeviceID]bool
	changed chan struct{} // somebody else is watched
}

func newBase(x *exchange, can ...csta.Service) *base {
	return &base{x: x, can: csta.Of(can...), watched: make(map[csta.DeviceID]bool), changed: make(chan struct{}, 1)}
}

func (b *base) MonitorStart(d csta.DeviceID) error { return b.watch(d, true) }
func (b *base) MonitorStop(d csta.DeviceID) error  { return b.watch(d, false) }

func (b *base) watch(d csta.DeviceID, on bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if on {
		b.watched[d] = true
	} else {
		delete(b.watched, d)
	}
	select {
	case b.changed <- struct{}{}:
	default:
	}
	return nil
}

func (b *base) devices() []csta.DeviceID {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Sorted(maps.Keys(b.watched))
}

func (b *base) Services(csta.DeviceID) csta.Services { return b.can }

// lineSnapshot proves the line only.
func (b *base) lineSnapshot(d csta.DeviceID) (pbx.Snapshot, error) {
	since := time.Now()
	parts, err := b.x.partsOf(d)
	if err != nil {
		return pbx.Snapshot{}, err
	}
	return pbx.Snapshot{Device: d, Proof: pbx.ProofLine, Line: lineOf(parts), Since: since, Stamp: stamp()}, nil
}

// callSnapshot proves all calls of the device.
func (b *base) callSnapshot(d csta.DeviceID, legOf func(part) pbx.Leg) (pbx.Snapshot, error) {
	s, err := b.lineSnapshot(d)
	if err != nil {
		return s, err
	}
	parts, err := b.x.partsOf(d)
	if err != nil {
		return s, err
	}
	s.Proof = pbx.ProofCalls
	for _, p := range parts {
		s.Legs = append(s.Legs, legOf(p))
	}
	return s, nil
}

func stamp() pbx.Stamp { return pbx.Stamp{Received: time.Now()} }

// plainLeg is a part in the contract's words.
func plainLeg(p part) pbx.Leg {
	return pbx.Leg{
		Key: pbx.LegKey{Call: p.call, Device: p.device}, State: p.own, FarState: p.far, Direction: p.direction,
		Far: pbx.Party{Number: p.number, Scope: pbx.ScopeGlobal}, Cause: p.cause,
	}
}

// wait waits, or returns false when ctx ends.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func unreachable(err error) pbx.TroubleChanged {
	return pbx.TroubleChanged{Trouble: pbx.Trouble{Code: pbx.TroubleUnreachable, Detail: err.Error(), Since: time.Now()}}
}

// dialled is what a connector sends for a destination.
func dialled(d pbx.Destination) (string, error) {
	switch {
	case d.E164 != "":
		return string(d.E164), nil
	case d.Internal != "":
		return d.Internal, nil
	case d.Service != "":
		return d.Service, nil
	}
	return "", pbx.ErrDestination
}
