//go:build desktop && linux

package desktop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// typed runs a command of the tray in a terminal, where a person types the answer once the program asks, and gives all
// that stood there in the end. Without a question the answer is never typed.
func (b *bench) typed(answer string, args ...string) (string, int) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), limit)
	defer cancel()
	screen, line := openTerminal(b)
	defer func() { _ = screen.Close() }()
	cmd := exec.CommandContext(ctx, program("deskbell"), args...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = b.env, line, line, line
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	require.NoError(b.t, cmd.Start())
	_ = line.Close() // the program has its own
	var text bytes.Buffer
	var once sync.Once
	for buf := make([]byte, 4096); ; {
		n, err := screen.Read(buf)
		text.Write(buf[:n])
		if strings.HasSuffix(text.String(), "[y/N] ") || strings.HasSuffix(text.String(), "[j/N] ") {
			once.Do(func() { _, err = io.WriteString(screen, answer+"\n") })
		}
		if err != nil {
			break // the program has ended, and with it the line
		}
	}
	if err := cmd.Wait(); err != nil {
		var exit *exec.ExitError
		require.True(b.t, errors.As(err, &exit), "%v", err)
	}
	return strings.TrimSpace(strings.ReplaceAll(text.String(), "\r\n", "\n")), cmd.ProcessState.ExitCode()
}

// openTerminal gives both ends of a new pseudo terminal.
func openTerminal(b *bench) (screen, line *os.File) {
	b.t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(b.t, err)
	require.NoError(b.t, unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0))
	number, err := unix.IoctlGetInt(int(screen.Fd()), unix.TIOCGPTN)
	require.NoError(b.t, err)
	line, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(b.t, err)
	return screen, line
}
