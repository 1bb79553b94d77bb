package crm

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/lab/record"
)

func start(t *testing.T, o Options) *Server {
	t.Helper()
	s := New(o)
	require.NoError(t, s.Start())
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// ask sends a GET without following redirects.
func ask(s *Server, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("User-Agent", "crmtest/1")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

func names(t *testing.T, body io.Reader) []string {
	t.Helper()
	var list []result
	require.NoError(t, json.NewDecoder(body).Decode(&list))
	found := []string{}
	for _, c := range list {
		found = append(found, c.Name)
	}
	return found
}

func TestLookupInAnySpelling(t *testing.T) {
	s := New(Options{})
	for _, spelling := range []string{"+49891234567", "49891234567", "0049891234567", "089 1234567", "+49 (0)89 / 1234-567", "089/1234 567"} {
		w := ask(s, "/api/contacts?phone="+url.QueryEscape(spelling))
		require.Equal(t, 200, w.Code)
		require.Equal(t, []string{"Dr. Annegret von Hohenstein-Brandenburg"}, names(t, w.Body), spelling)
	}
	require.Equal(t, []string{"Max Muster", "Mara Muster"}, names(t, ask(s, "/api/contacts?phone=%2B494066969024").Body))
	for _, none := range []string{"%2B4989123456", "%2B498912345678", "abc", "%2B"} {
		w := ask(s, "/api/contacts?phone="+none)
		require.Equal(t, 200, w.Code, none)
		require.Equal(t, "[]\n", w.Body.String(), "an empty list, never null")
	}
	require.Equal(t, 400, ask(s, "/api/contacts").Code)
}

func TestContactShape(t *testing.T) {
	s := start(t, Options{})
	res, err := http.Get(s.URL() + "/api/contacts?phone=%2B49891234567")
	require.NoError(t, err)
	defer func() { require.NoError(t, res.Body.Close()) }()
	b, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.JSONEq(t, `[{"id":"17","name":"Dr. Annegret von Hohenstein-Brandenburg","company":"Stadtwerke Musterstadt GmbH",
		"phones":["+49891234567"],"vip":true,"url":"`+s.URL()+`/contacts/17"}]`, string(b))
}

func TestSearchAndTickets(t *testing.T) {
	s := New(Options{})
	require.Equal(t, []string{"Max Muster", "Mara Muster"}, names(t, ask(s, "/api/contacts?name=MUSTER+%26").Body))
	require.JSONEq(t, `{"total":3}`, ask(s, "/api/contacts/17/tickets?status=open").Body.String())
	require.JSONEq(t, `{"total":0}`, ask(s, "/api/contacts/17/tickets?status=closed").Body.String())
	require.Equal(t, 404, ask(s, "/api/contacts/99/tickets?status=open").Code)
}

func TestToken(t *testing.T) {
	s := New(Options{Token: "t0ken"})
	require.Equal(t, 401, ask(s, "/api/contacts?phone=1").Code)
	require.Equal(t, 401, ask(s, "/api/contacts/17/tickets", "Authorization", "Bearer wrong").Code)
	require.Equal(t, 200, ask(s, "/api/contacts?phone=1", "Authorization", "Bearer t0ken").Code)
	require.Equal(t, 200, ask(s, "/contacts/17").Code, "pages are for people")
}

func TestPagesAreEscapedAndSpeakTwoLanguages(t *testing.T) {
	s := New(Options{})
	body := ask(s, "/contacts/20", "Accept-Language", "de").Body.String()
	require.Contains(t, body, "&lt;b&gt;&amp;x&lt;/b&gt;")
	require.NotContains(t, body, "<script>")
	require.Contains(t, body, "Offene Tickets")
	require.Contains(t, ask(s, "/contacts/20").Body.String(), "Open tickets")
	require.Contains(t, ask(s, "/").Body.String(), "Erika Beispiel")
	require.Equal(t, 404, ask(s, "/contacts/99").Code)
	w := ask(s, "/contacts?phone=%2B4930555012")
	require.Equal(t, []any{303, "/contacts/18"}, []any{w.Code, w.Header().Get("Location")})
	require.Contains(t, ask(s, "/contacts?phone=%2B494066969024").Body.String(), "Mara Muster")
}

func TestAccessLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.jsonl")
	log := record.New(0)
	require.NoError(t, log.ToFile(path, nil))
	s := New(Options{Log: log})
	ask(s, "/contacts/17?from=deskbell")
	ask(s, "/api/contacts?name=li")
	require.Equal(t, []Access{{
		Endpoint: Page, Method: "GET", Path: "/contacts/17", Query: "from=deskbell", Status: 200, UserAgent: "crmtest/1", Contact: "17",
	}}, s.Accesses(Page))
	require.Len(t, s.Accesses(Search), 1)
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	require.Len(t, lines, 2)
	for _, field := range []string{`"time":"`, `"method":"GET"`, `"path":"/contacts/17"`, `"query":"from=deskbell"`, `"status":200`, `"user_agent":"crmtest/1"`} {
		require.Contains(t, lines[0], field)
	}
	require.NoError(t, log.Close())
}

func TestFaults(t *testing.T) {
	s := start(t, Options{})
	get := func() (int, string, error) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL()+"/api/contacts?phone=1", nil)
		require.NoError(t, err)
		res, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			return 0, "", err
		}
		defer func() { _ = res.Body.Close() }()
		b, err := io.ReadAll(res.Body)
		return res.StatusCode, string(b), err
	}
	for failure, status := range map[string]int{None: 200, ServerError: 500, Unauthorized: 401, Broken: 200} {
		require.NoError(t, s.SetFault(Lookup, Fault{Failure: failure}))
		got, body, err := get()
		require.NoError(t, err)
		require.Equal(t, status, got, failure)
		require.Equal(t, failure == None, json.Valid([]byte(body)), failure)
	}
	require.NoError(t, s.SetFault(Lookup, Fault{Failure: Reset}))
	_, _, err := get()
	require.Error(t, err)
	require.Equal(t, map[string]Fault{Lookup: {Failure: Reset}}, s.Faults())

	require.NoError(t, s.SetFault(Lookup, Fault{Delay: time.Millisecond}))
	status, _, err := get()
	require.NoError(t, err)
	require.Equal(t, 200, status)
	require.Error(t, s.SetFault("coffee", Fault{}))
	require.Error(t, s.SetFault(Lookup, Fault{Failure: "coffee"}))
}

