package demo

import (
	"context"
	"errors"

	"github.com/godbus/dbus/v5"

	"deskbell/app/machine/desktoptest"
)

// trayIcon reads our icon in the panel's tray.
type trayIcon struct{ conn *dbus.Conn }

var errNoIcon = errors.New("the tray has no icon of Deskbell")

func (t trayIcon) item(ctx context.Context) (desktoptest.TrayItem, error) {
	items, err := desktoptest.TrayItems(ctx, t.conn)
	if err != nil {
		return desktoptest.TrayItem{}, err
	}
	for _, item := range items {
		if item.Title == "Deskbell" {
			return item, nil
		}
	}
	return desktoptest.TrayItem{}, errNoIcon
}

// read gives the menu as it is now.
func (t trayIcon) read(ctx context.Context) ([]desktoptest.MenuItem, error) {
	item, err := t.item(ctx)
	if err != nil {
		return nil, err
	}
	return item.Menu(ctx)
}
