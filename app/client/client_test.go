package client

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"

	"deskbell/app/wire"
)

// server is a scripted CTI server over pipes. A test gives it what to do with each handshake, and talks through the
// connections it accepted. To extend it, add a method to peer.
type server struct {
	t      *testing.T
	status func(n int) int // HTTP status of handshake n, from 1; 0: accept
	sub    string          // subprotocol to agree on
	peers  chan *peer
	dials  []time.Time
	heads  []http.Header
	mu     sync.Mutex
	begin  time.Time
}

// peer is the server's end of one session.
type peer struct {
	t    *testing.T
	conn *websocket.Conn
	got  chan wire.Message
	err  chan error
}

func newServer(t *testing.T) *server {
	return &server{t: t, sub: wire.Subprotocol, status: func(int) int { return 0 }, peers: make(chan *peer, 16), begin: time.Now()}
}

// dial is the network: it makes a pipe and serves its far end.
func (s *server) dial(context.Context, string, string) (net.Conn, error) {
	here, there := net.Pipe()
	l := &onePipe{conn: there}
	srv := &http.Server{Handler: http.HandlerFunc(s.handle), ReadHeaderTimeout: time.Minute}
	go func() { _ = srv.Serve(l) }()
	return here, nil
}

// onePipe is a listener that accepts one connection.
type onePipe struct {
	conn net.Conn
	once sync.Once
}

func (l *onePipe) Accept() (conn net.Conn, err error) {
	err = net.ErrClosed
	l.once.Do(func() { conn, err = l.conn, nil })
	return conn, err
}
func (l *onePipe) Close() error   { return nil }
func (l *onePipe) Addr() net.Addr { return l.conn.LocalAddr() }

func (s *server) handle(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.dials = append(s.dials, time.Now())
	s.heads = append(s.heads, r.Header.Clone())
	n := len(s.dials)
	s.mu.Unlock()
	if status := s.status(n); status != 0 {
		w.Header().Set("Connection", "close")
		w.WriteHeader(status)
		return
	}
	up := websocket.Upgrader{Subprotocols: []string{s.sub}}
	conn, err := up.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	p := &peer{t: s.t, conn: conn, got: make(chan wire.Message, 64), err: make(chan error, 1)}
	go p.read()
	s.peers <- p
}

func (p *peer) read() {
	for {
		_, data, err := p.conn.ReadMessage()
		if err != nil {
			p.err <- err
			close(p.got)
			return
		}
		var m wire.Message
		if json.Unmarshal(data, &m) == nil {
			p.got <- m
		}
	}
}

func (p *peer) send(text string) {
	require.NoError(p.t, p.conn.WriteMessage(websocket.TextMessage, []byte(text)))
}

func (p *peer) note(method string, params any) {
	data, err := json.Marshal(params)
	require.NoError(p.t, err)
	whole, err := json.Marshal(wire.Message{Version: "2.0", Method: method, Params: data})
	require.NoError(p.t, err)
	p.send(string(whole))
}

func (p *peer) hello() {
	p.note(wire.NoteHello, wire.HelloFromServer{Epoch: "e1", Session: "s1", PingMS: 10_000, User: wire.User{Name: "Anna"}})
	p.note(wire.NoteSnapshot, wire.Snapshot{Seq: 1})
}

func (p *peer) close(code int) {
	require.NoError(p.t, p.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, ""), time.Now().Add(time.Second)))
}

// heard writes down what the client tells.
type heard struct {
	mu   sync.Mutex
	list []string
	note []any
}

func (h *heard) add(s string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = append(h.list, s)
}
func (h *heard) Up(hello wire.HelloFromServer) { h.add("up " + hello.Epoch) }
func (h *heard) Told(n any) {
	h.add(strings.TrimPrefix(strings.ToLower(typeName(n)), "wire."))
	h.note = append(h.note, n)
}

func (h *heard) Down(why string, final bool) {
	if final {
		why += " for good"
	}
	h.add("down " + why)
}

func (h *heard) all() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.list...)
}

