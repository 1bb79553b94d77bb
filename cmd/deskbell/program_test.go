package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"deskbell/app/client"
	"deskbell/app/desk"
	"deskbell/app/desk/home"
	"deskbell/app/desk/text"
	"deskbell/app/desk/view"
	"deskbell/app/localapi"
	"deskbell/app/machine/sound"
	"deskbell/app/wire"
	"deskbell/ui/tray"
)

// running is a tray that answers as a test wants.
type running struct {
	mu     sync.Mutex
	asked  []view.Ask
	answer func(view.Ask) view.Answer
	state  view.State
}

func (r *running) Ask(_ context.Context, a view.Ask) (view.Answer, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, a)
	return r.answer(a), nil
}
func (r *running) State() view.State                { return r.state }
func (r *running) Watch() (<-chan struct{}, func()) { return make(chan struct{}), func() {} }

// shell is a command line with its own folder and what it printed.
type shell struct {
	*program
	out, err bytes.Buffer
}

func newShell(t *testing.T) *shell {
	dir := t.TempDir()
	h, err := home.Open(func(name string) string { return map[string]string{"DESKBELL_HOME": dir}[name] })
	require.NoError(t, err)
	w, err := text.New("en", shown)
	require.NoError(t, err)
	s := &shell{}
	s.program = &program{home: h, words: w, in: strings.NewReader(""), out: &s.out, err: &s.err}
	return s
}

func (s *shell) run(args ...string) (code int, out, err string) {
	s.out.Reset()
	s.err.Reset()
	s.code = exitOK
	code = s.execute(args)
	return code, strings.TrimSpace(s.out.String()), strings.TrimSpace(s.err.String())
}

func (s *shell) serve(t *testing.T, r *running) {
	l, err := localapi.Listen(s.address())
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var work sync.WaitGroup
	work.Go(func() { localapi.NewServer(r, "1", slog.New(slog.DiscardHandler)).Serve(ctx, l) })
	t.Cleanup(func() { cancel(); work.Wait() })
}

func TestNothingRuns(t *testing.T) {
	s := newShell(t)
	for _, args := range [][]string{{"status"}, {"dial", "1"}, {"answer"}, {"hangup"}, {"pop"}, {"mute"}, {"calls"}, {"enroll", "x"}, {"sign-out"}, {"quit"}} {
		code, _, err := s.run(args...)
		require.Equal(t, exitNotRunning, code, args)
		require.Equal(t, "Deskbell is not running. Start it with: deskbell", err)
	}
}

func TestUsage(t *testing.T) {
	s := newShell(t)
	for _, args := range [][]string{{"dance"}, {"dial"}, {"dial", "1", "2"}, {"tel:1", "tel:2"}, {"--nonsense"}, {"mute", "a", "b"}, {"links", "dance"}} {
		code, _, _ := s.run(args...)
		if args[0] != "links" {
			require.Equal(t, exitUsage, code, args)
		}
	}
	for _, args := range [][]string{{"mute", "loud"}, {"autostart", "maybe"}} {
		code, _, err := s.run(args...)
		require.Equal(t, exitUsage, code)
		require.Equal(t, "Say on or off.", err)
	}
	code, out, _ := s.run("--help")
	require.Equal(t, exitOK, code)
	require.Contains(t, out, "Usage:\n  deskbell [tel:… | callto:… | deskbell:…]\n\nCommands:")
	code, out, _ = s.run("help", "dial")
	require.Equal(t, exitOK, code)
	require.Contains(t, out, "dial NUMBER")
	code, out, _ = s.run("--version")
	require.Equal(t, exitOK, code)
	require.True(t, strings.HasPrefix(out, "deskbell "), out)
}

func TestCommandsAreHandedOver(t *testing.T) {
	s, r := newShell(t), &running{answer: func(a view.Ask) view.Answer { return view.Answer{Text: "did " + a.Verb} }}
	s.serve(t, r)
	on, off := true, false
	cases := []struct {
		args []string
		want view.Ask
	}{
		{[]string{"dial", "030 1"}, view.Ask{Verb: "dial", Number: "030 1", Origin: "program"}},
		{[]string{"dial", "030 1", "--yes"}, view.Ask{Verb: "dial", Number: "030 1", Origin: "program", Confirmed: true}},
		{[]string{"answer"}, view.Ask{Verb: "answer"}},
		{[]string{"hangup", "c1"}, view.Ask{Verb: "hangup", Call: "c1"}},
		{[]string{"pop"}, view.Ask{Verb: "pop"}},
		{[]string{"mute"}, view.Ask{Verb: "mute"}},
		{[]string{"mute", "on"}, view.Ask{Verb: "mute", On: &on}},
		{[]string{"mute", "off"}, view.Ask{Verb: "mute", On: &off}},
		{[]string{"enroll", "https://a", "AB", "CD"}, view.Ask{Verb: "enroll", Invitation: "https://a AB CD"}},
		{[]string{"sign-out"}, view.Ask{Verb: "sign-out"}},
		{[]string{"quit"}, view.Ask{Verb: "quit"}},
	}
	for _, c := range cases {
		code, out, _ := s.run(c.args...)
		require.Equal(t, exitOK, code)
		require.Equal(t, "did "+c.want.Verb, out)
		require.Equal(t, c.want, r.asked[len(r.asked)-1])
	}
	code, out, _ := s.run()
	require.Equal(t, exitOK, code)
	require.Equal(t, "Deskbell is already running.", out)
	require.Equal(t, view.Ask{Verb: "show"}, r.asked[len(r.asked)-1])
	code, out, _ = s.run("tel:+49-30")
	require.Equal(t, exitOK, code)
	require.Empty(t, out)
	require.Equal(t, view.Ask{Verb: "link", Link: "tel:+49-30"}, r.asked[len(r.asked)-1])

	r.answer = func(view.Ask) view.Answer { return view.Answer{Code: "number_invalid", Text: "No number."} }
	for _, args := range [][]string{{"dial", "x"}, {"tel:1"}} {
		code, _, err := s.run(args...)
		require.Equal(t, exitFailed, code)
		require.Equal(t, "No number.", err)
	}
}

