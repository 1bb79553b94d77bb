//go:build desktop && linux

package desktop

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/desk/view"
	"deskbell/app/lab/nfon"
	"deskbell/app/machine/desktoptest"
	"deskbell/app/machine/desktoptest/testdesk"
)

// health is what /healthz says.
type health struct {
	Status  string
	Systems []struct {
		Link     bool
		Troubles []struct{ Code, Sentence string }
	}
	Log struct {
		OK       bool
		Sentence string
	}
}

func (b *bench) health() (health, error) {
	var h health
	req, err := http.NewRequestWithContext(testdesk.Context(b.t), http.MethodGet, b.stage.URL()+"/healthz", nil)
	if err != nil {
		return h, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return h, err
	}
	defer func() { _ = resp.Body.Close() }()
	return h, json.NewDecoder(resp.Body).Decode(&h)
}

// ill waits until /healthz tells a trouble of the telephone system, and gives its sentence.
func (b *bench) ill(code string) string {
	b.t.Helper()
	said := ""
	b.await("trouble in /healthz", func() error {
		h, err := b.health()
		if err != nil {
			return err
		}
		for _, t := range h.Systems[0].Troubles {
			if t.Code == code && h.Status == "trouble" {
				said = t.Sentence
				return nil
			}
		}
		return fmt.Errorf("%+v", h)
	})
	return said
}

// restart starts the server anew.
func (b *bench) restart() {
	b.t.Helper()
	require.NoError(b.t, b.stage.StopServer())
	_, err := b.stage.StartServer(testdesk.Context(b.t))
	require.NoError(b.t, err)
}

func TestTelephoneSystemRefuses(t *testing.T) {
	for _, c := range []struct {
		name, code, tray, health string
		spoil                    func(*bench)
	}{
		{
			"wrong password", "sign_in", "NFON refuses the sign-in. Tell your administrator.",
			"The telephone system refuses the sign-in. Check user name and password in the settings.",
			func(b *bench) {
				path := filepath.Join(filepath.Dir(b.stage.ConfigPath()), "nfon-password")
				require.NoError(b.t, os.WriteFile(path, []byte("wrong"), 0o600))
				b.restart()
			},
		},
		{
			"no licence", "licence", "NFON refuses access: a right or licence is missing. Tell your administrator.",
			"The telephone system refuses access. Check rights and licences of the account.",
			func(b *bench) {
				require.NoError(b.t, b.lab().Configure(func(s *nfon.Switches) { s.LicenceMissing = true }))
				b.restart()
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := open(t, options{})
			b.next()
			c.spoil(b)
			require.Equal(t, c.tray, b.trouble(c.code))
			require.Equal(t, c.health, b.ill(c.code))
			toast := b.toast(c.tray, func(n desktoptest.NoticeCall) bool { return strings.HasPrefix(n.Body, c.tray) })
			require.Equal(t, []string{"Copy details"}, labels(toast))
			b.shows("trouble", c.tray)
			b.menuShows(c.tray + "\n Copy details\n")
			b.picture(strings.ReplaceAll(c.name, " ", "-"))
			b.press(toast, "Copy details")
			b.await("details in the clipboard", func() error {
				text, code := b.tool("xclip", "-o", "-selection", "clipboard")
				if code != 0 || !strings.Contains(text, c.code) || strings.Contains(text, "s3cret") {
					return fmt.Errorf("%d %q", code, text)
				}
				return nil
			})
			out, code := b.run("dial", "--yes", "030 55580")
			require.Equal(t, exitFailed, code)
			require.Contains(t, out, "Use your phone")
			first := len(b.lab().Requests(""))
			patient, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			<-patient.Done()
			require.LessOrEqual(t, len(b.lab().Requests(""))-first, 4, "no hammering: %v", paths(b.lab().Requests("")[first:]))
		})
	}
}

func paths(list []nfon.Request) []string {
	var out []string
	for _, r := range list {
		out = append(out, fmt.Sprintf("%s %s %d", r.Method, r.Path, r.Status))
	}
	return out
}

