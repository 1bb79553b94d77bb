package pop

import (
	"maps"
	"slices"
	"time"

	"deskbell/app/csta"
	"deskbell/app/wire"
)

// Times of an offer's life.
const (
	// Patience is how long a session may think about an offer before the next one gets it.
	Patience = 1500 * time.Millisecond
	// reportLimit is how long a claim may stay without a report before it is shown as not opened.
	reportLimit = 10 * time.Second
	// sameCall is how far apart two calls with one far number on two systems may begin and still count as one.
	sameCall = 10 * time.Second
	// remember is how long claims are remembered: longer than any call.
	remember = 24 * time.Hour
	// optional is how long an offer waits for facts that its page can do without.
	optional = 1500 * time.Millisecond
)

// Readiness says whether a call's page can be built.
type Readiness int

// The kinds of readiness.
const (
	Never  Readiness = iota // nothing to open, now or later
	Wait                    // fields are missing that may still come
	Better                  // it can be built, but facts that would improve it may still come
	Ready
)

// Call is what an offer is about.
type Call struct {
	ID     csta.CallID
	System csta.SystemID
	Began  time.Time
	Far    string // equal for calls with the same far number, empty if there is none
}

// Offer is one chance to open a customer.
type Offer struct {
	ID      string
	Call    Call
	Trigger Trigger

	made     time.Time
	ready    Readiness
	ended    time.Time // when the call ended
	state    string    // "", Offered, claiming, Claimed, Opened, Gone; "": waits for facts or for a session
	to       string    // the session that has it
	tried    []string
	deadline time.Time // of the present session, or for the report
	failed   bool      // reported as not opened
}

const claiming = "claiming"

// State is all offers of one user. Not safe for concurrent use.
type State struct {
	// NewID makes ids of offers.
	NewID func() string

	active    []*Offer // those that time or sessions may still move
	byID      map[string]*Offer
	byCall    map[csta.CallID][]*Offer
	byFar     map[string][]*Offer
	sessions  []string // that can open pages, the one used last first
	forgotten time.Time
}

// add takes an offer in.
func (s *State) add(o *Offer) {
	if s.byID == nil {
		s.byID, s.byCall, s.byFar = map[string]*Offer{}, map[csta.CallID][]*Offer{}, map[string][]*Offer{}
	}
	s.byID[o.ID] = o
	s.byCall[o.Call.ID] = append(s.byCall[o.Call.ID], o)
	if o.Call.Far != "" {
		s.byFar[o.Call.Far] = append(s.byFar[o.Call.Far], o)
	}
	if !o.settledNow() {
		s.active = append(s.active, o)
	}
}

// settledNow tells whether neither time nor sessions can move an offer any more.
func (o *Offer) settledNow() bool {
	return o.state == Opened || o.state == Gone || o.state == Claimed && o.deadline.IsZero() && o.to == ""
}

// forget drops what is older than any call, once in a while.
func (s *State) forget(now time.Time) {
	if now.Sub(s.forgotten) < time.Hour {
		return
	}
	s.forgotten = now
	for id, o := range s.byID {
		if now.Sub(o.made) > remember {
			delete(s.byID, id)
		}
	}
	old := func(o *Offer) bool { return s.byID[o.ID] == nil }
	without(s.byCall, old)
	without(s.byFar, old)
	s.active = slices.DeleteFunc(s.active, old)
}

// without takes offers out of an index.
func without[K comparable](index map[K][]*Offer, out func(*Offer) bool) {
	for k, list := range index {
		if list = slices.DeleteFunc(list, out); len(list) == 0 {
			delete(index, k)
		} else {
			index[k] = list
		}
	}
}

// Restore takes over a claim of an earlier run.
func (s *State) Restore(id string, c Call, t Trigger, state string, at time.Time) {
	s.add(&Offer{ID: id, Call: c, Trigger: t, state: state, made: at})
}

// Knows reports whether the call itself has an offer.
func (s *State) Knows(call csta.CallID) bool { return len(s.byCall[call]) > 0 }

// Has reports whether the call has an offer already, or counts as one with a call that has.
func (s *State) Has(c Call) bool {
	return s.Knows(c.ID) ||
		slices.ContainsFunc(s.byFar[c.Far], func(o *Offer) bool { return sameCaller(o.Call, c) })
}

