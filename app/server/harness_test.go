package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"

	"deskbell/app/contact"
	"deskbell/app/csta"
	"deskbell/app/journal"
	"deskbell/app/number"
	"deskbell/app/number/plan"
	"deskbell/app/pbx"
	"deskbell/app/server/accounts"
	"deskbell/app/server/eventlog"
	"deskbell/app/server/owner"
	"deskbell/app/server/page"
	"deskbell/app/server/store"
)

// limit is how long a test waits for anything.
const limit = 10 * time.Second

// phones is a scripted telephone system: tests tell what happens.
type phones struct {
	services csta.Services
	sink     chan pbx.Sink
	now      pbx.Sink
	fail     chan error

	mu     sync.Mutex
	made   []pbx.MakeCallRequest
	clears []pbx.Command
	err    error // what commands answer
}

func newPhones() *phones {
	return &phones{services: csta.Of(csta.MakeCall, csta.ClearConnection), sink: make(chan pbx.Sink, 8), fail: make(chan error, 1)}
}

func (p *phones) Run(ctx context.Context, sink pbx.Sink) error {
	sink.Tell(pbx.Devices{Complete: true, List: []pbx.Device{
		{ID: "101", Number: "101", Name: "Anna Huber"}, {ID: "102", Number: "102", Name: "Ben Roth"}, {ID: "103", Number: "103", Name: "Cem Kaya"},
	}})
	sink.Tell(pbx.LinkUp{At: time.Now()})
	p.sink <- sink
	select {
	case <-ctx.Done():
		return nil
	case err := <-p.fail:
		return err
	}
}

func (p *phones) MonitorStart(csta.DeviceID) error { return nil }
func (p *phones) MonitorStop(csta.DeviceID) error  { return nil }
func (p *phones) Snapshot(_ context.Context, d csta.DeviceID) (pbx.Snapshot, error) {
	return pbx.Snapshot{Device: d, Proof: pbx.ProofNone}, nil
}
func (p *phones) Services(csta.DeviceID) csta.Services { return p.services }

func (p *phones) MakeCall(_ context.Context, r pbx.MakeCallRequest) (pbx.Accepted, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.made = append(p.made, r)
	return pbx.Accepted{Call: fmt.Sprintf("api-%d", len(p.made))}, p.err
}

func (p *phones) ClearConnection(_ context.Context, c pbx.Command) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clears = append(p.clears, c)
	return p.err
}

func (p *phones) calls() []pbx.MakeCallRequest {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]pbx.MakeCallRequest{}, p.made...)
}

// leg tells the state of a leg.
func (p *phones) leg(l pbx.Leg) {
	p.now.Tell(pbx.LegChanged{Leg: l, Stamp: pbx.Stamp{Received: time.Now()}})
}

func (p *phones) ring(call, device, from string) {
	p.leg(pbx.Leg{
		Key: pbx.LegKey{Call: call, Device: csta.DeviceID(device)}, State: csta.Alerting, FarState: csta.Connected,
		Direction: csta.Incoming, Far: pbx.Party{Number: from, Scope: pbx.ScopeGlobal},
	})
}

func (p *phones) answer(call, device string) {
	p.leg(pbx.Leg{Key: pbx.LegKey{Call: call, Device: csta.DeviceID(device)}, State: csta.Connected, FarState: csta.Connected})
}

func (p *phones) end(call, device string, cause csta.Cause) {
	p.leg(pbx.Leg{Key: pbx.LegKey{Call: call, Device: csta.DeviceID(device)}, State: csta.Null, Cause: cause})
}

var _ interface {
	pbx.Connector
	pbx.CallMaker
	pbx.ConnectionClearer
} = (*phones)(nil)

// book is a contact source with one known customer.
type book struct{}

func (book) Find(_ context.Context, q contact.Query, tell func(contact.Answer)) {
	if q.Number != "+4989123456" {
		tell(contact.Answer{Stage: contact.StageName, Final: true})
		return
	}
	m := contact.Match{Exact: true, Contact: contact.Contact{Source: "crm", ID: "7", Name: "Peter Lang", Company: "Lang GmbH", VIP: true}}
	tell(contact.Answer{Stage: contact.StageName, Matches: []contact.Match{m}})
	m.Counts = contact.Counts{OpenTickets: 3, Known: true}
	tell(contact.Answer{Stage: contact.StageCounts, Matches: []contact.Match{m}, Final: true})
}

func (book) Troubles() []contact.Trouble { return nil }

// bench is a running server with one or two scripted telephone systems, and what belongs to it.
type bench struct {
	t        testing.TB
	dir      string
	srv      *Server
	accounts *accounts.Accounts
	phones   *phones
	second   *phones
	url      string
	stop     func()
	change   []func(*Params)
}

