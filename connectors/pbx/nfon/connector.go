// Package nfon connects to an NFON telephone system through its CTI API (OpenAPI 1.0.1).
//
// README.md beside this file lists what the API leaves open and how each of its oddities is treated.
package nfon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"deskbell/app/csta"
	"deskbell/app/pbx"
)

// connector is one K-Account: all its extensions under one sign-in.
type connector struct {
	config   Config
	env      pbx.Env
	log      *slog.Logger
	api      *api
	auth     *passwordAuth
	attempts *attempts
	looks    chan struct{} // held by who asks for the line states of a device, or uses the next two
	asked    time.Time     // of the latest such request
	all      look          // the latest answer about all devices
	allErr   error         // that it failed

	mu        sync.Mutex
	monitored map[csta.DeviceID]bool
}

var (
	_ pbx.Connector         = (*connector)(nil)
	_ pbx.CallMaker         = (*connector)(nil)
	_ pbx.ConnectionClearer = (*connector)(nil)
)

func newConnector(config Config, env pbx.Env) *connector {
	if env.Log == nil {
		env.Log = slog.New(slog.DiscardHandler)
	}
	c := &connector{
		config: config, env: env, log: env.Log, api: newAPI(config, env), attempts: newAttempts(),
		looks: make(chan struct{}, 1), monitored: map[csta.DeviceID]bool{},
	}
	c.auth = &passwordAuth{api: c.api, username: config.Username, secrets: env.Secrets, log: env.Log}
	c.api.auth = c.auth
	return c
}

// Run owns the two streams and the timers; one goroutine, the desk, tells the sink.
func (c *connector) Run(ctx context.Context, sink pbx.Sink) error {
	if c.env.Store != nil {
		if err := c.attempts.load(ctx, c.env.Store); err != nil {
			c.log.Warn("calls started before this run are not known: they cannot be ended here", "error", err)
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	d := newDesk(c, sink)
	var owned sync.WaitGroup
	owned.Go(func() { d.keepCalls(ctx) })
	owned.Go(func() { d.keepStates(ctx) })
	owned.Go(func() { d.keepExtensions(ctx) })
	if c.env.Store != nil {
		owned.Go(func() { c.attempts.keep(ctx, c.env.Store, c.log) })
	}
	d.run(ctx)
	cancel()
	owned.Wait()
	d.owned.Wait()
	return nil
}

// MonitorStart notes a device whose line state is to be told even where NFON's list lacks it. NFON sends the calls of all
// extensions anyway.
func (c *connector) MonitorStart(device csta.DeviceID) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.monitored[device] = true
	return nil
}

// MonitorStop ends that.
func (c *connector) MonitorStop(device csta.DeviceID) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.monitored, device)
	return nil
}

func (c *connector) monitors() []csta.DeviceID {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := make([]csta.DeviceID, 0, len(c.monitored))
	for device := range c.monitored {
		list = append(list, device)
	}
	return list
}

// Services: NFON has no service to answer, hold or transfer. What ClearConnection may be used for is told with each leg.
func (c *connector) Services(csta.DeviceID) csta.Services {
	return csta.Of(csta.MakeCall, csta.ClearConnection, csta.SnapshotDevice)
}

// Snapshot asks for the line state of one device, which is all that NFON has. News of the last seconds are not touched by
// it, since the two feeds are not ordered relative to each other.
func (c *connector) Snapshot(ctx context.Context, device csta.DeviceID) (pbx.Snapshot, error) {
	look, err := c.lookAt(ctx, device)
	if err != nil {
		return pbx.Snapshot{}, commandError(err)
	}
	return look.of(device, look.asked.Add(-secondLook)), nil
}

// lookAt reads the line state of a device. Who asks about several in a row, as after a break, gets one answer about all of
// them, which may be shareLook old, rather than a request for each.
func (c *connector) lookAt(ctx context.Context, device csta.DeviceID) (look, error) {
	select {
	case c.looks <- struct{}{}:
		defer func() { <-c.looks }()
	case <-ctx.Done():
		return look{}, fmt.Errorf("line state: %w", ctx.Err())
	}
	if time.Since(c.all.asked) < shareLook {
		return c.all, c.allErr
	}
	before := c.asked
	c.asked = time.Now()
	if c.asked.Sub(before) >= shareLook {
		return c.fetchStates(ctx, device)
	}
	found, err := c.fetchStates(ctx)
	if ctx.Err() == nil { // else the asker gave up, and the next one asks himself
		c.all, c.allErr = found, err
	}
	return found, err
}

// look is one answer of the line states.
type look struct {
	asked     time.Time
	received  time.Time
	requestID string
	states    map[csta.DeviceID]stateEvent
	order     []csta.DeviceID
}

