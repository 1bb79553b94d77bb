//go:build desktop && linux

package notice

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"
	"github.com/stretchr/testify/require"

	"deskbell/app/machine/desktoptest"
	"deskbell/app/machine/desktoptest/testdesk"
)

func open(t *testing.T) *Notifier {
	ctx, cancel := context.WithCancel(t.Context())
	n, err := Open(ctx, testdesk.Log(t))
	require.NoError(t, err)
	t.Cleanup(func() { cancel(); n.Wait() })
	return n
}

func next(t *testing.T, n *Notifier) Event {
	t.Helper()
	select {
	case e := <-n.Events():
		return e
	case <-testdesk.Context(t).Done():
		require.Fail(t, "no event")
		return Event{}
	}
}

func member(name string) func(desktoptest.NoticeCall) bool {
	return func(c desktoptest.NoticeCall) bool { return c.Member == name }
}

func TestToastIsShownReplacedAndClosed(t *testing.T) {
	d := testdesk.Start(t, desktoptest.Options{WindowManager: true, Notifications: true})
	ctx := testdesk.Context(t)
	rec, err := d.RecordNotices(ctx)
	require.NoError(t, err)
	defer rec.Close()
	n := open(t)

	require.NoError(t, n.Show(ctx, Notice{Key: "call-1", Title: "+49 89 1234567", Body: "Munich\nCalling",
		Urgency: Critical, Expire: -1, Silent: true, Transient: true,
		Actions: []Action{{"open", "Open customer"}, {"silence", "Silence"}}}))
	require.Equal(t, Caps{Actions: true, BodyMarkup: true, Replace: true}, n.Caps())
	first, err := rec.Await(ctx, func(c desktoptest.NoticeCall) bool { return c.Member == "Notify" && c.ID != 0 })
	require.NoError(t, err)
	require.Equal(t, AppName, first.App)
	require.Equal(t, "Munich\nCalling", first.Body)
	require.Equal(t, []string{"open", "Open customer", "silence", "Silence"}, first.Actions)
	require.Equal(t, int32(0), first.Expire)
	require.Equal(t, byte(2), first.Hints["urgency"].Value())
	require.Equal(t, true, first.Hints["suppress-sound"].Value())
	require.Equal(t, true, first.Hints["transient"].Value())

	require.NoError(t, n.Show(ctx, Notice{Key: "call-1", Title: Clean("<b>&x</b>\n\u202Eevil", 60),
		Body: Clean(`Tom & "Jerry" <i>`, 60), Urgency: Critical, Expire: -1,
		Actions: []Action{{"open", "Open customer"}, {"silence", "Silence"}}}))
	second, err := rec.Await(ctx, func(c desktoptest.NoticeCall) bool { return c.Member == "Notify" && c.Replaces != 0 && c.ID != 0 })
	require.NoError(t, err)
	require.Equal(t, first.ID, second.Replaces)
	require.Equal(t, first.ID, second.ID)
	require.Equal(t, "<b>&x</b> evil", second.Title)
	require.Equal(t, "Tom &amp; &quot;Jerry&quot; &lt;i&gt;", second.Body)
	picture, err := d.Screenshot(ctx, "toast-hostile-name")
	require.NoError(t, err)
	t.Log("picture:", picture)

	require.NoError(t, n.Close(ctx, "call-1"))
	require.Equal(t, Event{Key: "call-1", Closed: true, Reason: ReasonClosed}, next(t, n))
	closed, err := rec.Await(ctx, member("NotificationClosed"))
	require.NoError(t, err)
	require.Equal(t, first.ID, closed.ID)
	require.NoError(t, n.Close(ctx, "call-1"), "closing what is gone is no error")
}

