//go:build wine && linux

package wine

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/desk/view"
	"deskbell/app/lab"
	"deskbell/app/lab/stage"
	"deskbell/app/machine/desktoptest"
	"deskbell/app/machine/desktoptest/testdesk"
)

// browserMark makes this test program a browser, which fetches the page it is started with.
const browserMark = "DESKBELL_TEST_BROWSER"

func TestMain(m *testing.M) {
	if os.Getenv(browserMark) == "" {
		os.Exit(m.Run())
	}
	resp, err := http.Get(os.Args[len(os.Args)-1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_ = resp.Body.Close()
}

// limit is how long anything may take: wine on a busy machine is slow to begin.
const limit = 60 * time.Second

// bench is a desktop with a wine session of its own, a server with its lab, and the tray of Anna Huber, 101.
type bench struct {
	t     *testing.T
	desk  *desktoptest.Desktop
	stage *stage.Stage
	env   []string
	home  string // as Linux sees it
	tray  *stage.Process
}

// open starts the desktop, and ends what other tests left running in wine's prefix: its tray belongs to one screen.
func open(t *testing.T) *bench {
	exe := os.Getenv("DESKBELL_WINDOWS")
	require.FileExists(t, filepath.Join(exe, "deskbell.exe"), "make test-windows builds the programs and names their folder")
	b := &bench{t: t, home: filepath.Join(t.TempDir(), "home")}
	require.NoError(t, os.MkdirAll(b.home, 0o700))
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	var err error
	opts := desktoptest.Full()
	opts.Log, opts.Pictures = testdesk.Log(t), "../../../build/desktop"
	b.desk, err = desktoptest.Start(ctx, opts)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.desk.Close()) })
	b.env = append(b.desk.Env(), "WINEDEBUG=-all", "WINEDLLOVERRIDES=winemenubuilder.exe=;mscoree=;mshtml=",
		"LANG=en_US.UTF-8", "LC_ALL=en_US.UTF-8", "DESKBELL_HOME="+windowsPath(b.home))
	b.endSession()
	t.Cleanup(b.endSession)
	b.furnish()
	b.openStage(ctx)
	return b
}

