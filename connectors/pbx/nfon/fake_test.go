package nfon

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/csta"
	"deskbell/app/pbx"
)

// fake is a scripted NFON over in-memory connections, for use inside a synctest bubble. It knows nothing of the connector's
// types: everything is text. To script an answer, put a handler into on; to send on a stream, use calls or states.
type fake struct {
	t      *testing.T
	mu     sync.Mutex
	log    []seen
	on     map[string]http.HandlerFunc // "POST /login" … replaces the answer below
	life   time.Duration               // of access tokens
	tokens int
	valid  map[string]time.Time // until when
	states string
	data   string
	calls  *feeder
	lines  *feeder
}

// seen is one request as it arrived.
type seen struct {
	op, agent, accept, bearer, body, query string
	at                                     time.Time
}

// feeder holds the open connections of one stream.
type feeder struct {
	mu    sync.Mutex
	open  []chan string
	first string // sent when a connection opens
}

func newFake(t *testing.T) *fake {
	return &fake{
		t: t, on: map[string]http.HandlerFunc{}, life: 5 * time.Minute, valid: map[string]time.Time{},
		states: `[]`, data: `[{"uuid":"101@K4711","extension_number":"101","name":"Front desk"},{"uuid":"102@K4711","extension_number":"102","name":"Ada Example"},{"uuid":"103@K4711","extension_number":"103","name":""}]`,
		calls: &feeder{}, lines: &feeder{first: "data: []\n\n"}, // a begin that says nothing new
	}
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	op := r.Method + " " + strings.TrimPrefix(r.URL.Path, "/v1")
	bearer := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	f.mu.Lock()
	f.log = append(f.log, seen{op, r.UserAgent(), r.Header.Get("Accept"), bearer, string(body), r.URL.RawQuery, time.Now()})
	handler, ok := f.on[op]
	if !ok && strings.HasPrefix(op, "DELETE ") {
		handler, ok = f.on["DELETE"]
	}
	number := len(f.log)
	valid := time.Now().Before(f.valid[bearer])
	f.mu.Unlock()
	w.Header().Set("X-Request-Id", fmt.Sprintf("req-%d", number))
	switch {
	case ok:
		handler(w, r)
	case op == "POST /login", op == "PUT /login" && strings.HasPrefix(bearer, "refresh"):
		fmt.Fprint(w, f.pair(""))
	case !valid:
		w.WriteHeader(http.StatusUnauthorized)
	default:
		f.answer(w, r, op)
	}
}

func (f *fake) answer(w http.ResponseWriter, r *http.Request, op string) {
	stream := r.Header.Get("Accept") == "text/event-stream"
	switch {
	case op == "GET /extensions/phone/calls" && stream:
		f.calls.serve(w, r)
	case op == "GET /extensions/phone/states" && stream:
		f.lines.serve(w, r)
	case op == "GET /extensions/phone/states":
		io.WriteString(w, f.current(&f.states))
	case op == "GET /extensions/phone/data":
		io.WriteString(w, f.current(&f.data))
	case strings.HasPrefix(op, "DELETE /extensions/phone/calls/"):
		w.WriteHeader(http.StatusNoContent)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func (f *fake) current(s *string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return *s
}

func (f *fake) set(s *string, value string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	*s = value
}

func (f *fake) handle(op string, h http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if h == nil {
		delete(f.on, op)
		return
	}
	f.on[op] = h
}

// pair makes a pair of tokens with a readable end; extra is more JSON for the claims.
func (f *fake) pair(extra string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tokens++
	claims := fmt.Sprintf(`{"customer":"k4711","exp":%d,"n":%d%s}`, time.Now().Add(f.life).Unix(), f.tokens, extra)
	access := "h." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".s"
	f.valid[access] = time.Now().Add(f.life)
	return fmt.Sprintf(`{"access-token":%q,"refresh-token":"refresh%d"}`, access, f.tokens)
}

// expire makes every access token worthless.
func (f *fake) expire() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.valid)
}

func (f *fake) requests(op string) []seen {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []seen
	for _, s := range f.log {
		if strings.HasPrefix(s.op, op) {
			list = append(list, s)
		}
	}
	return list
}

func (s *feeder) serve(w http.ResponseWriter, r *http.Request) {
	in := make(chan string, 100)
	s.mu.Lock()
	s.open = append(s.open, in)
	first := s.first
	s.mu.Unlock()
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	io.WriteString(w, first)
	w.(http.Flusher).Flush()
	for {
		select {
		case text, ok := <-in:
			if !ok {
				return
			}
			if text == breakLine {
				panic(http.ErrAbortHandler)
			}
			io.WriteString(w, text)
			w.(http.Flusher).Flush()
		case <-r.Context().Done():
			return
		}
	}
}

const breakLine = "\x00break"

// write sends text on every open connection.
func (s *feeder) write(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.open {
		c <- text
	}
}

// event sends one event.
func (s *feeder) event(json string) { s.write("data: " + json + "\n\n") }

// drop ends every open connection.
func (s *feeder) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.open {
		close(c)
	}
	s.open = nil
}

