package keyring

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/zalando/go-keyring"
)

// fake is a keyring that can fail or hang.
type fake struct {
	mu      sync.Mutex
	secrets map[string]string
	err     error
	gate    chan struct{} // when set, every call waits for it
}

func (f *fake) do(fn func() error) error {
	f.mu.Lock()
	gate, err := f.gate, f.err
	f.mu.Unlock()
	if gate != nil {
		<-gate
	}
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return fn()
}

func (f *fake) set(err error, gate chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err, f.gate = err, gate
}

func (f *fake) Set(_, name, secret string) error {
	return f.do(func() error { f.secrets[name] = secret; return nil })
}

func (f *fake) Get(_, name string) (secret string, err error) {
	err = f.do(func() error {
		var ok bool
		if secret, ok = f.secrets[name]; !ok {
			return keyring.ErrNotFound
		}
		return nil
	})
	return secret, err
}

func (f *fake) Delete(_, name string) error {
	return f.do(func() error { delete(f.secrets, name); return nil })
}

func (f *fake) DeleteAll(string) error { return errors.New("not used") }

func store(t *testing.T) (*Store, *fake) {
	s := Open("deskbell-test", filepath.Join(t.TempDir(), "secrets"))
	f := &fake{secrets: map[string]string{}}
	s.system = f
	s.limit = 50 * time.Millisecond
	return s, f
}

func TestFileStandsInForTheKeyring(t *testing.T) {
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
	s, f := store(t)
	f.set(errors.New("no service"), nil)
	ctx := t.Context()
	_, _, err := s.Get(ctx, "token")
	require.ErrorIs(t, err, ErrNotFound)
	kind, err := s.Set(ctx, "token", "hush")
	require.NoError(t, err)
	require.Equal(t, File, kind)
	secret, kind, err := s.Get(ctx, "token")
	require.NoError(t, err)
	require.Equal(t, "hush", secret)
	require.Equal(t, File, kind)

	if runtime.GOOS != "windows" {
		dir, err := os.Stat(s.dir)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o700), dir.Mode().Perm())
		file, err := os.Stat(s.path("token"))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), file.Mode().Perm())
	}
	require.NoError(t, s.Delete(ctx, "token"))
	require.NoError(t, s.Delete(ctx, "token"))
	_, _, err = s.Get(ctx, "token")
	require.ErrorIs(t, err, ErrNotFound)
}

func TestBrokenFileCountsAsNone(t *testing.T) {
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
	s, _ := store(t)
	require.NoError(t, s.writeFile("token", "x"))
	require.NoError(t, os.WriteFile(s.path("token"), []byte(`{"name":"tok`), 0o600))
	_, _, err := s.Get(t.Context(), "token")
	require.ErrorIs(t, err, ErrNotFound)
}

func TestFolderThatCannotBeMadeIsAnError(t *testing.T) {
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
	s, f := store(t)
	f.set(errors.New("no service"), nil)
	require.NoError(t, os.WriteFile(s.dir, nil, 0o600))
	_, err := s.Set(t.Context(), "token", "x")
	require.Error(t, err)
	require.NotContains(t, err.Error(), "x\"")
}

func TestCancelledContextStoresNothing(t *testing.T) {
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
	s, f := store(t)
	gate := make(chan struct{})
	defer close(gate)
	f.set(nil, gate)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Set(ctx, "token", "x")
	if err != nil {
		require.ErrorIs(t, err, context.Canceled)
		require.NoFileExists(t, s.path("token"))
	}
}