// furnish makes this test program the desktop's browser.
func (b *bench) furnish() {
	exe, err := os.Executable()
	require.NoError(b.t, err)
	for path, text := range map[string]string{
		".local/share/applications/testbrowser.desktop": "[Desktop Entry]\nType=Application\nName=Testbrowser\nExec=env " +
			browserMark + "=1 " + exe + " %u\nMimeType=x-scheme-handler/http;\n",
		".config/mimeapps.list": "[Default Applications]\nx-scheme-handler/http=testbrowser.desktop\n",
	} {
		path = filepath.Join(b.desk.Home(), path)
		require.NoError(b.t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(b.t, os.WriteFile(path, []byte(text), 0o600))
	}
}

func (b *bench) openStage(ctx context.Context) {
	dir, log := b.t.TempDir(), testdesk.Log(b.t)
	server := filepath.Join(dir, "deskbelld")
	out, err := exec.CommandContext(ctx, "go", "build", "-o", server, "deskbell/cmd/deskbelld").CombinedOutput()
	require.NoError(b.t, err, string(out))
	b.stage, err = stage.Open(stage.Options{Dir: filepath.Join(dir, "stage"), Server: server, Lab: lab.Options{Logger: log}, Logger: log})
	require.NoError(b.t, err)
	b.t.Cleanup(func() { require.NoError(b.t, b.stage.Close()) })
	_, err = b.stage.StartServer(ctx)
	require.NoError(b.t, err)
}

// windowsPath is a path as Windows programs see it: wine shows the whole system as drive Z.
func windowsPath(path string) string { return `Z:` + strings.ReplaceAll(path, "/", `\`) }

// endSession ends every Windows program of the prefix.
func (b *bench) endSession() {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	for _, what := range []string{"-k", "-w"} {
		cmd := exec.CommandContext(ctx, "wineserver", what)
		cmd.Env = b.env
		_ = cmd.Run() // there may be no session
	}
}

// program is one of the programs under test.
func program(name string) string { return filepath.Join(os.Getenv("DESKBELL_WINDOWS"), name) }

// run runs a Windows program to its end and gives what it printed and its exit code.
func (b *bench) run(args ...string) (string, int) {
	b.t.Helper()
	return b.runFor(limit, args...)
}

func (b *bench) runFor(limit time.Duration, args ...string) (string, int) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(b.t.Context()), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "wine", args...)
	cmd.Env, cmd.WaitDelay = b.env, time.Second
	var out bytes.Buffer
	cmd.Stdout = &out // wine itself complains on the other one
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		require.NoError(b.t, err)
	}
	return strings.TrimSpace(strings.ReplaceAll(out.String(), "\r\n", "\n")), cmd.ProcessState.ExitCode()
}

// command runs the command line of the tray.
func (b *bench) command(args ...string) (string, int) {
	b.t.Helper()
	return b.run(append([]string{program("deskbellctl.exe")}, args...)...)
}

// startTray starts the resident program.
func (b *bench) startTray() {
	b.t.Helper()
	wine, err := exec.LookPath("wine")
	require.NoError(b.t, err)
	b.tray, err = stage.Start(filepath.Join(b.home, "output.log"), b.env, wine, program("deskbell.exe"), "--log", "debug")
	require.NoError(b.t, err)
	b.t.Cleanup(func() {
		if log, err := os.ReadFile(filepath.Join(b.home, "deskbell.log")); err == nil && b.t.Failed() {
			fmt.Fprintf(b.t.Output(), "--- the tray's log\n%s", log)
		}
		b.tray.Kill()
	})
	b.state("the tray takes commands", func(view.State) bool { return true })
}

// state waits until what the tray tells of itself fits.
func (b *bench) state(what string, fits func(view.State) bool) view.State {
	b.t.Helper()
	var s view.State
	b.await(what, func() error {
		// A pipe of wine that is asked in the moment when it is made never answers.
		out, code := b.runFor(5*time.Second, program("deskbellctl.exe"), "status", "--json")
		if code != 0 {
			return fmt.Errorf("exit code %d: %s", code, out)
		}
		if err := json.Unmarshal([]byte(out), &s); err != nil {
			return err
		}
		if !fits(s) {
			return fmt.Errorf("link %s, icon %s, %q, troubles %v", s.Link, s.Icon, s.Sentence, s.Troubles)
		}
		return nil
	})
	return s
}

// await asks again and again, for what tells nobody when it changes.
func (b *bench) await(what string, holds func() error) {
	b.t.Helper()
	late := time.After(limit)
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		err := holds()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			require.Failf(b.t, "in vain: "+what, "%v", err)
		}
	}
}

// invite signs the agent in.
func (b *bench) invite() {
	b.t.Helper()
	invitation, err := b.stage.Invite(b.t.Context(), "anna", "Anna Huber", "101")
	require.NoError(b.t, err)
	out, code := b.command("enroll", invitation)
	require.Equal(b.t, "This computer is connected with Deskbell Lab as Anna Huber.", out)
	require.Zero(b.t, code)
	b.state("connected", func(s view.State) bool {
		return s.Link == view.LinkUp && len(s.Lines) == 1 && s.Lines[0].State == "idle"
	})
}

func (b *bench) listen(output string) *desktoptest.LevelRecorder {
	b.t.Helper()
	r, err := b.desk.RecordLevel(testdesk.Context(b.t), output)
	require.NoError(b.t, err)
	b.t.Cleanup(r.Close)
	return r
}

func (b *bench) picture(name string) {
	b.t.Helper()
	_, err := b.desk.Screenshot(testdesk.Context(b.t), name)
	require.NoError(b.t, err)
}
