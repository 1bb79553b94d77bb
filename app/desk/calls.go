package desk

import (
	"cmp"
	"slices"
	"time"

	"deskbell/app/csta"
	"deskbell/app/desk/view"
	"deskbell/app/wire"
)

// call is one call with the legs of all devices that this user owns or watches.
type call struct {
	id    csta.CallID
	legs  []leg
	facts *wire.Facts
	ring  wire.RingKind
	asked string // verb that was asked for and has not come true yet
}

// leg is one device's connection, with the moment it was told.
type leg struct {
	wire.Call
	at time.Time
}

// memory is what was done about a call. It outlives the call for a while, so that a call that vanishes and comes back
// (a server's restart) is not announced again.
type memory struct {
	key      string // of its notice; kept when calls are joined, so that the notice is replaced in place
	heard    bool   // rang, knocked, or would have but for a setting
	silenced bool
	opened   []string  // triggers whose page this tray opened
	gone     time.Time // when the call was last known to be gone; zero while it lives
}

func (l leg) same(w wire.Call) bool {
	return l.System == w.System && l.Device == w.Device && l.Appear == w.Appear
}

// own gives the leg that speaks for the user in this call: that of one's own devices which is furthest.
func (k *call) own() (leg, bool) {
	best, found := leg{}, false
	for _, l := range k.legs {
		if l.Own && (!found || rank(l.State) > rank(best.State)) {
			best, found = l, true
		}
	}
	return best, found
}

func rank(s csta.State) int {
	order := []csta.State{csta.Fail, csta.Queued, csta.Initiated, csta.Alerting, csta.Hold, csta.Connected}
	return slices.Index(order, s)
}

// front is the leg shown: the user's own, else the first watched one.
func (k *call) front() leg {
	if l, ok := k.own(); ok {
		return l
	}
	return k.legs[0]
}

func (c *Core) call(id csta.CallID) *call {
	for _, k := range c.calls {
		if k.id == id {
			return k
		}
	}
	return nil
}

// remember gives the memory of a call, a new one if need be.
func (c *Core) remember(id csta.CallID) *memory {
	m := c.memory[id]
	if m == nil {
		m = &memory{key: "call:" + string(id)}
		c.memory[id] = m
	}
	m.gone = time.Time{}
	return m
}

func (c *Core) callTold(w wire.Call) {
	k := c.call(w.ID)
	if !w.State.Live() {
		c.legOver(k, w)
		return
	}
	if k == nil {
		k = &call{id: w.ID}
		c.calls = append(c.calls, k)
	}
	k.put(w, c.now)
	c.remember(w.ID)
	c.attemptCalled(w)
}

// put sets a leg in its place.
func (k *call) put(w wire.Call, now time.Time) {
	k.learn(w.Facts, w.Ring)
	i := slices.IndexFunc(k.legs, func(l leg) bool { return l.same(w) })
	if i < 0 {
		k.legs = append(k.legs, leg{w, now})
		return
	}
	if k.legs[i].State != w.State {
		k.asked = ""
	}
	k.legs[i] = leg{w, now}
}

// learn takes facts and ring where they say something: silence erases nothing.
func (k *call) learn(f *wire.Facts, ring wire.RingKind) {
	if f != nil {
		k.facts = f
	}
	if ring != "" {
		k.ring = ring
	}
}

func (c *Core) legOver(k *call, w wire.Call) {
	c.attemptOver(w)
	if k == nil {
		return
	}
	k.legs = slices.DeleteFunc(k.legs, func(l leg) bool { return l.same(w) })
	if len(k.legs) == 0 {
		c.drop(k.id)
	}
}

// drop forgets a call. What was announced of it stays in memory for a while.
func (c *Core) drop(id csta.CallID) {
	c.calls = slices.DeleteFunc(c.calls, func(k *call) bool { return k.id == id })
	if m := c.memory[id]; m != nil {
		m.gone = c.now
	}
}

// forget ends memories of calls that are long gone.
func (c *Core) forget() {
	for id, m := range c.memory {
		if !m.gone.IsZero() && c.now.Sub(m.gone) > memoryLimit {
			delete(c.memory, id)
		}
	}
}

func (c *Core) contactTold(n wire.Contact) {
	k := c.call(n.ID)
	if k == nil {
		return
	}
	k.learn(&n.Facts, n.Ring)
	for i := range k.legs {
		k.legs[i].CanPop = k.legs[i].CanPop || n.CanPop && k.legs[i].Own
	}
}

// joined makes two calls one. The notice of the absorbed call lives on as that of the whole, if the whole had none yet.
func (c *Core) joined(n wire.Joined) {
	from, to := c.call(n.From), c.call(n.ID)
	if m := c.memory[n.From]; m != nil {
		if c.memory[n.ID] == nil {
			c.memory[n.ID] = m
		} else {
			c.memory[n.ID].heard = c.memory[n.ID].heard || m.heard
			c.memory[n.ID].silenced = c.memory[n.ID].silenced || m.silenced
		}
		delete(c.memory, n.From)
	}
	for _, a := range c.attempts {
		if a.Call == n.From {
			a.Call = n.ID
		}
	}
	switch {
	case from == nil:
	case to == nil:
		from.id = n.ID
	default:
		for _, l := range from.legs {
			if !slices.ContainsFunc(to.legs, func(have leg) bool { return have.same(l.Call) }) {
				to.legs = append(to.legs, l)
			}
		}
		if to.facts == nil {
			to.facts = from.facts
		}
		c.drop(n.From)
	}
}

// snapshot replaces all that was known. What was announced stays announced.
func (c *Core) snapshot(s wire.Snapshot) {
	c.fresh = true
	before := c.calls
	c.calls = nil
	list := slices.Clone(s.Calls)
	slices.SortStableFunc(list, func(a, b wire.Call) int { return cmp.Compare(b.AgeMS, a.AgeMS) })
	for _, w := range list {
		if w.State.Live() {
			k := c.call(w.ID)
			if k == nil {
				k = &call{id: w.ID}
				c.calls = append(c.calls, k)
			}
			k.put(w, c.now)
			c.remember(w.ID)
		}
	}
	for _, k := range before {
		if c.call(k.id) == nil {
			c.drop(k.id)
		}
	}
	c.devices, c.systems = s.Devices, s.Systems
	clear(c.lines)
	for _, l := range s.Lines {
		c.lines[deviceKey{l.System, l.Device}] = l
	}
	c.settings.server = s.Settings
	c.snapshotAttempts(s.Attempts)
	c.snapshotEntries(s.Entries, s.Unseen)
	c.snapshotGaps(s.Gaps)
	c.snapshotTroubles(s.Troubles)
	c.snapshotPops(s.Pops)
	c.askAgain()
}

// ringing reports whether one's own phone rings for an incoming call: not for a call that oneself has asked for, not
// once any of one's own devices took it, and not for what a machine took.
func (k *call) ringing() bool {
	l, ok := k.own()
	return ok && csta.Ringing(l.Direction, l.State) && l.Attempt == "" && !l.Automatic
}

// onPhone reports whether the user is on the phone with this call.
func (k *call) onPhone() bool {
	l, ok := k.own()
	return ok && !l.Automatic && (l.State == csta.Connected || l.State == csta.Hold)
}

func (c *Core) talking() bool { return slices.ContainsFunc(c.calls, (*call).onPhone) }

// believed reports whether ringing can still be believed: without a connection only for a while.
func (c *Core) believed() bool {
	return c.link == view.LinkUp || c.downAt.IsZero() || c.now.Sub(c.downAt) < awayLimit
}
