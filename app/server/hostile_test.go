package server

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"

	"deskbell/app/csta"
	"deskbell/app/pbx"
)

// raw connects without the harness's good manners.
func (b *bench) raw(token string) *websocket.Conn {
	b.t.Helper()
	conn, _, err := b.dial(token)
	require.NoError(b.t, err)
	b.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

const helloText = `{"jsonrpc":"2.0","method":"hello","params":{}}`

// closeCode reads until the end, for not longer than the limit.
func closeCode(t *testing.T, c *websocket.Conn) int {
	t.Helper()
	require.NoError(t, c.SetReadDeadline(time.Now().Add(limit)))
	for {
		_, _, err := c.ReadMessage()
		var ce *websocket.CloseError
		if errors.As(err, &ce) {
			return ce.Code
		}
		require.NoError(t, err)
	}
}

// TestHostileClientsAreClosedAndOthersNoticeNothing has one good tray beside all of them.
func TestHostileClientsAreClosedAndOthersNoticeNothing(t *testing.T) {
	b := start(t, func(p *Params) { p.Limits.Session.Hello = 300 * time.Millisecond; p.Limits.Sessions = 20 })
	token := b.user("anna", own("101")...)
	good, _ := b.connect(token)

	require.Equal(t, 4102, closeCode(t, b.raw(token)), "no hello")

	flood := b.raw(token)
	require.NoError(t, flood.WriteMessage(websocket.TextMessage, []byte(helloText)))
	for range 1000 {
		if flood.WriteMessage(websocket.TextMessage, []byte(`{"jsonrpc":"2.0","id":1,"method":"session.active"}`)) != nil {
			break
		}
	}
	require.Equal(t, 4103, closeCode(t, flood))

	big := b.raw(token)
	require.NoError(t, big.WriteMessage(websocket.TextMessage, []byte(helloText)))
	_ = big.WriteMessage(websocket.TextMessage, make([]byte, 100<<20))
	require.Equal(t, 4104, closeCode(t, big))

	binary := b.raw(token)
	require.NoError(t, binary.WriteMessage(websocket.BinaryMessage, []byte(helloText)))
	require.Equal(t, 4101, closeCode(t, binary))

	rubbish := b.raw(token)
	require.NoError(t, rubbish.WriteMessage(websocket.TextMessage, []byte(helloText)))
	require.NoError(t, rubbish.WriteMessage(websocket.TextMessage, []byte(`{"jsonrpc":`)))
	require.Equal(t, 4101, closeCode(t, rubbish))

	b.phones.ring("v1", "101", "4989123456")
	require.Equal(t, "alerting", good.note("call")["state"])
}

// TestASlowReaderIsClosedAndSeesWhy: the reader sleeps while more is told than may wait for it, then reads on.
func TestASlowReaderIsClosedAndSeesWhy(t *testing.T) {
	b := start(t, func(p *Params) { p.Limits.Session.Queue = 64 << 10 })
	token := b.user("anna", own("101")...)
	slow := b.raw(token)
	if tcp, ok := slow.NetConn().(*net.TCPConn); ok {
		require.NoError(t, tcp.SetReadBuffer(4<<10))
	}
	require.NoError(t, slow.WriteMessage(websocket.TextMessage, []byte(helloText)))
	good, _ := b.connect(token)
	for i := range 3000 {
		call := fmt.Sprint("v", i)
		b.phones.ring(call, "101", "4989999999")
		b.phones.end(call, "101", csta.CauseCallCancelled)
		if b.srv.shared.Stats().TooSlow.Load() > 0 {
			break
		}
		// The good one keeps pace, so that only the slow one falls behind.
		good.noteWhere("call", func(o object) bool { return o["state"] == "null" })
	}
	require.Eventually(t, func() bool { return b.srv.shared.Stats().TooSlow.Load() == 1 }, limit, time.Millisecond)
	require.Equal(t, 4000, closeCode(t, slow))
}

func TestTooManySessions(t *testing.T) {
	b := start(t, func(p *Params) { p.Limits.Sessions = 2 })
	token := b.user("anna", own("101")...)
	first, _ := b.connect(token)
	b.connect(token)
	third := b.raw(token)
	require.NoError(t, third.WriteMessage(websocket.TextMessage, []byte(helloText)))
	require.Equal(t, 4106, closeCode(t, third))
	first.ok("session.active", object{})
}

func (b *bench) post(body string, header ...string) (int, object) {
	b.t.Helper()
	r, err := http.NewRequest(http.MethodPost, "http://"+b.url+"/v1/enroll", strings.NewReader(body))
	require.NoError(b.t, err)
	for _, h := range header {
		k, v, _ := strings.Cut(h, ": ")
		r.Header.Set(k, v)
	}
	resp, err := http.DefaultClient.Do(r)
	require.NoError(b.t, err)
	defer resp.Body.Close()
	var o object
	require.NoError(b.t, json.NewDecoder(resp.Body).Decode(&o))
	require.Equal(b.t, "nosniff", resp.Header.Get("X-Content-Type-Options"))
	return resp.StatusCode, o
}

func TestEnrol(t *testing.T) {
	b := start(t)
	b.user("anna", own("101")...)
	inv, err := b.accounts.Invite(t.Context(), "anna")
	require.NoError(t, err)
	body := fmt.Sprintf(`{"code":%q,"device":"Anna's\nlaptop"}`, inv.Code)

	status, o := b.post(body, "Origin: https://evil.example")
	require.Equal(t, 403, status)
	require.Equal(t, "browser", o["error"])
	status, o = b.post(`{"code":7}`)
	require.Equal(t, 400, status)
	require.Equal(t, "bad_request", o["error"])
	status, _ = b.post(strings.Repeat("x", 1<<20))
	require.Equal(t, 400, status)
	status, o = b.post(body)
	require.Equal(t, 200, status)
	require.Equal(t, "anna", o["user"])
	require.Equal(t, "Test", o["server_name"])
	b.connect(o["token"].(string))
	status, o = b.post(body)
	require.Equal(t, 410, status)
	require.Equal(t, "invitation_used", o["error"])
	for range 20 {
		status, o = b.post(`{"code":"WRONG","device":"x"}`)
	}
	require.Equal(t, 429, status)
	require.Equal(t, "limited", o["error"])
}

func TestHandshakes(t *testing.T) {
	b := start(t)
	token := b.user("anna", own("101")...)
	try := func(header http.Header, protocols ...string) int {
		conn, status, err := b.handshake(header, protocols...)
		if err == nil {
			_ = conn.Close()
		}
		return status
	}
	good := "Bearer " + token
	require.Equal(t, 101, try(http.Header{"Authorization": {good}}, "deskbell.v1"))
	require.Equal(t, 400, try(http.Header{"Authorization": {good}}, "chat"))
	require.Equal(t, 400, try(http.Header{"Authorization": {good}}))
	require.Equal(t, 403, try(http.Header{"Authorization": {good}, "Origin": {"https://evil.example"}}, "deskbell.v1"))
	require.Equal(t, 401, try(http.Header{}, "deskbell.v1"))
	require.Equal(t, 401, try(http.Header{"Authorization": {"Basic " + token}}, "deskbell.v1"))
	for range 20 {
		try(http.Header{"Authorization": {"Bearer wrong"}}, "deskbell.v1")
	}
	require.Equal(t, 429, try(http.Header{"Authorization": {"Bearer wrong"}}, "deskbell.v1"))
	require.Equal(t, 101, try(http.Header{"Authorization": {good}}, "deskbell.v1"), "others at the same address are not shut out")
}

func TestHealthAndMetrics(t *testing.T) {
	b := start(t)
	b.user("anna", own("101")...)
	health := func() (int, object) {
		resp, err := http.Get("http://" + b.url + "/healthz")
		require.NoError(t, err)
		defer resp.Body.Close()
		var o object
		require.NoError(t, json.NewDecoder(resp.Body).Decode(&o))
		return resp.StatusCode, o
	}
	require.Eventually(t, func() bool { status, o := health(); return status == 200 && o["status"] == "ok" }, limit, 10*time.Millisecond)
	b.phones.now.Tell(pbx.TroubleChanged{Trouble: pbx.Trouble{Code: pbx.TroubleSignIn, Detail: "401", Since: time.Now()}})
	require.Eventually(t, func() bool { _, o := health(); return o["status"] == "trouble" }, limit, 10*time.Millisecond)
	_, o := health()
	raw, err := json.Marshal(o)
	require.NoError(t, err)
	require.Contains(t, string(raw), "The telephone system refuses the sign-in.")

	b.phones.ring("v1", "101", "4989123456")
	w := &recorder{header: http.Header{}}
	r, err := http.NewRequest(http.MethodGet, "/metrics", nil)
	require.NoError(t, err)
	b.srv.Inspect().ServeHTTP(w, r)
	require.Contains(t, w.body.String(), `deskbell_system_up{system="munich"} 1`)
	for _, personal := range []string{"4989123456", "anna", "Huber", "Peter"} {
		require.NotContains(t, w.body.String(), personal)
	}
}

type recorder struct {
	header http.Header
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(int)             {}
func (r *recorder) Write(p []byte) (int, error) { return r.body.Write(p) }

func TestTroubleIsToldAndCleared(t *testing.T) {
	b := start(t)
	token := b.user("anna", own("101")...)
	c, _ := b.connect(token)
	b.phones.now.Tell(pbx.TroubleChanged{Trouble: pbx.Trouble{Code: pbx.TroubleLicence, Detail: "403", Since: time.Now()}})
	tr := c.note("trouble")
	require.Equal(t, true, tr["active"])
	require.Equal(t, "licence", tr["code"])
	require.Equal(t, "NFON", tr["source"])
	_, snap := b.connect(token)
	require.Len(t, snap["troubles"], 1)
	b.phones.now.Tell(pbx.TroubleChanged{})
	over := c.noteWhere("trouble", func(o object) bool { return o["active"] == false })
	require.Equal(t, tr["id"], over["id"])
}

func TestAConnectorThatGaveUpIsStartedAgain(t *testing.T) {
	b := start(t)
	token := b.user("anna", own("101")...)
	c, _ := b.connect(token)
	b.phones.ring("v1", "101", "4989999999")
	id := c.note("call")["id"]
	b.phones.fail <- errors.New("cannot go on")
	b.phones.now = await(t, b.phones.sink)
	snap := c.noteWhere("snapshot", func(o object) bool { return len(o["calls"].([]any)) == 1 })
	require.Equal(t, id, snap["calls"].([]any)[0].(object)["id"], "a call keeps its id")
	b.phones.answer("v1", "101")
	require.Equal(t, id, c.noteWhere("call", func(o object) bool { return o["state"] == "connected" })["id"])
}

func TestOnlyLoopbackWithoutTLS(t *testing.T) {
	_, err := Listen(t.Context(), "0.0.0.0:0", nil)
	require.ErrorIs(t, err, ErrClear)
	_, err = Listen(t.Context(), ":0", nil)
	require.ErrorIs(t, err, ErrClear)
}

func TestCertificatesAreReadAnew(t *testing.T) {
	dir := t.TempDir()
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writeCertificate(t, certFile, keyFile, "one.example")
	c, err := LoadCertificate(certFile, keyFile, log)
	require.NoError(t, err)
	name := func() string {
		c.mu.Lock()
		c.checked = time.Time{}
		c.mu.Unlock()
		got, err := c.get(nil)
		require.NoError(t, err)
		leaf, err := x509.ParseCertificate(got.Certificate[0])
		require.NoError(t, err)
		return leaf.DNSNames[0]
	}
	require.Equal(t, "one.example", name())
	require.NoError(t, os.WriteFile(certFile, []byte("broken"), 0o600))
	require.Equal(t, "one.example", name(), "a broken one leaves the old one in use")
	writeCertificate(t, certFile, keyFile, "two.example")
	require.Equal(t, "two.example", name())

	l, err := Listen(t.Context(), "127.0.0.1:0", c)
	require.NoError(t, err)
	go func() {
		conn, err := l.Accept()
		if err == nil {
			_, _ = io.WriteString(conn, "hello")
			_ = conn.Close()
		}
	}()
	conn, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{InsecureSkipVerify: true})
	require.NoError(t, err)
	require.GreaterOrEqual(t, conn.ConnectionState().Version, uint16(tls.VersionTLS12))
	require.NoError(t, conn.Close())
	require.NoError(t, l.Close())
	_, err = LoadCertificate(certFile, filepath.Join(dir, "missing"), log)
	require.ErrorIs(t, err, os.ErrNotExist)
}

func writeCertificate(t *testing.T, certFile, keyFile, name string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	raw, err := x509.MarshalECPrivateKey(key)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: raw}), 0o600))
}

func TestTextFromOutsideIsHarmless(t *testing.T) {
	require.Equal(t, "Anna Huber", text("Anna Huber"))
	require.Equal(t, "a b c", text("a\nb\tc\r"))
	require.Equal(t, "<b>&x</b> 'quoted\"", text("<b>&x</b> 'quoted\""))
	require.Equal(t, "evil gpj.exe", text("evil \u202egpj.exe\u2066"))
	require.Len(t, []rune(text(strings.Repeat("ä", 10_000))), 512)
	require.Equal(t, "שלום", text("שלום"))
}