func TestButtonIsPressedWithTheMouse(t *testing.T) {
	d := testdesk.Start(t, desktoptest.Options{WindowManager: true, Notifications: true})
	ctx := testdesk.Context(t)
	n := open(t)
	require.NoError(t, n.Show(ctx, Notice{Key: "call-7", Title: "Dr. Annegret von Hohenstein", Body: "Stadtwerke Musterstadt GmbH",
		Expire: -1, Actions: []Action{{"open", "Open customer"}, {"silence", "Silence"}}}))

	// The window's right button is the second action: three quarters along, 30 pixels above the lower edge.
	shell, err := d.Run(ctx, "xdotool", "search", "--sync", "--onlyvisible", "--class", "notifyd", "getwindowgeometry", "--shell")
	require.NoError(t, err)
	at := map[string]int{}
	for line := range strings.Lines(shell) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		at[name], err = strconv.Atoi(value)
		require.NoError(t, err, line)
	}
	x, y := at["X"]+at["WIDTH"]*3/4, at["Y"]+at["HEIGHT"]-30
	_, err = d.Run(ctx, "xdotool", "mousemove", strconv.Itoa(x), strconv.Itoa(y), "sleep", "0.2", "click", "1")
	require.NoError(t, err)
	require.Equal(t, Event{Key: "call-7", Action: "silence"}, next(t, n))
}

func TestOnlyOurOwnNoticesCount(t *testing.T) {
	d := testdesk.Start(t, desktoptest.Options{})
	ctx := testdesk.Context(t)
	daemon := startFakeDaemon(t, d, "actions")
	n := open(t)
	require.NoError(t, n.Show(ctx, Notice{Key: "k", Title: "a & b", Body: "c & d"}))
	require.Equal(t, "c & d", daemon.taken().Body, "no markup ability, no escapes")

	daemon.emit(t, "ActionInvoked", uint32(4711), "open") // somebody else's
	daemon.emit(t, "ActionInvoked", uint32(1), uint32(5)) // not even well formed
	daemon.emit(t, "NotificationClosed", uint32(1), "nonsense", uint32(1))
	daemon.emit(t, "ActivationToken", uint32(1), "token-9")
	daemon.emit(t, "ActionInvoked", uint32(1), "open")
	require.Equal(t, Event{Key: "k", Action: "open", Token: "token-9"}, next(t, n))
	daemon.emit(t, "NotificationClosed", uint32(1), uint32(2))
	require.Equal(t, Event{Key: "k", Closed: true, Reason: ReasonDismissed}, next(t, n))
}

// xfce4-notifyd closes a notice when one of its buttons is pressed. If it is replaced just then, the new one gets the same id.
func TestEndOfTheReplacedNoticeIsNotThatOfTheNewOne(t *testing.T) {
	d := testdesk.Start(t, desktoptest.Options{})
	ctx := testdesk.Context(t)
	daemon := startFakeDaemon(t, d, "actions")
	n := open(t)
	require.NoError(t, n.Show(ctx, Notice{Key: "k", Title: "first"}))
	let := daemon.hang()
	shown := make(chan error, 1)
	go func() { shown <- n.Show(ctx, Notice{Key: "k", Title: "second"}) }()
	daemon.emit(t, "ActionInvoked", uint32(1), "silence")
	daemon.emit(t, "NotificationClosed", uint32(1), uint32(2))
	let()
	require.NoError(t, <-shown)
	require.Equal(t, Event{Key: "k", Action: "silence"}, next(t, n))
	daemon.emit(t, "ActionInvoked", uint32(1), "open")
	require.Equal(t, Event{Key: "k", Action: "open"}, next(t, n), "the new one is up")
	daemon.emit(t, "NotificationClosed", uint32(1), uint32(2))
	require.Equal(t, Event{Key: "k", Closed: true, Reason: ReasonDismissed}, next(t, n))
}

func TestNoDaemonIsAStateAndPasses(t *testing.T) {
	d := testdesk.Start(t, desktoptest.Options{})
	ctx := testdesk.Context(t)
	n := open(t)
	require.ErrorIs(t, n.Check(ctx), ErrNoNotices)
	require.ErrorIs(t, n.Show(ctx, Notice{Key: "k", Title: "x"}), ErrNoNotices)

	daemon := startFakeDaemon(t, d, "body-markup")
	require.Equal(t, Event{Back: true}, next(t, n))
	require.NoError(t, n.Show(ctx, Notice{Key: "k", Title: "x", Body: "<", Actions: []Action{{"a", "A"}}}))
	shown := daemon.taken()
	require.Equal(t, "&lt;", shown.Body)
	require.Empty(t, shown.Actions, "a daemon without buttons gets none")
}