func start(t testing.TB, change ...func(*Params)) *bench {
	b := &bench{t: t, dir: t.TempDir(), change: change}
	b.run()
	t.Cleanup(func() { b.stop() })
	return b
}

// run starts the server on the bench's folder; after stop it may be started again.
func (b *bench) run() {
	t := b.t
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo}))
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	db, err := store.Open(ctx, b.dir)
	require.NoError(t, err)
	b.accounts, err = accounts.Open(ctx, accounts.Params{DB: db, Log: log, Poll: 50 * time.Millisecond})
	require.NoError(t, err)
	events, err := eventlog.Open(ctx, filepath.Join(b.dir, "events.db"), eventlog.Options{Logger: log})
	require.NoError(t, err)
	var told func(Entry)
	calls, err := journal.Open(ctx, filepath.Join(b.dir, "journal.db"), events, journal.Options{
		Logger: log, Changed: func(_ string, e Entry) { told(e) },
	})
	require.NoError(t, err)
	extensions := &Extensions{}
	numbers, err := plan.New(plan.Settings{Region: "DE", AreaCode: "89", IsExtension: extensions.Exists})
	require.NoError(t, err)
	pages, err := page.New(page.Settings{Template: "https://crm.example/search{?number,contact.id}"})
	require.NoError(t, err)
	b.phones, b.second = newPhones(), newPhones()
	system := func(id csta.SystemID, name string, p *phones) SystemParams {
		return SystemParams{
			ID: id, Name: name, Type: "scripted", Emergency: EmergencyPhone,
			Open: func() (pbx.Connector, error) { return p, nil },
			Restore: func() (owner.State, error) {
				if err := calls.CatchUp(ctx, "default", id); err != nil {
					return owner.State{}, err
				}
				return events.Restore(ctx, "default", id)
			},
		}
	}
	p := Params{
		Tenant: "default", Name: "Test", Version: "1.2.3", Accounts: b.accounts, DB: db, Plan: numbers, Log: events,
		Systems: []SystemParams{system("munich", "NFON", b.phones), system("berlin", "Berlin", b.second)},
		Journal: calls.Tenant("default"), Take: calls.Take, Contacts: book{}, Extensions: extensions, Page: pages, Logger: log,
	}
	for _, c := range b.change {
		c(&p)
	}
	b.srv, err = New(ctx, p)
	require.NoError(t, err)
	told = b.srv.EntryChanged
	l, err := Listen(ctx, "127.0.0.1:0", nil)
	require.NoError(t, err)
	b.url = "127.0.0.1:" + fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
	var parts sync.WaitGroup
	parts.Go(func() { _ = b.srv.Run(ctx) })
	parts.Go(func() { _ = Serve(ctx, l, b.srv.Handler(), log) })
	b.phones.now, b.second.now = await(t, b.phones.sink), await(t, b.second.sink)
	var once sync.Once
	b.stop = func() {
		once.Do(func() {
			cancel()
			parts.Wait()
			require.NoError(t, calls.Close())
			require.NoError(t, events.Close())
			require.NoError(t, db.Close())
		})
	}
}

func await[T any](t testing.TB, c <-chan T) T {
	t.Helper()
	select {
	case v, ok := <-c:
		require.True(t, ok, "closed")
		return v
	case <-time.After(limit):
		require.Fail(t, "nothing came")
	}
	panic("unreachable")
}

// user makes a user and returns a token.
func (b *bench) user(id string, grants ...accounts.Grant) string {
	b.t.Helper()
	require.NoError(b.t, b.accounts.Add(b.t.Context(), accounts.User{ID: id, Name: "Name of " + id, Role: accounts.Agent, Grants: grants}))
	return b.token(id)
}

func (b *bench) token(id string) string {
	b.t.Helper()
	inv, err := b.accounts.Invite(b.t.Context(), id)
	require.NoError(b.t, err)
	secret, _, err := b.accounts.Exchange(b.t.Context(), inv.Code, "test")
	require.NoError(b.t, err)
	return secret
}

func own(devices ...string) (g []accounts.Grant) {
	for _, d := range devices {
		g = append(g, accounts.Grant{System: "munich", Device: csta.DeviceID(d), Access: accounts.Own})
	}
	return g
}

// object is any JSON object.
type object = map[string]any

// tray is a client that knows the protocol's text only.
type tray struct {
	t     testing.TB
	conn  *websocket.Conn
	notes chan object // notifications, with "method" and "params"
	done  chan error
	mu    sync.Mutex
	next  int
	wait  map[string]chan object
	seq   float64
}

func (b *bench) dial(token string) (*websocket.Conn, int, error) {
	return b.handshake(http.Header{"Authorization": {"Bearer " + token}}, "deskbell.v1")
}

