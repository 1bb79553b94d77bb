package tray

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"fyne.io/systray"
	"github.com/godbus/dbus/v5"

	"deskbell/app/machine/sessionbus"
)

const (
	watcher     = "org.kde.StatusNotifierWatcher"
	watcherPath = "/StatusNotifierWatcher"
	hostLimit   = 2 * time.Second

	// settle is how long a new tray gets to take us in by itself before we knock.
	settle = time.Second
)

// preferredSize is for the display's density: panels scale one picture down, and 22 is what most of them use as it is.
func preferredSize() int {
	for _, name := range []string{"GDK_SCALE", "QT_SCALE_FACTOR"} {
		if scale, err := strconv.ParseFloat(os.Getenv(name), 64); err == nil && scale >= 1.5 {
			return 48
		}
	}
	return 22
}

// hostWatch keeps the tray's host state on a bus connection of its own.
type hostWatch struct {
	tray *Tray
	bus  *dbus.Conn
}

// watchHost starts to watch for a tray; false means that there is no bus to have one on.
func (t *Tray) watchHost(ctx context.Context) (bool, error) {
	bus, err := sessionbus.Open(ctx)
	if err != nil {
		return false, err
	}
	w := &hostWatch{tray: t, bus: bus}
	signals := make(chan *dbus.Signal, 16)
	bus.Signal(signals)
	for _, rule := range [][]dbus.MatchOption{
		{dbus.WithMatchInterface("org.freedesktop.DBus"), dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, watcher)},
		{dbus.WithMatchSender(watcher), dbus.WithMatchInterface(watcher)},
	} {
		if err := bus.AddMatchSignalContext(ctx, rule...); err != nil {
			_ = bus.Close() // of no use
			return false, fmt.Errorf("watch for a tray: %w", err)
		}
	}
	go w.run(ctx, signals)
	return true, nil
}

// present shows the tray until ctx ends. Title, icon and click function are set before the library announces the
// item, which reads them then and would lose a change made meanwhile.
func (t *Tray) present(ctx context.Context) {
	systray.SetTitle(t.opts.Title)
	t.setIcon(Model{}, 0)
	start, end := systray.RunWithExternalLoop(nil, nil)
	start()
	t.ready()
	t.loop(ctx)
	if announced() {
		end()
	}
}

// announced tells whether the library reached the bus. If it did not, its own end would fail on a nil connection.
func announced() bool {
	ctx, cancel := context.WithTimeout(context.Background(), hostLimit)
	defer cancel()
	bus, err := sessionbus.Open(ctx)
	if err != nil {
		return false
	}
	defer func() { _ = bus.Close() }() // nothing is pending
	var has bool
	err = bus.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.NameHasOwner", 0, itemName()).Store(&has)
	return err == nil && has
}

// itemName is the bus name under which the library announces our item.
func itemName() string { return fmt.Sprintf("org.kde.StatusNotifierItem-%d-1", os.Getpid()) }

// run follows the tray's coming and going until ctx or the bus ends.
func (w *hostWatch) run(ctx context.Context, signals <-chan *dbus.Signal) {
	defer func() { _ = w.bus.Close() }() // nothing is pending
	knock := time.NewTimer(settle)
	defer knock.Stop()
	w.look(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case sig, open := <-signals:
			if !open {
				w.tray.setHost(HostMissing)
				return
			}
			if strings.HasSuffix(sig.Name, ".StatusNotifierItemRegistered") || strings.HasSuffix(sig.Name, ".StatusNotifierItemUnregistered") {
				continue
			}
			w.look(ctx)
			knock.Reset(settle)
		case <-knock.C:
			if w.tray.HasHost() {
				w.register(ctx)
			}
		}
	}
}

// look asks whether a host is there now.
func (w *hostWatch) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, hostLimit)
	defer cancel()
	var there bool
	if value, err := w.property(ctx, "IsStatusNotifierHostRegistered"); err == nil {
		there, _ = value.Value().(bool)
	}
	if there {
		w.tray.setHost(HostThere)
	} else {
		w.tray.setHost(HostMissing)
	}
}

func (w *hostWatch) property(ctx context.Context, name string) (dbus.Variant, error) {
	var value dbus.Variant
	err := w.bus.Object(watcher, watcherPath).
		CallWithContext(ctx, "org.freedesktop.DBus.Properties.Get", 0, watcher, name).Store(&value)
	return value, err
}

// register announces our item if the tray does not know it. The library does so itself, but its own watch ends at
// the first signal it does not expect, and other libraries cause such signals on the connection they share with it.
func (w *hostWatch) register(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, hostLimit)
	defer cancel()
	name := itemName()
	var owner string
	if err := w.bus.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.GetNameOwner", 0, name).Store(&owner); err != nil {
		return // the library has not announced the item at all yet
	}
	var items []string
	if value, err := w.property(ctx, "RegisteredStatusNotifierItems"); err != nil || value.Store(&items) != nil {
		return
	}
	known := slices.ContainsFunc(items, func(item string) bool {
		return strings.HasPrefix(item, owner) || strings.HasPrefix(item, name)
	})
	if known {
		return
	}
	err := w.bus.Object(watcher, watcherPath).CallWithContext(ctx, watcher+".RegisterStatusNotifierItem", 0, name).Err
	if err != nil {
		w.tray.opts.Log.Warn("the tray did not take the icon", "error", err)
	}
}
