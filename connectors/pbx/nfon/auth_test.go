package nfon

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/pbx"
)

func TestManyAskOneSignsIn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		f.handle("POST /login", func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(2 * time.Second)
			fmt.Fprint(w, f.pair(""))
		})
		l := start(t, f, nil)
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				_, err := l.c.Snapshot(l.ctx, "101")
				require.NoError(t, err)
			})
		}
		all.Wait()
		require.Len(t, f.requests("POST /login"), 1)
	})
}

func TestASignInThatIsGivenUpIsTakenOver(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		l := start(t, f, nil)
		token, err := l.c.auth.Token(l.ctx)
		require.NoError(t, err)
		l.c.auth.Invalidate(token)
		f.handle("PUT /login", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		short, cancel := context.WithTimeout(l.ctx, time.Second)
		defer cancel()
		first := make(chan error, 1)
		go func() { _, err := l.c.Snapshot(short, "101"); first <- err }()
		synctest.Wait()
		second := make(chan error, 1)
		go func() { _, err := l.c.Snapshot(l.ctx, "102"); second <- err }()
		require.Error(t, <-first)
		f.handle("PUT /login", nil)
		require.NoError(t, <-second)
	})
}

func TestSignInAnswersThatMakeNoSense(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		code   pbx.TroubleCode
	}{
		"no token":       {func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`{"refresh-token":"x"}`)) }, pbx.TroubleProtocol},
		"no json":        {func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`<html>`)) }, pbx.TroubleProtocol},
		"a smuggled one": {func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`{"access-token":"a\r\nX: y"}`)) }, pbx.TroubleProtocol},
		"400":            {status(400), pbx.TroubleSignIn},
		"403":            {status(403), pbx.TroubleLicence},
		"404":            {status(404), pbx.TroubleConfig},
		"429":            {status(429), pbx.TroubleLimited},
		"500":            {status(500), pbx.TroubleUnreachable},
		"elsewhere": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1/v1/other", http.StatusTemporaryRedirect)
		}, pbx.TroubleProtocol},
		"lost": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, pbx.TroubleUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newFake(t)
				f.handle("POST /login", c.answer)
				l := start(t, f, nil)
				require.Equal(t, c.code, told[pbx.TroubleChanged](l.sink.take())[0].Trouble.Code)
				require.Empty(t, f.requests("GET"))
				time.Sleep(10 * time.Minute)
				require.Less(t, len(f.requests("POST /login")), 80)
			})
		})
	}
}

func TestSecretThatCannotBeRead(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		l := start(t, f, nil)
		l.vault.change("")
		f.expire()
		f.handle("PUT /login", status(401))
		_, err := l.c.Snapshot(l.ctx, "101")
		require.ErrorContains(t, err, "password: ")
		code, slow := diagnose(err)
		require.Equal(t, pbx.TroubleConfig, code)
		require.False(t, slow)
	})
}

func TestLifeOfATokenByItsClaims(t *testing.T) {
	now := time.Unix(1770000000, 0)
	for name, c := range map[string]struct {
		claims string
		want   time.Duration
	}{
		"five minutes":          {`{"exp":1770000300}`, 280 * time.Second},
		"short":                 {`{"exp":1770000010}`, 8 * time.Second},
		"over by our clock":     {`{"exp":1769999000}`, tokenLife},
		"a year":                {`{"exp":1801536000}`, tokenLife},
		"silent":                {`{}`, tokenLife},
		"fractions":             {`{"exp":1770000300.5}`, 280 * time.Second},
		"no number":             {`{"exp":"soon"}`, tokenLife},
		"beyond all reason":     {`{"exp":1e300}`, tokenLife},
		"below all reason":      {`{"exp":-1e300}`, tokenLife},
		"no json in the middle": {`{`, tokenLife},
	} {
		t.Run(name, func(t *testing.T) {
			token := "h." + base64.RawURLEncoding.EncodeToString([]byte(c.claims)) + ".s"
			require.Equal(t, c.want, usable(readClaims(token), now))
		})
	}
	padded := "h." + base64.URLEncoding.EncodeToString([]byte(`{"customer":"K1"}`)) + ".s"
	require.Equal(t, text("K1"), readClaims(padded).Customer)
	require.Zero(t, readClaims("opaque"))
	require.Zero(t, readClaims("a.?.b"))
}

// TestEncryption runs over real sockets.
func TestEncryption(t *testing.T) {
	for name, c := range map[string]struct {
		trusted bool
		highest uint16
		want    pbx.TroubleCode
	}{
		"trusted":            {true, tls.VersionTLS13, ""},
		"trusted, TLS 1.2":   {true, tls.VersionTLS12, ""},
		"not trusted":        {false, tls.VersionTLS13, pbx.TroubleCertificate},
		"too old to be safe": {true, tls.VersionTLS11, pbx.TroubleUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewUnstartedServer(newFake(t))
			server.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: c.highest}
			server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
			server.StartTLS()
			defer server.Close()
			// A base client that would take anything: the connector raises the bar.
			base := &tls.Config{MinVersion: tls.VersionTLS10}
			if c.trusted {
				base.RootCAs = x509.NewCertPool()
				base.RootCAs.AddCert(server.Certificate())
			}
			config := &Config{BaseURL: server.URL + "/v1", Account: "K4711", Username: "u", Password: "p"}
			opened, err := config.Open(pbx.Env{
				Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Secrets: password("x"),
				HTTP: &http.Client{Transport: &http.Transport{TLSClientConfig: base}, Timeout: time.Nanosecond},
			})
			require.NoError(t, err)
			s := &sink{}
			ctx, cancel := context.WithCancel(t.Context())
			ran := make(chan error, 1)
			go func() { ran <- opened.Run(ctx, s) }()
			defer func() { cancel(); require.NoError(t, <-ran); opened.(*connector).api.http.CloseIdleConnections() }()
			require.Eventually(t, func() bool {
				s.mu.Lock()
				defer s.mu.Unlock()
				if c.want == "" {
					return len(told[pbx.LinkUp](s.list)) == 1
				}
				troubles := told[pbx.TroubleChanged](s.list)
				return len(troubles) > 0 && troubles[len(troubles)-1].Trouble.Code == c.want
			}, labLimit, 10*time.Millisecond)
		})
	}
}

func TestRedirectsElsewhereAreNotFollowed(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Error("a request went elsewhere: " + r.Header.Get("Authorization"))
	}))
	defer elsewhere.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1/login":
			w.Write([]byte(`{"access-token":"a","refresh-token":"b"}`))
		case "/v1/extensions/phone/data":
			http.Redirect(w, r, "/v1/here", http.StatusFound)
		case "/v1/here":
			w.Write([]byte(`[{"extension_number":"101"}]`))
		default:
			http.Redirect(w, r, elsewhere.URL, http.StatusFound)
		}
	}))
	defer server.Close()
	c := newConnector(Config{BaseURL: server.URL + "/v1", Account: "K1"}, pbx.Env{Secrets: password("x")})
	defer c.api.http.CloseIdleConnections()
	_, err := c.fetchStates(t.Context())
	var refused *statusError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, http.StatusFound, refused.status)
	list, _, err := c.fetchExtensions(t.Context())
	require.NoError(t, err, "within the host is fine")
	require.Len(t, list, 1)
	_, err = c.MakeCall(t.Context(), call("c1", "101", ""))
	require.ErrorIs(t, err, pbx.ErrRefused)
}
