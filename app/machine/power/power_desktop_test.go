//go:build desktop && linux

package power

import (
	"testing"

	"github.com/godbus/dbus/v5"
	"github.com/stretchr/testify/require"

	"deskbell/app/machine/desktoptest"
	"deskbell/app/machine/desktoptest/testdesk"
)

func TestLogindTellsOfWaking(t *testing.T) {
	d := testdesk.Start(t, desktoptest.Options{})
	ctx := testdesk.Context(t)
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", d.Vars()["DBUS_SESSION_BUS_ADDRESS"])
	logind, err := d.Connect(ctx)
	require.NoError(t, err)
	defer func() { _ = logind.Close() }()
	_, err = logind.RequestName("org.freedesktop.login1", dbus.NameFlagDoNotQueue)
	require.NoError(t, err)

	raw := make(chan Event, 64)
	done := make(chan error, 1)
	go func() { done <- watchSleep(ctx, raw) }()
	// The watch tells nobody when it listens, so the signal is given until it was heard.
	for len(raw) == 0 {
		require.NoError(t, ctx.Err())
		require.NoError(t, logind.Emit("/org/freedesktop/login1", "org.freedesktop.login1.Manager.PrepareForSleep", true))
		require.NoError(t, logind.Emit("/org/freedesktop/login1", "org.freedesktop.login1.Manager.PrepareForSleep", false))
		require.NoError(t, logind.BusObject().Call("org.freedesktop.DBus.Peer.Ping", 0).Err)
	}
	require.Equal(t, Resumed, <-raw)
}

func TestAddressThatComesAndGoesIsNoticed(t *testing.T) {
	d := testdesk.Start(t, desktoptest.Options{})
	ctx := testdesk.Context(t)
	events := Watch(ctx, testdesk.Log(t))
	_, err := d.Run(ctx, "ip", "address", "add", "127.77.0.1/32", "dev", "lo")
	require.NoError(t, err)
	defer func() { _, _ = d.Run(ctx, "ip", "address", "del", "127.77.0.1/32", "dev", "lo") }()
	select {
	case e := <-events:
		require.Equal(t, NetworkChanged, e)
	case <-ctx.Done():
		require.Fail(t, "no event")
	}
}
