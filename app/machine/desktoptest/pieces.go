//go:build linux

package desktoptest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
)

// The pieces of a desktop, for StartPiece and StopPiece.
const (
	Display       = "display"
	Bus           = "bus"
	WindowManager = "window manager"
	Panel         = "panel"
	Notifications = "notifications"
	Sound         = "sound"
)

const notifyd = "/usr/lib/x86_64-linux-gnu/xfce4/notifyd/xfce4-notifyd"

// piece is how one part of the desktop is started and known to be there.
type piece struct {
	program string // name or path
	debian  string // the package that holds it
	start   func(*Desktop) (*process, error)
	ready   func(context.Context, *Desktop) error
}

var pieces = map[string]piece{
	Display:       {"Xvfb", "xvfb", startDisplay, nil},
	Bus:           {"dbus-daemon", "dbus", startBus, nil},
	WindowManager: {"openbox", "openbox", plainStart("openbox", "--sm-disable"), windowManagerReady},
	Panel: {"xfce4-panel", "xfce4-panel", plainStart("xfce4-panel", "--disable-wm-check", "--sm-client-disable"),
		owned("org.kde.StatusNotifierWatcher")},
	Notifications: {notifyd, "xfce4-notifyd", plainStart(notifyd), owned("org.freedesktop.Notifications")},
	// Real-time threads are killed by the kernel, and the server with them, when they run for 200 ms: on a busy machine
	// they do.
	Sound: {"pulseaudio", "pulseaudio", plainStart("pulseaudio", "-n", "-F", "$XDG_CONFIG_HOME/deskbell.pa",
		"--realtime=no", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--log-target=stderr"), soundReady},
}

// tools are the programs the helpers of this package run, with their packages.
var tools = map[string]string{
	"xdotool": "xdotool", "import": "imagemagick", "xprop": "x11-utils", "parec": "pulseaudio-utils",
	"pactl": "pulseaudio-utils",
}

// missing tells which packages the wanted pieces lack, all at once.
func missing(names []string) error {
	packages := map[string]bool{}
	need := func(program, debian string) {
		if _, err := exec.LookPath(program); err != nil {
			packages[debian] = true
		}
	}
	for _, name := range names {
		need(pieces[name].program, pieces[name].debian)
		switch name {
		case Display:
			need("xdotool", tools["xdotool"])
			need("import", tools["import"])
		case WindowManager:
			need("xprop", tools["xprop"])
		case Sound:
			need("parec", tools["parec"])
			need("pactl", tools["pactl"])
		}
	}
	if len(packages) == 0 {
		return nil
	}
	list := make([]string, 0, len(packages))
	for name := range packages {
		list = append(list, name)
	}
	return fmt.Errorf("the virtual desktop needs Debian packages that are not installed: apt-get install %s",
		strings.Join(list, " "))
}

// StartPiece starts one piece and waits until it serves.
func (d *Desktop) StartPiece(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	p, known := pieces[name]
	if !known {
		return fmt.Errorf("no desktop piece %q", name)
	}
	started, err := p.start(d)
	if err != nil {
		return fmt.Errorf("start the %s: %w", name, err)
	}
	d.mu.Lock()
	d.pieces[name] = started
	d.order = append(d.order, name)
	d.mu.Unlock()
	if p.ready == nil {
		return nil
	}
	if err := started.until(ctx, func() error { return p.ready(ctx, d) }); err != nil {
		return fmt.Errorf("wait for the %s: %w", name, err)
	}
	return nil
}

// StopPiece ends one piece the hard way, as a crash would; one that is not running is no error.
func (d *Desktop) StopPiece(name string) {
	d.mu.Lock()
	p := d.pieces[name]
	delete(d.pieces, name)
	d.mu.Unlock()
	if p != nil {
		p.end()
	}
}

// plainStart starts a program that needs nothing but the environment; $NAME in an argument is expanded.
func plainStart(program string, args ...string) func(*Desktop) (*process, error) {
	return func(d *Desktop) (*process, error) {
		vars := d.Vars()
		expanded := make([]string, len(args))
		for i, arg := range args {
			expanded[i] = os.Expand(arg, func(name string) string { return vars[name] })
		}
		return d.spawn(program, expanded, nil)
	}
}

// startDisplay lets the X server choose a free number, so that any number of desktops can run side by side.
func startDisplay(d *Desktop) (*process, error) {
	number, p, err := d.spawnTelling("Xvfb", "-displayfd", "3", "-screen", "0", "1280x800x24", "+extension", "GLX",
		"-nolisten", "tcp", "-noreset")
	if err != nil {
		return nil, err
	}
	d.set("DISPLAY", ":"+number)
	return p, nil
}

func startBus(d *Desktop) (*process, error) {
	socket := filepath.Join(d.dir, "run", "bus")
	address, p, err := d.spawnTelling("dbus-daemon", "--session", "--nofork", "--nopidfile",
		"--address=unix:path="+socket, "--print-address=3")
	if err != nil {
		return nil, err
	}
	d.set("DBUS_SESSION_BUS_ADDRESS", address)
	return p, nil
}

// spawnTelling starts a program that writes one line to descriptor 3 when it is ready.
func (d *Desktop) spawnTelling(program string, args ...string) (string, *process, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return "", nil, err
	}
	defer func() { _ = read.Close() }() // read to its end or of no interest any more
	p, err := d.spawn(program, args, []*os.File{write})
	_ = write.Close() // the child has its own copy
	if err != nil {
		return "", nil, err
	}
	if err := read.SetReadDeadline(time.Now().Add(readyLimit)); err != nil {
		p.end()
		return "", nil, err
	}
	line, err := bufio.NewReader(read).ReadString('\n')
	if err != nil {
		p.end()
		return "", nil, fmt.Errorf("%s did not come up: %w", program, err)
	}
	return strings.TrimSpace(line), p, nil
}

func windowManagerReady(ctx context.Context, d *Desktop) error {
	out, err := d.Run(ctx, "xprop", "-root", "_NET_SUPPORTING_WM_CHECK")
	if err == nil && !strings.Contains(out, "window id") {
		err = errors.New("no window manager yet")
	}
	return err
}

func soundReady(ctx context.Context, d *Desktop) error {
	_, err := d.Run(ctx, "pactl", "get-default-sink")
	return err
}

// owned waits for a bus name.
func owned(name string) func(context.Context, *Desktop) error {
	return func(ctx context.Context, d *Desktop) error {
		conn, err := d.Connect(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close() }() // nothing is pending on it
		var has bool
		if err := conn.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.NameHasOwner", 0, name).Store(&has); err != nil {
			return err
		}
		if !has {
			return fmt.Errorf("nobody owns %s yet", name)
		}
		return nil
	}
}

// Connect opens a connection to the desktop's session bus; the caller closes it.
func (d *Desktop) Connect(ctx context.Context) (*dbus.Conn, error) {
	conn, err := dbus.Connect(d.Vars()["DBUS_SESSION_BUS_ADDRESS"], dbus.WithContext(ctx),
		dbus.WithSignalHandler(dbus.NewSequentialSignalHandler()))
	if err != nil {
		return nil, fmt.Errorf("connect to the desktop's bus: %w", err)
	}
	return conn, nil
}
