//go:build !linux

package tray

import (
	"context"

	"fyne.io/systray"
)

// preferredSize is for the display's density; the system scales what it is given.
func preferredSize() int { return 32 }

// watchHost finds a tray at once: it is part of the system.
func (t *Tray) watchHost(context.Context) (bool, error) {
	t.setHost(HostThere)
	return true, nil
}

// present shows the tray until ctx ends, on the caller's thread.
func (t *Tray) present(ctx context.Context) {
	done := make(chan struct{})
	systray.Run(func() {
		defer close(done)
		systray.SetTitle(t.opts.Title)
		t.setIcon(Model{}, 0)
		t.ready()
		t.loop(ctx)
		systray.Quit()
	}, func() {})
	<-done
}
