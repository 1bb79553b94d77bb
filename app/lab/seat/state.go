package seat

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Party is one end of a call as the server tells it.
type Party struct {
	Kind    string `json:"kind"`
	Number  string `json:"number"`
	Display string `json:"display"`
	Name    string `json:"name"`
}

// Facts are what the server knows of a caller.
type Facts struct {
	Stage   string `json:"stage"`
	Done    bool   `json:"done"`
	Matches []struct {
		Name  string `json:"name"`
		VIP   bool   `json:"vip"`
		Exact bool   `json:"exact"`
	} `json:"matches"`
	OpenTickets *int `json:"open_tickets"`
}

// Call is one running call of one device.
type Call struct {
	ID         string   `json:"id"`
	System     string   `json:"system"`
	Device     string   `json:"device"`
	Appearance string   `json:"appearance"`
	Direction  string   `json:"direction"`
	State      string   `json:"state"`
	FarState   string   `json:"far_state"`
	Cause      string   `json:"cause"`
	Far        Party    `json:"far"`
	Unsure     bool     `json:"unsure"`
	Attempt    string   `json:"attempt"`
	Permitted  []string `json:"permitted"`
	Denied     map[string]struct {
		Code string            `json:"code"`
		Args map[string]string `json:"args"`
	} `json:"denied"`
	Facts *Facts `json:"facts"`
}

// Key tells the legs of one call apart.
func (c Call) Key() string {
	return c.System + "/" + c.ID + "/" + c.Device + "/" + c.Appearance
}

// Entry is one line of the call list.
type Entry struct {
	ID        string    `json:"id"`
	System    string    `json:"system"`
	Device    string    `json:"device"`
	Direction string    `json:"direction"`
	Far       Party     `json:"far"`
	Name      string    `json:"name"`
	At        time.Time `json:"at"`
	Result    string    `json:"result"`
	Pop       string    `json:"pop"`
}

// Gap is a time for which calls may be missing.
type Gap struct {
	ID     string     `json:"id"`
	System string     `json:"system"`
	From   time.Time  `json:"from"`
	To     *time.Time `json:"to"`
}

// Attempt is a call asked for.
type Attempt struct {
	ID     string `json:"id"`
	State  string `json:"state"`
	Call   string `json:"call"`
	Reason *struct {
		Code string `json:"code"`
	} `json:"reason"`
}

// Pop is an offer to open a page.
type Pop struct {
	ID    string `json:"id"`
	Call  string `json:"call"`
	State string `json:"state"`
}

// Trouble is something that is wrong.
type Trouble struct {
	ID     string `json:"id"`
	Active bool   `json:"active"`
	Code   string `json:"code"`
}

// State is what the seat knows. Faults are breaches of the protocol that it noticed.
type State struct {
	Connected bool
	Epoch     string
	Seq       uint64
	Snapshots int
	Calls     map[string]Call // by Call.Key, living ones
	Entries   map[string]Entry
	Gaps      map[string]Gap
	Attempts  map[string]Attempt
	Pops      map[string]Pop
	Troubles  map[string]Trouble
	Faults    []string
	LastError string
}

func newState() State {
	return State{Calls: map[string]Call{}, Entries: map[string]Entry{}, Gaps: map[string]Gap{}, Attempts: map[string]Attempt{},
		Pops: map[string]Pop{}, Troubles: map[string]Trouble{}}
}

func (st *State) clone() State {
	out := *st
	out.Calls, out.Entries, out.Gaps = maps.Clone(st.Calls), maps.Clone(st.Entries), maps.Clone(st.Gaps)
	out.Attempts, out.Pops, out.Troubles = maps.Clone(st.Attempts), maps.Clone(st.Pops), maps.Clone(st.Troubles)
	out.Faults = slices.Clone(st.Faults)
	return out
}

func (st *State) fault(format string, args ...any) {
	if len(st.Faults) < 100 {
		st.Faults = append(st.Faults, fmt.Sprintf(format, args...))
	}
}