func TestCloseEndsHangingRequests(t *testing.T) {
	s := start(t, Options{})
	require.NoError(t, s.SetFault(Page, Fault{Failure: Hang}))
	ended := make(chan error, 1)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL()+"/contacts/17", nil)
	require.NoError(t, err)
	conn := make(chan struct{})
	go func() {
		close(conn)
		res, err := http.DefaultTransport.RoundTrip(r)
		if err == nil {
			_ = res.Body.Close()
		}
		ended <- err
	}()
	<-conn
	require.NoError(t, s.Close())
	select {
	case err := <-ended:
		require.Error(t, err)
	case <-time.After(10 * time.Second):
		require.FailNow(t, "the request still hangs")
	}
}

func TestLoadContacts(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		p := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(p, []byte(text), 0o600))
		return p
	}
	want := []Contact{{ID: "1", Name: "Li", Phones: []string{"030 1"}, VIP: true, OpenTickets: 2}}
	got, err := LoadContacts(write("a.json", `[{"id":"1","name":"Li","phones":["030 1"],"vip":true,"open_tickets":2}]`))
	require.NoError(t, err)
	require.Equal(t, want, got)
	got, err = LoadContacts(write("a.toml", "[[contact]]\nid = \"1\"\nname = \"Li\"\nphones = [\"030 1\"]\nvip = true\nopen_tickets = 2\n"))
	require.NoError(t, err)
	require.Equal(t, want, got)
	for name, text := range map[string]string{"twice.json": `[{"id":"1","name":"a"},{"id":"1","name":"b"}]`, "none.json": `[{"name":"a"}]`, "bad.toml": "[["} {
		_, err := LoadContacts(write(name, text))
		require.Error(t, err, name)
	}
	_, err = LoadContacts(filepath.Join(dir, "missing.toml"))
	require.ErrorIs(t, err, os.ErrNotExist)
}
