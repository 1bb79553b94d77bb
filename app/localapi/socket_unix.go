//go:build unix

package localapi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Address is the path of the socket for a session. Dir is the folder for it; empty: $XDG_RUNTIME_DIR/deskbell, or a folder
// of the user's own below the system's temporary one.
func Address(dir, session string) string {
	if dir == "" {
		dir = filepath.Join(os.TempDir(), fmt.Sprintf("deskbell-%d", os.Getuid()))
		if run := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(run) {
			dir = filepath.Join(run, "deskbell")
		}
	}
	return filepath.Join(dir, session+".sock")
}

// Listen opens the socket. ErrRunning means that another tray holds it. The folder is made for the user alone; one that
// others could write to is refused. Closing the listener removes the socket.
func Listen(address string) (net.Listener, error) {
	if err := ownFolder(filepath.Dir(address)); err != nil {
		return nil, err
	}
	lock, err := lock(address + ".lock")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(address); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, errors.Join(fmt.Errorf("remove the socket of an earlier run: %w", err), lock.Close())
	}
	old := unix.Umask(0o177)
	l, err := net.Listen("unix", address)
	unix.Umask(old)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("local socket: %w", err), lock.Close())
	}
	return &locked{Listener: l, lock: lock}, nil
}

// locked is a listener with the lock that says it is the only one.
type locked struct {
	net.Listener
	lock *os.File
}

// Close removes the socket and gives up the lock.
func (l *locked) Close() error { return errors.Join(l.Listener.Close(), l.lock.Close()) }

// lock holds a file as long as the process lives: unlike the socket itself it cannot be left behind by a crash.
func lock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("local socket: %w", err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	switch {
	case errors.Is(err, unix.EWOULDBLOCK):
		return nil, errors.Join(ErrRunning, f.Close())
	case err != nil:
		return nil, errors.Join(fmt.Errorf("local socket: lock: %w", err), f.Close())
	}
	return f, nil
}

// ownFolder makes the folder, and refuses one that is not the user's alone.
func ownFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("local socket: %w", err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("local socket: %w", err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() || int(stat.Uid) != os.Getuid() {
		return fmt.Errorf("local socket: %s belongs to somebody else", dir)
	}
	if info.Mode().Perm() != 0o700 {
		if err := os.Chmod(dir, 0o700); err != nil {
			return fmt.Errorf("local socket: %w", err)
		}
	}
	return nil
}

// dial connects to the named socket, or, for a program outside of any desktop session, to the user's only one.
func dial(ctx context.Context, address string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", address)
	if err == nil || filepath.Base(address) != "none.sock" {
		return conn, err
	}
	others, globErr := filepath.Glob(filepath.Join(filepath.Dir(address), "*.sock"))
	if globErr != nil || len(others) != 1 || strings.HasSuffix(others[0], "/none.sock") {
		return nil, err
	}
	return d.DialContext(ctx, "unix", others[0])
}
