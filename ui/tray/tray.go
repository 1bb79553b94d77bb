package tray

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"fyne.io/systray"
)

// ErrRunning means that Run was called a second time; the tray library knows one tray per process and start.
var ErrRunning = errors.New("the tray was already started in this process")

// frameTime is half a swing of the ringing bell: two frames, once a second.
const frameTime = 500 * time.Millisecond

// Options are what the tray calls back. The callbacks run on the tray's goroutines and must not wait for the tray.
type Options struct {
	Title   string               // the program's name, and the item's id on D-Bus
	OnClick func(id string)      // a menu line
	OnTap   func()               // a left click on the icon
	OnReady func()               // the icon was handed to the desktop
	OnHost  func(host HostState) // a tray came or went
	Size    int                  // icon width, one of assets.IconSizes; 0: chosen by the display
	Log     *slog.Logger
}

// Tray is the icon with its menu.
type Tray struct {
	opts   Options
	models chan Model // holds the newest model that was not shown yet
	host   atomic.Int32
	icons  map[look][]byte // the drawn icons; the loop's own
}

// New makes a tray that shows nothing until Run. Update may be called before.
func New(opts Options) *Tray {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Size == 0 {
		opts.Size = preferredSize()
	}
	return &Tray{opts: opts, models: make(chan Model, 1), icons: map[look][]byte{}}
}

// Update shows a model as soon as possible. It never waits; of several not yet shown the newest wins.
func (t *Tray) Update(m Model) {
	m.Menu = clone(m.Menu)
	for {
		select {
		case t.models <- m:
			return
		case <-t.models: // an older one that nobody has seen
		}
	}
}

// Host tells whether a tray shows us.
func (t *Tray) Host() HostState { return HostState(t.host.Load()) }

// HasHost is false while there is no tray to show us, and while that is not known yet.
func (t *Tray) HasHost() bool { return t.Host() == HostThere }

func (t *Tray) setHost(h HostState) {
	if HostState(t.host.Swap(int32(h))) != h && t.opts.OnHost != nil {
		t.opts.OnHost(h)
	}
}

var started atomic.Bool

// Run shows the tray until ctx ends. It must be called from the main goroutine, since Windows sends a window's
// messages to the thread that made it, and once per process. A desktop without a tray is no error: the icon appears
// when a tray does, and OnHost tells.
func (t *Tray) Run(ctx context.Context) error {
	if !started.CompareAndSwap(false, true) {
		return ErrRunning
	}
	available, err := t.watchHost(ctx)
	if err != nil {
		t.opts.Log.Warn("no tray", "error", err)
	}
	if !available {
		t.setHost(HostMissing)
		<-ctx.Done()
		return nil
	}
	systray.SetOnTapped(func() {
		if t.opts.OnTap != nil {
			t.opts.OnTap()
		}
	})
	t.present(ctx)
	return nil
}

// ready tells that the icon was handed to the desktop.
func (t *Tray) ready() {
	if t.opts.OnReady != nil {
		t.opts.OnReady()
	}
}

// loop owns what is shown.
func (t *Tray) loop(ctx context.Context) {
	var shown Model
	var menu menu
	defer menu.end()
	var swing *time.Ticker // exists only while it rings: an idle program must not wake up
	var frames <-chan time.Time
	frame := 0
	defer func() {
		if swing != nil {
			swing.Stop()
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-t.models:
			if m.State != shown.State {
				frame = 0
				if swing != nil {
					swing.Stop()
					swing, frames = nil, nil
				}
				if m.State == Ringing {
					swing = time.NewTicker(frameTime)
					frames = swing.C
				}
			}
			if lookOf(m, frame, t.opts.Size) != lookOf(shown, frame, t.opts.Size) {
				t.setIcon(m, frame)
			}
			if m.Tooltip != shown.Tooltip {
				systray.SetTooltip(m.Tooltip)
			}
			menu.show(m.Menu, t.opts.OnClick)
			shown = m
		case <-frames:
			frame++
			t.setIcon(shown, frame)
		}
	}
}

func (t *Tray) setIcon(m Model, frame int) {
	data, err := t.icon(m, frame)
	if err != nil {
		t.opts.Log.Error("tray icon", "error", err)
		return
	}
	systray.SetIcon(data)
}

// icon gives a drawn icon, from memory when it was drawn before.
func (t *Tray) icon(m Model, frame int) ([]byte, error) {
	l := lookOf(m, frame, t.opts.Size)
	if data, drawn := t.icons[l]; drawn {
		return data, nil
	}
	img, err := render(l)
	if err != nil {
		return nil, err
	}
	data, err := encode(img)
	if err != nil {
		return nil, fmt.Errorf("encode tray icon: %w", err)
	}
	t.icons[l] = data
	return data, nil
}
