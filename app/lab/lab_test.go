package lab

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"deskbell/app/lab/nfon"
)

func TestStartWritesWhereEverythingIs(t *testing.T) {
	dir := t.TempDir()
	state, calls, access := filepath.Join(dir, "state.json"), filepath.Join(dir, "calls.jsonl"), filepath.Join(dir, "access.jsonl")
	l, err := Start(Options{CallLog: calls, AccessLog: access})
	require.NoError(t, err)
	require.NoError(t, l.WriteState(state))
	b, err := os.ReadFile(state)
	require.NoError(t, err)
	var ready Ready
	require.NoError(t, json.Unmarshal(b, &ready))
	require.Equal(t, l.Ready(), ready)

	for _, url := range []string{ready.NFON + "/.well-known/jwks.json", ready.CRM + "/contacts/17", ready.Control + "/"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		require.NoError(t, err)
		res, err := http.DefaultTransport.RoundTrip(r)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, 200, res.StatusCode, url)
	}
	_, err = l.Phones.RingInbound(nfon.Caller{Number: "+49891234567"}, "101")
	require.NoError(t, err)
	require.NoError(t, l.Close())

	read := func(path string) []string {
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		return strings.Split(strings.TrimSpace(string(b)), "\n")
	}
	require.Len(t, read(access), 1)
	require.Contains(t, read(access)[0], `"path":"/contacts/17"`)
	var kinds []string
	for _, line := range read(calls) {
		var e struct{ Kind, State string }
		require.NoError(t, json.Unmarshal([]byte(line), &e))
		kinds = append(kinds, strings.TrimSpace(e.Kind+" "+e.State))
	}
	require.Equal(t, []string{"request", "call", "line", "event ring"}, kinds)
}

func TestStartSaysWhatIsWrong(t *testing.T) {
	_, err := Start(Options{NFON: nfon.Options{Account: "4711"}})
	require.ErrorContains(t, err, "account")
	_, err = Start(Options{CallLog: filepath.Join(t.TempDir(), "no", "such")})
	require.ErrorIs(t, err, os.ErrNotExist)
	l, err := Start(Options{})
	require.NoError(t, err)
	taken := strings.TrimPrefix(l.Ready().Control, "http://")
	_, err = Start(Options{ControlAddress: taken})
	require.Error(t, err)
	require.NoError(t, l.Close())
}
