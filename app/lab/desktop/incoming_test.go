//go:build desktop && linux

package desktop

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/desk/view"
	"deskbell/app/lab/crm"
	"deskbell/app/machine/desktoptest"
	"deskbell/app/machine/desktoptest/testdesk"
)

// Who calls; the first two are customers of the lab's CRM.
const (
	vipNumber      = "+49891234567"
	vipName        = "Dr. Annegret von Hohenstein-Brandenburg"
	customerNumber = "+4930555012"
	strangerNumber = "+4915228817386"
)

const (
	answerOff = " Answer: NFON cannot answer calls from here. Answer on your phone. (off)"
	rejectOff = " Reject: NFON cannot reject calls from here. Reject on your phone. (off)"
	hangUpOff = " Hang up: NFON cannot end this call from here. Hang up on your phone. (off)"
)

// usual is the menu's lower part; the times in the call list are left out by menuText.
func usual(recent ...string) []string {
	if len(recent) == 0 {
		recent = []string{" No calls yet (off)"}
	}
	list := append([]string{"---", "Dial the number in the clipboard", "Recent calls"}, recent...)
	return append(list, "Mute ringing", "---", "Quit")
}

const vipRunning = " ← " + vipName + " (VIP), running (off)"

func TestIncomingCall(t *testing.T) {
	t.Parallel()
	b := open(t, options{listen: []string{desktoptest.Desk, desktoptest.Headset}, settings: "output = \"Headset\"\n"})
	b.shows("idle", "Ready")
	b.menuSays(append([]string{"Ready – Anna Huber (off)"}, usual()...)...)
	b.slowCRM(700 * time.Millisecond)
	b.next()

	// The number first, then the name, then the count, all in one place.
	uuid := b.ring(vipNumber)
	toast := b.announced()
	require.Equal(t, "089 1234567, Munich", toast.Title)
	require.Equal(t, "Calling\nAnswer on your phone", toast.Body)
	require.Equal(t, []string{"Silence"}, labels(toast))
	named := b.becomes("the name", toast, func(n desktoptest.NoticeCall) bool { return strings.Contains(n.Title, "Annegret") })
	require.Equal(t, vipName+" (VIP)", named.Title)
	counted := b.becomes("the count", toast, func(n desktoptest.NoticeCall) bool { return strings.Contains(n.Body, "3 open tickets") })
	require.Equal(t, "Calling\nStadtwerke Musterstadt GmbH\n089 1234567, Munich\n3 open tickets\nAnswer on your phone", counted.Body)
	require.Equal(t, []string{"Open customer", "Silence"}, labels(counted))

	// The tone of a VIP, where it belongs and nowhere else.
	b.sounds(desktoptest.Headset, vip)
	b.silent(desktoptest.Desk)
	b.shows("ringing", vipName+" (VIP) is calling")
	b.menuSays(append([]string{"Ready – Anna Huber (off)", "Calling: " + vipName + " (VIP)", " Open customer", " Silence", answerOff, rejectOff}, usual(vipRunning)...)...)
	require.Zero(t, b.pages(), "nothing opens while it rings")
	b.picture("incoming-vip")

	require.NoError(t, b.lab().Answer("101"))
	b.closed(toast)
	opened := b.page("17")
	require.Equal(t, "Testbrowser/1", opened.UserAgent)
	b.hushes(desktoptest.Headset)
	b.shows("incall", "Talking: "+vipName+" (VIP)")
	b.menuSays(append([]string{"Ready – Anna Huber (off)", "Talking: " + vipName + " (VIP)", " Open customer", hangUpOff}, usual(vipRunning)...)...)
	b.says(exitFailed, "NFON cannot end this call from here. Hang up on your phone.", "hangup")

	require.NoError(t, b.lab().CallerHangsUp(uuid))
	b.quiet()
	b.shows("idle", "Ready")
	b.menuSays(append([]string{"Ready – Anna Huber (off)"}, usual(" ← "+vipName+" (VIP), answered")...)...)
	require.Equal(t, 1, b.pages(), "opened exactly once")
}

