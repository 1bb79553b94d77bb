//go:build desktop && linux

package desktop

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/stretchr/testify/require"

	"deskbell/app/lab"
	"deskbell/app/lab/nfon"
	"deskbell/app/lab/stage"
	"deskbell/app/machine/desktoptest"
	"deskbell/app/machine/desktoptest/testdesk"
)

// limit is how long anything may take on a busy machine before it counts as not happening.
const limit = testdesk.Limit

// The exit codes of the command line (cmd/deskbell).
const (
	exitOK         = 0
	exitFailed     = 1
	exitNotRunning = 3
	exitNeedsYes   = 4
)

// options say what a bench has; the zero value is a whole desktop with lab, server and a signed-in agent.
type options struct {
	desktop   *desktoptest.Options // nil: everything
	lab       lab.Options
	contacts  string                                      // CSV
	config    func(string) string                         // changes the server's configuration
	settings  string                                      // the agent's settings.toml
	env       []string                                    // of the tray, over the desktop's
	listen    []string                                    // outputs that are recorded
	unsigned  bool                                        // no account yet
	troubled  bool                                        // do not wait until all is well
	wholeHome bool                                        // no DESKBELL_HOME: the tray uses the desktop's home folder and keyring
	late      bool                                        // the tray is started by the test
	wrap      func(dir string) (server string, err error) // puts another program in the server\'s place
}

// level is the tray's log level; what the sound library says at debug would bury the rest.
func (o options) level() string {
	if len(o.listen) > 0 {
		return "info"
	}
	return "debug"
}

// bench is a whole Deskbell on a desktop of its own: telephone system and CRM, server, and the tray of Anna Huber, 101.
type bench struct {
	t       *testing.T
	opts    options
	desk    *desktoptest.Desktop
	stage   *stage.Stage
	home    string
	env     []string
	tray    *stage.Process
	notices *desktoptest.NoticeRecorder
	heard   map[string]*desktoptest.LevelRecorder
	bus     *dbus.Conn
	since   time.Time // what happened before is of no interest
	mark    uint64    // the lab's facts up to here neither
}

// pictures is where screenshots go, in the repository.
const pictures = "../../../build/desktop"

// open brings a bench up. Tests with one may run in parallel: nothing of this process's own environment is changed.
func open(t *testing.T, o options) *bench {
	b := &bench{t: t, opts: o, heard: map[string]*desktoptest.LevelRecorder{}}
	dir := t.TempDir()
	staged := make(chan error, 1)
	go func() { staged <- b.openStage(filepath.Join(dir, "stage")) }()
	t.Cleanup(func() {
		if b.stage != nil {
			require.NoError(t, b.stage.Close())
		}
	})
	b.openDesktop()
	require.NoError(t, <-staged)
	b.furnish(filepath.Join(dir, "home"))
	if o.late {
		return b
	}
	b.startTray()
	if !o.unsigned {
		b.signIn()
	}
	b.next()
	return b
}