func typeName(v any) string {
	switch v.(type) {
	case wire.Snapshot:
		return "snapshot"
	case wire.Call:
		return "call"
	case wire.Joined:
		return "joined"
	case wire.Line:
		return "line"
	case wire.Contact:
		return "contact"
	case wire.Attempt:
		return "attempt"
	case wire.Pop:
		return "pop"
	case wire.Entry:
		return "entry"
	case wire.Gap:
		return "gap"
	case wire.Trouble:
		return "trouble"
	case wire.Settings:
		return "settings"
	case wire.Devices:
		return "devices"
	}
	return "unknown"
}

// within runs a client against a scripted server in virtual time.
func within(t *testing.T, test func(t *testing.T, c *Client, s *server, h *heard)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s, h := newServer(t), &heard{}
		c := New(Options{
			Handler: h, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Version: "1.0", Device: "desk", Locale: "de", CanPop: true, Dial: s.dial,
		})
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { c.Run(ctx) })
		test(t, c, s, h)
		cancel()
		running.Wait()
		close(s.peers)
		for p := range s.peers {
			_ = p.conn.Close()
		}
		synctest.Wait()
	})
}

const here = "http://127.0.0.1:1"

func TestSessionBegins(t *testing.T) {
	within(t, func(t *testing.T, c *Client, s *server, h *heard) {
		_, err := c.Request(t.Context(), wire.MethodActive, struct{}{})
		require.ErrorIs(t, err, ErrDown)
		c.SetAccount(here, "secret")
		p := <-s.peers
		m := <-p.got
		require.Equal(t, "hello", m.Method)
		require.Empty(t, m.ID)
		require.JSONEq(t, `{"version":"1.0","capabilities":["pop"],"device":"desk","locale":"de"}`, string(m.Params))
		p.hello()
		synctest.Wait()
		require.Equal(t, []string{"up e1", "snapshot"}, h.all())
		require.Equal(t, "Bearer secret", s.heads[0].Get("Authorization"))
		require.Equal(t, wire.Subprotocol, s.heads[0].Get("Sec-WebSocket-Protocol"))
		require.Empty(t, s.heads[0].Get("Origin"))
		c.SetAccount("", "")
		require.Error(t, <-p.err)
		synctest.Wait()
		require.Equal(t, []string{"up e1", "snapshot", "down unreachable"}, h.all())
		time.Sleep(time.Hour)
		require.Len(t, s.dials, 1)
	})
}

func TestNotificationsAreDecodedAndNumbered(t *testing.T) {
	within(t, func(t *testing.T, c *Client, s *server, h *heard) {
		c.SetAccount(here, "secret")
		p := <-s.peers
		<-p.got
		p.hello()
		methods := []string{"call", "joined", "line", "contact", "attempt", "pop", "entry", "gap", "trouble", "settings", "devices"}
		for i, m := range methods {
			p.note(m, map[string]any{"seq": i + 2, "from_the_future": true})
		}
		p.note("from.the.future", map[string]any{"seq": 13})
		p.note("line", wire.Line{Seq: 14, Device: "101"})
		p.send(`{"jsonrpc":"2.0","id":1,"method":"server.request","params":{}}`)
		p.send(`{"jsonrpc":"2.0","id":"77","result":{}}`)
		p.send(`{"jsonrpc":"2.0"}`)
		synctest.Wait()
		require.Equal(t, append(append([]string{"up e1", "snapshot"}, methods...), "line"), h.all())
		require.Equal(t, wire.Line{Seq: 14, Device: "101"}, h.note[len(h.note)-1])
		require.Empty(t, p.got)
	})
}

func TestAMissingNumberAsksForASnapshot(t *testing.T) {
	for name, gap := range map[string]string{
		"missing":        `{"jsonrpc":"2.0","method":"line","params":{"seq":3}}`,
		"repeated":       `{"jsonrpc":"2.0","method":"line","params":{"seq":1}}`,
		"makes no sense": `{"jsonrpc":"2.0","method":"line","params":{"seq":2,"device":7}}`,
	} {
		t.Run(name, func(t *testing.T) {
			within(t, func(t *testing.T, c *Client, s *server, h *heard) {
				c.SetAccount(here, "secret")
				p := <-s.peers
				<-p.got
				p.hello()
				p.send(gap)
				p.note("line", wire.Line{Seq: 4})
				m := <-p.got
				require.Equal(t, wire.MethodSnapshot, m.Method)
				require.JSONEq(t, `{}`, string(m.Params))
				p.send(`{"jsonrpc":"2.0","id":` + string(m.ID) + `,"result":{}}`)
				p.note("line", wire.Line{Seq: 5})
				synctest.Wait()
				require.Equal(t, []string{"up e1", "snapshot"}, h.all())
				require.Empty(t, p.got, "asked once")
				p.note(wire.NoteSnapshot, wire.Snapshot{Seq: 6})
				p.note("line", wire.Line{Seq: 7})
				synctest.Wait()
				require.Equal(t, []string{"up e1", "snapshot", "snapshot", "line"}, h.all())
			})
		})
	}
}

