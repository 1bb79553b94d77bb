//go:build desktop && linux

package desktop

import (
	"bytes"
	"errors"
	"fmt"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"deskbell/app/lab/crm"
	"deskbell/app/lab/nfon"
	"deskbell/app/lab/record"
	"deskbell/app/machine/desktoptest"
	"deskbell/app/machine/desktoptest/testdesk"
	"deskbell/assets"
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

// icon waits until the tray holds exactly our item and it satisfies fits.
func (b *bench) icon(what string, fits func(desktoptest.TrayItem) bool) desktoptest.TrayItem {
	b.t.Helper()
	var item desktoptest.TrayItem
	b.await(what, func() error {
		items, err := desktoptest.TrayItems(testdesk.Context(b.t), b.bus)
		switch {
		case err != nil:
			return err
		case len(items) != 1:
			return fmt.Errorf("%d items in the tray", len(items))
		}
		if item = items[0]; !fits(item) {
			return fmt.Errorf("drawing %s, %d pixels wide, tooltip %q", drawn(item), item.Width, item.Tooltip)
		}
		return nil
	})
	return item
}

// shows waits for an icon drawing and a tooltip.
func (b *bench) shows(drawing, tooltip string) {
	b.t.Helper()
	b.icon(drawing+": "+tooltip, func(i desktoptest.TrayItem) bool {
		return i.Title == "Deskbell" && i.Tooltip == tooltip && drawn(i) == drawing
	})
}

// drawn names the drawing that the tray shows, with "+" behind it if it carries the red disc of missed calls.
func drawn(i desktoptest.TrayItem) string {
	for _, name := range []string{"idle", "ringing-1", "ringing-2", "incall", "disconnected", "trouble", "muted"} {
		data, err := assets.TrayIcon(name, i.Width)
		if err != nil {
			return err.Error()
		}
		img, err := png.Decode(bytes.NewReader(data))
		if err != nil {
			return err.Error()
		}
		differ, red := 0, 0
		for p := range i.Width * i.Height {
			x, y := p%i.Width, p/i.Width
			want, _ := color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
			got := color.NRGBA{A: i.ARGB[4*p], R: i.ARGB[4*p+1], G: i.ARGB[4*p+2], B: i.ARGB[4*p+3]}
			switch {
			case got == (color.NRGBA{R: 0xE5, G: 0x48, B: 0x4D, A: 0xFF}) && want != got:
				red++
			case far(got, want) && (x < i.Width/3 || y < i.Height/3): // elsewhere may be the disc
				differ++
			}
		}
		if differ > 0 {
			continue
		}
		if name = strings.TrimRight(name, "-12"); red > 5 {
			name += "+"
		}
		return name
	}
	return "unknown"
}

// far tells colours apart that are seen as different: those of half-transparent edges may be off by rounding.
func far(a, b color.NRGBA) bool {
	off := func(x, y uint8) bool {
		d := int(x)*int(a.A)/255 - int(y)*int(b.A)/255
		return max(d, -d) > 8
	}
	return off(a.R, b.R) || off(a.G, b.G) || off(a.B, b.B) || a.A != b.A
}

// menu waits until the tray's menu fits.
func (b *bench) menu(what string, fits func([]desktoptest.MenuItem) bool) []desktoptest.MenuItem {
	b.t.Helper()
	item := b.icon("an icon", func(desktoptest.TrayItem) bool { return true })
	var menu []desktoptest.MenuItem
	b.await(what, func() (err error) {
		if menu, err = item.Menu(testdesk.Context(b.t)); err == nil && !fits(menu) {
			err = fmt.Errorf("the menu is:\n%s", menuText(menu, ""))
		}
		return err
	})
	return menu
}

// timed is the time of day in a line of the call list.
var timed = regexp.MustCompile(`, \d\d:\d\d, `)

// menuSays waits until the menu reads exactly so: one line each, sub-menus indented by a blank, "(off)" behind what
// cannot be clicked, "---" for a separator; without the times of calls.
func (b *bench) menuSays(lines ...string) {
	b.t.Helper()
	want := strings.Join(lines, "\n") + "\n"
	b.menu("menu:\n"+want, func(m []desktoptest.MenuItem) bool { return menuText(m, "") == want })
}

func menuText(items []desktoptest.MenuItem, indent string) string {
	var out strings.Builder
	for _, i := range items {
		switch {
		case i.Separator:
			out.WriteString(indent + "---\n")
			continue
		case !i.Enabled:
			i.Label += " (off)"
		case i.Checked:
			i.Label += " (on)"
		}
		out.WriteString(indent + timed.ReplaceAllString(i.Label, ", ") + "\n" + menuText(i.Children, indent+" "))
	}
	return out.String()
}

// click clicks a line of the tray's menu.
func (b *bench) click(label string) {
	b.t.Helper()
	item := b.icon("an icon", func(desktoptest.TrayItem) bool { return true })
	b.await("menu line "+label, func() error { return item.Click(testdesk.Context(b.t), label) })
}

// clickMatching clicks the first line of the call list that begins so; the rest of it is a time.
func (b *bench) clickMatching(start string) {
	b.t.Helper()
	label := ""
	b.menu("line "+start, func(m []desktoptest.MenuItem) bool {
		list, _ := desktoptest.FindMenuItem(m, "Recent calls")
		for _, line := range list.Children {
			if label == "" && strings.HasPrefix(line.Label, start) {
				label = line.Label
			}
		}
		return label != ""
	})
	b.click(label)
}

// timeless takes the time of day from the beginning of each line.
func timeless(text string) string {
	return regexp.MustCompile(`(?m)^\d\d:\d\d `).ReplaceAllString(text, "")
}

// caller is somebody outside.
func caller(number string) nfon.Caller { return nfon.Caller{Number: number} }

// event waits for an event of a call at the telephone system.
func (b *bench) event(uuid, state string) {
	b.t.Helper()
	_, err := record.Await(testdesk.Context(b.t), b.stage.Lab.Log, b.mark, func(e nfon.EventFact) bool {
		return e.UUID == uuid && e.State == state
	})
	require.NoError(b.t, err, state)
}

// apiCall waits for a call asked for by program.
func (b *bench) apiCall() nfon.APICall {
	b.t.Helper()
	made, err := record.Await(testdesk.Context(b.t), b.stage.Lab.Log, b.mark, func(nfon.APICall) bool { return true })
	require.NoError(b.t, err, "no call was asked for")
	return made
}

// cancelled waits for the answer to a wish to end a call.
func (b *bench) cancelled(uuid string) int {
	b.t.Helper()
	r, err := record.Await(testdesk.Context(b.t), b.stage.Lab.Log, b.mark, func(r nfon.Request) bool {
		return r.Endpoint == "cancel" && strings.HasSuffix(r.Path, uuid)
	})
	require.NoError(b.t, err, "nobody asked to end the call")
	return r.Status
}

// count counts the lab's facts of a type since the last next.
func count[T any](b *bench, fits func(T) bool) int {
	n := 0
	for _, e := range b.stage.Lab.Log.Since(b.mark) {
		if v, ok := e.Data.(T); ok && fits(v) {
			n++
		}
	}
	return n
}

// dialled counts the calls asked for by program.
func (b *bench) dialled() int { return count(b, func(nfon.APICall) bool { return true }) }

// page waits until a customer's page was fetched.
func (b *bench) page(contact string) crm.Access {
	b.t.Helper()
	a, err := record.Await(testdesk.Context(b.t), b.stage.Lab.Log, b.mark, func(a crm.Access) bool {
		return a.Endpoint == crm.Page && a.Contact == contact
	})
	require.NoError(b.t, err, "page %s was not opened", contact)
	return a
}

// pages counts the fetches of customers' pages.
func (b *bench) pages() int {
	return count(b, func(a crm.Access) bool { return a.Endpoint == crm.Page && a.Contact != "" })
}

// ring has somebody call the agent.
func (b *bench) ring(number string) string {
	b.t.Helper()
	uuid, err := b.lab().RingInbound(nfon.Caller{Number: number}, "101")
	require.NoError(b.t, err)
	return uuid
}

// announced waits for the first toast of a call.
func (b *bench) announced() desktoptest.NoticeCall {
	b.t.Helper()
	return b.toast("an announcement", func(n desktoptest.NoticeCall) bool {
		return strings.Contains(n.Body, "Answer on your phone") && n.Replaces == 0
	})
}

// sounds waits until an output plays a tone.
func (b *bench) sounds(output, tone string) {
	b.t.Helper()
	r, since, heard := b.heard[output], time.Now(), ""
	err := r.Await(testdesk.Context(b.t), since, func(levels []desktoptest.Level) bool {
		heard = toneOf(levels)
		return heard == tone
	})
	require.NoError(b.t, err, "no %s tone at %s but %q, loudest %v", tone, output, heard, r.Loudest(since))
}

// hushes waits until an output is silent.
func (b *bench) hushes(output string) {
	b.t.Helper()
	_, err := b.heard[output].AwaitSilence(testdesk.Context(b.t), time.Now(), time.Second) // longer than any pause in a tone
	require.NoError(b.t, err)
}

// silent says that an output was silent all the time since the last next.
func (b *bench) silent(output string) {
	b.t.Helper()
	require.LessOrEqual(b.t, b.heard[output].Loudest(b.since), desktoptest.Audible, "something was heard at %s", output)
}

// heardFor is how long an output was audible since the last next.
func (b *bench) heardFor(output string) time.Duration {
	n := 0
	for _, l := range b.heard[output].Levels(b.since) {
		if l.RMS > desktoptest.Audible {
			n++
		}
	}
	return time.Duration(n) * 10 * time.Millisecond
}

// lastOf is the newest toast about the same thing: a desktop that closes a toast on a press gives its successor a new id.
func (b *bench) lastOf(toast desktoptest.NoticeCall) desktoptest.NoticeCall {
	for _, n := range b.toasts(func(n desktoptest.NoticeCall) bool { return n.Title == toast.Title && n.ID != 0 }) {
		toast = n
	}
	return toast
}

// settingsFile is what the agent's settings file says now.
func (b *bench) settingsFile() string {
	b.t.Helper()
	text, err := os.ReadFile(filepath.Join(b.home, "settings.toml"))
	require.NoError(b.t, err)
	return string(text)
}
