//go:build linux

package desktoptest

import (
	"context"
	"fmt"
	"strings"

	"github.com/godbus/dbus/v5"
)

const (
	watcherName = "org.kde.StatusNotifierWatcher"
	itemFace    = "org.kde.StatusNotifierItem"
	menuFace    = "com.canonical.dbusmenu"
)

// TrayItem is an icon in the tray as the panel sees it.
type TrayItem struct {
	conn    *dbus.Conn
	Service string // bus name of its program
	Path    dbus.ObjectPath
	Title   string
	Tooltip string
	Width   int    // of the icon, pixels
	Height  int    //
	ARGB    []byte // the icon, four bytes per pixel, alpha first
	menu    dbus.ObjectPath
}

// MenuItem is one line of a tray menu.
type MenuItem struct {
	ID        int32
	Label     string
	Enabled   bool
	Checked   bool
	Separator bool
	Children  []MenuItem
}

// pixmap is an icon on the wire.
type pixmap struct {
	W, H int32
	Pix  []byte
}

// TrayItems lists what is registered at the tray. conn is a connection of Connect and stays in use by the items.
func TrayItems(ctx context.Context, conn *dbus.Conn) ([]TrayItem, error) {
	var addresses []string
	value, err := property(ctx, conn.Object(watcherName, "/StatusNotifierWatcher"), watcherName, "RegisteredStatusNotifierItems")
	if err == nil {
		err = value.Store(&addresses)
	}
	if err != nil {
		return nil, fmt.Errorf("list the tray: %w", err)
	}
	items := make([]TrayItem, 0, len(addresses))
	for _, address := range addresses {
		service, path, found := strings.Cut(address, "/")
		if !found {
			path = "StatusNotifierItem"
		}
		item := TrayItem{conn: conn, Service: service, Path: dbus.ObjectPath("/" + path)}
		if err := item.load(ctx); err != nil {
			return nil, fmt.Errorf("read a tray item: %w", err)
		}
		items = append(items, item)
	}
	return items, nil
}

func property(ctx context.Context, o dbus.BusObject, face, name string) (dbus.Variant, error) {
	var value dbus.Variant
	err := o.CallWithContext(ctx, "org.freedesktop.DBus.Properties.Get", 0, face, name).Store(&value)
	return value, err
}

func (t *TrayItem) object(path dbus.ObjectPath) dbus.BusObject { return t.conn.Object(t.Service, path) }

func (t *TrayItem) load(ctx context.Context) error {
	var all map[string]dbus.Variant
	err := t.object(t.Path).CallWithContext(ctx, "org.freedesktop.DBus.Properties.GetAll", 0, itemFace).Store(&all)
	if err != nil {
		return err
	}
	var icons []pixmap
	var tip struct {
		Icon  string
		Pix   []pixmap
		Title string
		Text  string
	}
	for name, into := range map[string]any{"Title": &t.Title, "Menu": &t.menu, "IconPixmap": &icons, "ToolTip": &tip} {
		if err := all[name].Store(into); err != nil {
			return fmt.Errorf("property %s: %w", name, err)
		}
	}
	t.Tooltip = tip.Title
	for _, icon := range icons {
		t.Width, t.Height, t.ARGB = int(icon.W), int(icon.H), icon.Pix
	}
	return nil
}

// Refresh reads the item anew.
func (t *TrayItem) Refresh(ctx context.Context) error { return t.load(ctx) }

// Activate is a left click.
func (t *TrayItem) Activate(ctx context.Context) error {
	return t.object(t.Path).CallWithContext(ctx, itemFace+".Activate", 0, int32(0), int32(0)).Err
}

// layout is a menu on the wire.
type layout struct {
	ID    int32
	Props map[string]dbus.Variant
	Below []dbus.Variant
}

// Menu reads the whole menu. A panel's first look gets only the top level, so it is looked at twice, as panels do.
func (t *TrayItem) Menu(ctx context.Context) ([]MenuItem, error) {
	var root layout
	for range 2 {
		var revision uint32
		err := t.object(t.menu).CallWithContext(ctx, menuFace+".GetLayout", 0, int32(0), int32(-1), []string{}).
			Store(&revision, &root)
		if err != nil {
			return nil, fmt.Errorf("read the tray menu: %w", err)
		}
	}
	return root.items()
}

func (l layout) items() ([]MenuItem, error) {
	items := make([]MenuItem, 0, len(l.Below))
	for _, v := range l.Below {
		var below layout
		if err := dbus.Store([]any{v.Value()}, &below); err != nil {
			return nil, fmt.Errorf("read a menu line: %w", err)
		}
		children, err := below.items()
		if err != nil {
			return nil, err
		}
		label, _ := below.Props["label"].Value().(string)
		kind, _ := below.Props["type"].Value().(string)
		enabled, set := below.Props["enabled"].Value().(bool)
		state, _ := below.Props["toggle-state"].Value().(int32)
		items = append(items, MenuItem{ID: below.ID, Label: label, Enabled: enabled || !set, Checked: state == 1,
			Separator: kind == "separator", Children: children})
	}
	return items, nil
}

// Click clicks the first line with this label, on any level. The id is looked up just before: it changes whenever
// the menu does.
func (t *TrayItem) Click(ctx context.Context, label string) error {
	items, err := t.Menu(ctx)
	if err != nil {
		return err
	}
	item, found := FindMenuItem(items, label)
	if !found {
		return fmt.Errorf("no menu line %q", label)
	}
	return t.object(t.menu).CallWithContext(ctx, menuFace+".Event", 0, item.ID, "clicked", dbus.MakeVariant(int32(0)), uint32(0)).Err
}

// FindMenuItem looks for a label on every level.
func FindMenuItem(items []MenuItem, label string) (MenuItem, bool) {
	for _, item := range items {
		if item.Label == label {
			return item, true
		}
		if below, found := FindMenuItem(item.Children, label); found {
			return below, true
		}
	}
	return MenuItem{}, false
}