func TestNothingCountsBeforeTheFirstSnapshot(t *testing.T) {
	within(t, func(t *testing.T, c *Client, s *server, h *heard) {
		c.SetAccount(here, "secret")
		p := <-s.peers
		<-p.got
		p.note(wire.NoteHello, wire.HelloFromServer{Epoch: "e1"})
		p.note("line", wire.Line{Seq: 1})
		synctest.Wait()
		require.Equal(t, []string{"up e1"}, h.all())
		require.Empty(t, p.got)
	})
}

func TestServersThatBreakTheProtocol(t *testing.T) {
	for name, bad := range map[string]func(p *peer){
		"not JSON":            func(p *peer) { p.send("hello") },
		"not JSON-RPC":        func(p *peer) { p.send(`{"method":"hello"}`) },
		"no hello":            func(p *peer) { p.note("line", wire.Line{Seq: 1}) },
		"no epoch":            func(p *peer) { p.note("hello", wire.HelloFromServer{}) },
		"hello of wrong type": func(p *peer) { p.send(`{"jsonrpc":"2.0","method":"hello","params":7}`) },
		"binary":              func(p *peer) { require.NoError(p.t, p.conn.WriteMessage(websocket.BinaryMessage, []byte("{}"))) },
		"no seq":              func(p *peer) { p.hello(); p.send(`{"jsonrpc":"2.0","method":"line","params":[]}`) },
		"broken snapshot":     func(p *peer) { p.hello(); p.send(`{"jsonrpc":"2.0","method":"snapshot","params":{"seq":2,"calls":7}}`) },
	} {
		t.Run(name, func(t *testing.T) {
			within(t, func(t *testing.T, c *Client, s *server, h *heard) {
				c.SetAccount(here, "secret")
				p := <-s.peers
				bad(p)
				require.Error(t, <-p.err)
				synctest.Wait()
				require.Contains(t, h.all(), "down protocol")
				<-s.peers // comes back
			})
		})
	}
}

func TestCloseCodes(t *testing.T) {
	cases := map[int]string{
		websocket.CloseGoingAway: "restart", websocket.CloseInternalServerErr: "unreachable", websocket.CloseServiceRestart: "restart",
		wire.CloseTooSlow: "unreachable", wire.CloseHeartbeat: "unreachable", wire.CloseRestart: "restart", wire.CloseNewRights: "unreachable",
		wire.CloseRevoked: "revoked for good", wire.CloseProtocol: "protocol for good", wire.CloseNoHello: "protocol for good",
		wire.CloseFlood: "flood for good", wire.CloseTooBig: "too_big for good", wire.CloseVersion: "version for good",
		wire.CloseTooManyPeers: "too_many for good", 4150: "protocol for good", 4050: "unreachable",
	}
	for code, want := range cases {
		within(t, func(t *testing.T, c *Client, s *server, h *heard) {
			c.SetAccount(here, "secret")
			p := <-s.peers
			p.hello()
			p.close(code)
			<-p.err
			synctest.Wait()
			require.Equal(t, []string{"up e1", "snapshot", "down " + want}, h.all(), "%d", code)
			time.Sleep(time.Minute)
			synctest.Wait()
			if strings.HasSuffix(want, "for good") {
				require.Len(t, s.dials, 1, "%d", code)
				c.Redial()
			}
			<-s.peers
		})
	}
}