func TestRevokedComputer(t *testing.T) {
	t.Parallel()
	b := open(t, options{})
	b.next()
	out, err := b.stage.ServerCommand(testdesk.Context(t), "user", "remove", "anna")
	require.NoError(t, err, out)
	s := b.state("refused", func(s view.State) bool { return s.Link == view.LinkRefused })
	require.Contains(t, s.Sentence, "Ask your administrator for a new invitation.")
	toast := b.titled("No connection")
	require.Equal(t, []string{"Try again", "Copy details"}, labels(toast))
	b.shows("trouble", s.Sentence)
	b.menuShows("Try again\n")
	b.picture("revoked")
	b.press(toast, "Try again")
	b.state("refused again", func(s view.State) bool { return s.Link == view.LinkRefused })
	b.says(exitFailed, "No connection. Use your phone.", "dial", "030 55580")
	log, err := os.ReadFile(b.stage.ServerLog())
	require.NoError(t, err)
	require.Less(t, strings.Count(string(log), "\n"), 40, "no loop")
}

// The stored token is wrong, then it is gone.
func TestStoredSignInIsOfNoUse(t *testing.T) {
	t.Parallel()
	b := open(t, options{})
	token := filepath.Join(b.home, "token")
	for _, c := range []struct {
		said  string
		spoil func() error
	}{
		{"The server no longer knows this computer. Ask your administrator for a new invitation.", func() error {
			return os.WriteFile(token, []byte("nobody's"), 0o600)
		}},
		{
			"The stored sign-in cannot be read. Unlock your keyring and use Try again, or open a new invitation.",
			func() error { return os.Remove(token) },
		},
	} {
		b.says(exitOK, "Done.", "quit")
		<-b.tray.Gone()
		require.NoError(t, c.spoil())
		b.startTray()
		b.state("refused", func(s view.State) bool { return s.Link == view.LinkRefused && s.Sentence == c.said })
		b.shows("trouble", c.said)
		b.menuShows("Try again\n")
	}
	invitation, err := b.stage.InviteAgain(t.Context(), "anna")
	require.NoError(t, err)
	out, code := b.typed("y", "enroll", invitation)
	require.Zero(t, code, out)
	b.settled()
	b.shows("idle", "Ready")
}

// The server dies during a call and comes back: the agent sees it, and nothing is told or opened twice.
func TestServerIsAwayAndComesBack(t *testing.T) {
	t.Parallel()
	b := open(t, options{})
	uuid := b.ring(customerNumber)
	toast := b.titled("Peter Lang")
	require.NoError(t, b.lab().Answer("101"))
	b.closed(toast)
	b.page("18")
	b.state("opened", func(s view.State) bool { return len(s.Entries) == 1 && s.Entries[0].Opened == "opened" })
	b.next()
	b.stage.KillServer()
	b.state("no connection", func(s view.State) bool { return s.Link == view.LinkDown })
	b.menuShows("No connection. Trying again… (off)\n")
	b.says(exitFailed, "No connection. Use your phone.", "dial", "030 55580")
	b.picture("server-away")
	_, err := b.stage.StartServer(testdesk.Context(t))
	require.NoError(t, err)
	b.state("connected", func(s view.State) bool { return s.Link == view.LinkUp && len(s.Gaps) > 0 })
	gap := b.titled("Calls may be missing")
	require.Regexp(t, `^Deskbell was away (at \d\d:\d\d|\d\d:\d\d–\d\d:\d\d), calls may be missing\.$`, gap.Body)
	b.shows("incall", "Talking: Peter Lang")
	require.NoError(t, b.lab().CallerHangsUp(uuid))
	b.quiet()
	b.shows("idle", "Ready")
	require.Empty(t, b.toasts(func(n desktoptest.NoticeCall) bool { return strings.Contains(n.Title, "Peter Lang") }), "announced once")
	require.Zero(t, b.pages(), "opened once")
}
