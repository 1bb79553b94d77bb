package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"deskbell/app/desk"
	"deskbell/app/desk/home"
	"deskbell/app/lab/bench/phones"
	"deskbell/app/lab/stage"
	"deskbell/app/machine/desktoptest"
)

// loadedDesk is one agent's desktop with a real tray, whose server has ten thousand other users.
type loadedDesk struct {
	f       *fanOut
	desktop *desktoptest.Desktop
	notices *desktoptest.NoticeRecorder
	env     []string
	home    string
}

func openLoadedDesk(ctx context.Context, f *fanOut) (d *loadedDesk, err error) {
	d = &loadedDesk{f: f, home: filepath.Join(f.b.dir, "h1")}
	if d.desktop, err = desktoptest.Start(ctx, desktoptest.Options{Display: true, Notifications: true, Log: f.b.Logger}); err != nil {
		return d, err
	}
	if d.notices, err = d.desktop.RecordNotices(ctx); err != nil {
		return d, err
	}
	d.env = trayEnvironment(d.desktop, d.home)
	// Without a sound server: the tone has a row of its own, and playing it would be the desktop's work on the server's processor.
	return d, writeHome(d.home, "mute = true\n", "http://"+f.server.address, agent{id: "probe", token: "probe", extension: phones.ProbeExtension})
}

func trayEnvironment(d *desktoptest.Desktop, home string) []string {
	env := []string{"GOGC=400", "DESKBELL_HOME=" + home, "LANG=en_US.UTF-8", "LC_ALL=en_US.UTF-8"}
	for _, e := range d.Env() {
		if !strings.HasPrefix(e, "LANG=") && !strings.HasPrefix(e, "LC_ALL=") && !strings.HasPrefix(e, "GOGC=") {
			env = append(env, e)
		}
	}
	return env
}

func (d *loadedDesk) close() error {
	if d.notices != nil {
		d.notices.Close()
	}
	if d.desktop != nil {
		return d.desktop.Close()
	}
	return nil
}

// round rings the agent's phone under load, while the crowd of the fan-out listens.
func (d *loadedDesk) round(ctx context.Context) (err error) {
	tray, err := stage.Start(filepath.Join(d.f.b.dir, "loaded-tray.log"), d.env, d.f.b.program("deskbell"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tray.Stop()) }()
	if err := connected(ctx, d.env, d.f.b.program("deskbell"), tray); err != nil {
		return err
	}
	var r phones.LoadResult
	err = d.f.phones.Ask("load", phones.LoadParams{
		Extensions: crowdSize, Rate: eventRate, MS: d.f.length().Milliseconds(),
		Probe: &phones.Probe{Extension: phones.ProbeExtension, EveryMS: probeEvery.Milliseconds(), RingMS: probeRings.Milliseconds(), First: d.f.rings},
	}, &r)
	if err != nil {
		return err
	}
	d.f.rings += len(r.Probes)
	shown, err := toasts(d.notices, r.Probes, probeRings)
	if err != nil {
		return err
	}
	d.f.b.book.add(spec{
		name: "toast_loaded_p99", unit: "ms", rule: "≤ 10 ms",
		note: fmt.Sprintf("from the telephone system's time stamp before it writes the event to Notify seen on the bus, beside 10,000 users with 2,000 events/s; "+
			"%d calls in the last round, %d not shown before they were over, p50 %.2g ms; load, server, clients and desktop share this machine's processors",
			len(shown.took), shown.unseen, ms(quantile(shown.took, 0.5))),
	}, within(ms(quantile(shown.took, 0.99)), 0, 10))
	return nil
}

// How a probe rings: long enough to be shown, and seldom enough that a notification daemon keeps up.
const (
	probeEvery = 160 * time.Millisecond
	probeRings = 120 * time.Millisecond
)

// shownIn is what became of a probe's rings.
type shownIn struct {
	took   []time.Duration
	unseen int // not shown before the call was over; counted in took as the whole time it rang
}

// toasts gives the time from each ring to its first notification, which is known by the caller's number.
func toasts(notices *desktoptest.NoticeRecorder, rings []phones.Ring, rang time.Duration) (shownIn, error) {
	first := map[string]time.Time{}
	for _, n := range notices.Calls() {
		if n.Member != "Notify" {
			continue
		}
		if of := digits(n.Title + n.Body); of != "" && first[of].IsZero() {
			first[of] = n.At
		}
	}
	var s shownIn
	for _, r := range rings {
		at, shown := first["0"+r.Caller[len("+49"):]]
		if !shown {
			s.unseen++
			s.took = append(s.took, rang)
			continue
		}
		s.took = append(s.took, time.Duration(at.UnixNano()-r.Nanos))
	}
	if s.unseen == len(rings) {
		return s, errors.New("no call was shown at all")
	}
	return s, nil
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
}

// connected waits until a tray says that it is.
func connected(ctx context.Context, env []string, program string, tray *stage.Process) error {
	return until(ctx, func() error {
		out, err := stage.Output(ctx, env, program, "status", "--json")
		if err == nil && !strings.Contains(out, `"link":"up"`) && !strings.Contains(out, `"link": "up"`) {
			err = fmt.Errorf("the tray is not connected: %s", out)
		}
		select {
		case <-tray.Gone():
			return errors.Join(errEnded, err)
		default:
			return err
		}
	})
}

// writeHome makes a tray's own folder, as if the agent had accepted an invitation there.
func writeHome(root, settings, server string, a agent) error {
	h, err := home.Open(func(name string) string {
		if name == "DESKBELL_HOME" {
			return root
		}
		return ""
	})
	if err != nil {
		return err
	}
	account := desk.Account{Server: server, ServerName: "Bench", User: a.id, Name: "Agent " + a.extension, Device: "bench"}
	if err := errors.Join(h.SaveAccount(account), h.SaveToken(a.token)); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(root, "settings.toml"), []byte(settings), 0o600); err != nil {
		return fmt.Errorf("write the tray's settings: %w", err)
	}
	return nil
}
