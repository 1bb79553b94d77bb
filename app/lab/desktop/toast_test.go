//go:build desktop && linux

package desktop

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"deskbell/app/machine/desktoptest"
	"deskbell/app/machine/desktoptest/testdesk"
)

// notice waits for a message about notifications.
func (b *bench) notice(what string, fits func(desktoptest.NoticeCall) bool) desktoptest.NoticeCall {
	b.t.Helper()
	n, err := b.notices.Await(testdesk.Context(b.t), func(n desktoptest.NoticeCall) bool { return n.At.After(b.since) && fits(n) })
	if err != nil {
		require.Failf(b.t, "in vain: "+what, "%v; seen:\n%s", err, b.seen())
	}
	return n
}

// toast waits for a notification of Deskbell that is on screen.
func (b *bench) toast(what string, fits func(desktoptest.NoticeCall) bool) desktoptest.NoticeCall {
	b.t.Helper()
	return b.notice(what, func(n desktoptest.NoticeCall) bool {
		return n.Member == "Notify" && n.App == "Deskbell" && n.ID != 0 && fits(n)
	})
}

// titled waits for a toast by its title.
func (b *bench) titled(title string) desktoptest.NoticeCall {
	b.t.Helper()
	return b.toast(title, func(n desktoptest.NoticeCall) bool { return n.Title == title })
}

// becomes waits until a toast fits, replaced in place if need be.
func (b *bench) becomes(what string, toast desktoptest.NoticeCall, fits func(desktoptest.NoticeCall) bool) desktoptest.NoticeCall {
	b.t.Helper()
	return b.toast(what, func(n desktoptest.NoticeCall) bool { return n.ID == toast.ID && fits(n) })
}

// closed waits until the desktop took a toast away.
func (b *bench) closed(toast desktoptest.NoticeCall) {
	b.t.Helper()
	b.notice("closed: "+toast.Title, func(n desktoptest.NoticeCall) bool {
		return n.Member == "NotificationClosed" && n.ID == toast.ID
	})
}

// seen lists what passed over the bus, for failures.
func (b *bench) seen() string {
	var out strings.Builder
	for _, n := range b.notices.Calls() {
		if n.At.After(b.since) {
			fmt.Fprintf(&out, "%s %d: %q %q %q %s\n", n.Member, n.ID, n.Title, n.Body, n.Actions, n.Action)
		}
	}
	return out.String()
}

// toasts are the notifications of Deskbell so far that fit.
func (b *bench) toasts(fits func(desktoptest.NoticeCall) bool) []desktoptest.NoticeCall {
	var list []desktoptest.NoticeCall
	for _, n := range b.notices.Calls() {
		if n.Member == "Notify" && n.At.After(b.since) && n.App == "Deskbell" && fits(n) {
			list = append(list, n)
		}
	}
	return list
}

// press presses a button of a toast with the mouse. The toast must be alone on screen by then.
func (b *bench) press(toast desktoptest.NoticeCall, label string) {
	b.t.Helper()
	list := labels(toast)
	place := slices.Index(list, label)
	require.GreaterOrEqual(b.t, place, 0, "no button %q in %q", label, list)
	at := b.placeOf(toast)
	// The daemon puts the buttons into the lower right corner, all as wide as the longest label needs: 28 pixels and
	// about 6.7 for each letter.
	wide := 0
	for _, l := range list {
		wide = max(wide, 28+utf8.RuneCountInString(l)*67/10)
	}
	x, y := at["X"]+at["WIDTH"]-14-wide/2-(len(list)-1-place)*(wide+7), at["Y"]+at["HEIGHT"]-30
	began := time.Now()
	out, code := b.tool("xdotool", "mousemove", strconv.Itoa(x), strconv.Itoa(y), "sleep", "0.2", "click", "1")
	require.Zero(b.t, code, out)
	pressed := b.notice("pressed: "+label, func(n desktoptest.NoticeCall) bool {
		return n.Member == "ActionInvoked" && n.ID == toast.ID && n.At.After(began)
	})
	require.Equal(b.t, toast.Actions[2*place], pressed.Action)
	// Out of the way, so that no later toast appears under the pointer and stays for it.
	out, code = b.tool("xdotool", "mousemove", "400", "740")
	require.Zero(b.t, code, out)
}

// placeOf waits until a toast is the only one on screen, and gives its place.
func (b *bench) placeOf(toast desktoptest.NoticeCall) map[string]int {
	b.t.Helper()
	at := map[string]int{}
	b.await("one notification on screen", func() error {
		if up := b.up(); len(up) != 1 || !up[toast.ID] {
			return fmt.Errorf("notifications %v are up, not only %d", up, toast.ID)
		}
		found, _ := b.tool("xdotool", "search", "--onlyvisible", "--class", "notifyd")
		if ids := strings.Fields(found); len(ids) != 1 {
			return fmt.Errorf("%d notifications are on screen", len(ids))
		}
		shell, code := b.tool("xdotool", "getwindowgeometry", "--shell", found)
		if code != 0 {
			return errors.New(shell)
		}
		for line := range strings.Lines(shell) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			n, err := strconv.Atoi(value)
			if err != nil {
				return fmt.Errorf("place of the notification: %w", err)
			}
			at[name] = n
		}
		return nil
	})
	return at
}

// up are the notifications that were shown and not closed again. What closed before the daemon had answered was an older
// one with the same id.
func (b *bench) up() map[uint32]bool {
	ends := map[uint32]time.Time{}
	calls := b.notices.Calls()
	for _, n := range calls {
		if n.Member == "NotificationClosed" {
			ends[n.ID] = n.At
		}
	}
	up := map[uint32]bool{}
	for _, n := range calls {
		if n.Member == "Notify" && (n.ID == 0 || n.Answered.After(ends[n.ID])) {
			up[n.ID] = true
		}
	}
	return up
}

// labels are the buttons of a toast.
func labels(n desktoptest.NoticeCall) []string {
	list := []string{}
	for i := 1; i < len(n.Actions); i += 2 {
		list = append(list, n.Actions[i])
	}
	return list
}

// timeless takes the time of day from the beginning of each line.
func timeless(text string) string {
	return regexp.MustCompile(`(?m)^\d\d:\d\d `).ReplaceAllString(text, "")
}

// lastOf is the newest toast about the same thing: a desktop that closes a toast on a press gives its successor a new id.
func (b *bench) lastOf(toast desktoptest.NoticeCall) desktoptest.NoticeCall {
	for _, n := range b.toasts(func(n desktoptest.NoticeCall) bool { return n.Title == toast.Title && n.ID != 0 }) {
		toast = n
	}
	return toast
}
