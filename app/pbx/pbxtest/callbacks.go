package pbxtest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"deskbell/app/csta"
	"deskbell/app/pbx"
)

// Callbacks is a system that posts events about agents to us and answers no question about what is true. An agent may take
// over another one's call, which only the event of the one who takes it tells. A dialled call has no reference.
func Callbacks(*testing.T) (Vendor, Traits) {
	return &callbacksVendor{exchange: newExchange()}, Traits{
		Devices: []csta.DeviceID{"sip:mira@cc.example", "sip:zoe@cc.example"}, Doubles: true, Groups: true, Outage: 10 * time.Second, Virtual: true,
	}
}

type callbacksVendor struct{ *exchange }

func (v *callbacksVendor) Open(env pbx.Env) (pbx.Connector, error) {
	return &callbacks{base: newBase(v.exchange, csta.MakeCall), env: env, offers: make(map[csta.DeviceID]string), holds: make(map[string]csta.DeviceID)}, nil
}

// TakeOver lets an agent take the call that another one put on hold.
const TakeOver Kind = "take over"

// Act implements Vendor. What only this shape has is here.
func (v *callbacksVendor) Act(a Act) {
	if a.Kind != TakeOver {
		v.exchange.Act(a)
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, p := range v.parts {
		if p.call == a.Call {
			p.device, p.own = a.Device, csta.Connected // nothing is told of whom it was taken from
			v.change(p)
			return
		}
	}
}

type callbacks struct {
	*base
	env    pbx.Env
	sink   pbx.Sink
	state  sync.Mutex
	offers map[csta.DeviceID]string // command ids of dials that no event named yet
	holds  map[string]csta.DeviceID // who had a call last
}

var _ pbx.CallMaker = (*callbacks)(nil)

// event is what the system posts.
type event struct {
	Agent     csta.DeviceID `json:"agent"`
	Type      string        `json:"type"`
	Call      string        `json:"call"`
	Caller    string        `json:"caller"`
	Outbound  bool          `json:"outbound"`
	Connected bool          `json:"connected"`
}

// Run mounts the receiver and asks now and then whether the system still lives.
func (c *callbacks) Run(ctx context.Context, sink pbx.Sink) error {
	c.sink = sink
	url, unmount, err := c.env.Inbox.Mount(ctx, "events", http.HandlerFunc(c.receive))
	if err != nil {
		return fmt.Errorf("callbacks: %w", err)
	}
	defer unmount()
	var heard time.Time
	up := false
	stop := make(chan struct{})
	var posting sync.WaitGroup
	defer posting.Wait()
	defer close(stop)
	for {
		switch err := c.x.reachable(); {
		case err == nil && !up:
			up = true
			if l, err := c.x.dial(); err == nil {
				posting.Go(func() { c.vendorPosts(l, url, stop) })
			}
			sink.Tell(pbx.TroubleChanged{})
			sink.Tell(pbx.LinkUp{HeardUntil: heard, At: time.Now()})
		case err != nil && up:
			up = false
			sink.Tell(pbx.LinkDown{HeardUntil: heard})
			sink.Tell(unreachable(err))
		}
		if up {
			heard = time.Now()
			sink.Tell(pbx.Heard{At: heard})
		}
		if !wait(ctx, 2*time.Second) {
			return nil
		}
	}
}

// vendorPosts is the system's side: it posts events until the connection breaks.
func (c *callbacks) vendorPosts(l *line, url string, stop <-chan struct{}) {
	defer c.x.hangLine(l)
	for {
		select {
		case p := <-l.news:
			body, err := json.Marshal(event{Agent: p.device, Type: eventType(p), Call: p.call, Caller: p.number, Outbound: p.direction == csta.Outgoing})
			if err != nil {
				return
			}
			r := httptest.NewRequest(http.MethodPost, url, strings.NewReader(string(body)))
			c.receive(httptest.NewRecorder(), r)
		case <-l.gone:
			return
		case <-stop:
			return
		}
	}
}

func eventType(p part) string {
	switch {
	case p.own == csta.Null:
		return "disconnected"
	case p.own == csta.Hold:
		return "onhold"
	case p.own == csta.Connected && (p.direction == csta.Incoming || p.far == csta.Connected):
		return "connected"
	}
	return "hunting"
}

// receive takes one event.
func (c *callbacks) receive(w http.ResponseWriter, r *http.Request) {
	var e event
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&e); err != nil {
		c.sink.Tell(pbx.Skipped{Reason: "json"})
		http.Error(w, "not understood", http.StatusBadRequest)
		return
	}
	for _, l := range c.legs(e) {
		c.sink.Tell(pbx.LegChanged{Leg: l, Stamp: stamp()})
	}
}

// legs makes news of an event; two, where a call was taken over.
func (c *callbacks) legs(e event) []pbx.Leg {
	c.state.Lock()
	defer c.state.Unlock()
	l := pbx.Leg{
		Key: pbx.LegKey{Call: e.Call, Device: e.Agent}, Direction: csta.Incoming, Far: pbx.Party{Number: e.Caller, Scope: pbx.ScopeGlobal},
		Expiry: 120 * time.Second,
	}
	if e.Outbound {
		l.Direction = csta.Outgoing
		l.Attempt = c.offers[e.Agent]
	}
	switch e.Type {
	case "hunting":
		l.State = csta.Alerting
	case "connected":
		l.State, l.FarState, l.Expiry = csta.Connected, csta.Connected, 0
	case "onhold":
		l.State, l.Expiry = csta.Hold, 0
	case "disconnected":
		l.State = csta.Null
		delete(c.offers, e.Agent)
	default:
		return nil
	}
	before, held := c.holds[e.Call]
	if l.State == csta.Connected {
		c.holds[e.Call] = e.Agent
	}
	if held && before != e.Agent && l.State == csta.Connected {
		gone := pbx.Leg{Key: pbx.LegKey{Call: e.Call, Device: before}, State: csta.Null, Cause: csta.CauseTransfer}
		return []pbx.Leg{l, gone} // the one who takes it first, so that the call never ends in between
	}
	return []pbx.Leg{l}
}

func (c *callbacks) Snapshot(_ context.Context, d csta.DeviceID) (pbx.Snapshot, error) {
	return pbx.Snapshot{Device: d, Proof: pbx.ProofNone, Stamp: stamp()}, nil
}

func (c *callbacks) MakeCall(_ context.Context, r pbx.MakeCallRequest) (pbx.Accepted, error) {
	number, err := dialled(r.To)
	if err != nil {
		return pbx.Accepted{}, err
	}
	c.state.Lock()
	c.offers[r.Device] = r.ID
	c.state.Unlock()
	_, err = c.x.makeCall(r.Device, number, r.ID)
	return pbx.Accepted{Limit: 30 * time.Second}, err
}
