package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"

	"deskbell/app/config"
)

// house is a folder with a settings file.
type house struct {
	t    *testing.T
	file string
	port string
}

func newHouse(t *testing.T, more string) *house {
	dir := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	require.NoError(t, l.Close())
	h := &house{t: t, file: filepath.Join(dir, "deskbelld.toml"), port: port}
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	write("password", "s3cret\n")
	write("customers.csv", "id,name,company,phone,vip\n7,Peter Lang,Lang GmbH,089 123456,yes\n")
	write("deskbelld.toml", fmt.Sprintf(`
[server]
name = "Example Ltd"
listen = "127.0.0.1:%s"
data_dir = %q
[tenant]
region = "DE"
area_code = "89"
cities = false
[page]
template = "https://crm.example.com/search{?number}"
[system.munich]
type = "nfon"
account = "K4711"
username = "K4711/api"
password = { file = %q }
base_url = "http://127.0.0.1:1/v1"
[contacts.customers]
type = "csv"
path = %q
%s`, port, filepath.Join(dir, "data"), filepath.Join(dir, "password"), filepath.Join(dir, "customers.csv"), more))
	return h
}

// run runs one command line and returns its exit code and what it printed.
func (h *house) run(args ...string) (code int, out, errs string) {
	h.t.Helper()
	var stdout, stderr bytes.Buffer
	root := command()
	root.SetOut(&stdout)
	root.SetErr(&stderr)
	root.SetArgs(append(args, "--config", h.file))
	err := root.ExecuteContext(h.t.Context())
	if err != nil {
		fmt.Fprintln(&stderr, err)
	}
	return exitCode(err), stdout.String(), stderr.String()
}

func TestCheck(t *testing.T) {
	code, out, _ := newHouse(t, "").run("check")
	require.Equal(t, exitOK, code)
	require.Contains(t, out, "can be used")

	code, _, errs := newHouse(t, "[locks]\nvolume = 200\n[surprise]\nx = 1\n").run("check")
	require.Equal(t, exitSettings, code)
	require.Contains(t, errs, "locks.volume")
	require.Contains(t, errs, "surprise")

	h := newHouse(t, "")
	text, err := os.ReadFile(h.file)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(h.file, bytes.Replace(text, []byte("{?number}"), []byte("{?numbr}"), 1), 0o600))
	code, _, errs = h.run("check")
	require.Equal(t, exitSettings, code)
	require.Contains(t, errs, "page.template: unknown fields numbr")
	h.file += ".missing"
	code, _, _ = h.run("check")
	require.Equal(t, exitSettings, code)
}

func TestUsersAndTokens(t *testing.T) {
	h := newHouse(t, "")
	code, out, errs := h.run("user", "add", "anna", "--name", "Anna Huber", "--own", "munich/101", "--watch", "munich/102", "--watch", "munich/103:hidden")
	require.Equal(t, exitOK, code, errs)
	link := regexp.MustCompile(`deskbell://enroll\?\S+`).FindString(out)
	u, err := url.Parse(link)
	require.NoError(t, err)
	require.Equal(t, "http://127.0.0.1:"+h.port, u.Query().Get("server"))
	require.Contains(t, out, "code    "+u.Query().Get("code"))

	_, out, _ = h.run("user", "list")
	require.Regexp(t, `anna +Anna Huber +agent +munich/101 +munich/102 munich/103:hidden +0`, out)
	code, _, errs = h.run("user", "add", "anna")
	require.Equal(t, exitFailed, code)
	require.Contains(t, errs, "already")
	code, _, errs = h.run("user", "add", "ben", "--own", "munch/101", "--own", "101")
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, `no system.munch`)
	require.Contains(t, errs, `"101": expected SYSTEM/DEVICE`)

	code, _, errs = h.run("user", "set", "anna", "--own", "munich/104")
	require.Equal(t, exitOK, code, errs)
	_, out, _ = h.run("user", "list")
	require.Regexp(t, `munich/104 +munich/102 munich/103:hidden`, out, "what is not named stays")
	code, _, _ = h.run("user", "invite", "anna")
	require.Equal(t, exitOK, code)
	code, _, _ = h.run("token", "revoke", "nothing")
	require.Equal(t, exitFailed, code)
	code, _, _ = h.run("user", "remove", "anna")
	require.Equal(t, exitOK, code)
	code, _, _ = h.run("user", "invite", "anna")
	require.Equal(t, exitFailed, code)
	code, _, _ = h.run("user", "invite")
	require.Equal(t, exitUsage, code)
	code, _, _ = h.run("frobnicate")
	require.Equal(t, exitUsage, code)
}

