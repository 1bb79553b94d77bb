//go:build desktop && linux

package desktop

import (
	"testing"

	"github.com/stretchr/testify/require"

	"deskbell/app/desk/view"
	"deskbell/app/machine/desktoptest"
)

func TestMissedCallsAreGatheredAndCalledBack(t *testing.T) {
	t.Parallel()
	b := open(t, options{})
	uuid := b.ring(strangerNumber)
	ringing := b.announced()
	require.Equal(t, "01522 8817386", ringing.Title)
	require.NoError(t, b.lab().CallerHangsUp(uuid))
	b.closed(ringing)
	missed := b.titled("Missed call: 01522 8817386")
	require.Equal(t, []string{"Call back", "Show"}, labels(missed))
	require.Equal(t, byte(0), missed.Hints["urgency"].Value(), "a quiet one")
	require.Equal(t, true, missed.Hints["suppress-sound"].Value())
	b.shows("idle+", "Ready – 1 missed call")

	uuid = b.ring(customerNumber)
	named := b.toast("the name", func(n desktoptest.NoticeCall) bool { return n.Title == "Peter Lang" })
	b.picture("missed-and-ringing")
	require.NoError(t, b.lab().CallerHangsUp(uuid))
	b.closed(named)
	both := b.toast("both in one", func(n desktoptest.NoticeCall) bool {
		return n.Title == "2 missed calls" && n.Body == "Peter Lang, 01522 8817386"
	})
	require.Equal(t, missed.ID, both.ID, "in the first one's place")
	require.Equal(t, []string{"Call back Peter Lang", "Show"}, labels(both))
	b.shows("idle+", "Ready – 2 missed calls")
	b.menuShows("Missed calls (2)\n")
	b.picture("missed")

	b.press(both, "Show")
	listed := b.toast("the list", func(n desktoptest.NoticeCall) bool {
		return n.Title == "2 missed calls" && timeless(n.Body) == "Peter Lang\n01522 8817386"
	})
	b.shows("idle", "Ready")
	b.state("seen", func(s view.State) bool { return s.Missed == 0 && s.Entries[0].Seen && s.Entries[1].Seen })
	b.press(listed, "Call back Peter Lang")
	made := b.apiCall()
	require.Equal(t, customerNumber, made.Callee)
	require.Equal(t, "101", made.Extension)
	toast := b.titled("Calling Peter Lang")
	require.NoError(t, b.lab().Answer("101"))
	require.NoError(t, b.lab().CalleeAnswers(made.UUID))
	b.closed(toast)
	b.state("talking", func(s view.State) bool { return len(s.Calls) == 1 && s.Calls[0].Title == "Peter Lang" })
	require.Zero(t, b.pages(), "a dialled call opens nothing by itself")
	b.says(exitOK, "Done.", "pop")
	b.page("18")
	require.NoError(t, b.lab().HangUp("101"))
	b.quiet()
	require.Equal(t, 1, b.dialled())

	// The tray's list calls back too.
	b.next()
	b.menu("the list", func(m []desktoptest.MenuItem) bool {
		line, found := desktoptest.FindMenuItem(m, "Recent calls")
		return found && len(line.Children) == 3
	})
	b.clickMatching("← 01522 8817386, ")
	require.Equal(t, strangerNumber, b.apiCall().Callee)
	b.click("Hang up")
	b.quiet()
}

func TestColleagueAnswersInstead(t *testing.T) {
	t.Parallel()
	b := open(t, options{})
	uuid, err := b.lab().RingInbound(caller(customerNumber), "101", "102")
	require.NoError(t, err)
	b.event(uuid, "ring")
	toast := b.toast("the name", func(n desktoptest.NoticeCall) bool { return n.Title == "Peter Lang" })
	require.NoError(t, b.lab().Answer("102"))
	b.closed(toast)
	b.quiet()
	b.state("taken elsewhere", func(s view.State) bool {
		return s.Missed == 0 && len(s.Entries) == 1 && s.Entries[0].Said == "taken elsewhere"
	})
	b.shows("idle", "Ready")
	require.Zero(t, b.pages())
	require.Empty(t, b.toasts(func(n desktoptest.NoticeCall) bool { return n.Title == "Missed call: Peter Lang" }))
}
