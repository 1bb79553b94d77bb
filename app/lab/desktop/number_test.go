//go:build desktop && linux

package desktop

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"deskbell/app/desk/view"
	"deskbell/app/machine/desktoptest"
)

// What is not a number is said; what costs or changes something is asked; emergency numbers never come from a program.
func TestNumbersThatAreNotSimplyDialled(t *testing.T) {
	t.Parallel()
	b := open(t, options{desktop: &desktoptest.Options{Sound: true}, troubled: true})
	for _, c := range []struct {
		number string
		code   int
		said   string
	}{
		{"abc", exitFailed, "This is not a telephone number. Check it and try again."},
		{"", exitFailed, "There is no number. Type one."},
		{"   ", exitFailed, "There is no number. Type one."},
		{strings.Repeat("7", 200), exitFailed, "The number is too long. Check it and try again."},
		{strings.Repeat("7", 9000), exitFailed, "The number is too long. Check it and try again."},
		{"101", exitFailed, "This is your own extension. Choose another number."},
		{"*21*0301234567#", exitNeedsYes, "*21*0301234567# changes something at the telephone system. Dial it? Repeat with --yes to do it."},
		{"112", exitFailed, "Emergency numbers are never dialled for a link or program. Use your phone."},
		{"110", exitFailed, "Emergency numbers are never dialled for a link or program. Use your phone."},
		{"+43 1 5131234", exitNeedsYes, "+43 1 5131234 is a number in another country (AT). Call it? Repeat with --yes to do it."},
		{"0900 1234567", exitNeedsYes, "0900 1 234567 is a premium number and may be expensive. Call it? Repeat with --yes to do it."},
		{"030 55580", exitNeedsYes, "A web page or program asks to call 030 55580. Call it? Repeat with --yes to do it."},
		{"\u202e+49 30", exitFailed, "This is not a telephone number. Check it and try again."},
	} {
		b.says(c.code, c.said, "dial", c.number)
	}
	b.says(exitFailed, "Emergency numbers are never dialled for a link or program. Use your phone.", "dial", "--yes", "112")
	require.Zero(t, b.dialled())
}

// A person at a terminal is asked less, and answers there.
func TestNumbersTypedInATerminal(t *testing.T) {
	t.Parallel()
	b := open(t, options{desktop: &desktoptest.Options{Sound: true}, troubled: true})
	out, code := b.typed("y", "dial", "112")
	require.Equal(t, "Use your phone to dial 112: from here the call could reach the wrong place.", out)
	require.Equal(t, exitFailed, code)
	out, code = b.typed("n", "dial", "*21*0301234567#")
	require.Equal(t, "*21*0301234567# changes something at the telephone system. Dial it? [y/N] n\nNot done.", out)
	require.Equal(t, exitNeedsYes, code)
	out, code = b.typed("", "dial", "+43 1 5131234")
	require.Equal(t, "+43 1 5131234 is a number in another country (AT). Call it? [y/N] \nNot done.", out)
	require.Equal(t, exitNeedsYes, code)
	require.Zero(t, b.dialled())

	out, code = b.typed("y", "dial", "*21*0301234567#")
	require.Equal(t, exitOK, code, out)
	require.Equal(t, "*21*0301234567#", b.apiCall().Callee)
	b.await("the phone rings", func() error { return b.lab().Answer("101") }) // the code answers and hangs up by itself
	b.quiet()
	b.next()
	out, code = b.typed("y", "dial", "030 55580")
	require.Equal(t, exitOK, code, out)
	require.NotContains(t, out, "?", "an ordinary number typed by hand needs no question")
	require.Equal(t, petra, b.apiCall().Callee)
	b.state("it is a call", func(s view.State) bool { return len(s.Calls) == 1 })
	b.says(exitOK, "Done.", "hangup")
	b.quiet()
}

// Where the telephone system routes emergency calls rightly, a number typed by hand is dialled at once.
func TestEmergencyCallWhereTheSystemRoutesIt(t *testing.T) {
	t.Parallel()
	b := open(t, options{desktop: &desktoptest.Options{Sound: true}, troubled: true, config: func(text string) string {
		return strings.Replace(text, "type = \"nfon\"", "type = \"nfon\"\nemergency = \"dial\"", 1)
	}})
	b.says(exitFailed, "Emergency numbers are never dialled for a link or program. Use your phone.", "dial", "--yes", "112")
	require.Zero(t, b.dialled())
	out, code := b.typed("n", "dial", "112")
	require.Equal(t, "Pick up your phone, then we dial Service 112.", out)
	require.Equal(t, exitOK, code)
	require.Equal(t, "+112", b.apiCall().Callee, "as an outside number: NFON would take it for an extension else")
	b.await("the phone rings", func() error { return b.lab().HangUp("101") })
	b.quiet()
}

func TestDialTheClipboard(t *testing.T) {
	t.Parallel()
	b := open(t, options{contacts: customers})
	const line = "Dial the number in the clipboard"
	b.click(line)
	empty := b.titled("Not done")
	require.Equal(t, "There is no telephone number in the clipboard. Copy one first.", empty.Body)

	b.copies("Tel.: 030 / 555 80")
	b.click(line)
	question := b.titled("Call Petra Kurz?")
	require.Equal(t, "030 55580, Berlin is in the clipboard.", question.Body)
	require.Zero(t, b.dialled())
	b.press(question, "Call")
	made := b.apiCall()
	require.Equal(t, petra, made.Callee)
	b.event(made.UUID, "caller-ring")
	b.click("Hang up")
	require.Equal(t, 204, b.cancelled(made.UUID))
	b.quiet()

	b.next()
	b.copies(strings.Repeat("not a number at all ", 5000))
	b.click(line)
	b.toast("too much", func(n desktoptest.NoticeCall) bool {
		return n.Body == "The clipboard cannot be read. Type the number: deskbell dial NUMBER."
	})
	b.next()
	b.copies(strings.Repeat("not a number at all ", 20))
	b.click(line)
	b.toast("no number", func(n desktoptest.NoticeCall) bool {
		return n.Body == "There is no telephone number in the clipboard. Copy one first."
	})
	b.next()
	b.copies("112")
	b.click(line)
	b.toast("no emergency from there", func(n desktoptest.NoticeCall) bool {
		return n.Body == "Emergency numbers are never dialled for a link or program. Use your phone."
	})
	require.Zero(t, b.dialled())
}

// copies puts text into the clipboard, as another program of the desktop would.
func (b *bench) copies(text string) {
	b.t.Helper()
	path := filepath.Join(b.home, "copied")
	require.NoError(b.t, os.WriteFile(path, []byte(text), 0o600))
	b.spawn("xclip", "-quiet", "-selection", "clipboard", path)
	b.await("the clipboard", func() error {
		got, code := b.tool("xclip", "-o", "-selection", "clipboard")
		if code != 0 || got != strings.TrimSpace(text) {
			return os.ErrNotExist
		}
		return nil
	})
}