func TestQuestionsWithoutATerminal(t *testing.T) {
	s, r := newShell(t), &running{answer: func(view.Ask) view.Answer { return view.Answer{Code: view.CodeConfirm, Text: "Really?"} }}
	s.serve(t, r)
	code, _, err := s.run("dial", "*21#")
	require.Equal(t, exitNeedsYes, code)
	require.Equal(t, "Really? Repeat with --yes to do it.", err)
	require.Len(t, r.asked, 1)
	require.False(t, interactive(strings.NewReader("")))
	null, openErr := os.Open(os.DevNull)
	require.NoError(t, openErr)
	defer null.Close()
	require.False(t, interactive(null))
}

func TestPrinted(t *testing.T) {
	s, r := newShell(t), &running{state: view.State{
		Sentence: "Talking: Li", Link: view.LinkUp,
		Calls:    []view.Call{{ID: "c1", Title: "Li", Line: "Talking: Li", Display: "+49 30"}},
		Entries:  []view.Entry{{Title: "Lo", Direction: "outgoing", Said: "busy"}},
		Troubles: []view.Trouble{{Said: "Talking: Li"}, {Said: "No sound."}},
		Gaps:     []view.Gap{{Said: "Away."}},
	}}
	s.serve(t, r)
	_, out, _ := s.run("status")
	require.Equal(t, "Talking: Li\nNo sound.\nTalking: Li (+49 30)\nAway.", out)
	_, out, _ = s.run("status", "--json")
	require.Contains(t, out, `"sentence": "Talking: Li"`)
	_, out, _ = s.run("calls")
	require.Contains(t, out, "Talking: Li (+49 30)\n→ Lo, ")
	require.Contains(t, out, ", busy")
	_, out, _ = s.run("calls", "--json")
	require.Contains(t, out, `"entries": [`)
	r.state = view.State{}
	_, out, _ = s.run("calls")
	require.Equal(t, "No calls.", out)
}

func TestMenuAdapter(t *testing.T) {
	require.Equal(t, []tray.Item{
		{ID: "a", Label: "A", Enabled: true, Checkbox: true, Checked: true}, {Separator: true, Enabled: true},
		{Label: "B", Children: []tray.Item{{ID: "c", Label: "C", Enabled: true}}},
	}, menu([]desk.MenuItem{{ID: "a", Label: "A", Check: true, Checked: true}, {}, {Label: "B", Disabled: true, Items: []desk.MenuItem{{ID: "c", Label: "C"}}}}))
}

func TestToneTrouble(t *testing.T) {
	for err, want := range map[error]string{sound.ErrBadFile: "tone_file", sound.ErrNoOutput: "output", sound.ErrNoSound: "sound", errors.New("x"): "sound"} {
		require.Equal(t, want, toneTrouble(err))
	}
}

func TestAccountsMapErrors(t *testing.T) {
	var refused *desk.InvitationError
	require.ErrorAs(t, invitationError(&client.EnrollError{Code: "used", Err: os.ErrClosed}), &refused)
	require.Equal(t, "used", refused.Code)
	require.ErrorIs(t, refused, os.ErrClosed)
	require.NoError(t, invitationError(nil))
	require.ErrorIs(t, invitationError(os.ErrClosed), os.ErrClosed)
}

// TestBreakDisablesOnePart: the demonstration has to notice each of them.
func TestBreakDisablesOnePart(t *testing.T) {
	whole := desk.Parts{}
	require.Equal(t, whole, breakPart("", whole))
	require.NoError(t, breakPart("toast", whole).Notices.Show(desk.Notice{}))
	require.NoError(t, breakPart("toast", whole).Notices.Close(""))
	breakPart("sound", whole).Tones.Play(desk.Tone{})
	breakPart("sound", whole).Tones.Stop()
	require.NoError(t, breakPart("pop", whole).Pages.Open(t.Context(), "", nil))
	_, err := breakPart("dial", whole).Server.Request(t.Context(), wire.MethodMakeCall, nil)
	require.ErrorIs(t, err, client.ErrDown)
}

func TestFileSecrets(t *testing.T) {
	s := newShell(t)
	f := fileSecrets{s.home}
	_, err := f.Set(t.Context(), "x", "token")
	require.NoError(t, err)
	got, _, err := f.Get(t.Context(), "x")
	require.NoError(t, err)
	require.Equal(t, "token", got)
	require.NoError(t, f.Delete(t.Context(), "x"))
	root, _ := s.home.Own()
	_, err = os.Stat(filepath.Join(root, "token"))
	require.ErrorIs(t, err, os.ErrNotExist)
}