func TestContactLookup(t *testing.T) {
	h := newHouse(t, "")
	code, out, errs := h.run("contact", "lookup", "089 123456")
	require.Equal(t, exitOK, code, errs)
	require.Contains(t, out, `exact  "Peter Lang"  "Lang GmbH"  source customers, id 7, VIP`)
	code, _, _ = h.run("contact", "lookup", "+4989999999")
	require.Equal(t, exitFailed, code)
	code, _, _ = h.run("contact", "lookup", "abc")
	require.Equal(t, exitUsage, code)
}

func TestVersion(t *testing.T) {
	_, out, _ := newHouse(t, "").run("--version")
	require.Contains(t, out, "deskbelld ")
}

// TestServe goes the whole way of a new user: invitation, enrolment, session, and out again, with the telephone system away.
func TestServe(t *testing.T) {
	h := newHouse(t, "")
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	c, _, err := config.Load(h.file, config.Options{Types: types()})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, c, log) }()
	base := "http://127.0.0.1:" + h.port
	require.Eventually(t, func() bool {
		resp, err := http.Get(base + "/v1/info")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	}, 10*time.Second, 10*time.Millisecond)

	_, out, _ := h.run("user", "add", "anna", "--own", "munich/101")
	code := regexp.MustCompile(`code    (\S+)`).FindStringSubmatch(out)[1]
	var token string
	require.Eventually(t, func() bool {
		resp, err := http.Post(base+"/v1/enroll", "application/json", strings.NewReader(fmt.Sprintf(`{"code":%q,"device":"laptop"}`, code)))
		require.NoError(t, err)
		defer resp.Body.Close()
		var reply struct{ Token string }
		require.NoError(t, json.NewDecoder(resp.Body).Decode(&reply))
		token = reply.Token
		return resp.StatusCode == http.StatusOK
	}, 10*time.Second, 10*time.Millisecond)

	d := websocket.Dialer{Subprotocols: []string{"deskbell.v1"}}
	conn, resp, err := d.Dial("ws://127.0.0.1:"+h.port+"/v1/socket", http.Header{"Authorization": {"Bearer " + token}})
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	defer conn.Close()
	require.NoError(t, conn.WriteMessage(websocket.TextMessage, []byte(`{"jsonrpc":"2.0","method":"hello","params":{}}`)))
	_, hello, err := conn.ReadMessage()
	require.NoError(t, err)
	require.Contains(t, string(hello), `"server_name":"Example Ltd"`)
	_, snapshot, err := conn.ReadMessage()
	require.NoError(t, err)
	require.Contains(t, string(snapshot), `"id":"munich"`)

	// The command line is another process to the server: it notices within 2 s.
	_, out, _ = h.run("token", "list", "anna")
	id := regexp.MustCompile(`(?m)^([0-9a-f-]{36}) +anna`).FindStringSubmatch(out)[1]
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(10*time.Second)))
	exit, _, errs := h.run("token", "revoke", id)
	require.Equal(t, exitOK, exit, errs)
	for {
		if _, _, err = conn.ReadMessage(); err != nil {
			break
		}
	}
	require.True(t, websocket.IsCloseError(err, 4100), "%v", err)
	stop()
	require.NoError(t, <-ended)
}
