package owner

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"deskbell/app/csta"
	"deskbell/app/pbx"
)

// Ended calls, settled attempts and closed gaps stay in views for a while, so that a session that was away sees how they
// came out.
const (
	showEnded = 5 * time.Minute
	showGaps  = 24 * time.Hour
)

// projection is what was published, added up: the only thing views are made of, so that a view and its number belong together.
type projection struct {
	mu       sync.RWMutex
	base     View // system, epoch, number, link
	calls    map[csta.CallID]*Call
	byDevice map[csta.DeviceID]map[csta.CallID]bool
	lines    map[csta.DeviceID]Line
	features map[csta.DeviceID]pbx.FeatureChanged
	devices  []pbx.Device
	known    map[csta.DeviceID]pbx.Device // devices by id
	attempts map[string]Attempt
	gaps     []Gap
	troubles []pbx.Trouble
	links    map[csta.DeviceID]bool // of devices with a link of their own; immutable
	over     []overCall             // ended calls in the order of their ends
	cached   *View
}

type overCall struct {
	id csta.CallID
	at time.Time
}

// newProjection starts from what the log knew; numbers go on from seq.
func newProjection(system csta.SystemID, epoch string, from State, seq uint64) *projection {
	p := &projection{
		base:     View{System: system, Epoch: epoch, Seq: seq},
		calls:    make(map[csta.CallID]*Call),
		byDevice: make(map[csta.DeviceID]map[csta.CallID]bool),
		lines:    make(map[csta.DeviceID]Line),
		features: make(map[csta.DeviceID]pbx.FeatureChanged),
		attempts: make(map[string]Attempt),
		gaps:     slices.Clone(from.Gaps),
	}
	for i := range from.Calls {
		p.putCall(&from.Calls[i], from.AliveUntil)
	}
	p.putDevices(from.Devices)
	for _, a := range from.Attempts {
		p.attempts[a.ID] = a
	}
	return p
}

// apply adds one update. Updates without a place in views change the number only.
func (p *projection) apply(u Update) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cached = nil
	p.base.Seq = u.Seq
	if u.Call != nil {
		if u.Joined != "" {
			p.dropCall(u.Joined)
		}
		p.putCall(u.Call, u.Received)
	}
	switch {
	case u.Line != nil:
		p.lines[u.Line.Device] = *u.Line
	case u.Attempt != nil:
		p.attempts[u.Attempt.ID] = *u.Attempt
	case u.Gap != nil:
		p.putGap(*u.Gap)
	case u.Trouble != nil:
		p.putTrouble(*u.Trouble, u.Cleared)
	case u.Devices != nil:
		p.putDevices(u.Devices)
	case u.Feature != nil:
		p.features[u.Feature.Device] = *u.Feature
	}
	p.link(u)
	p.forget(u.Received)
}

// link keeps whether news flows: of the whole system, or of some device where each has its own connection.
func (p *projection) link(u Update) {
	up := u.Event == csta.BackInServiceEvent
	switch {
	case !up && u.Event != csta.OutOfServiceEvent:
		return
	case u.Device == "":
		p.base.system = up
		p.links = nil
	default:
		p.links = maps.Clone(p.links) // views hold the old one
		if p.links == nil {
			p.links = make(map[csta.DeviceID]bool)
		}
		p.links[u.Device] = up
	}
	p.base.Links = p.links
	p.base.Linked = p.base.system
	for _, up := range p.links {
		p.base.Linked = p.base.Linked || up
	}
}

func (p *projection) putCall(c *Call, now time.Time) {
	if old := p.calls[c.ID]; old != nil {
		p.unindex(old)
		if old.Live() && !c.Live() {
			p.over = append(p.over, overCall{c.ID, now})
		}
	} else if !c.Live() {
		p.over = append(p.over, overCall{c.ID, now})
	}
	p.calls[c.ID] = c
	for i := range c.Legs {
		d := c.Legs[i].ID.DeviceID
		if p.byDevice[d] == nil {
			p.byDevice[d] = make(map[csta.CallID]bool)
		}
		p.byDevice[d][c.ID] = true
	}
}

func (p *projection) unindex(c *Call) {
	for i := range c.Legs {
		d := c.Legs[i].ID.DeviceID
		delete(p.byDevice[d], c.ID)
		if len(p.byDevice[d]) == 0 {
			delete(p.byDevice, d)
		}
	}
}

