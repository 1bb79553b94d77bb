//go:build desktop && linux

package tray

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/stretchr/testify/require"

	"deskbell/app/machine/desktoptest"
	"deskbell/app/machine/desktoptest/testdesk"
)

const childMark = "DESKBELL_TRAY_CHILD"

// TestMain makes this test program a tray when it is started as one: a process can have a tray only once.
func TestMain(m *testing.M) {
	if os.Getenv(childMark) == "" {
		os.Exit(m.Run())
	}
	ctx, cancel := context.WithCancel(context.Background())
	tray := New(Options{
		Title:   "Deskbell",
		OnClick: func(id string) { fmt.Println("click", id) },
		OnTap:   func() { fmt.Println("tap") },
		OnReady: func() { fmt.Println("ready") },
		OnHost:  func(h HostState) { fmt.Println("host", h) },
	})
	go func() {
		defer cancel()
		for in := json.NewDecoder(os.Stdin); ; {
			var m Model
			if in.Decode(&m) != nil {
				return
			}
			tray.Update(m)
		}
	}()
	if err := tray.Run(ctx); err != nil {
		fmt.Println("error", err)
	}
	fmt.Println("end")
}

// child is a running tray that says on its standard output what it is told.
type child struct {
	t     *testing.T
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan string
}

func startChild(t *testing.T, d *desktoptest.Desktop) *child {
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(exe)
	// The tray library itself has a data race (its menu version, between a panel's question and its own second
	// refresh). The detector still prints what it finds, but that must not decide how the child ends.
	cmd.Env = append(d.Env(), childMark+"=1", "GORACE=exitcode=0")
	cmd.Stderr = t.Output()
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	c := &child{t: t, cmd: cmd, in: in, lines: make(chan string, 64)}
	go func() {
		defer close(c.lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			c.lines <- s.Text()
		}
	}()
	t.Cleanup(func() {
		require.NoError(t, in.Close())
		c.await("end")
		require.NoError(t, cmd.Wait())
	})
	return c
}

func (c *child) update(m Model) {
	c.t.Helper()
	require.NoError(c.t, json.NewEncoder(c.in).Encode(m))
}

// await reads lines until the wanted one.
func (c *child) await(want string) {
	c.t.Helper()
	ctx := testdesk.Context(c.t)
	if c.t.Context().Err() != nil { // in Cleanup
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.Background(), testdesk.Limit)
		defer cancel()
	}
	for {
		select {
		case line, open := <-c.lines:
			require.True(c.t, open, "the tray ended before %q", want)
			if line == want {
				return
			}
		case <-ctx.Done():
			require.Failf(c.t, "no line", "%q", want)
		}
	}
}

