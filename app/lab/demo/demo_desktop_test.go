//go:build desktop && linux

package demo

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"deskbell/app/machine/desktoptest"
	"deskbell/app/machine/desktoptest/testdesk"
)

// programs builds what a demonstration runs.
func programs(t *testing.T) string {
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", dir, "deskbell/cmd/deskbell", "deskbell/cmd/deskbelld", "deskbell/cmd/deskbell-lab")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	return dir
}

// TestEveryStepIsSeenAndEveryLinkMissed plays the story once as it should be, and once with each link broken: then exactly
// the steps that need the link must not be as they should.
func TestEveryStepIsSeenAndEveryLinkMissed(t *testing.T) {
	bin := programs(t)
	for _, broken := range append([]string{""}, Links...) {
		name := broken
		if name == "" {
			name = "good"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := Options{Programs: bin, Out: t.TempDir(), Break: broken, Say: t.Output(), Logger: testdesk.Log(t), Virtual: true}
			err := Run(t.Context(), o)
			if broken == "" {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, ErrFailed)
			}
			line, err := ReadTimeline(filepath.Join(o.Out, timelineFile))
			require.NoError(t, err)
			require.Len(t, line.Steps, len(story))
			for _, s := range line.Steps {
				require.Equal(t, !slices.Contains(s.Needs, broken), s.OK, "step %s with %q broken: %+v", s.Step, broken, s.Evidence)
				require.FileExists(t, filepath.Join(o.Out, s.Picture))
			}
		})
	}
}

// TestADesktopIsLeftAsItWas runs the demonstration on a display, as a person does, and ends it with Ctrl-C.
func TestADesktopIsLeftAsItWas(t *testing.T) {
	bin := programs(t)
	d := testdesk.Start(t, desktoptest.Full())
	ctx := testdesk.Context(t)
	notices, err := d.RecordNotices(ctx)
	require.NoError(t, err)
	defer notices.Close()
	list := filepath.Join(d.Home(), ".config/mimeapps.list")
	before := "[Default Applications]\nx-scheme-handler/http=dillo.desktop\nx-scheme-handler/tel=another.desktop\n"
	require.NoError(t, os.WriteFile(list, []byte(before), 0o600))
	programsDir := filepath.Join(d.Home(), ".local/share/applications")
	require.NoDirExists(t, programsDir)

	out := t.TempDir()
	cmd := exec.Command(filepath.Join(bin, "deskbell-lab"), "demo", "--out", out)
	var said strings.Builder
	cmd.Env, cmd.Stdout, cmd.Stderr = append(d.Env(), "BREAK="), &said, t.Output()
	require.NoError(t, cmd.Start())
	defer func() { _ = cmd.Process.Kill() }() // ended long before, if all went well

	// A customer calls by himself, and telephone links come here.
	_, err = notices.Await(ctx, func(c desktoptest.NoticeCall) bool { return c.Member == "Notify" && has(c, "silence") })
	require.NoError(t, err)
	settings, err := os.ReadFile(filepath.Join(out, homeFolder, "settings.toml"))
	require.NoError(t, err)
	require.Contains(t, string(settings), "volume = 40")
	_, err = d.Run(ctx, "xdg-open", "tel:+4930555012")
	require.NoError(t, err)
	_, err = notices.Await(ctx, func(c desktoptest.NoticeCall) bool { return c.Member == "Notify" && has(c, "yes") })
	require.NoError(t, err)
	_, err = d.Screenshot(ctx, "demo-on-a-display")
	require.NoError(t, err)

	require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
	require.NoError(t, waitLimited(ctx, cmd), said.String())
	require.Contains(t, said.String(), "Ctrl-C", "it says first what will happen")
	text, err := os.ReadFile(list)
	require.NoError(t, err)
	require.Equal(t, before, string(text))
	require.NoDirExists(t, programsDir)
	require.Empty(t, running(t, bin), "processes are left over")
}

func waitLimited(ctx context.Context, cmd *exec.Cmd) error {
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// running lists the processes of programs in a folder.
func running(t *testing.T, dir string) []string {
	links, err := filepath.Glob("/proc/[0-9]*/exe")
	require.NoError(t, err)
	var list []string
	for _, link := range links {
		if exe, err := os.Readlink(link); err == nil && strings.HasPrefix(exe, dir) {
			list = append(list, exe)
		}
	}
	return list
}
