//go:build desktop && linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
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

// bench is a whole Deskbell on a private desktop: telephone system, server, and the tray of one agent.
type bench struct {
	t       *testing.T
	desktop *desktoptest.Desktop
	stage   *stage.Stage
	program string
	env     []string
	tray    *stage.Process
	notices *desktoptest.NoticeRecorder
}

func build(t *testing.T, dir, name string) string {
	path := filepath.Join(dir, name)
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", path, "deskbell/cmd/"+name)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	return path
}

func openBench(t *testing.T, opts desktoptest.Options, env ...string) *bench {
	dir := t.TempDir()
	b := &bench{t: t, program: build(t, dir, "deskbell")}
	server := build(t, dir, "deskbelld")
	b.desktop = testdesk.Start(t, opts)
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	log := testdesk.Log(t)
	st, err := stage.Open(stage.Options{Dir: filepath.Join(dir, "stage"), Server: server, Lab: lab.Options{Logger: log}, Logger: log})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, st.Close()) })
	b.stage = st
	if _, err = st.StartServer(ctx); err != nil {
		said, readErr := os.ReadFile(st.ServerLog())
		require.NoError(t, errors.Join(err, readErr), string(said))
	}
	home := filepath.Join(dir, "home")
	require.NoError(t, os.MkdirAll(home, 0o700))
	b.env = append(append(b.desktop.Env(), "DESKBELL_HOME="+home, "LANG=en_US.UTF-8", "LC_ALL=en_US.UTF-8"), env...)
	if opts.Notifications {
		b.notices, err = b.desktop.RecordNotices(ctx)
		require.NoError(t, err)
		t.Cleanup(b.notices.Close)
	}
	b.tray, err = stage.Start(filepath.Join(dir, "tray.out"), b.env, b.program, "--log", "debug")
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, b.tray.Stop())
		data, err := os.ReadFile(filepath.Join(home, "deskbell.log"))
		require.NoError(t, err)
		fmt.Fprintf(t.Output(), "--- the tray's log\n%s", data)
		require.NotContains(t, string(data), "30555012", "a number in the log")
	})
	return b
}

// run runs the command line and gives what it printed, and its exit code.
func (b *bench) run(args ...string) (string, int) {
	cmd := exec.CommandContext(b.t.Context(), b.program, args...)
	cmd.Env = b.env
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		require.NoError(b.t, err)
	}
	return strings.TrimSpace(string(out)), cmd.ProcessState.ExitCode()
}