func (b *bench) openStage(dir string) error {
	log := testdesk.Log(b.t)
	b.opts.lab.Logger = log
	server := program("deskbelld")
	if b.opts.wrap != nil {
		var err error
		if server, err = b.opts.wrap(dir); err != nil {
			return err
		}
	}
	st, err := stage.Open(stage.Options{
		Dir: dir, Server: server, Lab: b.opts.lab, Contacts: b.opts.contacts, Logger: log,
	})
	if err != nil {
		return err
	}
	b.stage = st
	if b.opts.config != nil {
		text, err := os.ReadFile(st.ConfigPath())
		if err == nil {
			err = os.WriteFile(st.ConfigPath(), []byte(b.opts.config(string(text))), 0o600)
		}
		if err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(b.t.Context(), limit)
	defer cancel()
	_, err = st.StartServer(ctx)
	return err
}

func (b *bench) openDesktop() {
	opts := desktoptest.Full()
	if b.opts.desktop != nil {
		opts = *b.opts.desktop
	}
	output, err := os.Create(filepath.Join(b.t.TempDir(), "desktop.log"))
	require.NoError(b.t, err)
	b.t.Cleanup(func() {
		text, err := os.ReadFile(output.Name())
		if err = errors.Join(err, output.Close()); b.t.Failed() {
			fmt.Fprintf(b.t.Output(), "--- the desktop's output (%v)\n%s", err, text)
		}
	})
	opts.Pictures, opts.Log, opts.Output = pictures, testdesk.Log(b.t), output
	ctx, cancel := context.WithTimeout(b.t.Context(), 3*limit)
	defer cancel()
	b.desk, err = desktoptest.Start(ctx, opts)
	require.NoError(b.t, err)
	b.t.Cleanup(func() { require.NoError(b.t, b.desk.Close()) })
	b.notices, err = b.desk.RecordNotices(ctx)
	require.NoError(b.t, err)
	b.t.Cleanup(b.notices.Close)
	b.bus, err = b.desk.Connect(context.WithoutCancel(ctx))
	require.NoError(b.t, err)
	b.t.Cleanup(func() { _ = b.bus.Close() })
	b.listen(ctx)
}

// listen records the wanted outputs, all at once, since each takes three seconds to begin.
func (b *bench) listen(ctx context.Context) {
	type started struct {
		output string
		r      *desktoptest.LevelRecorder
		err    error
	}
	all := make(chan started, len(b.opts.listen))
	for _, output := range b.opts.listen {
		go func() {
			r, err := b.desk.RecordLevel(ctx, output)
			all <- started{output, r, err}
		}()
	}
	for range b.opts.listen {
		s := <-all
		require.NoError(b.t, s.err)
		b.heard[s.output] = s.r
		b.t.Cleanup(s.r.Close)
	}
}

// furnish makes the agent's folder and settings, and a browser for the desktop.
func (b *bench) furnish(home string) {
	b.home = home
	b.env = append(b.desk.Env(), "LANG=en_US.UTF-8", "LC_ALL=en_US.UTF-8")
	config := home
	if b.opts.wholeHome {
		config = filepath.Join(b.desk.Home(), ".config/deskbell")
	} else {
		b.env = append(b.env, "DESKBELL_HOME="+home)
	}
	b.env = append(b.env, b.opts.env...)
	require.NoError(b.t, os.MkdirAll(config, 0o700))
	b.write(filepath.Join(config, "settings.toml"), b.opts.settings)
	exe, err := os.Executable()
	require.NoError(b.t, err)
	b.write(filepath.Join(b.desk.Home(), ".local/share/applications/testbrowser.desktop"), "[Desktop Entry]\nType=Application\n"+
		"Name=Testbrowser\nExec=env "+browserMark+"="+b.history()+" "+exe+" %u\nMimeType=x-scheme-handler/http;x-scheme-handler/https;\n")
	b.write(filepath.Join(b.desk.Home(), ".config/mimeapps.list"),
		"[Default Applications]\nx-scheme-handler/http=testbrowser.desktop\nx-scheme-handler/https=testbrowser.desktop\n")
}

// startTray starts the resident program; the test's end ends it and looks through its log.
func (b *bench) startTray(args ...string) {
	b.t.Helper()
	out := filepath.Join(b.home, "output.log")
	var err error
	b.tray, err = stage.Start(out, b.env, program("deskbell"), append([]string{"--log", b.opts.level()}, args...)...)
	require.NoError(b.t, err)
	tray := b.tray
	b.t.Cleanup(func() {
		b.explain()
		require.NoError(b.t, tray.Stop())
		b.searchLog()
	})
	b.await("the tray takes commands", func() error { _, err := b.tryState(); return err })
}

// logged is the tray's log.
func (b *bench) logged() string {
	path := filepath.Join(b.home, "deskbell.log")
	if b.opts.wholeHome {
		path = filepath.Join(b.desk.Home(), ".local/state/deskbell/deskbell.log")
	}
	text, err := os.ReadFile(path)
	require.NoError(b.t, err)
	return string(text)
}

// explain prints, after a failure, what happened last.
func (b *bench) explain() {
	if !b.t.Failed() {
		return
	}
	out := b.t.Output()
	fmt.Fprintf(out, "--- notifications\n%s", b.seen())
	if s, err := b.tryState(); err == nil {
		fmt.Fprintf(out, "--- the tray's state\n%+v\n", s)
	}
	server, err := os.ReadFile(b.stage.ServerLog())
	fmt.Fprintf(out, "--- the tray's log\n%s--- the server's log (%v)\n%s", b.logged(), err, server)
}

// searchLog looks for what must never be in a log: numbers, names, tokens, crashes.
func (b *bench) searchLog() {
	text := b.logged()
	server, err := os.ReadFile(b.stage.ServerLog())
	require.NoError(b.t, err)
	for _, secret := range []string{"891234567", "30555012", "Hohenstein", "Peter Lang", "panic:", "DATA RACE"} {
		require.NotContains(b.t, text, secret, "in the tray's log")
		require.NotContains(b.t, string(server), secret, "in the server's log")
	}
}

// signIn connects the tray as Anna and waits until all is well.
func (b *bench) signIn() {
	b.t.Helper()
	invitation, err := b.stage.Invite(b.t.Context(), "anna", "Anna Huber", "101")
	require.NoError(b.t, err)
	out, code := b.run("enroll", invitation)
	require.Equal(b.t, exitOK, code, out)
	b.settled()
}

func (b *bench) lab() *nfon.Server { return b.stage.Lab.Phones }

// next forgets what happened so far.
func (b *bench) next() { b.since, b.mark = time.Now(), b.stage.Lab.Log.Last() }