func (p *projection) dropCall(id csta.CallID) {
	if c := p.calls[id]; c != nil {
		p.unindex(c)
		delete(p.calls, id)
	}
}

func (p *projection) putDevices(list []pbx.Device) {
	p.devices, p.known = list, make(map[csta.DeviceID]pbx.Device, len(list))
	for _, d := range list {
		p.known[d.ID] = d
	}
}

func (p *projection) putGap(g Gap) {
	if i := slices.IndexFunc(p.gaps, func(h Gap) bool { return h.ID == g.ID }); i >= 0 {
		p.gaps[i] = g
		return
	}
	p.gaps = append(p.gaps, g)
}

func (p *projection) putTrouble(t pbx.Trouble, cleared pbx.TroubleCode) {
	p.troubles = slices.DeleteFunc(p.troubles, func(old pbx.Trouble) bool {
		return old.Device == t.Device && (old.Code == t.Code || old.Code == cleared)
	})
	if t.Code != "" {
		p.troubles = append(p.troubles, t)
	}
}

// forget drops what is over for long enough. Time comes from the updates, so that the sum of the same updates is the same.
func (p *projection) forget(now time.Time) {
	if now.IsZero() {
		return
	}
	for len(p.over) > 0 && now.Sub(p.over[0].at) > showEnded {
		if c := p.calls[p.over[0].id]; c != nil && !c.Live() {
			p.dropCall(p.over[0].id)
		}
		p.over = p.over[1:]
	}
	for len(p.gaps) > 0 && !p.gaps[0].To.IsZero() && now.Sub(p.gaps[0].To) > showGaps {
		p.gaps = p.gaps[1:]
	}
	if len(p.attempts) > 64 {
		maps.DeleteFunc(p.attempts, func(_ string, a Attempt) bool { return a.Settled() && now.Sub(a.Asked) > showEnded })
	}
}

func (p *projection) view() View {
	p.mu.RLock()
	cached := p.cached
	p.mu.RUnlock()
	if cached != nil {
		return *cached
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	v := p.base
	v.Calls = make([]Call, 0, len(p.calls))
	for _, c := range p.calls {
		v.Calls = append(v.Calls, *c)
	}
	sortCalls(v.Calls)
	v.Lines = maps.Clone(p.lines)
	v.Features = maps.Clone(p.features)
	v.Attempts = p.attemptsOf(nil)
	v.Devices = slices.Clone(p.devices)
	p.rest(&v)
	p.cached = &v
	return v
}

// rest fills in what every view has whole.
func (p *projection) rest(v *View) {
	v.Gaps = slices.Clone(p.gaps)
	v.Troubles = slices.Clone(p.troubles)
}

func (p *pipe) viewOf(devices []csta.DeviceID) View { return p.proj.viewOf(devices) }

func (p *projection) viewOf(devices []csta.DeviceID) View {
	p.mu.RLock()
	defer p.mu.RUnlock()
	v := p.base
	v.Lines = make(map[csta.DeviceID]Line, len(devices))
	v.Features = make(map[csta.DeviceID]pbx.FeatureChanged)
	ids := make(map[csta.CallID]bool)
	wanted := make(map[csta.DeviceID]bool, len(devices))
	for _, d := range devices {
		wanted[d] = true
		if known, ok := p.known[d]; ok {
			v.Devices = append(v.Devices, known)
		}
		if l, ok := p.lines[d]; ok {
			v.Lines[d] = l
		}
		if f, ok := p.features[d]; ok {
			v.Features[d] = f
		}
		for id := range p.byDevice[d] {
			if !ids[id] {
				ids[id] = true
				v.Calls = append(v.Calls, *p.calls[id])
			}
		}
	}
	sortCalls(v.Calls)
	v.Attempts = p.attemptsOf(wanted)
	p.rest(&v)
	return v
}

// attemptsOf lists the attempts of some devices (of all, if nil), oldest first.
func (p *projection) attemptsOf(devices map[csta.DeviceID]bool) []Attempt {
	var list []Attempt
	for _, a := range p.attempts {
		if devices == nil || devices[a.Device] {
			list = append(list, a)
		}
	}
	slices.SortFunc(list, func(a, b Attempt) int {
		return cmp.Or(a.Asked.Compare(b.Asked), cmp.Compare(a.ID, b.ID))
	})
	return list
}

func sortCalls(calls []Call) {
	slices.SortFunc(calls, func(a, b Call) int { return cmp.Or(a.Began.Compare(b.Began), cmp.Compare(a.ID, b.ID)) })
}
