package localapi

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/desk/view"
	"deskbell/app/wire"
)

// desk is a desk that answers by its fields and remembers what was asked.
type desk struct {
	mu      sync.Mutex
	asked   []view.Ask
	state   view.State
	changed chan struct{}
	stopped chan struct{}
	fail    error
}

func newDesk() *desk {
	return &desk{changed: make(chan struct{}, 1), stopped: make(chan struct{}, 9), state: view.State{Link: view.LinkUp, Sentence: "Ready"}}
}

func (d *desk) Ask(_ context.Context, a view.Ask) (view.Answer, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = append(d.asked, a)
	return view.Answer{Text: "did " + a.Verb}, d.fail
}

func (d *desk) State() view.State {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.state
}

func (d *desk) set(sentence string) {
	d.mu.Lock()
	d.state.Sentence = sentence
	d.mu.Unlock()
	d.changed <- struct{}{}
}

func (d *desk) Watch() (<-chan struct{}, func()) {
	return d.changed, func() { d.stopped <- struct{}{} }
}

// serve runs a server on a socket of its own and gives its address.
func serve(t *testing.T, d *desk) string {
	dir := t.TempDir()
	address := Address(filepath.Join(dir, "run"), "d0")
	l, err := Listen(address)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	s := NewServer(d, "1.0", slog.New(slog.NewTextHandler(t.Output(), nil)))
	running.Go(func() { s.Serve(ctx, l) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
		_, err := os.Stat(address)
		require.ErrorIs(t, err, os.ErrNotExist, "the socket is left behind")
	})
	return address
}

func connect(t *testing.T, address string) *Client {
	c, err := Dial(t.Context(), address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestAsk(t *testing.T) {
	d := newDesk()
	c := connect(t, serve(t, d))
	on := true
	asks := []view.Ask{
		{Verb: view.AskDial, Number: "030", Origin: "typed", Confirmed: true}, {Verb: view.AskAnswer, Call: "c1"}, {Verb: view.AskHangUp},
		{Verb: view.AskPop}, {Verb: view.AskMute, On: &on}, {Verb: view.AskLink, Link: "tel:1"}, {Verb: view.AskEnroll, Invitation: "x"},
		{Verb: view.AskSignOut}, {Verb: view.AskShow}, {Verb: view.AskQuit},
	}
	for _, a := range asks {
		answer, err := c.Ask(t.Context(), a)
		require.NoError(t, err)
		require.Equal(t, view.Answer{Text: "did " + a.Verb}, answer)
	}
	require.Equal(t, asks, d.asked)
	hello, err := c.Hello(t.Context(), "0.9")
	require.NoError(t, err)
	require.Equal(t, Hello{Version: "1.0"}, hello)
	state, err := c.View(t.Context())
	require.NoError(t, err)
	require.Equal(t, "Ready", state.Sentence)
	var we *wire.Error
	_, err = c.Ask(t.Context(), view.Ask{Verb: "dance"})
	require.True(t, errors.As(err, &we))
	require.Equal(t, wire.CodeMethodNotFound, we.Code)
	d.fail = errors.New("ending")
	_, err = c.Ask(t.Context(), view.Ask{Verb: view.AskShow})
	require.True(t, errors.As(err, &we))
	require.Equal(t, wire.CodeInternal, we.Code)
}

func TestFollow(t *testing.T) {
	d := newDesk()
	address := serve(t, d)
	states := make(chan string, 9)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	c := connect(t, address)
	go func() {
		ended <- c.Follow(ctx, func(s view.State) bool { states <- s.Sentence; return true })
	}()
	require.Equal(t, "Ready", <-states)
	d.set("Ringing")
	require.Equal(t, "Ringing", <-states)
	cancel()
	require.NoError(t, <-ended)
	<-d.stopped

	c = connect(t, address)
	require.NoError(t, c.Follow(t.Context(), func(view.State) bool { return false }))
	require.NoError(t, c.Close())
	<-d.stopped
}

// raw sends bytes and gives all that comes back.
func raw(t *testing.T, address, text string) string {
	conn, err := net.Dial("unix", address)
	require.NoError(t, err)
	defer conn.Close()
	go func() { _, _ = io.WriteString(conn, text) }()
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(10*time.Second)))
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return err.Error()
	}
	return line
}

func TestHostilePeers(t *testing.T) {
	d := newDesk()
	address := serve(t, d)
	for in, want := range map[string]string{
		"nonsense\n":                      "-32700",
		`{"id":1,"method":"view"}` + "\n": "-32700",
		`{"jsonrpc":"2.0","id":1,"method":"dial","params":7}` + "\n": "-32602",
		`{"jsonrpc":"2.0","id":1,"method":"dance"}` + "\n":           "-32601",
		strings.Repeat("x", maxLine+1) + "\n":                        "-32600",
		`{"jsonrpc":"2.0","id":"a","method":"show"}` + "\n":          `"id":"a","result":{"text":"did show"}`,
	} {
		require.Contains(t, raw(t, address, in), want, in[:min(len(in), 60)])
	}
	long := strings.Repeat("x", maxLine+8192)
	require.Contains(t, raw(t, address, long), "-32600", "refused before its end")
	// A follower that talks is dropped.
	conn, err := net.Dial("unix", address)
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, `{"jsonrpc":"2.0","id":1,"method":"follow"}`+"\nmore\n")
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, conn)
	if err != nil {
		require.ErrorContains(t, err, "reset")
	}
	<-d.stopped
}

