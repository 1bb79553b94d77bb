//go:build desktop && linux

package desktop

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/lab/stage"
	"deskbell/app/machine/desktoptest/testdesk"
)

// history is the file in which the browser notes what it was started with.
func (b *bench) history() string { return filepath.Join(b.desk.Home(), "browsed") }

func (b *bench) write(path, text string) {
	require.NoError(b.t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(b.t, os.WriteFile(path, []byte(text), 0o600))
}

// run runs a command of the tray and gives what it printed and its exit code. Nobody sits at its terminal.
func (b *bench) run(args ...string) (string, int) {
	b.t.Helper()
	return b.tool(program("deskbell"), args...)
}

// tool runs any program on the desktop, in the agent's environment.
func (b *bench) tool(name string, args ...string) (string, int) {
	b.t.Helper()
	// Also while the test is being cleaned up, when its own context is over.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(b.t.Context()), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env, cmd.Dir, cmd.WaitDelay = b.env, b.desk.Home(), time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		require.NoError(b.t, err)
	}
	return strings.TrimSpace(out.String()), cmd.ProcessState.ExitCode()
}

// spawn starts a program in the agent's environment that may stay for long; the test's end kills it.
func (b *bench) spawn(name string, args ...string) *stage.Process {
	b.t.Helper()
	path, err := exec.LookPath(name)
	require.NoError(b.t, err)
	p, err := stage.Start(filepath.Join(b.home, "spawned.log"), b.env, path, args...)
	require.NoError(b.t, err)
	b.t.Cleanup(p.Kill)
	return p
}

// says runs a command and compares all of what comes of it.
func (b *bench) says(code int, text string, args ...string) {
	b.t.Helper()
	out, got := b.run(args...)
	require.Equal(b.t, text, out, "%v", args)
	require.Equal(b.t, code, got, "%v", args)
}

// picture takes one once all notifications that were shown are on screen.
func (b *bench) picture(name string) {
	b.t.Helper()
	b.await("all notifications on screen", func() error {
		found, _ := b.tool("xdotool", "search", "--onlyvisible", "--class", "notifyd")
		if n := len(strings.Fields(found)); n != len(b.up()) {
			return fmt.Errorf("%d of %d", n, len(b.up()))
		}
		return nil
	})
	_, err := b.desk.Screenshot(testdesk.Context(b.t), name)
	require.NoError(b.t, err)
}
