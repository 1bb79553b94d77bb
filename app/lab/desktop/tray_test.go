//go:build desktop && linux

package desktop

import (
	"bytes"
	"fmt"
	"image/color"
	"image/png"
	"regexp"
	"strings"

	"deskbell/app/machine/desktoptest"
	"deskbell/app/machine/desktoptest/testdesk"
	"deskbell/assets"
)

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
