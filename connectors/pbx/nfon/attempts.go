package nfon

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"deskbell/app/csta"
	"deskbell/app/pbx"
)

// attempt is one call that was asked for here. Only such calls can be ended through the interface.
type attempt struct {
	command string
	device  string
	callee  string // digits; never stored
	asked   time.Time
	uuid    string // from the reply; what DELETE wants
	stream  string // the id on the stream: assumed to be the same, which NFON does not say
	replied bool
	stage   stage
	refused bool // NFON did not find the call when it was to be ended: it is over, or beyond what NFON ends
	// before: read from the store, so the owner may know a leg of it that we have not seen.
	before bool
}

// attempts remembers the calls asked for here, also across restarts. It may be used by several goroutines; it never blocks.
type attempts struct {
	mu      sync.Mutex
	list    []*attempt
	exact   bool          // ids of replies were seen on the stream: then nothing else need be tried
	changed chan struct{} // a reply came or a call was refused its end: look again at the legs
	dirty   chan struct{} // what is stored has changed
}

const (
	storeKey     = "api_calls"
	maxAttempts  = 500
	keepFinished = time.Minute
)

func newAttempts() *attempts {
	return &attempts{changed: make(chan struct{}, 1), dirty: make(chan struct{}, 1)}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// begin notes a request before it is sent: events may overtake the reply.
func (as *attempts) begin(r pbx.MakeCallRequest, callee string) *attempt {
	a := &attempt{command: r.ID, device: string(r.Device), callee: callee, asked: time.Now()}
	as.mu.Lock()
	defer as.mu.Unlock()
	as.list = append(as.list, a)
	if len(as.list) > maxAttempts {
		as.list = as.list[len(as.list)-maxAttempts:]
	}
	return a
}

// accept takes the reply. An event that overtook it may have been given to another attempt with the same number.
func (as *attempts) accept(a *attempt, uuid string) {
	as.mu.Lock()
	a.replied, a.uuid = true, uuid
	for _, other := range as.list {
		if uuid != "" && other != a && other.stream == uuid {
			other.stream, a.stream, a.stage = "", uuid, other.stage
			other.stage = stageNone
		}
	}
	as.mu.Unlock()
	signal(as.changed)
	signal(as.dirty)
}

// drop forgets a request that was refused.
func (as *attempts) drop(a *attempt) {
	as.mu.Lock()
	defer as.mu.Unlock()
	as.list = slices.DeleteFunc(as.list, func(other *attempt) bool { return other == a })
}

// find returns the attempt of a call by its id; the caller holds the lock.
func (as *attempts) find(uuid string) *attempt {
	for _, a := range as.list {
		if uuid != "" && (a.uuid == uuid || a.stream == uuid) {
			return a
		}
	}
	return nil
}

// deviceOf is the extension for which the call was asked, or nothing.
func (as *attempts) deviceOf(uuid string) string {
	as.mu.Lock()
	defer as.mu.Unlock()
	if a := as.find(uuid); a != nil {
		return a.device
	}
	return ""
}

// link finds the command that led to an outgoing call: by the id of the reply; else by extension and number within a window.
// setup says that the event is of a kind that only calls through the interface have.
func (as *attempts) link(e callEvent, setup bool) (command string) {
	as.mu.Lock()
	defer as.mu.Unlock()
	uuid, device := string(e.UUID), string(e.Extension)
	a := as.find(uuid)
	if a == nil {
		a = as.guess(e, setup || e.State == vStart)
	}
	if a == nil || a.device != device {
		return ""
	}
	as.exact = as.exact || a.uuid == uuid
	a.stream = uuid
	return a.command
}

func (as *attempts) guess(e callEvent, setup bool) *attempt {
	for _, a := range as.list {
		waiting := a.stream == "" && !a.before && e.received.Sub(a.asked) < attemptWindow
		if !waiting || a.device != string(e.Extension) || !sameNumber(a.callee, string(e.Callee)) {
			continue
		}
		switch {
		case !a.replied && setup: // the event overtook the reply
		case a.replied && a.uuid == "": // the reply was lost or named no call
		case a.replied && !as.exact: // perhaps the stream has ids of its own
		default:
			continue
		}
		return a
	}
	return nil
}

// progress notes how far the own leg of a call has come.
func (as *attempts) progress(key pbx.LegKey, s stage) {
	as.mu.Lock()
	defer as.mu.Unlock()
	a := as.find(key.Call)
	if a == nil || a.device != string(key.Device) {
		return
	}
	if a.stage = s; s == stageEnded {
		signal(as.dirty)
	}
}

// fail ends the attempt that an event is about, if it has no leg; nil if there is none. first is false for a repetition.
func (as *attempts) fail(e callEvent) (failed *attempt, first bool) {
	as.mu.Lock()
	defer as.mu.Unlock()
	a := as.find(string(e.UUID))
	if a == nil {
		a = as.guess(e, true)
	}
	switch {
	case a == nil || a.before || a.device != string(e.Extension):
		return nil, false
	case a.stage == stageEnded:
		return a, false
	case a.stage != stageNone:
		return nil, false
	}
	a.stage, a.stream = stageEnded, string(e.UUID)
	signal(as.dirty)
	return a, true
}

// clearable reports whether a hang-up is promised for the call in this stage.
func (as *attempts) clearable(uuid string, s stage, promise HangUp) bool {
	as.mu.Lock()
	defer as.mu.Unlock()
	a := as.find(uuid)
	return a != nil && a.uuid != "" && !a.refused && promised(s, promise)
}

// refuse notes that NFON does not end a call, so that it is not offered again.
func (as *attempts) refuse(key pbx.LegKey) {
	as.mu.Lock()
	if a := as.find(key.Call); a != nil {
		a.refused = true
	}
	as.mu.Unlock()
	signal(as.changed)
}

func promised(s stage, promise HangUp) bool {
	switch promise {
	case HangUpCallerPhase:
		return s < stagePickedUp
	case HangUpSetup:
		return s < stageAnswered
	case HangUpAny:
		return s < stageEnded
	}
	return false
}

// toClear gives the id by which NFON knows a call that may be ended now.
func (as *attempts) toClear(key pbx.LegKey, promise HangUp) (uuid string, err error) {
	as.mu.Lock()
	defer as.mu.Unlock()
	a := as.find(key.Call)
	switch {
	case a == nil || a.uuid == "" || a.device != string(key.Device):
		return "", fmt.Errorf("%w: NFON ends only calls that were started through its interface", pbx.ErrCannot)
	case a.stage == stageEnded:
		return "", pbx.ErrGone
	case !promised(a.stage, promise):
		return "", fmt.Errorf("%w: NFON ends a call only while it is being set up", pbx.ErrNotNow)
	}
	return a.uuid, nil
}

// stored is the durable form of an attempt. It holds no numbers.
type stored struct {
	Command string    `json:"command"`
	Device  string    `json:"device"`
	Asked   time.Time `json:"asked"`
	UUID    string    `json:"uuid"`
	Stream  string    `json:"stream,omitempty"`
}

// prune forgets calls that must be over, and returns what is worth storing.
func (as *attempts) prune(now time.Time) []stored {
	as.mu.Lock()
	defer as.mu.Unlock()
	keep := []stored{}
	as.list = slices.DeleteFunc(as.list, func(a *attempt) bool {
		age := now.Sub(a.asked)
		return age > talkExpiry || (a.stage == stageEnded && age > keepFinished) || (a.replied && a.uuid == "" && a.stream == "" && age > attemptWindow)
	})
	for _, a := range as.list {
		if a.uuid != "" && a.stage != stageEnded {
			keep = append(keep, stored{a.command, a.device, a.asked, a.uuid, a.stream})
		}
	}
	return keep
}

// load reads what an earlier run stored.
func (as *attempts) load(ctx context.Context, store pbx.Store) error {
	data, ok, err := store.Get(ctx, storeKey)
	if err != nil || !ok {
		return err
	}
	var list []stored
	if err := json.Unmarshal(data, &list); err != nil {
		return fmt.Errorf("decode %s: %w", storeKey, err)
	}
	as.mu.Lock()
	defer as.mu.Unlock()
	for _, s := range list {
		as.list = append(as.list, &attempt{command: s.Command, device: s.Device, asked: s.Asked, uuid: s.UUID, stream: s.Stream, replied: true, before: true})
	}
	return nil
}

// keep stores what changes until ctx ends, and then once more.
func (as *attempts) keep(ctx context.Context, store pbx.Store, log *slog.Logger) {
	for {
		select {
		case <-as.dirty:
			as.save(ctx, store, log)
		case <-ctx.Done():
			as.save(context.WithoutCancel(ctx), store, log)
			return
		}
	}
}

func (as *attempts) save(ctx context.Context, store pbx.Store, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	data, err := json.Marshal(as.prune(time.Now()))
	if err == nil {
		err = store.Set(ctx, storeKey, data)
	}
	if err != nil {
		log.Warn("calls started here are not stored: they cannot be ended after a restart", "error", err)
	}
}

// relink looks again at the legs after a reply, and tells what is new about them.
func (t *translator) relink() {
	now := time.Now()
	for _, a := range t.attempts.linked() {
		l := t.legs[pbx.LegKey{Call: a.stream, Device: csta.DeviceID(a.device)}]
		if l == nil || !l.live() || l.direction != csta.Outgoing {
			continue
		}
		clearable := t.attempts.clearable(l.key.Call, l.at.stage, t.hangUp)
		if l.attempt == a.command && l.clearable == clearable {
			continue
		}
		l.attempt, l.clearable = a.command, clearable
		t.report(l, l.stamp(now), csta.CauseUnknown)
	}
}

// linked copies the attempts whose call may be on the stream already.
func (as *attempts) linked() []attempt {
	as.mu.Lock()
	defer as.mu.Unlock()
	var list []attempt
	for _, a := range as.list {
		seen := *a
		setDefault(&seen.stream, a.uuid)
		if seen.stream != "" && a.stage != stageEnded {
			list = append(list, seen)
		}
	}
	return list
}
