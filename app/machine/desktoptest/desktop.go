//go:build linux

// Package desktoptest runs a private desktop that nobody sees, in which tests and the demo watch our programs from outside.
//
// It has a display, a session bus, a window manager, a panel, a notification daemon and a sound server.
package desktoptest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// readyLimit bounds the start of one piece on a busy machine.
const readyLimit = 30 * time.Second

// Options says which pieces to start. The session bus is always there.
type Options struct {
	Display       bool // Xvfb
	WindowManager bool // openbox
	Panel         bool // xfce4-panel with a tray
	Notifications bool // xfce4-notifyd
	Sound         bool // PulseAudio with the two silent outputs Desk and Headset

	Pictures string       // folder for Screenshot; created when needed
	Output   io.Writer    // what the pieces print; nil: dropped
	Log      *slog.Logger // nil: none
}

// Full is everything.
func Full() Options {
	return Options{Display: true, WindowManager: true, Panel: true, Notifications: true, Sound: true}
}

// The two outputs of the sound server, as PulseAudio names them.
const (
	Desk    = "desk"
	Headset = "headset"
)

// Desktop is a running private desktop. Its methods may be called from any goroutine.
type Desktop struct {
	opts   Options
	log    *slog.Logger
	dir    string
	out    io.Writer
	mu     sync.Mutex
	vars   map[string]string
	pieces map[string]*process
	order  []string
}

// Start brings the desktop up, piece by piece, each waited for. The caller ends it with Close; a cancelled ctx only
// ends the start. An error names the Debian package to install when a program is missing.
func Start(ctx context.Context, opts Options) (*Desktop, error) {
	names := opts.wanted()
	if err := missing(names); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "desk") // short: socket paths are limited to 107 bytes
	if err != nil {
		return nil, fmt.Errorf("make the desktop's folder: %w", err)
	}
	d := &Desktop{opts: opts, log: opts.Log, out: opts.Output, dir: dir, pieces: map[string]*process{}}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	if d.out == nil {
		d.out = io.Discard
	}
	if err := d.furnish(); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	for _, name := range names {
		if err := d.StartPiece(ctx, name); err != nil {
			return nil, errors.Join(err, d.Close())
		}
	}
	return d, nil
}

// wanted lists the pieces in the order of their dependencies.
func (o Options) wanted() []string {
	names := []string{}
	if o.Display || o.WindowManager || o.Panel || o.Notifications {
		names = append(names, Display)
	}
	names = append(names, Bus)
	for _, optional := range []struct {
		name string
		on   bool
	}{{WindowManager, o.WindowManager}, {Sound, o.Sound}, {Notifications, o.Notifications}, {Panel, o.Panel}} {
		if optional.on {
			names = append(names, optional.name)
		}
	}
	return names
}

// Env is the environment of a program that is to run on this desktop, as NAME=VALUE, complete.
func (d *Desktop) Env() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var env []string
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		if _, ours := d.vars[name]; !ours && !foreign[name] {
			env = append(env, entry)
		}
	}
	for name, value := range d.vars {
		env = append(env, name+"="+value)
	}
	return env
}

// Vars is what the desktop adds to the environment.
func (d *Desktop) Vars() map[string]string {
	d.mu.Lock()
	defer d.mu.Unlock()
	vars := make(map[string]string, len(d.vars))
	for name, value := range d.vars {
		vars[name] = value
	}
	return vars
}

// foreign are variables that would lead a program to the desktop of the person at the machine.
var foreign = map[string]bool{
	"WAYLAND_DISPLAY": true, "XAUTHORITY": true, "DESKTOP_SESSION": true, "XDG_CURRENT_DESKTOP": true,
	"XDG_SESSION_ID": true, "PULSE_COOKIE": true, "DBUS_STARTER_ADDRESS": true, "BROWSER": true,
}

// Home is the home folder of the desktop's user.
func (d *Desktop) Home() string { return filepath.Join(d.dir, "home") }

// set adds a variable for every program started from now on.
func (d *Desktop) set(name, value string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.vars[name] = value
}

// furnish makes the folders and the settings files.
func (d *Desktop) furnish() error {
	home, run := d.Home(), filepath.Join(d.dir, "run")
	d.vars = map[string]string{
		"HOME": home, "XDG_RUNTIME_DIR": run,
		"XDG_CONFIG_HOME": filepath.Join(home, ".config"), "XDG_DATA_HOME": filepath.Join(home, ".local/share"),
		"XDG_CACHE_HOME": filepath.Join(home, ".cache"), "XDG_STATE_HOME": filepath.Join(home, ".local/state"),
		"XDG_DATA_DIRS": "/usr/local/share:/usr/share", "XDG_CONFIG_DIRS": "/etc/xdg",
		"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "NO_AT_BRIDGE": "1", "GTK_A11Y": "none",
		"PULSE_SERVER": "unix:" + filepath.Join(run, "pulse.sock"),
	}
	var failed error
	for _, dir := range []string{home, run, d.vars["XDG_CONFIG_HOME"], d.vars["XDG_DATA_HOME"]} {
		failed = errors.Join(failed, os.MkdirAll(dir, 0o700))
	}
	for path, text := range d.settings() {
		path = filepath.Join(home, path)
		failed = errors.Join(failed, os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600))
	}
	if failed != nil {
		return fmt.Errorf("furnish the desktop: %w", failed)
	}
	return nil
}

// Close ends every piece by its process id, newest first, and removes the desktop's folder.
func (d *Desktop) Close() error {
	d.mu.Lock()
	order := append([]string(nil), d.order...)
	d.mu.Unlock()
	for i := len(order) - 1; i >= 0; i-- {
		d.StopPiece(order[i])
	}
	endStrays(filepath.Join(d.dir, "run"))
	if err := os.RemoveAll(d.dir); err != nil {
		return fmt.Errorf("remove the desktop's folder: %w", err)
	}
	return nil
}
