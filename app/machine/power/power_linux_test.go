package power

import (
	"context"
	"encoding/binary"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func message(kind uint16) []byte {
	b := make([]byte, 32)
	binary.NativeEndian.PutUint32(b, 32)
	binary.NativeEndian.PutUint16(b[4:], kind)
	return b
}

func TestOnlyLinksAndAddressesMatter(t *testing.T) {
	require.True(t, matters(message(unix.RTM_NEWADDR)))
	require.True(t, matters(append(message(unix.NLMSG_DONE), message(unix.RTM_DELLINK)...)))
	require.False(t, matters(message(unix.NLMSG_ERROR)))
	require.False(t, matters([]byte{1, 2, 3}))
	require.False(t, matters(nil))
}

func TestWatchEndsWithItsContext(t *testing.T) {
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent")
	ctx, cancel := context.WithCancel(t.Context())
	events := Watch(ctx, slog.New(slog.NewTextHandler(t.Output(), nil)))
	cancel()
	for range events {
	}
}