func TestTooManyPeers(t *testing.T) {
	address := serve(t, newDesk())
	for range maxPeers {
		_, err := connect(t, address).View(t.Context())
		require.NoError(t, err)
	}
	c, err := Dial(t.Context(), address)
	require.NoError(t, err)
	defer c.Close()
	_, err = c.View(t.Context())
	require.Error(t, err)
}

func TestOneAtATime(t *testing.T) {
	address := serve(t, newDesk())
	_, err := Listen(address)
	require.ErrorIs(t, err, ErrRunning)
	info, err := os.Stat(address)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	info, err = os.Stat(filepath.Dir(address))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
}

func TestASocketLeftByACrashIsReplaced(t *testing.T) {
	dir := t.TempDir()
	address := Address(dir, "d0")
	_, err := Dial(t.Context(), address)
	require.ErrorIs(t, err, ErrNotRunning)
	require.NoError(t, os.Chmod(dir, 0o755))
	require.NoError(t, os.WriteFile(address, nil, 0o600))
	l, err := Listen(address)
	require.NoError(t, err)
	require.NoError(t, l.Close())
	l, err = Listen(address)
	require.NoError(t, err)
	require.NoError(t, l.Close())
	info, err := os.Stat(dir)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(dir, link))
	_, err = Listen(Address(link, "d0"))
	require.ErrorContains(t, err, "somebody else")
}

func TestAProgramOutsideTheDesktopFindsTheOnlyTray(t *testing.T) {
	address := serve(t, newDesk())
	c, err := Dial(t.Context(), filepath.Join(filepath.Dir(address), "none.sock"))
	require.NoError(t, err)
	require.NoError(t, c.Close())
	_, err = Dial(t.Context(), filepath.Join(filepath.Dir(address), "d1.sock"))
	require.ErrorIs(t, err, ErrNotRunning)
	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(address), "d2.sock"), nil, 0o600))
	_, err = Dial(t.Context(), filepath.Join(filepath.Dir(address), "none.sock"))
	require.ErrorIs(t, err, ErrNotRunning)
}

func TestSession(t *testing.T) {
	env := func(pairs ...string) func(string) string {
		return func(name string) string {
			for i := 0; i < len(pairs); i += 2 {
				if pairs[i] == name {
					return pairs[i+1]
				}
			}
			return ""
		}
	}
	for want, getenv := range map[string]func(string) string{
		"none":                        env(),
		"x3":                          env("XDG_SESSION_ID", "3"),
		"d_0":                         env("DISPLAY", ":0.0", "XDG_SESSION_ID", "3"),
		"d_1":                         env("DISPLAY", ":1"),
		"dh_a_10":                     env("DISPLAY", "h.a:10.2"),
		"wwayland-0":                  env("WAYLAND_DISPLAY", "wayland-0", "DISPLAY", ":0"),
		"w_____etc_x":                 env("WAYLAND_DISPLAY", "../../etc/x"[1:]),
		"d" + strings.Repeat("a", 64): env("DISPLAY", strings.Repeat("a", 200)),
		"d_A0Zz_9":                    env("DISPLAY", "/A0Zz 9"),
	} {
		require.Equal(t, want, Session(getenv))
	}
}

func TestAddress(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", "/run/user/7")
	require.Equal(t, "/run/user/7/deskbell/d0.sock", Address("", "d0"))
	require.Equal(t, "/x/d0.sock", Address("/x", "d0"))
	t.Setenv("XDG_RUNTIME_DIR", "relative")
	require.Contains(t, Address("", "d0"), "deskbell-")
}

func TestStrangersAreRefused(t *testing.T) {
	here, there := net.Pipe()
	defer here.Close()
	defer there.Close()
	require.ErrorContains(t, checkPeer(here), "not a unix socket")
}

func FuzzServer(f *testing.F) {
	f.Add([]byte(`{"jsonrpc":"2.0","id":1,"method":"dial","params":{"number":"1"}}`))
	f.Add([]byte(`{"jsonrpc":"2.0","method":"hello"}`))
	s := NewServer(newDesk(), "1", slog.New(slog.DiscardHandler))
	f.Fuzz(func(t *testing.T, data []byte) {
		var m wire.Message
		if json.Unmarshal(data, &m) != nil {
			return
		}
		out, err := json.Marshal(s.answer(t.Context(), m))
		require.NoError(t, err)
		require.True(t, json.Valid(out))
	})
}
