//go:build linux

// Package sessionbus connects to the user's D-Bus session bus without ever starting one.
package sessionbus

import (
	"context"
	"errors"
	"fmt"

	"github.com/godbus/dbus/v5"
)

// ErrNone means that there is no session bus: a bare X session, a container, an SSH login.
var ErrNone = errors.New("no D-Bus session bus")

// Open makes a connection of the caller's own, which the caller closes; it also ends with ctx. Signals arrive in order.
//
// It never launches a bus: a bus of our own would have no tray and no notification daemon on it, and would stay
// behind. On success DBUS_SESSION_BUS_ADDRESS is set, so that libraries which do launch one find the real bus.
func Open(ctx context.Context) (*dbus.Conn, error) {
	conn, err := dbus.SessionBusPrivateNoAutoStartup(dbus.WithContext(ctx),
		dbus.WithSignalHandler(dbus.NewSequentialSignalHandler()))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNone, err)
	}
	if err := conn.Auth(nil); err != nil {
		_ = conn.Close() // the bus refused us; there is nothing to lose on this connection
		return nil, fmt.Errorf("%w: sign in: %w", ErrNone, err)
	}
	if err := conn.Hello(); err != nil {
		_ = conn.Close() // as above
		return nil, fmt.Errorf("%w: hello: %w", ErrNone, err)
	}
	return conn, nil
}