func TestHandshakesRefused(t *testing.T) {
	for status, want := range map[int]string{
		401: "sign_in for good", 403: "not_allowed for good", 426: "version for good", 429: "unreachable", 408: "unreachable", 500: "unreachable",
		503: "unreachable", 404: "not_deskbell", 200: "not_deskbell",
	} {
		within(t, func(t *testing.T, c *Client, s *server, h *heard) {
			s.status = func(int) int { return status }
			c.SetAccount(here, "secret")
			synctest.Wait()
			require.Equal(t, "down "+want, h.all()[0], "%d", status)
			time.Sleep(10 * time.Minute)
			synctest.Wait()
			if strings.HasSuffix(want, "for good") {
				require.Len(t, s.dials, 1, "%d", status)
				return
			}
			require.Greater(t, len(s.dials), 20, "%d", status)
			require.Less(t, len(s.dials), 100, "%d", status)
		})
	}
	within(t, func(t *testing.T, c *Client, s *server, h *heard) {
		s.sub = "another"
		c.SetAccount(here, "secret")
		synctest.Wait()
		require.Equal(t, []string{"down not_deskbell"}, h.all())
	})
}

func TestAddressesRefused(t *testing.T) {
	for address, want := range map[string]string{
		"http://cti.example": "down insecure for good", "ws://10.0.0.1": "down insecure for good", "ftp://cti.example": "down not_deskbell for good",
		"https://": "down not_deskbell for good", "http://%zz": "down not_deskbell for good",
	} {
		within(t, func(t *testing.T, c *Client, s *server, h *heard) {
			c.SetAccount(address, "secret")
			synctest.Wait()
			require.Equal(t, []string{want}, h.all(), address)
			require.Empty(t, s.dials, "the token went out to %s", address)
		})
	}
}

func TestEndpoint(t *testing.T) {
	for in, want := range map[string][2]string{
		"https://cti.example:1/": {"wss://cti.example:1/v1/x", "https://cti.example:1/v1/x"},
		"wss://cti.example":      {"wss://cti.example/v1/x", "https://cti.example/v1/x"},
		"http://localhost:1":     {"ws://localhost:1/v1/x", "http://localhost:1/v1/x"},
		"ws://[::1]:1":           {"ws://[::1]:1/v1/x", "http://[::1]:1/v1/x"},
	} {
		socket, err := endpoint(in, "/v1/x", true)
		require.NoError(t, err)
		plain, err := endpoint(in, "/v1/x", false)
		require.NoError(t, err)
		require.Equal(t, want, [2]string{socket, plain})
	}
}

func TestBackoff(t *testing.T) {
	within(t, func(t *testing.T, c *Client, s *server, h *heard) {
		for n, limit := range map[int]time.Duration{
			0: 500 * time.Millisecond, 1: time.Second, 3: 4 * time.Second, 5: 16 * time.Second, 6: 30 * time.Second, 60: 30 * time.Second,
		} {
			for range 200 {
				require.Less(t, c.backoff(n), limit)
			}
		}
		c.Hurry(true)
		for range 200 {
			require.Less(t, c.backoff(60), 5*time.Second)
		}
		var longest time.Duration
		for range 200 {
			longest = max(longest, c.backoff(60))
		}
		require.Greater(t, longest, 4*time.Second)
	})
}

func TestComesBackAtOnce(t *testing.T) {
	for name, end := range map[string]func(c *Client, p *peer){
		"too slow":   func(_ *Client, p *peer) { p.close(wire.CloseTooSlow) },
		"new rights": func(_ *Client, p *peer) { p.close(wire.CloseNewRights) },
		"redial":     func(c *Client, _ *peer) { c.Redial() },
	} {
		t.Run(name, func(t *testing.T) {
			within(t, func(t *testing.T, c *Client, s *server, h *heard) {
				c.SetAccount(here, "secret")
				p := <-s.peers
				p.hello()
				time.Sleep(6 * time.Second)
				now := time.Now()
				end(c, p)
				p2 := <-s.peers
				require.Equal(t, now, time.Now())
				p2.hello()
				synctest.Wait()
				require.Equal(t, "snapshot", h.all()[len(h.all())-1])
			})
		})
	}
}