func sameCaller(a, b Call) bool {
	return a.Far != "" && a.Far == b.Far && a.System != b.System && a.Began.Sub(b.Began).Abs() <= sameCall
}

// Offer makes an offer, unless there is one.
func (s *State) Offer(now time.Time, c Call, t Trigger, r Readiness) []Tell {
	if s.Has(c) || r == Never {
		return nil
	}
	s.add(&Offer{ID: s.NewID(), Call: c, Trigger: t, made: now, ready: r})
	return s.Tick(now)
}

// SetReady takes a change of what is known of a call.
func (s *State) SetReady(now time.Time, call csta.CallID, r Readiness) []Tell {
	if len(s.byCall[call]) == 0 {
		return nil
	}
	for _, o := range s.byCall[call] {
		o.ready = r
	}
	return s.Tick(now)
}

// Ended takes the end of a call: an offer that still waits for facts is over.
func (s *State) Ended(now time.Time, call csta.CallID) []Tell {
	news := false
	for _, o := range s.byCall[call] {
		if o.ended.IsZero() {
			o.ended, news = now, true
		}
	}
	if !news {
		return nil
	}
	return s.Tick(now)
}

// Renamed takes the news that one call is part of another now.
func (s *State) Renamed(from, to csta.CallID) {
	for _, o := range s.byCall[from] {
		o.Call.ID = to
		s.byCall[to] = append(s.byCall[to], o)
	}
	delete(s.byCall, from)
}

// SetSessions takes the sessions that can open pages, the one used last first.
func (s *State) SetSessions(now time.Time, sessions []string) []Tell {
	s.sessions = sessions
	var tell []Tell
	for _, o := range s.active {
		switch {
		case slices.Contains(sessions, o.to):
		case o.state == Offered:
			o.state, o.to = "", ""
		case o.state == Claimed && o.to != "":
			// It died between claim and report: nobody knows whether the page opened.
			o.to, o.deadline = "", time.Time{}
			tell = append(tell, o.tellAll())
		}
		o.tried = slices.DeleteFunc(o.tried, func(t string) bool { return !slices.Contains(sessions, t) })
	}
	return append(tell, s.Tick(now)...)
}

// Tick moves on what time has moved on.
func (s *State) Tick(now time.Time) []Tell {
	var tell []Tell
	for _, o := range s.active {
		tell = append(tell, s.advance(o, now)...)
	}
	s.active = slices.DeleteFunc(s.active, (*Offer).settledNow)
	s.forget(now)
	return tell
}

func (s *State) advance(o *Offer, now time.Time) []Tell {
	switch o.state {
	case "", Offered:
		if o.outlived(now) {
			return o.giveUp()
		}
		if o.state == Offered && now.Before(o.deadline) || !o.due(now) {
			return nil
		}
		return s.offerNext(o, now)
	case Claimed:
		if !o.deadline.IsZero() && !now.Before(o.deadline) {
			o.deadline, o.to = time.Time{}, ""
			return []Tell{o.tellAll()}
		}
	}
	return nil
}

// due tells whether the page is ready, or as ready as it gets in time.
func (o *Offer) due(now time.Time) bool {
	return o.ready == Ready || o.ready == Better && now.Sub(o.made) >= optional
}

// outlived tells whether nobody needs the offer any more.
func (o *Offer) outlived(now time.Time) bool {
	switch {
	case o.ready == Never:
		return true
	case !o.ended.IsZero():
		return o.ready == Wait || now.Sub(o.ended) >= lately
	}
	return false
}

func (o *Offer) giveUp() []Tell {
	told := o.state == Offered
	o.state, o.to = Gone, ""
	if !told {
		return nil
	}
	return []Tell{o.tellAll()}
}

// offerNext gives the offer to the next session that has not had it; when all have, the round begins again.
func (s *State) offerNext(o *Offer, now time.Time) []Tell {
	if len(s.sessions) == 0 {
		o.state, o.to = "", ""
		return nil
	}
	next := slices.IndexFunc(s.sessions, func(id string) bool { return !slices.Contains(o.tried, id) })
	if next < 0 {
		o.tried, next = nil, 0
	}
	var tell []Tell
	if o.state == Offered && o.to != s.sessions[next] {
		tell = append(tell, Tell{o.to, o.wire(Gone)})
	}
	o.state, o.to, o.deadline = Offered, s.sessions[next], now.Add(Patience)
	o.tried = append(o.tried, o.to)
	return append(tell, Tell{o.to, o.wire(Offered)})
}