// await repeats something until it holds.
func (b *bench) await(what string, holds func() bool) {
	deadline := time.Now().Add(testdesk.Limit)
	for !holds() {
		if time.Now().After(deadline) {
			require.Fail(b.t, "in vain: "+what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (b *bench) state() view.State {
	out, code := b.run("status", "--json")
	require.Equal(b.t, exitOK, code, out)
	var s view.State
	require.NoError(b.t, json.Unmarshal([]byte(out), &s))
	return s
}

func (b *bench) enroll() {
	b.await("the tray takes commands", func() bool { _, code := b.run("status"); return code == exitOK })
	invitation, err := b.stage.Invite(b.t.Context(), "anna", "Anna Huber", "101")
	require.NoError(b.t, err)
	out, code := b.run("enroll", invitation)
	require.Equal(b.t, "This computer is connected with Deskbell Lab as Anna Huber.", out)
	require.Equal(b.t, exitOK, code)
	b.await("connected", func() bool {
		s := b.state()
		return s.Link == view.LinkUp && len(s.Lines) == 1 && s.Lines[0].State == "idle"
	})
	out, code = b.run("enroll", invitation)
	require.Equal(b.t, exitNeedsYes, code, out)
	require.Contains(b.t, out, "would replace your present connection with Deskbell Lab")
}

func (b *bench) control(path string, body map[string]any) {
	data, err := json.Marshal(body)
	require.NoError(b.t, err)
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.stage.Lab.Ready().Control+"/control/"+path, bytes.NewReader(data))
	require.NoError(b.t, err)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(b.t, err)
	defer resp.Body.Close()
	require.Equal(b.t, http.StatusOK, resp.StatusCode)
}

func (b *bench) notice(fits func(desktoptest.NoticeCall) bool) desktoptest.NoticeCall {
	n, err := b.notices.Await(testdesk.Context(b.t), fits)
	if err != nil {
		state, _ := b.run("status", "--json")
		require.NoError(b.t, err, "seen: %+v\nthe tray: %s", b.notices.Calls(), state)
	}
	return n
}

func TestResidentOnADesktop(t *testing.T) {
	b := openBench(t, desktoptest.Full())
	b.enroll()

	b.control("call", map[string]any{"caller": "+4930555012", "callee": "101"})
	ring := b.notice(func(n desktoptest.NoticeCall) bool {
		return n.Member == "Notify" && n.ID != 0 && strings.Contains(n.Body, "Answer on your phone")
	})
	t.Logf("toast: %q %q %v", ring.Title, ring.Body, ring.Actions)
	b.await("ringing", func() bool { return b.state().Icon == "ringing" })
	b.control("answer", map[string]any{"extension": "101"})
	b.notice(func(n desktoptest.NoticeCall) bool { return n.Member == "CloseNotification" && n.ID == ring.ID })
	b.await("talking", func() bool { return b.state().Icon == "incall" })
	out, code := b.run("hangup")
	t.Logf("hang up: %q", out)
	require.Equal(t, exitFailed, code)
	require.Contains(t, out, "on your phone")
	b.control("hangup", map[string]any{"extension": "101"})
	b.await("idle", func() bool { return len(b.state().Calls) == 0 })

	out, code = b.run("tel:+49-30-555012")
	require.Equal(t, exitOK, code, out)
	question := b.notice(func(n desktoptest.NoticeCall) bool { return n.Member == "Notify" && strings.HasSuffix(n.Title, "?") })
	require.Equal(t, []string{"yes", "Call", "no", "Cancel"}, question.Actions)

	began := time.Now()
	out, code = b.run()
	t.Logf("second start handed over in %v", time.Since(began).Round(time.Millisecond))
	require.Equal(t, exitOK, code)
	require.Equal(t, "Deskbell is already running.", out)
	b.weigh()

	out, code = b.run("quit")
	require.Equal(t, exitOK, code, out)
	<-b.tray.Gone()
	_, code = b.run("status")
	require.Equal(t, exitNotRunning, code)
}

// weigh prints what the idle program takes.
func (b *bench) weigh() {
	wakeups := func() (total int) {
		tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", b.tray.PID()))
		require.NoError(b.t, err)
		for _, task := range tasks {
			data, err := os.ReadFile(task)
			require.NoError(b.t, err)
			for line := range strings.Lines(string(data)) {
				var n int
				if _, err := fmt.Sscanf(line, "voluntary_ctxt_switches: %d", &n); err == nil {
					total += n
				}
			}
		}
		return total
	}
	time.Sleep(restsAfter + time.Second) // measured at rest
	before := wakeups()
	time.Sleep(5 * time.Second)
	b.t.Logf("wake-ups: %.1f a second", float64(wakeups()-before)/5)
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", b.tray.PID()))
	require.NoError(b.t, err)
	for line := range strings.Lines(string(status)) {
		if strings.HasPrefix(line, "VmRSS") || strings.HasPrefix(line, "Rss") || strings.HasPrefix(line, "Threads") {
			b.t.Log(strings.TrimSpace(line))
		}
	}
}

func TestResidentWithoutADesktop(t *testing.T) {
	b := openBench(t, desktoptest.Options{})
	b.enroll()
	b.control("call", map[string]any{"caller": "+4930555012", "callee": "101"})
	b.await("ringing", func() bool { return b.state().Icon == "ringing" })
	var codes []string
	for _, tr := range b.state().Troubles {
		codes = append(codes, tr.Code)
	}
	require.Subset(t, codes, []string{"notices", "display"})
	b.control("hangup", map[string]any{"extension": "101"})
	out, _ := b.run("status")
	t.Log(out)
}