func TestRedialEndsAWait(t *testing.T) {
	within(t, func(t *testing.T, c *Client, s *server, h *heard) {
		s.status = func(n int) int {
			if n <= 8 {
				return 503
			}
			return 0
		}
		c.SetAccount(here, "secret")
		for range 8 {
			synctest.Wait()
			c.Redial()
		}
		<-s.peers
		require.Equal(t, s.begin, s.dials[8])
	})
}

func TestSilenceMeansGone(t *testing.T) {
	within(t, func(t *testing.T, c *Client, s *server, h *heard) {
		c.SetAccount(here, "secret")
		p := <-s.peers
		p.hello()
		pongs := make(chan string, 9)
		p.conn.SetPongHandler(func(data string) error { pongs <- data; return nil })
		for range 5 {
			time.Sleep(10 * time.Second)
			require.NoError(t, p.conn.WriteControl(websocket.PingMessage, []byte("p"), time.Now().Add(time.Second)))
		}
		synctest.Wait()
		require.Len(t, pongs, 5)
		require.Equal(t, []string{"up e1", "snapshot"}, h.all())
		began := time.Now()
		require.Error(t, <-p.err)
		require.Equal(t, 20*time.Second, time.Since(began))
		synctest.Wait()
		require.Equal(t, "down unreachable", h.all()[2])
	})
	require.Equal(t, time.Minute, silence(0))
	require.Equal(t, time.Minute, silence(-1))
	require.Equal(t, time.Minute, silence(int64(time.Hour/time.Millisecond)))
	require.Equal(t, 2*time.Second, silence(1))
	require.Equal(t, 40*time.Second, silence(20_000))
}

func TestAServerThatNeverSaysHello(t *testing.T) {
	within(t, func(t *testing.T, c *Client, s *server, h *heard) {
		c.SetAccount(here, "secret")
		p := <-s.peers
		began := time.Now()
		require.Error(t, <-p.err)
		require.Equal(t, helloLimit, time.Since(began))
	})
}

func TestRequests(t *testing.T) {
	within(t, func(t *testing.T, c *Client, s *server, h *heard) {
		c.SetAccount(here, "secret")
		p := <-s.peers
		<-p.got
		p.hello()
		synctest.Wait()
		type outcome struct {
			result string
			err    error
		}
		ask := func(ctx context.Context) chan outcome {
			out := make(chan outcome, 1)
			go func() {
				result, err := c.Request(ctx, wire.MethodMakeCall, wire.MakeCallParams{Command: "c1", Number: "1"})
				out <- outcome{string(result), err}
			}()
			return out
		}
		first := ask(t.Context())
		m1 := <-p.got
		require.Equal(t, "MakeCall", m1.Method)
		require.JSONEq(t, `{"command":"c1","number":"1","origin":""}`, string(m1.Params))
		second := ask(t.Context())
		m2 := <-p.got
		require.NotEqual(t, m1.ID, m2.ID)
		p.send(`{"jsonrpc":"2.0","id":` + string(m2.ID) + `,"error":{"code":-32004,"message":"no","data":{"code":"number_invalid"}}}`)
		p.send(`{"jsonrpc":"2.0","id":` + string(m1.ID) + `,"result":{"x":1}}`)
		p.send(`{"jsonrpc":"2.0","id":` + string(m1.ID) + `,"result":{"x":2}}`)
		require.Equal(t, outcome{`{"x":1}`, nil}, <-first)
		refused := (<-second).err
		var we *wire.Error
		require.True(t, errors.As(refused, &we))
		require.Equal(t, wire.ReasonNumberInvalid, we.Data.Code)

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, (<-ask(ctx)).err, context.DeadlineExceeded)
		<-p.got

		lost := ask(t.Context())
		<-p.got
		require.NoError(t, p.conn.Close())
		require.ErrorIs(t, (<-lost).err, ErrLost)

		_, err := c.Request(t.Context(), "x", func() {})
		require.Error(t, err)
	})
}

func TestRequestsAreBounded(t *testing.T) {
	within(t, func(t *testing.T, c *Client, s *server, h *heard) {
		c.SetAccount(here, "secret")
		p := <-s.peers
		<-p.got
		p.hello()
		synctest.Wait()
		_, err := c.Request(t.Context(), "x", strings.Repeat("x", wire.MaxFromTray))
		require.ErrorContains(t, err, "too big")
	})
}
