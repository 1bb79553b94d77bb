package owner

import (
	"errors"
	"slices"
	"time"

	"deskbell/app/csta"
	"deskbell/app/number"
	"deskbell/app/pbx"
)

// errLogSlow: the log has not failed, it only does not come round to it.
var errLogSlow = errors.New("the disk is too slow")

// core makes sense of messages: what is true of one system, and which updates a message leads to. It has no goroutines,
// no I/O and no clock; the same messages at the same times give the same updates, but for the ids.
type core struct {
	coreParams
	seq     uint64
	updates []Update        // since the last take
	doubts  []csta.DeviceID // to be asked about, since the last takeChecks
	touched []csta.DeviceID // devices whose living legs changed during a message
	stamp   pbx.Stamp       // of the message in hand
	parties map[rawNumber]number.Party

	legs   map[pbx.LegKey]*leg // the latest of each key
	calls  map[csta.CallID]*call
	tokens map[string]*call                // linkage token -> call that has or had it
	alive  map[csta.DeviceID]map[*leg]bool // living legs
	live   int
	over   []*call // calls without a living leg, in the order of their ends
	due    time.Time

	watched  map[csta.DeviceID]bool
	devices  []pbx.Device
	numbers  map[string]csta.DeviceID // extension -> device
	lines    map[csta.DeviceID]lineState
	odd      map[csta.DeviceID]bool // lines that no call explains, not told as such yet
	features map[csta.DeviceID]pbx.FeatureChanged
	attempts map[string]*attempt // by command id, for an hour
	pending  map[string]*attempt // those that are not settled
	recent   map[csta.DeviceID][]*attempt
	asks     []*attempt          // all, in the order in which they were asked for
	orphans  []pbx.AttemptFailed // failures that came before the reply that names their call
	troubles []pbx.Trouble

	heard  time.Time // up to here everything was heard
	linked bool
	links  map[csta.DeviceID]bool // devices whose link is known by itself
	gaps   map[string]*Gap        // open gaps by their devices
}

type coreParams struct {
	tenant string
	system csta.SystemID
	epoch  string
	plan   Normalizer
	limits Limits
	newID  func() string
}

// leg is a leg with what only the core needs to know.
type leg struct {
	Leg
	call    *call
	expiry  time.Duration // what the connector set for this state; 0: the default
	check   time.Time     // the system is asked about the leg then; zero: no doubt
	asked   int           // how often the system was asked about it since its last news
	closing time.Time     // its time has run out, and it is closed then unless the answer speaks for it

	idleAfter time.Time // the news that an idle line contradicted too soon to be believed
}

// call is a set of legs that belong together.
type call struct {
	id     csta.CallID
	began  time.Time
	joined []csta.CallID
	legs   []*leg
	tokens map[string]bool // of all its legs, also ended ones
	over   time.Time       // when the last leg ended
}

type rawNumber struct {
	text  string
	scope pbx.Scope
}

func newCore(p coreParams, from State) *core {
	c := &core{
		coreParams: p,
		parties:    make(map[rawNumber]number.Party),
		legs:       make(map[pbx.LegKey]*leg),
		calls:      make(map[csta.CallID]*call),
		tokens:     make(map[string]*call),
		alive:      make(map[csta.DeviceID]map[*leg]bool),
		watched:    make(map[csta.DeviceID]bool),
		numbers:    make(map[string]csta.DeviceID),
		lines:      make(map[csta.DeviceID]lineState),
		odd:        make(map[csta.DeviceID]bool),
		attempts:   make(map[string]*attempt),
		pending:    make(map[string]*attempt),
		recent:     make(map[csta.DeviceID][]*attempt),
		links:      make(map[csta.DeviceID]bool),
		features:   make(map[csta.DeviceID]pbx.FeatureChanged),
		gaps:       make(map[string]*Gap),
	}
	if from.Epoch == p.epoch {
		c.seq = from.Seq
	}
	c.restore(from)
	return c
}

// restore takes over what the log knew. What was true then is told as doubtful by begin.
func (c *core) restore(from State) {
	c.setDevices(from.Devices)
	c.heard = from.AliveUntil
	for i := range from.Calls {
		c.restoreCall(&from.Calls[i])
	}
	for _, a := range from.Attempts {
		c.addAttempt(&attempt{Attempt: a})
	}
	for _, g := range from.Gaps {
		if g.To.IsZero() {
			open := g
			c.gaps[gapKey(g.Devices)] = &open
		}
	}
}

func (c *core) restoreCall(from *Call) {
	cl := &call{id: from.ID, began: from.Began, joined: from.Joined, tokens: make(map[string]bool)}
	c.calls[cl.id] = cl
	for _, l := range from.Legs {
		restored := &leg{Leg: l, call: cl}
		cl.legs = append(cl.legs, restored)
		c.legs[l.Key] = restored
		c.own(cl, restored.tokens())
		if l.Live() {
			c.watched[l.Key.Device] = true
			c.addAlive(restored)
			c.dueBy(l.Expires)
		} else if l.Ended.After(cl.over) {
			cl.over = l.Ended
		}
	}
	if !from.Live() {
		c.over = append(c.over, cl)
	}
}