// fetchStates reads the line states of the named devices, or of all.
func (c *connector) fetchStates(ctx context.Context, devices ...csta.DeviceID) (look, error) {
	ctx, cancel := context.WithTimeout(ctx, timeList)
	defer cancel()
	query := url.Values{}
	for _, device := range devices {
		query.Add("extension", string(device))
	}
	path := pathStates
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	l := look{asked: time.Now(), states: map[csta.DeviceID]stateEvent{}}
	var list []stateEvent
	id, err := c.api.getJSON(ctx, request{method: http.MethodGet, path: path, accept: typeJSON}, limitList, &list)
	if err != nil {
		return l, err
	}
	l.received, l.requestID = time.Now(), id
	for _, s := range list {
		if device, ok := c.deviceOf(s); ok {
			if _, twice := l.states[device]; !twice {
				l.order = append(l.order, device)
			}
			l.states[device] = s
		}
	}
	return l, nil
}

// deviceOf is the extension a line state is about; false for one without, or of another K-Account.
func (c *connector) deviceOf(s stateEvent) (csta.DeviceID, bool) {
	device := bareExtension(s.Extension)
	ok := device != "" && len(device) <= maxID && c.ours(string(trim(s.Customer)))
	return csta.DeviceID(device), ok
}

func (c *connector) ours(customer string) bool {
	if customer == "" || equalAccount(customer, c.config.Account) {
		return true
	}
	return equalAccount(customer, c.customer())
}

func (c *connector) customer() string {
	customer, _ := c.auth.known()
	return customer
}

// of is what the answer proves about a device. One that is missing in it proves nothing.
func (l look) of(device csta.DeviceID, since time.Time) pbx.Snapshot {
	s, ok := l.states[device]
	snapshot := pbx.Snapshot{
		Device: device, Proof: pbx.ProofNone, Since: since,
		Stamp: pbx.Stamp{Received: l.received, Vendor: cut(string(s.Updated), 64), RequestID: l.requestID},
	}
	if line := lineOf(s); ok && line != csta.LineUnknown {
		snapshot.Proof, snapshot.Line = pbx.ProofLine, line
	}
	return snapshot
}

// MakeCall rings the device's own phone and, once that is picked up, the destination. The request is never sent twice.
func (c *connector) MakeCall(ctx context.Context, r pbx.MakeCallRequest) (pbx.Accepted, error) {
	body, err := c.callBody(r)
	if err != nil {
		return pbx.Accepted{}, err
	}
	a := c.attempts.begin(r, body.Callee)
	ctx, cancel := context.WithTimeout(ctx, timeSmall)
	defer cancel()
	resp, err := c.api.do(ctx, request{method: http.MethodPost, path: pathCalls, accept: typeJSON, body: body})
	if err != nil {
		err = makeCallError(err)
		if errors.Is(err, pbx.ErrUncertain) {
			c.attempts.accept(a, "")
		} else {
			c.attempts.drop(a)
		}
		return pbx.Accepted{}, err
	}
	defer resp.Body.Close()
	uuid := c.callID(resp)
	c.attempts.accept(a, uuid)
	limit := time.Duration(body.Timeout)*time.Second + firstEventSlack
	return pbx.Accepted{Call: uuid, Limit: limit}, nil
}

// callID reads the id from the reply. A reply that cannot be read is still a yes: the stream will tell the rest.
func (c *connector) callID(resp *http.Response) string {
	e, err := readReply(resp.Body)
	if err != nil {
		c.log.Warn("nfon took a call, but its reply cannot be understood", "request_id", requestID(resp), "error", err)
		return ""
	}
	return string(e.UUID)
}

// ClearConnection ends a call that was started here, in the stages the settings promise.
func (c *connector) ClearConnection(ctx context.Context, r pbx.Command) error {
	uuid, err := c.attempts.toClear(r.Leg, c.config.HangUp)
	if err != nil {
		return err
	}
	if !uuidPattern.MatchString(uuid) {
		return fmt.Errorf("%w: the call's id has another form than NFON ends calls by", pbx.ErrCannot)
	}
	ctx, cancel := context.WithTimeout(ctx, timeSmall)
	defer cancel()
	resp, err := c.api.do(ctx, request{method: http.MethodDelete, path: pathCalls + "/" + uuid, accept: typeJSON})
	if err == nil {
		resp.Body.Close()
		return nil
	}
	var status *statusError
	if errors.As(err, &status) && status.status == http.StatusNotFound {
		c.attempts.refuse(r.Leg)
		return errors.Join(pbx.ErrGone, err) // over already, or beyond what NFON ends
	}
	return commandError(err)
}
