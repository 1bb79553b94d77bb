package demo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"deskbell/app/lab/seat"
	"deskbell/app/machine/desktoptest"
)

// theatre is the virtual desktop with the agent's house on it, and everybody who watches from outside the tray.
type theatre struct {
	opts       Options
	desk       *desktoptest.Desktop
	house      *house
	notices    *desktoptest.NoticeRecorder
	sound      *desktoptest.LevelRecorder
	windows    *windows
	icon       trayIcon
	seat       *seat.Seat
	menuText   string // the running calls in the menu read last, recentText its list of recent ones
	recentText string
	closers    []func()
}

// openTheatre builds it all up. Whatever it started is ended by close, also after an error.
func openTheatre(ctx context.Context, o Options) (*theatre, error) {
	t := &theatre{opts: o}
	if err := t.open(ctx); err != nil {
		return nil, errors.Join(err, t.close())
	}
	return t, nil
}

func (t *theatre) open(ctx context.Context) error {
	full := desktoptest.Full()
	full.Pictures, full.Log = t.opts.Out, t.opts.Logger
	desk, err := desktoptest.Start(ctx, full)
	if err != nil {
		return err
	}
	t.desk = desk
	listening := make(chan error, 1)
	go func() { // takes three seconds, which the rest need not wait for
		sound, err := desk.RecordLevel(ctx, desktoptest.Desk)
		t.sound = sound
		listening <- err
	}()
	err = t.furnish(ctx)
	return errors.Join(err, <-listening)
}

func (t *theatre) furnish(ctx context.Context) (err error) {
	if t.notices, err = t.desk.RecordNotices(ctx); err != nil {
		return err
	}
	if t.windows, err = watchWindows(t.desk.Vars()["DISPLAY"]); err != nil {
		return err
	}
	conn, err := t.desk.Connect(ctx)
	if err != nil {
		return err
	}
	t.closers = append(t.closers, func() { _ = conn.Close() }) // nothing is pending on it
	t.icon = trayIcon{conn}
	if t.house, err = openHouse(ctx, t.opts, t.desk.Env()); err != nil {
		return err
	}
	if _, err := t.desk.Run(ctx, "xsetroot", "-solid", "#3d4b63"); err != nil {
		return err
	}
	if err := t.takeSeat(ctx); err != nil {
		return err
	}
	if err := t.settle(ctx); err != nil {
		return err
	}
	return t.openBrowser(ctx)
}

// takeSeat signs another client in for the same agent, written from the protocol's description alone.
func (t *theatre) takeSeat(ctx context.Context) error {
	invitation, err := t.house.stage.InviteAgain(ctx, agent)
	if err != nil {
		return err
	}
	token, err := t.house.stage.Enroll(ctx, invitation, "seat")
	if err != nil {
		return err
	}
	t.seat = seat.New(seat.Options{URL: t.house.stage.SocketURL(), Token: token, Locale: t.house.language(), Redial: 200 * time.Millisecond, Log: t.opts.Logger})
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = t.seat.Run(ctx) // dials again until it is told to end
	}()
	t.closers = append(t.closers, func() { cancel(); <-ended })
	return nil
}

// settle waits until the tray is connected and shown, and the telephone system's news flow.
func (t *theatre) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	if _, err := t.seat.Await(ctx, func(st seat.State) bool { return st.Connected && len(st.Troubles) == 0 }); err != nil {
		return fmt.Errorf("wait for the server: %w", err)
	}
	err := until(ctx, t.house.tray.Gone(), func() error {
		menu, err := t.icon.read(ctx)
		if err != nil {
			return err
		}
		if len(menu) == 0 || !strings.Contains(menu[0].Label, agentName) {
			return fmt.Errorf("the tray says: %s", menuText(menu))
		}
		if t.house.stage.Lab.Phones.StreamCount("calls") == 0 {
			return errors.New("no stream from the telephone system")
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("wait for the tray: %w", err)
	}
	return nil
}

// openBrowser makes a small browser the desktop's, our program the one for telephone links, and leaves the browser open at
// the CRM: the window the agent works in.
func (t *theatre) openBrowser(ctx context.Context) error {
	for _, scheme := range []string{"http", "https"} {
		if _, err := t.desk.Run(ctx, "xdg-mime", "default", "dillo.desktop", "x-scheme-handler/"+scheme); err != nil {
			return err
		}
	}
	if _, err := t.house.deskbell(ctx, "links", "register"); err != nil {
		return err
	}
	_, _, end, err := t.desk.Spawn("dillo", "-g", "860x640+30+40", t.house.stage.Lab.CRM.URL()+"/contacts")
	if err != nil {
		return fmt.Errorf("%w; scripts/deps desktop installs it", err)
	}
	t.closers = append(t.closers, end)
	limited, cancel := limited(ctx)
	defer cancel()
	if _, err := t.windows.await(limited, func(title string) bool { return strings.Contains(title, "Dillo") }); err != nil {
		return fmt.Errorf("wait for the browser's window: %w", err)
	}
	return nil
}

// close ends everything, the newest first.
func (t *theatre) close() error {
	var err error
	for i := len(t.closers) - 1; i >= 0; i-- {
		t.closers[i]()
	}
	if t.house != nil {
		err = t.house.close()
	}
	if t.windows != nil {
		t.windows.close()
	}
	if t.sound != nil {
		t.sound.Close()
	}
	if t.notices != nil {
		t.notices.Close()
	}
	if t.desk != nil {
		err = errors.Join(err, t.desk.Close())
	}
	return err
}