// item waits until the tray holds exactly our item and it satisfies fits.
func item(t *testing.T, conn *dbus.Conn, fits func(desktoptest.TrayItem) bool) desktoptest.TrayItem {
	t.Helper()
	ctx := testdesk.Context(t)
	for {
		items, err := desktoptest.TrayItems(ctx, conn)
		if err == nil && len(items) == 1 && fits(items[0]) {
			return items[0]
		}
		select {
		case <-ctx.Done():
			require.Failf(t, "the item does not come", "%v %v", items, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func whatever(desktoptest.TrayItem) bool { return true }

// lines waits until the menu has exactly these labels on its top level.
func lines(t *testing.T, it desktoptest.TrayItem, labels ...string) []desktoptest.MenuItem {
	t.Helper()
	ctx := testdesk.Context(t)
	for {
		menu, err := it.Menu(ctx)
		require.NoError(t, err)
		var got []string
		for _, m := range menu {
			got = append(got, m.Label)
		}
		if strings.Join(got, "|") == strings.Join(labels, "|") {
			return menu
		}
		require.NoError(t, ctx.Err(), "menu is %q", got)
	}
}

func connect(t *testing.T, d *desktoptest.Desktop) *dbus.Conn {
	conn, err := d.Connect(context.WithoutCancel(t.Context()))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

var menuA = []Item{
	{ID: "call", Label: "Peter Lang", Enabled: true, Children: []Item{
		{ID: "hangup:1", Label: "Hang up", Enabled: true},
		{ID: "hold:1", Label: "Hold", Enabled: false},
	}},
	{Separator: true},
	{ID: "mute", Label: "Mute ringing", Enabled: true, Checkbox: true},
	{ID: "quit", Label: "Quit", Enabled: true},
}

func TestIconMenuAndClicksThroughThePanel(t *testing.T) {
	d := testdesk.Start(t, desktoptest.Options{WindowManager: true, Panel: true})
	ctx, conn := testdesk.Context(t), connect(t, d)
	begin := time.Now()
	c := startChild(t, d)
	c.await("host there")
	it := item(t, conn, whatever)
	t.Log("start to registered item:", time.Since(begin))
	require.Equal(t, "Deskbell", it.Title)
	require.Equal(t, 22, it.Width)

	c.update(Model{Tooltip: "Ready – 2 missed calls", Missed: 2, Menu: menuA})
	it = item(t, conn, func(i desktoptest.TrayItem) bool { return i.Tooltip == "Ready – 2 missed calls" })
	menu := lines(t, it, "Peter Lang", "", "Mute ringing", "Quit")
	require.True(t, menu[1].Separator)
	require.False(t, menu[0].Children[1].Enabled)
	_, err := d.Screenshot(ctx, "tray-missed")
	require.NoError(t, err)

	require.NoError(t, it.Activate(ctx))
	c.await("tap")
	require.NoError(t, it.Click(ctx, "Hang up"))
	c.await("click hangup:1")

	// Texts and marks change in place: every line keeps its number, so an open menu stays good.
	b := clone(menuA)
	b[0].Label, b[2].Checked, b[0].Children[1].Enabled = "Peter Lang 0:07", true, true
	c.update(Model{Menu: b})
	changed := lines(t, it, "Peter Lang 0:07", "", "Mute ringing", "Quit")
	for !changed[2].Checked || !changed[0].Children[1].Enabled {
		require.NoError(t, ctx.Err())
		changed, err = it.Menu(ctx)
		require.NoError(t, err)
	}
	for i := range menu {
		require.Equal(t, menu[i].ID, changed[i].ID)
	}

	// Another call is another line: its number is new, so a click on the old line does nothing.
	c.update(Model{Menu: []Item{{ID: "hangup:2", Label: "Hang up Anna", Enabled: true}, {ID: "quit", Label: "Quit", Enabled: true}}})
	rebuilt := lines(t, it, "Hang up Anna", "Quit")
	require.NotEqual(t, menu[0].ID, rebuilt[0].ID)
	require.NoError(t, it.Click(ctx, "Quit"))
	c.await("click quit")
}

func TestRingingSwingsOnlyWhileItRings(t *testing.T) {
	d := testdesk.Start(t, desktoptest.Options{WindowManager: true, Panel: true})
	ctx, conn := testdesk.Context(t), connect(t, d)
	c := startChild(t, d)
	c.await("host there")
	idle := item(t, conn, whatever).ARGB
	icon := func(not ...[]byte) []byte {
		return item(t, conn, func(i desktoptest.TrayItem) bool {
			for _, n := range not {
				if string(i.ARGB) == string(n) {
					return false
				}
			}
			return true
		}).ARGB
	}
	c.update(Model{State: Ringing})
	first := icon(idle)
	second := icon(idle, first)
	_, err := d.Screenshot(ctx, "tray-ringing")
	require.NoError(t, err)
	seen := [][]byte{idle, first, second}
	for _, m := range []Model{{State: InCall}, {State: Disconnected}, {State: Trouble, Missed: 12}, {State: Muted, Missed: 3}} {
		c.update(m)
		seen = append(seen, icon(seen...))
		_, err := d.Screenshot(ctx, "tray-"+m.State.String())
		require.NoError(t, err)
	}
	c.update(Model{})
	item(t, conn, func(i desktoptest.TrayItem) bool { return string(i.ARGB) == string(idle) })
}

func TestPanelThatComesLateGoesAndComesBack(t *testing.T) {
	d := testdesk.Start(t, desktoptest.Options{WindowManager: true})
	ctx, conn := testdesk.Context(t), connect(t, d)
	c := startChild(t, d)
	c.await("host missing")
	c.update(Model{Tooltip: "early", Menu: menuA})

	require.NoError(t, d.StartPiece(ctx, desktoptest.Panel))
	c.await("host there")
	it := item(t, conn, func(i desktoptest.TrayItem) bool { return i.Tooltip == "early" })
	lines(t, it, "Peter Lang", "", "Mute ringing", "Quit")

	d.StopPiece(desktoptest.Panel)
	c.await("host missing")
	c.update(Model{Tooltip: "meanwhile"})
	require.NoError(t, d.StartPiece(ctx, desktoptest.Panel))
	c.await("host there")
	item(t, conn, func(i desktoptest.TrayItem) bool { return i.Tooltip == "meanwhile" })
}

func TestNoBusMeansNoTrayAndACleanEnd(t *testing.T) {
	d := testdesk.Start(t, desktoptest.Options{})
	d.StopPiece(desktoptest.Bus)
	c := startChild(t, d)
	c.await("host missing")
	c.update(Model{State: Ringing})
}

func TestIdleTrayStaysSmallAndAsleep(t *testing.T) {
	d := testdesk.Start(t, desktoptest.Options{WindowManager: true, Panel: true})
	conn := connect(t, d)
	c := startChild(t, d)
	c.update(Model{Tooltip: "Ready", Menu: menuA})
	item(t, conn, func(i desktoptest.TrayItem) bool { return i.Tooltip == "Ready" })
	switches := func() (total int) {
		tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", c.cmd.Process.Pid))
		require.NoError(t, err)
		for _, task := range tasks {
			status, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/status", c.cmd.Process.Pid, task.Name()))
			require.NoError(t, err)
			var n int
			_, after, _ := strings.Cut(string(status), "\nvoluntary_ctxt_switches:")
			_, err = fmt.Sscan(after, &n)
			require.NoError(t, err)
			total += n
		}
		return total
	}
	const watched = 4 * time.Second
	<-time.After(2 * time.Second) // the panel reads the menu; what counts is what comes after
	before := switches()
	<-time.After(watched)
	woken := switches() - before
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid))
	require.NoError(t, err)
	_, rss, _ := strings.Cut(string(status), "VmRSS:")
	rss, _, _ = strings.Cut(rss, "\n")
	t.Logf("RSS %s (this is the test program), %d wake-ups in %v", strings.TrimSpace(rss), woken, watched)
	require.LessOrEqual(t, woken, 5*int(watched.Seconds()), "an idle tray sleeps")
}
