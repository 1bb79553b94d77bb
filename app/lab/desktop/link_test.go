//go:build desktop && linux

package desktop

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/desk/view"
	"deskbell/app/machine/desktoptest"
)

// opens opens a link as any program of the desktop would. Deskbell takes one link in three seconds, so an earlier one is
// waited out: what the pause is for has a test of its own.
func (b *bench) opens(link string) {
	b.t.Helper()
	out, code := b.tool("xdg-open", link)
	require.Zero(b.t, code, out)
}

func TestTelephoneLinks(t *testing.T) {
	t.Parallel()
	b := open(t, options{contacts: customers})
	b.says(exitOK, "No program opens telephone links. Change that with: deskbell links register", "links", "status")
	b.says(exitOK, "Deskbell opens telephone links.", "links", "register")
	b.says(exitOK, "Deskbell opens telephone links.", "links", "status")

	// Warm: the running program asks, and calls only after a yes.
	b.opens("tel:+49-30-55580")
	question := b.titled("Call Petra Kurz?")
	require.Equal(t, "A web page or program asks to call 030 55580, Berlin.", question.Body)
	require.Equal(t, []string{"Call", "Cancel"}, labels(question))
	b.picture("link-question")
	out, code := b.tool("xdg-open", "tel:+4930555012")
	require.NotZero(t, code+len(out), "a page that opens link after link is not listened to")
	require.Zero(t, b.dialled(), "nothing is dialled by a link alone")
	b.press(question, "Call")
	made := b.apiCall()
	require.Equal(t, petra, made.Callee)
	b.event(made.UUID, "caller-ring")
	b.says(exitOK, "Done.", "hangup")
	b.quiet()
	require.Equal(t, 1, b.dialled())

	// Cancel, and an emergency number that never comes from a link.
	b.pauseLinks()
	b.opens("callto:+493055580")
	b.press(b.titled("Call Petra Kurz?"), "Cancel")
	b.pauseLinks()
	b.opens("tel:112")
	refused := b.titled("Call to Service 112 was not made")
	require.Equal(t, "Emergency numbers are never dialled for a link or program. Use your phone.", refused.Body)
	b.pauseLinks()
	b.opens("tel:*21*0301234567%23")
	star := b.titled("Call Service *21*0301234567#?")
	require.Equal(t, "A web page or program asks to call Service *21*0301234567#.\n*21*0301234567# changes something at the telephone system. Dial it?", star.Body)
	b.picture("link-star")
	require.Zero(t, b.dialled())
}

// pauseLinks waits until the next link is taken, and forgets what was seen before.
func (b *bench) pauseLinks() {
	b.t.Helper()
	began := time.Now()
	b.await("the pause between links", func() error {
		if time.Since(began) < linkPause {
			return os.ErrDeadlineExceeded
		}
		return nil
	})
	b.next()
}

// linkPause is a little more than the three seconds between two links.
const linkPause = 3100 * time.Millisecond

func TestLinkStartsTheProgram(t *testing.T) {
	t.Parallel()
	b := open(t, options{contacts: customers})
	b.says(exitOK, "Deskbell opens telephone links.", "links", "register")
	b.says(exitOK, "Done.", "quit")
	<-b.tray.Gone()
	b.says(exitNotRunning, "Deskbell is not running. Start it with: deskbell", "status")
	b.next()

	// xdg-open stays until the program that it started ends, as browsers do not.
	opener := b.spawn("xdg-open", "tel:+49%20(30)%2055580")
	question := b.titled("Call Petra Kurz?")
	b.press(question, "Call")
	require.Equal(t, petra, b.apiCall().Callee)
	b.shows("incall", "Calling Petra Kurz")
	b.says(exitOK, "Deskbell is already running.")
	b.state("one tray", func(s view.State) bool { return len(s.Calls) == 1 })
	b.says(exitOK, "Done.", "hangup")
	b.quiet()
	b.says(exitOK, "Done.", "quit")
	<-opener.Gone()
}

func TestInvitationLinks(t *testing.T) {
	t.Parallel()
	b := open(t, options{unsigned: true})
	b.shows("disconnected", "Not set up yet. Open the invitation you received.")
	b.says(exitOK, "Deskbell opens telephone links.", "links", "register")
	invitation, err := b.stage.Invite(t.Context(), "anna", "Anna Huber", "101")
	require.NoError(t, err)

	// A link connects after a yes, naming the server.
	b.opens(invitation)
	question := b.titled("Connect with Deskbell Lab?")
	require.Equal(t, []string{"Connect", "Cancel"}, labels(question))
	require.Contains(t, question.Body, b.stage.URL()[len("http://"):])
	b.picture("invitation")
	b.press(question, "Connect")
	b.toast("connected", func(n desktoptest.NoticeCall) bool {
		return n.Body == "This computer is connected with Deskbell Lab as Anna Huber."
	})
	b.settled()

	// Signed in already: a link never replaces the account by itself, whoever it names.
	b.pauseLinks()
	second, err := b.stage.Invite(t.Context(), "bert", "Bert Maier", "102")
	require.NoError(t, err)
	b.opens(second)
	replace := b.titled("Connect with Deskbell Lab?")
	require.Contains(t, replace.Body, "It would replace your present connection with Deskbell Lab.")
	b.picture("invitation-replace")
	b.press(replace, "Cancel")
	require.Equal(t, "Anna Huber", b.state("still Anna", func(s view.State) bool { return s.Link == view.LinkUp }).User)

	// Used, wrong and unprotected ones.
	b.says(exitNeedsYes, "The invitation is from Deskbell Lab ("+b.stage.URL()[len("http://"):]+
		"). It would replace your present connection with Deskbell Lab. Repeat with --yes to do it.", "enroll", invitation)
	out, code := b.typed("y", "enroll", invitation)
	require.Equal(t, exitFailed, code)
	require.Contains(t, out, "The invitation was used already. Ask your administrator for a new one.")
	out, code = b.typed("y", "enroll", b.stage.URL(), "AAAA-BBBB-CCCC")
	require.Equal(t, exitFailed, code)
	require.Contains(t, out, "The invitation is wrong, used or expired. Ask your administrator for a new one.")
	b.says(exitFailed, "The invitation names an unprotected address. Ask your administrator for one that begins with https.",
		"enroll", "deskbell://enroll?server=http://example.org&code=AAAA")
	b.says(exitFailed, "This is not a complete invitation. Copy the whole text that you received.", "enroll", "deskbell://enroll?server=")
	require.Equal(t, "Anna Huber", b.state("still Anna", func(s view.State) bool { return s.Link == view.LinkUp }).User)
	require.NoFileExists(t, filepath.Join(b.home, "account.json.broken"))
}
