//go:build desktop && linux

package desktop

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"deskbell/app/desk/view"
	"deskbell/app/lab/nfon"
	"deskbell/app/machine/desktoptest"
)

// customers are known without asking the CRM, which does not know them.
const customers = "Name,Phone\nPetra Kurz,+49 30 55580\n"

const petra = "+493055580"

// own click-to-call: the phone first, then the customer.
func TestDialledCall(t *testing.T) {
	t.Parallel()
	b := open(t, options{listen: []string{desktoptest.Desk}, contacts: customers})

	const started = "Pick up your phone, then we dial Petra Kurz."
	b.says(exitOK, started, "dial", "--yes", "030 55580")
	made := b.apiCall()
	require.Equal(t, nfon.APICall{UUID: made.UUID, Extension: "101", Caller: "101", Callee: petra, Context: "global", Stream: made.Stream}, made)
	toast := b.titled("Calling Petra Kurz")
	require.Equal(t, "Pick up your phone, then we dial Petra Kurz", toast.Body)
	b.event(made.UUID, "caller-ring")
	b.shows("incall", "Calling Petra Kurz")
	b.picture("dialled-pick-up")
	require.NoError(t, b.lab().Answer("101"))
	b.event(made.UUID, "ring")
	there := b.becomes("it rings there", toast, func(n desktoptest.NoticeCall) bool { return n.Body == "Ringing at Petra Kurz" })
	require.Equal(t, []string{"Hang up"}, labels(there))
	require.NoError(t, b.lab().CalleeAnswers(made.UUID))
	b.closed(toast)
	b.shows("incall", "Talking: Petra Kurz")
	b.menuShows("Talking: Petra Kurz\n Open customer\n Hang up: " + notAfterAnswer + " (off)\n")
	b.says(exitFailed, notAfterAnswer, "hangup")
	require.NoError(t, b.lab().HangUp("101"))
	b.quiet()

	b.silent(desktoptest.Desk)
	require.Zero(t, b.pages(), "an own call opens nothing")
	s := b.state("in the list", func(s view.State) bool { return len(s.Entries) == 1 && s.Entries[0].Result == "answered" })
	require.Zero(t, s.Missed)
	require.Empty(t, b.toasts(func(n desktoptest.NoticeCall) bool { return n.Title != "Calling Petra Kurz" }))
	b.shows("idle", "Ready")
}

const (
	notAfterAnswer = "NFON can end dialled calls from here only until they are answered. Hang up on your phone."
	hangUpAtPhone  = "NFON cannot end this call from here. Hang up on your phone."
)

// What the agent is offered before, during and after Hang up, for each way the telephone system may understand it. Deskbell
// promises what all documents of NFON agree on (until the answer), and what is refused then is said as it is.
func TestHangUpAtEveryScope(t *testing.T) {
	for scope, refused := range map[string]bool{"setup": false, "caller_phase": true, "any": false} {
		t.Run(scope, func(t *testing.T) {
			t.Parallel()
			b := open(t, options{contacts: customers})
			require.NoError(t, b.lab().Configure(func(s *nfon.Switches) { s.CancelScope = scope }))

			b.next()
			made := b.dial()
			b.menuShows("Calling Petra Kurz\n Open customer\n Hang up\n")
			toast := b.toast("Hang up", func(n desktoptest.NoticeCall) bool { return len(labels(n)) == 1 })
			require.Equal(t, "Pick up your phone, then we dial Petra Kurz", toast.Body)
			b.press(toast, "Hang up")
			require.Equal(t, 204, b.cancelled(made.UUID))
			b.hungUp(toast, "cancelled")

			b.next()
			made = b.dial()
			require.NoError(t, b.lab().Answer("101"))
			toast = b.toast("it rings there", func(n desktoptest.NoticeCall) bool { return n.Body == "Ringing at Petra Kurz" })
			require.Equal(t, []string{"Hang up"}, labels(toast))
			b.menuShows("Calling Petra Kurz\n Open customer\n Hang up\n")
			if refused {
				b.refusedHangUp(made.UUID, toast)
			} else {
				b.says(exitOK, "Done.", "hangup")
				require.Equal(t, 204, b.cancelled(made.UUID))
			}
			b.hungUp(toast, "cancelled")

			b.next()
			made = b.dial()
			require.NoError(t, b.lab().Answer("101"))
			b.event(made.UUID, "ring")
			require.NoError(t, b.lab().CalleeAnswers(made.UUID))
			b.menuShows("Talking: Petra Kurz\n Open customer\n Hang up: " + notAfterAnswer + " (off)\n")
			b.says(exitFailed, notAfterAnswer, "hangup")
			require.NoError(t, b.lab().HangUp("101"))
			b.hungUp(b.titled("Calling Petra Kurz"), "answered")
			require.Zero(t, count(b, func(r nfon.Request) bool { return r.Endpoint == "cancel" }), "what is off is not tried")
		})
	}
}

// dial calls Petra Kurz and waits until the own phone rings.
func (b *bench) dial() nfon.APICall {
	b.t.Helper()
	b.says(exitOK, "Pick up your phone, then we dial Petra Kurz.", "dial", "--yes", "030 55580")
	made := b.apiCall()
	b.event(made.UUID, "caller-ring")
	return made
}

// menuShows waits until the menu has these lines.
func (b *bench) menuShows(lines string) {
	b.t.Helper()
	b.menu(lines, func(m []desktoptest.MenuItem) bool { return strings.Contains("\n"+menuText(m, ""), "\n"+lines) })
}

// refusedHangUp hangs up where the telephone system answers 404 although it rings on.
func (b *bench) refusedHangUp(uuid string, toast desktoptest.NoticeCall) {
	b.t.Helper()
	b.says(exitFailed, hangUpAtPhone, "hangup")
	require.Equal(b.t, 404, b.cancelled(uuid))
	b.menuShows("Calling Petra Kurz\n Open customer\n Hang up: " + hangUpAtPhone + " (off)\n")
	b.becomes("Hang up has gone", toast, func(n desktoptest.NoticeCall) bool {
		return n.Body == "Ringing at Petra Kurz" && len(labels(n)) == 0
	})
	b.picture("hangup-refused")
	require.NoError(b.t, b.lab().HangUp("101"))
}

// hungUp waits until a dialled call is over and all is as before.
func (b *bench) hungUp(toast desktoptest.NoticeCall, result string) {
	b.t.Helper()
	b.closed(toast)
	b.quiet()
	b.shows("idle", "Ready")
	b.state("in the list", func(s view.State) bool { return len(s.Entries) > 0 && s.Entries[0].Result == result })
	require.Empty(b.t, b.toasts(func(n desktoptest.NoticeCall) bool { return n.Title != "Calling Petra Kurz" }), "what one did oneself needs no words")
}