// Next is when Tick has something to do again; zero: not before something happens.
func (s *State) Next() time.Time {
	var next time.Time
	sooner := func(t time.Time) {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	for _, o := range s.active {
		switch o.state {
		case Offered, Claimed:
			sooner(o.deadline)
		case "":
			if o.ready == Better && len(s.sessions) > 0 {
				sooner(o.made.Add(optional))
			}
		}
		if (o.state == "" || o.state == Offered) && !o.ended.IsZero() {
			sooner(o.ended.Add(lately))
		}
	}
	return next
}

// Claim begins a session's claim of an offer; ok only if that session has the offer. The caller writes the claim to disk and
// then says Commit, whatever came of it.
func (s *State) Claim(id, session string) (o Offer, ok bool) {
	if p := s.byID[id]; p != nil && p.state == Offered && p.to == session {
		p.state = claiming
		return *p, true
	}
	return Offer{}, false
}

// Release takes back a claim that was not written to disk: nothing was granted.
func (s *State) Release(id string) {
	if o := s.byID[id]; o != nil && o.state == claiming {
		o.state = Offered
	}
}

// Commit ends a claim. Written or not, the offer is never made again: a commit that failed may have reached the disk.
func (s *State) Commit(now time.Time, id string) {
	if o := s.byID[id]; o != nil && o.state == claiming {
		o.state, o.deadline = Claimed, now.Add(reportLimit)
	}
}

// OpenByHand notes that the user opened the call's page under id, and ends an offer nobody claimed yet.
func (s *State) OpenByHand(now time.Time, id, session string, c Call) []Tell {
	var tell []Tell
	for _, o := range s.byCall[c.ID] {
		if o.state == "" || o.state == Offered {
			tell = append(tell, o.giveUp()...)
		}
	}
	s.add(&Offer{
		ID: id, Call: c, Trigger: Button, made: now, state: Claimed, to: session, deadline: now.Add(reportLimit),
	})
	return tell
}

// Report takes what became of a claimed offer; ok is false for an offer that is not known or was not claimed.
func (s *State) Report(id string, opened bool) (tell []Tell, call csta.CallID, ok bool) {
	o := s.byID[id]
	if o == nil || o.state != Claimed && o.state != Opened {
		return nil, "", false
	}
	o.deadline, o.to = time.Time{}, ""
	if opened || o.state == Opened {
		return s.opened(o), o.Call.ID, true
	}
	o.failed = true
	return []Tell{o.tellAll()}, o.Call.ID, true
}

// opened marks every claim of the call: a page opened by hand makes up for one that did not open by itself.
func (s *State) opened(o *Offer) []Tell {
	var tell []Tell
	for _, p := range s.byCall[o.Call.ID] {
		if p == o || p.state == Claimed {
			p.state, p.deadline, p.to = Opened, time.Time{}, ""
			tell = append(tell, p.tellAll())
		}
	}
	return tell
}

// Outcome is what became of opening a call's customer, as the call list says it: "", "opened", "claimed" or "failed".
func (s *State) Outcome(call csta.CallID) string {
	outcome := ""
	for _, o := range s.byCall[call] {
		switch {
		case o.state == Opened:
			return Opened
		case o.state == Claimed && o.failed:
			outcome = Failed
		case o.state == Claimed:
			outcome = Claimed
		}
	}
	return outcome
}

// For lists what a snapshot shows a session: the offers it has, and claims that were never reported.
func (s *State) For(session string) []wire.Pop {
	list := []wire.Pop{}
	for _, o := range slices.SortedFunc(maps.Values(s.byID), func(a, b *Offer) int { return a.made.Compare(b.made) }) {
		switch {
		case o.state == Offered && o.to == session, o.state == Claimed && o.deadline.IsZero():
			list = append(list, o.wire(o.state))
		}
	}
	return list
}

func (o *Offer) tellAll() Tell { return Tell{Pop: o.wire(o.state)} }

func (o *Offer) wire(state string) wire.Pop {
	return wire.Pop{ID: o.ID, Call: o.Call.ID, Trigger: string(o.Trigger), State: state}
}
