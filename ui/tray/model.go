// Package tray shows the icon and menu of the resident program in the desktop's tray.
package tray

import "slices"

// IconState is what the icon says. Where several hold, the caller names the first of this order: ringing, in a call,
// disconnected, trouble, muted, idle.
type IconState int

// The states; the zero value is idle.
const (
	Idle IconState = iota
	Ringing
	InCall
	Disconnected
	Trouble
	Muted
)

// quiet tells the states in which missed calls may be shown on the icon: not while a call wants or has attention.
func (s IconState) quiet() bool { return s != Ringing && s != InCall }

// String is the state's name in logs.
func (s IconState) String() string {
	switch s {
	case Idle:
		return "idle"
	case Ringing:
		return "ringing"
	case InCall:
		return "in a call"
	case Disconnected:
		return "disconnected"
	case Trouble:
		return "trouble"
	case Muted:
		return "muted"
	}
	return "unknown"
}

// Model is everything the tray shows. It is a value: Update compares it with the one before and touches only what
// changed. Texts are plain and already safe to show on one line.
type Model struct {
	State   IconState
	Missed  int // unseen missed calls; shown on the icon in quiet states
	Tooltip string
	Menu    []Item
}

// Item is a line of the menu.
type Item struct {
	ID        string // given to OnClick; of no meaning for separators and lines with children
	Label     string
	Enabled   bool
	Checkbox  bool
	Checked   bool
	Separator bool
	Children  []Item
}

// sameShape tells whether two menus differ only in what can be changed in place. The ids count as shape: a line must
// not turn into another one under somebody's pointer.
func sameShape(a, b []Item) bool {
	return slices.EqualFunc(a, b, func(x, y Item) bool {
		return x.Separator == y.Separator && (x.Separator || x.ID == y.ID && x.Checkbox == y.Checkbox) && sameShape(x.Children, y.Children)
	})
}

// same tells whether two menus are equal.
func same(a, b []Item) bool {
	return slices.EqualFunc(a, b, func(x, y Item) bool {
		return x.ID == y.ID && x.Label == y.Label && x.Enabled == y.Enabled && x.Checkbox == y.Checkbox &&
			x.Checked == y.Checked && x.Separator == y.Separator && same(x.Children, y.Children)
	})
}

// clone keeps a menu from being changed by its maker while we hold it.
func clone(items []Item) []Item {
	out := slices.Clone(items)
	for i := range out {
		out[i].Children = clone(out[i].Children)
	}
	return out
}

// HostState says whether there is a tray that shows us.
type HostState int

// The states; only HostMissing is worth telling the user about.
const (
	HostUnknown HostState = iota // not asked yet
	HostThere
	HostMissing
)

// String is the state's name in logs.
func (h HostState) String() string {
	switch h {
	case HostThere:
		return "there"
	case HostMissing:
		return "missing"
	case HostUnknown:
		return "unknown"
	}
	return "unknown"
}