func TestDaemonRestartTakesTheNoticesWithIt(t *testing.T) {
	d := testdesk.Start(t, desktoptest.Options{WindowManager: true, Notifications: true})
	ctx := testdesk.Context(t)
	n := open(t)
	require.NoError(t, n.Show(ctx, Notice{Key: "k", Title: "before", Expire: -1}))

	d.StopPiece(desktoptest.Notifications)
	require.Equal(t, Event{Key: "k", Closed: true, Reason: ReasonServerGone}, next(t, n))
	require.ErrorIs(t, n.Show(ctx, Notice{Key: "k", Title: "meanwhile"}), ErrNoNotices)

	require.NoError(t, d.StartPiece(ctx, desktoptest.Notifications))
	rec, err := d.RecordNotices(ctx)
	require.NoError(t, err)
	defer rec.Close()
	require.NoError(t, n.Show(ctx, Notice{Key: "k", Title: "after", Expire: -1}))
	again, err := rec.Await(ctx, member("Notify"))
	require.NoError(t, err)
	require.Zero(t, again.Replaces)
}

func TestHungDaemonCostsTwoSecondsAtMost(t *testing.T) {
	d := testdesk.Start(t, desktoptest.Options{})
	ctx := testdesk.Context(t)
	daemon := startFakeDaemon(t, d)
	n := open(t)
	require.NoError(t, n.Check(ctx))
	release := daemon.hang()
	require.ErrorIs(t, n.Show(ctx, Notice{Key: "k", Title: "x"}), ErrNoNotices)
	release()
	require.NoError(t, n.Show(ctx, Notice{Key: "k", Title: "x"}))
}

func TestNoBusIsAState(t *testing.T) {
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+t.TempDir()+"/none")
	n := open(t)
	require.ErrorIs(t, n.Show(t.Context(), Notice{Key: "k"}), ErrNoNotices)
}

// fakeDaemon is a notification daemon with chosen abilities that says what it is told to.
type fakeDaemon struct {
	conn  *dbus.Conn
	caps  []string
	calls chan desktoptest.NoticeCall
	gate  chan struct{}
}

func startFakeDaemon(t *testing.T, d *desktoptest.Desktop, caps ...string) *fakeDaemon {
	conn, err := d.Connect(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	f := &fakeDaemon{conn: conn, caps: caps, calls: make(chan desktoptest.NoticeCall, 16), gate: make(chan struct{}, 1)}
	f.gate <- struct{}{}
	require.NoError(t, conn.Export(f, objectPath, busName))
	_, err = conn.RequestName(busName, dbus.NameFlagDoNotQueue)
	require.NoError(t, err)
	return f
}

// GetCapabilities is the daemon's method.
func (f *fakeDaemon) GetCapabilities() ([]string, *dbus.Error) { return slices.Clone(f.caps), nil }

// Notify is the daemon's method.
func (f *fakeDaemon) Notify(app string, replaces uint32, icon, title, body string, actions []string,
	hints map[string]dbus.Variant, expire int32,
) (uint32, *dbus.Error) {
	<-f.gate
	defer func() { f.gate <- struct{}{} }()
	f.calls <- desktoptest.NoticeCall{App: app, Replaces: replaces, Icon: icon, Title: title, Body: body,
		Actions: actions, Hints: hints, Expire: expire}
	return 1, nil
}

// CloseNotification is the daemon's method.
func (f *fakeDaemon) CloseNotification(uint32) *dbus.Error { return nil }

// taken gives the next Notify that was not taken yet.
func (f *fakeDaemon) taken() desktoptest.NoticeCall { return <-f.calls }

// hang makes Notify wait until the returned function is called.
func (f *fakeDaemon) hang() func() {
	<-f.gate
	return func() { f.gate <- struct{}{} }
}

func (f *fakeDaemon) emit(t *testing.T, name string, body ...any) {
	require.NoError(t, f.conn.Emit(objectPath, busName+"."+name, body...))
}