// handshake dials with these headers and returns the status of the answer.
func (b *bench) handshake(header http.Header, protocols ...string) (*websocket.Conn, int, error) {
	d := websocket.Dialer{Subprotocols: protocols, HandshakeTimeout: limit}
	conn, resp, err := d.Dial("ws://"+b.url+"/v1/socket", header)
	if resp == nil {
		return conn, 0, err
	}
	require.NoError(b.t, resp.Body.Close())
	return conn, resp.StatusCode, err
}

// connect dials, says hello and checks hello and snapshot; it returns the snapshot.
func (b *bench) connect(token string, capabilities ...string) (*tray, object) {
	b.t.Helper()
	conn, _, err := b.dial(token)
	require.NoError(b.t, err)
	c := &tray{t: b.t, conn: conn, notes: make(chan object, 10000), done: make(chan error, 1), wait: map[string]chan object{}}
	b.t.Cleanup(func() { _ = conn.Close() })
	c.write(object{"jsonrpc": "2.0", "method": "hello", "params": object{"version": "test", "capabilities": capabilities, "locale": "de-DE"}})
	go c.read()
	hello := c.note("hello")
	require.Equal(b.t, "Test", hello["server_name"])
	return c, c.note("snapshot")
}

func (c *tray) write(m object) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.conn.WriteJSON(m); err != nil {
		c.t.Log("write:", err)
	}
}

func (c *tray) read() {
	defer close(c.notes)
	for {
		kind, data, err := c.conn.ReadMessage()
		if err != nil {
			c.done <- err
			return
		}
		var m object
		if kind != websocket.TextMessage || json.Unmarshal(data, &m) != nil || m["jsonrpc"] != "2.0" {
			c.done <- fmt.Errorf("not the protocol: %s", data)
			return
		}
		if m["method"] == nil {
			id, _ := m["id"].(string)
			c.mu.Lock()
			reply := c.wait[id]
			delete(c.wait, id)
			c.mu.Unlock()
			if reply != nil {
				reply <- m
			}
			continue
		}
		if m["method"] != "hello" {
			seq := m["params"].(object)["seq"].(float64)
			if seq != c.seq+1 && m["method"] != "snapshot" {
				c.done <- fmt.Errorf("number %v after %v", seq, c.seq)
				return
			}
			c.seq = seq
		}
		c.notes <- m
	}
}

// note waits for a notification of this method, skipping others.
func (c *tray) note(method string) object {
	c.t.Helper()
	return c.noteWhere(method, func(object) bool { return true })
}

func (c *tray) noteWhere(method string, ok func(object) bool) object {
	c.t.Helper()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		select {
		case m, open := <-c.notes:
			if !open {
				require.Fail(c.t, "connection ended", "%v while waiting for %s", <-c.done, method)
			}
			if p, isObject := m["params"].(object); isObject && m["method"] == method && ok(p) {
				return p
			}
		case <-timer.C:
			require.Fail(c.t, "no notification", method)
		}
	}
}

// quiet drains what comes within d and returns the notifications of a method.
func (c *tray) quiet(d time.Duration, method string) (found []object) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		select {
		case m, open := <-c.notes:
			if !open {
				return found
			}
			if m["method"] == method {
				found = append(found, m["params"].(object))
			}
		case <-timer.C:
			return found
		}
	}
}

// call makes a request and returns its reply.
func (c *tray) call(method string, params any) object {
	c.t.Helper()
	c.mu.Lock()
	c.next++
	id := fmt.Sprint(c.next)
	reply := make(chan object, 1)
	c.wait[id] = reply
	c.mu.Unlock()
	c.write(object{"jsonrpc": "2.0", "id": id, "method": method, "params": params})
	return await(c.t, reply)
}

// ok makes a request that must succeed and returns its result.
func (c *tray) ok(method string, params any) object {
	c.t.Helper()
	m := c.call(method, params)
	require.Nil(c.t, m["error"], "%v", m)
	return m["result"].(object)
}

// refused makes a request that must fail and returns code and reason.
func (c *tray) refused(method string, params any) (code float64, reason string) {
	c.t.Helper()
	m := c.call(method, params)
	e, ok := m["error"].(object)
	require.True(c.t, ok, "%v", m)
	data, _ := e["data"].(object)
	reason, _ = data["code"].(string)
	return e["code"].(float64), reason
}

// closed waits for the end and returns the close code.
func (c *tray) closed() int {
	c.t.Helper()
	err := await(c.t, c.done)
	var ce *websocket.CloseError
	require.True(c.t, errors.As(err, &ce), "%v", err)
	return ce.Code
}

// party reads the far party's number kind.
func party(o object) object { return o["far"].(object) }

var _ = number.External