// apply changes the state by one notification; open offers are returned for claiming.
func (st *State) apply(method string, params json.RawMessage) []Pop {
	if method == "hello" {
		var hello struct {
			Epoch string `json:"epoch"`
		}
		st.decode(method, params, &hello)
		st.Epoch, st.Seq = hello.Epoch, 0
		return nil
	}
	var head struct {
		Seq uint64 `json:"seq"`
	}
	st.decode(method, params, &head)
	if method == "snapshot" {
		st.replace(params)
		st.Seq, st.Connected = head.Seq, true
		return st.openOffers()
	}
	if head.Seq != st.Seq+1 {
		st.fault("%s: number %d after %d", method, head.Seq, st.Seq)
	}
	st.Seq = head.Seq
	return st.change(method, params)
}

func (st *State) change(method string, params json.RawMessage) []Pop {
	switch method {
	case "call":
		var c Call
		st.decode(method, params, &c)
		if c.State == "null" {
			delete(st.Calls, c.Key())
		} else {
			st.Calls[c.Key()] = c
		}
	case "contact":
		var f struct {
			ID    string `json:"id"`
			Facts Facts  `json:"facts"`
		}
		st.decode(method, params, &f)
		for key, c := range st.Calls {
			if c.ID == f.ID {
				c.Facts = &f.Facts
				st.Calls[key] = c
			}
		}
	case "entry":
		put(st, method, params, st.Entries, func(e Entry) string { return e.System + "/" + e.ID + "/" + e.Device })
	case "gap":
		put(st, method, params, st.Gaps, func(g Gap) string { return g.ID })
	case "attempt":
		put(st, method, params, st.Attempts, func(a Attempt) string { return a.ID })
	case "trouble":
		t := put(st, method, params, st.Troubles, func(t Trouble) string { return t.ID })
		if !t.Active {
			delete(st.Troubles, t.ID)
		}
	case "pop":
		p := put(st, method, params, st.Pops, func(p Pop) string { return p.ID })
		if p.State == "offered" {
			return []Pop{p}
		}
	}
	return nil
}

func (st *State) replace(params json.RawMessage) {
	var snap struct {
		Calls    []Call    `json:"calls"`
		Entries  []Entry   `json:"entries"`
		Gaps     []Gap     `json:"gaps"`
		Attempts []Attempt `json:"attempts"`
		Pops     []Pop     `json:"pops"`
		Troubles []Trouble `json:"troubles"`
	}
	st.decode("snapshot", params, &snap)
	fresh := newState()
	for _, c := range snap.Calls {
		if c.State != "null" {
			fresh.Calls[c.Key()] = c
		}
	}
	for _, e := range snap.Entries {
		fresh.Entries[e.System+"/"+e.ID+"/"+e.Device] = e
	}
	for _, g := range snap.Gaps {
		fresh.Gaps[g.ID] = g
	}
	for _, a := range snap.Attempts {
		fresh.Attempts[a.ID] = a
	}
	for _, p := range snap.Pops {
		fresh.Pops[p.ID] = p
	}
	for _, t := range snap.Troubles {
		fresh.Troubles[t.ID] = t
	}
	fresh.Epoch, fresh.Snapshots, fresh.Faults = st.Epoch, st.Snapshots+1, st.Faults
	*st = fresh
}

func (st *State) openOffers() []Pop {
	var open []Pop
	for _, p := range st.Pops {
		if p.State == "offered" {
			open = append(open, p)
		}
	}
	return open
}

func (st *State) decode(method string, params json.RawMessage, into any) {
	if err := json.Unmarshal(params, into); err != nil {
		st.fault("%s: %v", method, err)
	}
}

func put[T any](st *State, method string, params json.RawMessage, into map[string]T, key func(T) string) T {
	var v T
	st.decode(method, params, &v)
	into[key(v)] = v
	return v
}
