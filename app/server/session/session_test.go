package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"

	"deskbell/app/wire"
)

// recorder is a handler that remembers.
type recorder struct {
	mu     sync.Mutex
	s      *Session
	hellos []wire.HelloFromTray
	hello  error
	ended  chan struct{}
	block  chan struct{} // requests named "block" wait for it
}

func newRecorder() *recorder {
	return &recorder{ended: make(chan struct{}), block: make(chan struct{})}
}

func (r *recorder) Hello(_ context.Context, s *Session, h wire.HelloFromTray) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.s, r.hellos = s, append(r.hellos, h)
	return r.hello
}

func (r *recorder) Request(_ context.Context, _ *Session, method string, params json.RawMessage) (any, error) {
	switch method {
	case "echo":
		return params, nil
	case "block":
		<-r.block
		return struct{}{}, nil
	case "own":
		return nil, &wire.Error{Code: wire.CodeNumber, Message: "no", Data: &wire.Reason{Code: wire.ReasonNumberInvalid}}
	case "leave":
		return ThenClose{Code: wire.CloseRevoked, Text: "bye"}, nil
	}
	return nil, errors.New("secret internals")
}

func (r *recorder) Ended(*Session) { close(r.ended) }

func (r *recorder) session() *Session {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.s
}

// pipes is a listener whose connections live inside a synctest bubble.
type pipes struct{ conns chan net.Conn }

func (p pipes) Accept() (net.Conn, error) {
	c, ok := <-p.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// pair is a client connected to a session over a pipe in virtual time.
func pair(t *testing.T, l Limits, h Handler) *websocket.Conn {
	ctx, cancel := context.WithCancel(context.Background())
	sh := NewShared(l, slog.New(slog.NewTextHandler(t.Output(), nil)))
	conns := pipes{make(chan net.Conn, 1)}
	up := websocket.Upgrader{ReadBufferSize: 512, WriteBufferSize: 512, WriteBufferPool: &sync.Pool{}}
	srv := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := up.Upgrade(w, r, nil)
		if err == nil {
			sh.Open(ctx, c, h)
		}
	})}
	var parts sync.WaitGroup
	parts.Go(func() { _ = srv.Serve(conns) })
	parts.Go(func() { _ = sh.Run(ctx) })
	d := websocket.Dialer{NetDialContext: func(context.Context, string, string) (net.Conn, error) {
		a, b := net.Pipe()
		conns.conns <- b
		return a, nil
	}}
	conn, resp, err := d.DialContext(ctx, "ws://pipe/", nil)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	t.Cleanup(func() {
		_ = conn.Close()
		close(conns.conns)
		cancel()
		_ = srv.Close()
		parts.Wait()
	})
	return conn
}

func send(t *testing.T, c *websocket.Conn, text string) {
	t.Helper()
	require.NoError(t, c.WriteMessage(websocket.TextMessage, []byte(text)))
}

const hello = `{"jsonrpc":"2.0","method":"hello","params":{"version":"1"}}`

// code reads until the connection is closed and gives the close code.
func code(t *testing.T, c *websocket.Conn) int {
	t.Helper()
	for {
		_, _, err := c.ReadMessage()
		var ce *websocket.CloseError
		if errors.As(err, &ce) {
			return ce.Code
		}
		require.NoError(t, err)
	}
}

func TestWithoutHello(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := pair(t, Limits{}, newRecorder())
		begin := time.Now()
		require.Equal(t, wire.CloseNoHello, code(t, c))
		require.Equal(t, 5*time.Second, time.Since(begin))
	})
}

func TestWrongFirstMessages(t *testing.T) {
	for text, want := range map[string]int{
		`{"jsonrpc":"2.0","id":1,"method":"snapshot"}`:              wire.CloseNoHello,
		`{"jsonrpc":"2.0","method":`:                                wire.CloseProtocol,
		`[` + hello + `]`:                                           wire.CloseProtocol,
		`{"jsonrpc":"1.0","method":"hello"}`:                        wire.CloseProtocol,
		`{"jsonrpc":"2.0","method":"hello","params":{"version":7}}`: wire.CloseProtocol,
		`{"jsonrpc":"2.0"}`:                                         wire.CloseProtocol,
	} {
		synctest.Test(t, func(t *testing.T) {
			c := pair(t, Limits{}, newRecorder())
			send(t, c, text)
			require.Equal(t, want, code(t, c), text)
		})
	}
}

