package main

import (
	"context"
	"errors"

	"deskbell/app/about"
	"deskbell/app/desk"
	"deskbell/app/machine/clipboard"
	"deskbell/ui/tray"
)

// trayIcon is desk.TrayIcon on the desktop's tray.
type trayIcon struct{ t *tray.Tray }

// Update implements desk.TrayIcon.
func (i trayIcon) Update(t desk.Tray) {
	states := map[string]tray.IconState{
		"idle": tray.Idle, "ringing": tray.Ringing, "incall": tray.InCall, "disconnected": tray.Disconnected,
		"trouble": tray.Trouble, "muted": tray.Muted,
	}
	i.t.Update(tray.Model{State: states[t.Icon], Missed: t.Missed, Tooltip: t.Tooltip, Menu: menu(t.Menu)})
}

func menu(items []desk.MenuItem) []tray.Item {
	var list []tray.Item
	for _, m := range items {
		list = append(list, tray.Item{
			ID: m.ID, Label: m.Label, Enabled: !m.Disabled, Checkbox: m.Check, Checked: m.Checked,
			Separator: m.Label == "", Children: menu(m.Items),
		})
	}
	return list
}

func (r *resident) openTray() trayIcon {
	return trayIcon{tray.New(tray.Options{
		Title:   about.Name,
		Log:     r.log,
		OnClick: func(id string) { r.loop.Post(desk.Chosen{ID: id}) },
		OnTap:   func() { r.loop.Post(desk.Chosen{ID: "missed"}) },
		OnHost: func(h tray.HostState) {
			if h != tray.HostUnknown {
				r.loop.Post(desk.Machine{Code: "tray", Over: h == tray.HostThere})
			}
		},
	})}
}

// run runs the desk beside the tray, which wants the main goroutine; a desktop that cannot have a tray leaves the desk alone.
func (r *resident) run(ctx context.Context, cancel func(), icon trayIcon) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer cancel()
		r.loop.Run(ctx)
	}()
	if err := icon.t.Run(ctx); err != nil && ctx.Err() == nil {
		r.log.Warn("no tray", "error", err)
		r.loop.Post(desk.Machine{Code: "tray"})
	}
	<-ended
}

// clip is desk.Clipboard on the desktop's. Life ends with the program.
type clip struct {
	r    *resident
	life context.Context //nolint:containedctx // what was copied is handed out as long as the program lives
}

// Read implements desk.Clipboard. An empty clipboard is no failure.
func (clip) Read(ctx context.Context) (string, error) {
	text, err := clipboard.Read(ctx)
	if errors.Is(err, clipboard.ErrEmpty) {
		return "", nil
	}
	return text, err
}

// Copy implements desk.Clipboard. The text is handed out for as long as nobody copies anything else, beyond ctx.
func (c clip) Copy(ctx context.Context, text string) error {
	owned, ended := make(chan struct{}), make(chan error, 1)
	c.r.work.Go(func() { ended <- clipboard.Serve(c.life, text, func() { close(owned) }) })
	select {
	case <-owned:
		return nil
	case err := <-ended:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