// apply takes one message of the connector or of the owner itself.
func (c *core) apply(m any, now time.Time) {
	switch m := m.(type) {
	case begin:
		c.begin(now)
	case tick:
		c.tick(now)
	case watch:
		c.watch(m, now)
	case logHealth:
		c.logHealth(m.err, now)
	case pbx.Message:
		c.message(m, now)
	}
	c.explainLines(now)
}

func (c *core) message(m pbx.Message, now time.Time) {
	switch m := m.(type) {
	case pbx.LinkUp:
		c.linkUp(m, now)
	case pbx.LinkDown:
		c.linkDown(m, now)
	case pbx.Heard:
		c.hear(m.At)
	case pbx.Devices:
		c.devicesTold(m, now)
	case pbx.LegChanged:
		c.begun(m.Stamp, now)
		c.legTold(m.Leg, now, nil)
	case pbx.LineChanged:
		c.begun(m.Stamp, now)
		c.lineTold(m, now)
	case pbx.SnapshotTaken:
		c.begun(m.Snapshot.Stamp, now)
		c.reconcile(m.Snapshot, now)
	case pbx.AttemptFailed:
		c.begun(m.Stamp, now)
		c.attemptFailed(m, now)
	case pbx.ServicesChanged:
		c.emit(Update{Event: csta.DeviceCapabilitiesChanged, Device: m.Device}, now)
	case pbx.MonitorLost:
		c.monitorLost(m, now)
	case pbx.FeatureChanged:
		c.begun(m.Stamp, now)
		c.featureTold(m, now)
	case pbx.TroubleChanged:
		c.troubleTold(m.Trouble, now)
	case pbx.Skipped: // counted by the owner
	}
}

// begun notes the stamp of the message in hand, for the updates it leads to. Whatever was received was heard.
func (c *core) begun(s pbx.Stamp, now time.Time) {
	if s.Received.IsZero() || s.Received.After(now) {
		s.Received = now
	}
	c.stamp = s
	c.hear(s.Received)
}

func (c *core) hear(at time.Time) {
	if c.anyLink() && at.After(c.heard) {
		c.heard = at
	}
}

// emit gives an update its place.
func (c *core) emit(u Update, now time.Time) {
	c.seq++
	u.Tenant, u.System, u.Epoch, u.Seq = c.tenant, c.system, c.epoch, c.seq
	u.Received, u.Vendor = now, ""
	if !c.stamp.Received.IsZero() {
		u.Received, u.Vendor = c.stamp.Received, c.stamp.Vendor
	}
	c.updates = append(c.updates, u)
}

// take hands over what became true since the last take.
func (c *core) take() []Update {
	u := c.updates
	c.updates, c.stamp = nil, pbx.Stamp{}
	return u
}

// takeChecks hands over the devices to ask about.
func (c *core) takeChecks() []csta.DeviceID {
	d := c.doubts
	c.doubts = nil
	return d
}

// next is when tick has something to do, or earlier; zero: never.
func (c *core) next() time.Time { return c.due }

func (c *core) dueBy(t time.Time) {
	if !t.IsZero() && (c.due.IsZero() || t.Before(c.due)) {
		c.due = t
	}
}

// legFor finds the living leg a verb is about.
func (c *core) legFor(v Verb) (Leg, error) {
	cl := c.calls[v.Call]
	if cl == nil {
		return Leg{}, pbx.ErrGone
	}
	for _, l := range cl.legs {
		if l.Live() && l.Key.Device == v.Device && (v.Appearance == "" || v.Appearance == l.ID.Appearance) {
			return l.Leg, nil
		}
	}
	return Leg{}, pbx.ErrGone
}

func (c *core) addAlive(l *leg) {
	d := l.Key.Device
	if c.alive[d] == nil {
		c.alive[d] = make(map[*leg]bool)
	}
	c.alive[d][l] = true
	c.live++
	c.touched = append(c.touched, d)
}

func (c *core) dropAlive(l *leg) {
	d := l.Key.Device
	delete(c.alive[d], l)
	if len(c.alive[d]) == 0 {
		delete(c.alive, d)
	}
	c.live--
	c.touched = append(c.touched, d)
}

// aliveOn lists the living legs of a device (of all devices, if it is empty) in the order in which they began.
func (c *core) aliveOn(device csta.DeviceID) []*leg {
	var list []*leg
	if device != "" {
		for l := range c.alive[device] {
			list = append(list, l)
		}
	} else {
		for _, legs := range c.alive {
			for l := range legs {
				list = append(list, l)
			}
		}
	}
	slices.SortFunc(list, olderLeg)
	return list
}