func TestBinaryAndTooBig(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := pair(t, Limits{}, newRecorder())
		send(t, c, hello)
		require.NoError(t, c.WriteMessage(websocket.BinaryMessage, []byte(hello)))
		require.Equal(t, wire.CloseProtocol, code(t, c))
	})
	synctest.Test(t, func(t *testing.T) {
		c := pair(t, Limits{}, newRecorder())
		send(t, c, hello)
		closed := make(chan int)
		go func() { closed <- code(t, c) }()
		_ = c.WriteMessage(websocket.TextMessage, make([]byte, 100<<20)) // cut off or swallowed; either way it is told why
		require.Equal(t, wire.CloseTooBig, <-closed)
	})
}

func TestHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		c := pair(t, Limits{Ping: 20 * time.Second}, r)
		pings := make(chan time.Time, 100)
		var mute atomic.Bool
		c.SetPingHandler(func(data string) error {
			pings <- time.Now()
			if !mute.Load() {
				return c.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(time.Second))
			}
			return nil
		})
		send(t, c, hello)
		closed := make(chan int)
		go func() { closed <- code(t, c) }()
		var last time.Time
		for range 10 {
			at := <-pings
			if !last.IsZero() {
				require.InDelta(t, 20, at.Sub(last).Seconds(), 1)
			}
			last = at
		}
		synctest.Wait()
		mute.Store(true)
		begin := time.Now()
		require.Equal(t, wire.CloseHeartbeat, <-closed)
		require.InDelta(t, 50, time.Since(begin).Seconds(), 11)
		<-r.ended
	})
}

func TestFloodIsClosedAndAFastTalkerIsNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := pair(t, Limits{Rate: 50, Burst: 200}, newRecorder())
		send(t, c, hello)
		for range 300 {
			send(t, c, `{"jsonrpc":"2.0","method":"unknown"}`)
			time.Sleep(25 * time.Millisecond)
		}
		closed := make(chan int)
		go func() { closed <- code(t, c) }()
		for range 300 {
			_ = c.WriteMessage(websocket.TextMessage, []byte(`{"jsonrpc":"2.0","method":"unknown"}`))
		}
		require.Equal(t, wire.CloseFlood, <-closed)
	})
}

func TestASlowReaderIsClosedAndItsQueueStaysBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		c := pair(t, Limits{Queue: 10_000}, r)
		send(t, c, hello)
		synctest.Wait()
		s := r.session()
		for i := range 500 {
			n, err := NewNote("call", "", map[string]any{"text": strings.Repeat("x", 100), "n": i})
			require.NoError(t, err)
			s.Notify(n)
			s.mu.Lock()
			require.LessOrEqual(t, s.waiting, 10_000)
			s.mu.Unlock()
		}
		require.True(t, s.isClosing())
		require.Equal(t, wire.CloseTooSlow, code(t, c))
		<-r.ended
	})
}

func TestAReaderThatNeverReadsIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		c := pair(t, Limits{Queue: 1000, Write: 10 * time.Second}, r)
		send(t, c, hello)
		synctest.Wait()
		for range 100 {
			n, err := NewNote("call", "", map[string]any{"text": strings.Repeat("x", 100)})
			require.NoError(t, err)
			r.session().Notify(n)
		}
		begin := time.Now()
		<-r.ended
		require.LessOrEqual(t, time.Since(begin), 12*time.Second)
	})
}

func TestNumbersHaveNoGapsAndValuesAreThinned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		c := pair(t, Limits{}, r)
		send(t, c, hello)
		synctest.Wait()
		s := r.session()
		for i := range 100 {
			line, err := NewNote("line", "line/101", map[string]any{"n": i})
			require.NoError(t, err)
			call, err := NewNote("call", "", map[string]any{"n": i})
			require.NoError(t, err)
			s.Notify(line)
			s.Notify(call)
		}
		var seq, calls, lines, last int
		for calls < 100 {
			var m struct {
				Method string
				Params struct{ Seq, N int }
			}
			require.NoError(t, c.ReadJSON(&m))
			seq++
			require.Equal(t, seq, m.Params.Seq)
			if m.Method == "call" {
				require.Equal(t, calls, m.Params.N, "calls are never thinned and stay in order")
				calls++
			} else {
				lines++
				last = m.Params.N
			}
		}
		require.LessOrEqual(t, lines, 3)
		require.Equal(t, 99, last, "the newest value counts")
	})
}

func TestALateMessageTellsTrueAges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		c := pair(t, Limits{}, r)
		send(t, c, hello)
		synctest.Wait()
		began := time.Now()
		age := func(now time.Time) any { return map[string]any{"age_ms": now.Sub(began).Milliseconds()} }
		for range 2 { // the first is taken by the writer, which is stuck; the second waits
			n, err := NewAgedNote("call", time.Now(), age)
			require.NoError(t, err)
			r.session().Notify(n)
		}
		time.Sleep(5 * time.Second)
		var m struct {
			Params struct {
				AgeMS int64 `json:"age_ms"`
			}
		}
		require.NoError(t, c.ReadJSON(&m))
		require.NoError(t, c.ReadJSON(&m))
		require.EqualValues(t, 5000, m.Params.AgeMS)
	})
}

func TestRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		c := pair(t, Limits{Parallel: 2}, r)
		send(t, c, hello)
		ask := func(text string) map[string]any {
			send(t, c, text)
			var m map[string]any
			require.NoError(t, c.ReadJSON(&m))
			return m
		}
		require.Equal(t, map[string]any{"jsonrpc": "2.0", "id": "a", "result": map[string]any{"x": 1.0}},
			ask(`{"jsonrpc":"2.0","id":"a","method":"echo","params":{"x":1}}`))
		require.Equal(t, 7.0, ask(`{"jsonrpc":"2.0","id":7,"method":"echo"}`)["id"])
		e := ask(`{"jsonrpc":"2.0","id":1,"method":"own"}`)["error"].(map[string]any)
		require.EqualValues(t, wire.CodeNumber, e["code"])
		require.Equal(t, map[string]any{"code": "number_invalid"}, e["data"])
		e = ask(`{"jsonrpc":"2.0","id":1,"method":"fails"}`)["error"].(map[string]any)
		require.EqualValues(t, wire.CodeInternal, e["code"])
		require.NotContains(t, fmt.Sprint(e), "secret", "inner errors stay inside")

		send(t, c, `{"jsonrpc":"2.0","id":"b1","method":"block"}`)
		send(t, c, `{"jsonrpc":"2.0","id":"b2","method":"block"}`)
		synctest.Wait()
		e = ask(`{"jsonrpc":"2.0","id":"b3","method":"block"}`)["error"].(map[string]any)
		require.EqualValues(t, wire.CodeLimited, e["code"])
		close(r.block)
		for range 2 {
			_, _, err := c.ReadMessage()
			require.NoError(t, err)
		}
		require.NotNil(t, ask(`{"jsonrpc":"2.0","id":9,"method":"leave"}`)["result"], "the reply comes before the close")
		require.Equal(t, wire.CloseRevoked, code(t, c))
	})
}

func TestHelloMayRefuse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		r.hello = &CloseError{wire.CloseTooManyPeers, "too many"}
		c := pair(t, Limits{}, r)
		send(t, c, hello)
		require.Equal(t, wire.CloseTooManyPeers, code(t, c))
		<-r.ended
	})
}

func TestTheOtherEndGoesAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		c := pair(t, Limits{}, r)
		send(t, c, hello)
		synctest.Wait()
		require.NoError(t, c.NetConn().Close())
		<-r.ended
		r.session().Close(wire.CloseRestart, "too late, and harmless")
		<-r.session().Context().Done()
	})
}

func TestPingsOfTheTrayAreAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := pair(t, Limits{Burst: 10, Rate: 1}, newRecorder())
		send(t, c, hello)
		pong := make(chan string, 1)
		c.SetPongHandler(func(data string) error { pong <- data; return nil })
		closed := make(chan int)
		go func() { closed <- code(t, c) }()
		require.NoError(t, c.WriteControl(websocket.PingMessage, []byte("there?"), time.Now().Add(time.Second)))
		require.Equal(t, "there?", <-pong)
		for range 20 {
			_ = c.WriteControl(websocket.PongMessage, nil, time.Now().Add(time.Second))
		}
		require.Equal(t, wire.CloseFlood, <-closed, "control frames count")
	})
}

func TestParseTakesUTF8Only(t *testing.T) {
	_, err := Parse([]byte(`{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":"\u00e9é"}}`))
	require.NoError(t, err)
	_, err = Parse([]byte("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":{\"a\":\"\xff\"}}"))
	require.ErrorIs(t, err, errProtocol)
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(hello))
	f.Add([]byte(`{"jsonrpc":"2.0","id":"a","method":"MakeCall","params":{"number":"112"}}`))
	f.Add([]byte(`[{}]`))
	f.Add([]byte(`{"jsonrpc":"2.0","id":{"a":1},"method":"x"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Parse(data)
		if err != nil {
			var c *CloseError
			require.ErrorAs(t, err, &c)
			require.Equal(t, wire.CloseProtocol, c.Code)
			return
		}
		require.Equal(t, "2.0", m.Version)
		require.LessOrEqual(t, len(m.ID), maxID)
		again, err := json.Marshal(wire.Message{Version: m.Version, ID: m.ID, Method: m.Method, Params: m.Params, Result: m.Result, Error: m.Error})
		require.NoError(t, err)
		_, err = Parse(again)
		require.NoError(t, err)
	})
}