// A customer opens by itself only for one who talks to nobody else.
func TestSecondCallOpensNothingByItself(t *testing.T) {
	t.Parallel()
	b := open(t, options{})
	first := b.ring(customerNumber)
	b.titled("Peter Lang")
	require.NoError(t, b.lab().Answer("101"))
	b.page("18")
	second := b.ring(vipNumber)
	toast := b.titled(vipName + " (VIP)")
	require.NoError(t, b.lab().Answer("101"))
	b.closed(toast)
	b.state("both", func(s view.State) bool { return len(s.Calls) == 2 && s.Calls[1].State == "connected" })
	b.menuShows("Talking: Peter Lang\n")
	b.menuShows("Talking: " + vipName + " (VIP)\n")
	require.NoError(t, b.lab().CallerHangsUp(second))
	require.NoError(t, b.lab().CallerHangsUp(first))
	b.quiet()
	require.Equal(t, 1, b.pages())
}

// slowCRM makes the CRM take its time, so that one can see how a toast learns the name and then the count.
func (b *bench) slowCRM(d time.Duration) {
	for _, endpoint := range []string{crm.Lookup, crm.Tickets} {
		require.NoError(b.t, b.stage.Lab.CRM.SetFault(endpoint, crm.Fault{Delay: d}))
	}
}

func TestRingingCanBeSilencedMutedAndKnocks(t *testing.T) {
	t.Parallel()
	b := open(t, options{listen: []string{desktoptest.Desk}})

	// Silence stops the tone, and only the tone.
	uuid := b.ring(customerNumber)
	toast := b.announced()
	b.sounds(desktoptest.Desk, external)
	named := b.becomes("all is known", toast, func(n desktoptest.NoticeCall) bool { return strings.Contains(n.Body, "1 open ticket\n") })
	b.press(named, "Silence")
	b.hushes(desktoptest.Desk)
	left := b.toast("the toast without Silence", func(n desktoptest.NoticeCall) bool {
		return n.Title == "Peter Lang" && len(labels(n)) == 1 && labels(n)[0] == "Open customer"
	})
	b.press(left, "Open customer")
	b.page("18")
	b.picture("incoming-silenced")
	require.NoError(t, b.lab().Answer("101"))
	b.closed(b.lastOf(left))
	b.shows("incall", "Talking: Peter Lang")

	// A further call while talking knocks once, softly.
	b.next()
	second, err := b.lab().Dial("102", "101")
	require.NoError(t, err)
	b.announced()
	_, err = b.heard[desktoptest.Desk].AwaitSound(testdesk.Context(t), b.since)
	require.NoError(t, err)
	b.hushes(desktoptest.Desk)
	require.Less(t, b.heardFor(desktoptest.Desk), 600*time.Millisecond, "one knock")
	require.NoError(t, b.lab().CallerHangsUp(second))
	require.NoError(t, b.lab().CallerHangsUp(uuid))
	b.quiet()
	require.Equal(t, 0, b.pages(), "opened by hand before the answer, and not again")

	// A colleague has another tone than the world outside; muting by menu and by command.
	b.next()
	third, err := b.lab().Dial("102", "101")
	require.NoError(t, err)
	inside := b.announced()
	require.Equal(t, "Ada Example", inside.Title)
	b.sounds(desktoptest.Desk, internal)
	b.click("Mute ringing")
	b.hushes(desktoptest.Desk)
	require.NoError(t, b.lab().CallerHangsUp(third))
	b.quiet()
	b.state("muted", func(s view.State) bool { return s.Muted })
	b.icon("the muted icon with missed calls", func(i desktoptest.TrayItem) bool { return drawn(i) == "muted+" })
	b.next()
	fourth := b.ring(strangerNumber)
	require.NotContains(t, labels(b.announced()), "Silence", "there is nothing to silence")
	b.silent(desktoptest.Desk)
	b.says(exitOK, "Ringing is on.", "mute", "off")
	b.sounds(desktoptest.Desk, external)
	b.says(exitOK, "Ringing is muted.", "mute")
	b.hushes(desktoptest.Desk)
	require.NoError(t, b.lab().CallerHangsUp(fourth))
	b.quiet()
	require.Contains(t, b.settingsFile(), "mute = true", "the choice is kept")
}