// snap breaks every open connection without an end.
func (s *feeder) snap() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.open {
		c <- breakLine
	}
	s.open = nil
}

// sink records what it is told.
type sink struct {
	mu      sync.Mutex
	list    []pbx.Message
	running bool
}

func (s *sink) Tell(m pbx.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, m)
}

func (s *sink) CallsRunning() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running
}

func (s *sink) setRunning(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = on
}

// take returns and forgets what was told, once everything has come to rest.
func (s *sink) take() []pbx.Message {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.list
	s.list = nil
	return list
}

func told[T pbx.Message](list []pbx.Message) []T {
	var out []T
	for _, m := range list {
		if v, ok := m.(T); ok {
			out = append(out, v)
		}
	}
	return out
}

// memory is a pbx.Store.
type memory struct {
	mu sync.Mutex
	m  map[string][]byte
}

func (s *memory) Get(_ context.Context, key string) ([]byte, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.m[key]
	return v, ok, nil
}

func (s *memory) Set(_ context.Context, key string, value []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.m == nil {
		s.m = map[string][]byte{}
	}
	s.m[key] = value
	return nil
}

func (s *memory) Delete(_ context.Context, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.m, key)
	return nil
}

// vault holds a password that a test may change.
type vault struct {
	mu  sync.Mutex
	now password
}

func (v *vault) Secret(ctx context.Context, key, subject string) (string, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.now.Secret(ctx, key, subject)
}

func (v *vault) change(to password) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.now = to
}

type password string

func (p password) Secret(_ context.Context, key, _ string) (string, error) {
	if p == "" {
		return "", errors.New("no such file")
	}
	if key != "password" {
		return "", fmt.Errorf("unexpected secret %q", key)
	}
	return string(p), nil
}

// lab is a connector that runs against a fake.
type lab struct {
	*fake
	sink  *sink
	c     *connector
	store *memory
	vault *vault
	ctx   context.Context
	stop  func()
}

// listener hands out in-memory connections.
type listener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error   { l.once.Do(func() { close(l.done) }); return nil }
func (l *listener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

func (l *listener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case l.conns <- theirs:
		return ours, nil
	case <-l.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// start runs a connector; change may alter its settings. It must be called inside a bubble.
func start(t *testing.T, f *fake, change func(*Config)) *lab {
	t.Helper()
	l := &lab{fake: f, sink: &sink{}, store: &memory{}, vault: &vault{now: "s3cret"}}
	l.restart(t, change)
	return l
}

// restart begins a new run with the same store, as after a restart of the server.
func (l *lab) restart(t *testing.T, change func(*Config)) {
	t.Helper()
	f := l.fake
	config := &Config{BaseURL: "http://127.0.0.1/v1/", Account: "k4711", Username: "K4711/api", Password: "env:NFON"}
	if change != nil {
		change(config)
	}
	ln := &listener{conns: make(chan net.Conn), done: make(chan struct{})}
	quiet := slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // of the fake's own panics
	server := &http.Server{Handler: f, ErrorLog: quiet, ReadHeaderTimeout: time.Hour}
	served := make(chan struct{})
	go func() { server.Serve(ln); close(served) }()
	transport := &http.Transport{DialContext: ln.dial}
	opened, err := config.Open(pbx.Env{
		System: "main", Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		HTTP: &http.Client{Transport: transport}, Secrets: l.vault, Store: l.store, Version: "1.2.3",
	})
	require.NoError(t, err)
	l.c = opened.(*connector)
	ctx, cancel := context.WithCancel(t.Context())
	l.ctx = ctx
	ran := make(chan error, 1)
	go func() { ran <- l.c.Run(ctx, l.sink) }()
	l.stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-ran)
		l.c.api.http.CloseIdleConnections()
		server.Close()
		ln.Close()
		<-served
	})
	t.Cleanup(l.stop)
	synctest.Wait()
}

// legs describes every leg told, one line each.
func (l *lab) legs() []string {
	var out []string
	for _, m := range told[pbx.LegChanged](l.sink.take()) {
		out = append(out, describe(m.Leg))
	}
	return out
}

func describe(l pbx.Leg) string {
	var b strings.Builder
	dir := map[csta.Direction]string{csta.Incoming: "<", csta.Outgoing: ">"}[l.Direction]
	fmt.Fprintf(&b, "%s %s%s%s", l.Key.Device, l.State, dir, l.FarState)
	switch {
	case l.Far.Withheld:
		b.WriteString(" withheld")
	case l.Far.Number != "":
		fmt.Fprintf(&b, " %s %s", l.Far.Scope, l.Far.Number)
	}
	for _, part := range []struct {
		on   bool
		text string
	}{
		{l.Cause != "", string(l.Cause)},
		{l.Automatic, "automatic"},
		{l.Attempt != "", "attempt=" + l.Attempt},
		{l.Permitted != 0, l.Permitted.String()},
		{l.Original.Said(), "original=" + l.Original.Number},
	} {
		if part.on {
			b.WriteString(" " + part.text)
		}
	}
	return b.String()
}

// bubble runs a test with virtual time.
func bubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, test)
}
