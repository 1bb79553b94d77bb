//go:build desktop && linux

package keyring

import (
	"errors"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/stretchr/testify/require"

	"deskbell/app/machine/desktoptest"
	"deskbell/app/machine/desktoptest/testdesk"
)

func TestKeyringIsUsedWhenItIsThereAndTheFileGoes(t *testing.T) {
	testdesk.Start(t, desktoptest.Options{})
	ctx := testdesk.Context(t)
	s, f := store(t)
	s.limit = answerLimit
	f.set(errors.New("locked out"), nil)
	kind, err := s.Set(ctx, "token", "old")
	require.NoError(t, err)
	require.Equal(t, File, kind)

	f.set(nil, nil)
	kind, err = s.Set(ctx, "token", "new")
	require.NoError(t, err)
	require.Equal(t, System, kind)
	require.NoFileExists(t, s.path("token"))
	secret, kind, err := s.Get(ctx, "token")
	require.NoError(t, err)
	require.Equal(t, "new", secret)
	require.Equal(t, System, kind)

	gate := make(chan struct{})
	f.set(nil, gate)
	s.limit = 50 * time.Millisecond
	_, _, err = s.Get(ctx, "token")
	require.ErrorIs(t, err, ErrBusy, "what is locked is not gone")
	kind, err = s.Set(ctx, "token", "newest")
	require.NoError(t, err)
	require.Equal(t, File, kind)
	close(gate)
	f.set(nil, nil)
	secret, _, err = s.Get(ctx, "token")
	require.NoError(t, err)
	require.Equal(t, "newest", secret, "the file is newer than the keyring")
}

func TestRealKeyringThatIsMissingFallsBack(t *testing.T) {
	testdesk.Start(t, desktoptest.Options{})
	s := Open("deskbell-test", t.TempDir())
	kind, err := s.Set(testdesk.Context(t), "token", "hush")
	require.NoError(t, err)
	require.Equal(t, File, kind)
}

func TestHungSecretServiceCostsTwoSecondsAtMost(t *testing.T) {
	d := testdesk.Start(t, desktoptest.Options{})
	ctx := testdesk.Context(t)
	conn, err := d.Connect(ctx)
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	hung := hungService{make(chan struct{})}
	defer close(hung.gate)
	require.NoError(t, conn.Export(hung, "/org/freedesktop/secrets", "org.freedesktop.Secret.Service"))
	_, err = conn.RequestName("org.freedesktop.secrets", dbus.NameFlagDoNotQueue)
	require.NoError(t, err)

	s := Open("deskbell-test", t.TempDir())
	begin := time.Now()
	kind, err := s.Set(ctx, "token", "hush")
	require.NoError(t, err)
	require.Equal(t, File, kind)
	secret, _, err := s.Get(ctx, "token")
	require.NoError(t, err)
	require.Equal(t, "hush", secret)
	t.Log("set and get beside a hung service took", time.Since(begin))
}

// hungService is a keyring that never answers.
type hungService struct{ gate chan struct{} }

// OpenSession is the first method that a client calls.
func (h hungService) OpenSession(string, dbus.Variant) (dbus.Variant, dbus.ObjectPath, *dbus.Error) {
	<-h.gate
	return dbus.MakeVariant(""), "/", nil
}
