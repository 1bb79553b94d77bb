package bench

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/godbus/dbus/v5"

	"deskbell/app/lab/bench/part"
	"deskbell/app/lab/bench/phones"
	"deskbell/app/lab/stage"
	"deskbell/app/machine/desktoptest"
)

// quietDesk is one agent's desktop with a real tray, and a server that has nothing else to do.
type quietDesk struct {
	b       *bench
	phones  *part.Part
	server  *server
	desktop *desktoptest.Desktop
	notices *desktoptest.NoticeRecorder
	sound   *desktoptest.LevelRecorder
	conn    *dbus.Conn
	env     []string
	tray    *stage.Process
	bare    *stage.Process // the floor: a tray icon and nothing else
	rings   int
}

func (b *bench) deskGroup() group {
	d := &quietDesk{b: b}
	return group{
		name: "desk",
		rows: []string{
			"tray_start", "toast_p99", "toast_rested", "tone_start", "tone_stop", "tray_idle_memory", "tray_idle_cpu", "tray_idle_wakes",
			"tray_day_memory", "tray_day_cpu", "tray_day_wakes",
		},
		open: d.open, do: d.round, shut: d.shut,
	}
}

func (d *quietDesk) open(ctx context.Context) (err error) {
	full := desktoptest.Full()
	full.Log = d.b.Logger
	if d.desktop, err = desktoptest.Start(ctx, full); err != nil {
		return err
	}
	if d.sound, err = d.desktop.RecordLevel(ctx, desktoptest.Desk); err != nil {
		return err
	}
	if d.notices, err = d.desktop.RecordNotices(ctx); err != nil {
		return err
	}
	if d.conn, err = d.desktop.Connect(ctx); err != nil {
		return err
	}
	var ready phones.Ready
	if d.phones, err = d.b.part(&ready, partPhones); err != nil {
		return err
	}
	who := agent{id: "anna", extension: phones.ProbeExtension, token: "anna"}
	d.server, err = newServer(ctx, serverOptions{
		program: d.b.program("deskbelld"), dir: filepath.Join(d.b.dir, "desk"), phones: ready, agents: []agent{who}, contacts: callers / 2,
	})
	if err != nil {
		return err
	}
	if err := d.server.start(ctx); err != nil {
		return err
	}
	root := filepath.Join(d.b.dir, "h2")
	d.env = trayEnvironment(d.desktop, root)
	return writeHome(root, "volume = 70\n", "http://"+d.server.address, who)
}

func (d *quietDesk) shut() error {
	var errs []error
	errs = append(errs, d.end())
	if d.server != nil {
		errs = append(errs, d.server.stop())
	}
	if d.phones != nil {
		errs = append(errs, d.phones.Close())
	}
	if d.conn != nil {
		errs = append(errs, d.conn.Close())
	}
	if d.notices != nil {
		d.notices.Close()
	}
	if d.sound != nil {
		d.sound.Close()
	}
	if d.desktop != nil {
		errs = append(errs, d.desktop.Close())
	}
	return errors.Join(errs...)
}

// round starts the tray anew, lets it take calls, listens to its tone, and then leaves it alone.
func (d *quietDesk) round(ctx context.Context, round int) error {
	steps := []func(context.Context) error{d.starts, d.toasts, d.tones, d.rest}
	if round == 0 {
		steps = append(steps, d.day)
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// started starts a program and gives the time until its icon is registered with the desktop's tray.
func (d *quietDesk) started(ctx context.Context, program, log string) (*stage.Process, time.Duration, error) {
	signals := make(chan *dbus.Signal, 16)
	d.conn.Signal(signals)
	defer d.conn.RemoveSignal(signals)
	rule := []dbus.MatchOption{dbus.WithMatchInterface("org.kde.StatusNotifierWatcher"), dbus.WithMatchMember("StatusNotifierItemRegistered")}
	if err := d.conn.AddMatchSignalContext(ctx, rule...); err != nil {
		return nil, 0, fmt.Errorf("listen to the tray: %w", err)
	}
	defer func() { _ = d.conn.RemoveMatchSignal(rule...) }() // it ends with the connection anyway
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	begun := time.Now()
	p, err := stage.Start(filepath.Join(d.b.dir, log), d.env, d.b.program(program))
	if err != nil {
		return nil, 0, err
	}
	for {
		select {
		case s := <-signals:
			if s.Name == "org.kde.StatusNotifierWatcher.StatusNotifierItemRegistered" {
				return p, time.Since(begun), nil
			}
		case <-p.Gone():
			return nil, 0, fmt.Errorf("%s ended: see %s", program, log)
		case <-ctx.Done():
			return nil, 0, errors.Join(fmt.Errorf("%s shows no icon: %w", program, ctx.Err()), p.Stop())
		}
	}
}

// end ends both programs, if they run.
func (d *quietDesk) end() error {
	if d.bare != nil {
		d.bare.Kill()
		d.bare = nil
	}
	if d.tray == nil {
		return nil
	}
	p := d.tray
	d.tray = nil
	return p.Stop()
}

const startsARound = 5

// starts measures how long the icon takes to be there, several times, floor and product in turn.
func (d *quietDesk) starts(ctx context.Context) error {
	var own, least []time.Duration
	for range startsARound {
		if err := d.end(); err != nil {
			return err
		}
		for _, side := range []struct {
			process       **stage.Process
			took          *[]time.Duration
			program, file string
		}{{&d.bare, &least, "baretray", "bare.log"}, {&d.tray, &own, "deskbell", "tray.log"}} {
			p, took, err := d.started(ctx, side.program, side.file)
			if err != nil {
				return err
			}
			*side.process = p
			*side.took = append(*side.took, took)
		}
		if err := connected(ctx, d.env, d.b.program("deskbell"), d.tray); err != nil {
			return err
		}
	}
	d.b.book.add(spec{
		name: "tray_start", unit: "ms", rule: "≤ 50 ms",
		note: fmt.Sprintf("from starting the program until the desktop's tray says that the icon is registered, median of %d starts a round; floor: a bare systray process", startsARound),
	}, within(ms(quantile(own, 0.5)), ms(quantile(least, 0.5)), 50))
	return nil
}

// toasts measures from the telephone system to the notification. The floor is the same message sent by this process.
func (d *quietDesk) toasts(ctx context.Context) error {
	least, err := d.bareToasts(ctx, 50)
	if err != nil {
		return err
	}
	shown, err := d.ringing(d.b.span(8 * time.Second))
	if err != nil {
		return err
	}
	d.b.book.add(spec{
		name: "toast_p99", unit: "ms", rule: "≤ 5 ms",
		note: fmt.Sprintf("from the telephone system's time stamp before it writes the event to Notify seen on the bus; %d calls in the last round, %d not shown before they were over, "+
			"p50 %.2g ms; floor: a bare Notify call until it is seen", len(shown.took), shown.unseen, ms(quantile(shown.took, 0.5))),
	}, within(ms(quantile(shown.took, 0.99)), ms(quantile(least, 0.99)), 5))
	return nil
}

// bareToasts sends notifications of its own and gives the time until each is seen on the bus.
func (d *quietDesk) bareToasts(ctx context.Context, n int) ([]time.Duration, error) {
	object := d.conn.Object("org.freedesktop.Notifications", "/org/freedesktop/Notifications")
	var took []time.Duration
	for range n {
		d.rings++
		title := fmt.Sprintf("Bench %d", d.rings)
		begun := time.Now()
		var id uint32
		err := object.CallWithContext(ctx, "org.freedesktop.Notifications.Notify", 0, "Bench", uint32(0), "", title, "", []string{},
			map[string]dbus.Variant{"urgency": dbus.MakeVariant(byte(0))}, int32(1000)).Store(&id)
		if err != nil {
			return nil, fmt.Errorf("notify: %w", err)
		}
		seen, err := d.notices.Await(ctx, func(c desktoptest.NoticeCall) bool { return c.Member == "Notify" && c.Title == title })
		if err != nil {
			return nil, err
		}
		took = append(took, seen.At.Sub(begun))
		if err := object.CallWithContext(ctx, "org.freedesktop.Notifications.CloseNotification", 0, id).Err; err != nil {
			return nil, fmt.Errorf("close a notification: %w", err)
		}
	}
	return took, nil
}

const tonesARound = 5

// tones measures when the ring tone is heard after the event, and when it was last heard after the answer. Blocks of the
// recording are 10 ms long, and a tone counts from the end of its first block on.
func (d *quietDesk) tones(ctx context.Context) error {
	var starts, stops []time.Duration
	for range tonesARound {
		start, stop, err := d.tone(ctx)
		if err != nil {
			return err
		}
		starts, stops = append(starts, start), append(stops, stop)
	}
	note := fmt.Sprintf("at the sound server's silent output, from the telephone system's time stamp; the slowest of %d tones a round", tonesARound)
	d.b.book.add(spec{name: "tone_start", unit: "ms", rule: "≤ 60 ms", note: note}, within(ms(quantile(starts, 1)), 0, 60))
	d.b.book.add(spec{name: "tone_stop", unit: "ms", rule: "≤ 30 ms"}, within(ms(quantile(stops, 1)), 0, 30))
	return nil
}

func (d *quietDesk) act(do string) (time.Time, error) {
	at := time.Now()
	a := phones.Act{Do: do, Extension: phones.ProbeExtension}
	if do == "ring" {
		a.Caller = phones.Caller(d.rings)
		d.rings++
	}
	return at, d.phones.Ask("act", []phones.Act{a}, nil)
}

func (d *quietDesk) tone(ctx context.Context) (start, stop time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	rang, err := d.act("ring")
	if err != nil {
		return 0, 0, err
	}
	heard, err := d.sound.AwaitSound(ctx, rang)
	if err != nil {
		return 0, 0, fmt.Errorf("no tone: %w", err)
	}
	// The built-in tone sounds for a good while before its first pause; the answer must fall into the sound.
	time.Sleep(100 * time.Millisecond)
	answered, err := d.act("answer")
	if err != nil {
		return 0, 0, err
	}
	last, err := d.sound.AwaitSilence(ctx, answered, 1500*time.Millisecond)
	if err != nil {
		return 0, 0, fmt.Errorf("the tone goes on: %w", err)
	}
	if _, err := d.act("hangup"); err != nil {
		return 0, 0, err
	}
	return heard.Sub(rang), last.Sub(answered), nil
}

// calm is how long the tray gets to be at rest.
const calm = 6 * time.Second

// rest measures the tray that has nothing to do, and beside it the bare one.
func (d *quietDesk) rest(_ context.Context) error {
	time.Sleep(calm)
	length := d.b.span(30 * time.Second)
	own, least, err := d.during(length, length)
	if err != nil {
		return err
	}
	add := d.b.book.add
	add(spec{name: "tray_idle_memory", unit: "MiB", rule: "≤ 20 MiB", note: "resident, connected, icon shown; floor: a bare systray process"}, within(own.mib, least.mib, 20))
	add(spec{name: "tray_idle_cpu", unit: "%", rule: "≤ 0.1 %", note: "of one processor, over 30 s"}, within(own.percent, least.percent, 0.1))
	add(spec{name: "tray_idle_wakes", unit: "1/s", rule: "≤ 5/s", note: "voluntary switches of all threads, over 30 s"}, within(own.wakes, least.wakes, 5))
	return d.rested()
}

// rested rings once at a tray that has given its memory back: that is how most calls of a day find it.
func (d *quietDesk) rested() error {
	shown, err := d.ringing(time.Millisecond)
	if err != nil {
		return err
	}
	d.b.book.add(spec{name: "toast_rested", unit: "ms", rule: "≤ 5 ms", note: "as toast_p99, one call a round, after the tray had nothing to do for half a minute"},
		within(ms(shown.took[0]), 0, 5))
	return nil
}

// ringing rings the agent's phone for a time, and tells what became of it.
func (d *quietDesk) ringing(length time.Duration) (shownIn, error) {
	var r phones.LoadResult
	err := d.phones.Ask("load", phones.LoadParams{
		MS:    length.Milliseconds(),
		Probe: &phones.Probe{Extension: phones.ProbeExtension, EveryMS: probeEvery.Milliseconds(), RingMS: probeRings.Milliseconds(), First: d.rings},
	}, &r)
	if err != nil {
		return shownIn{}, err
	}
	d.rings += len(r.Probes)
	return toasts(d.notices, r.Probes, probeRings)
}

// drain is what a process takes.
type drain struct {
	mib     float64 // resident at the end
	percent float64 // of one processor
	wakes   float64 // a second
}

// lookEvery is how often the threads of a busy program are counted; an idle one has no threads that come and go.
const lookEvery = 20 * time.Millisecond

// during measures both programs while nothing is done for a time.
func (d *quietDesk) during(length, look time.Duration) (own, least drain, err error) {
	ours, err := newWatch(d.tray.PID())
	if err != nil {
		return own, least, err
	}
	bare, err := newWatch(d.bare.PID())
	if err != nil {
		return own, least, err
	}
	for end := time.Now().Add(length); time.Now().Before(end); {
		time.Sleep(min(look, time.Until(end)))
		if err := ours.look(); err != nil {
			return own, least, err
		}
	}
	if own, err = drained(ours); err != nil {
		return own, least, err
	}
	least, err = drained(bare)
	return own, least, err
}

func drained(w *watch) (drain, error) {
	done, err := w.end()
	span := done.span.Seconds()
	return drain{float64(done.rss) / (1 << 20), 100 * done.cpu.Seconds() / span, float64(done.wakes) / span}, err
}

// An agent's day: eight hours with sixty calls, each of which rings for eight seconds and lasts four minutes.
const (
	dayCalls = 60
	dayRing  = 8 * time.Second
	dayTalk  = 4 * time.Minute
	dayLong  = 8 * time.Hour
)

// dayStep is a part of a call as it is played. A change brings its work with it; a state takes its work for as long as it lasts.
type dayStep struct {
	act    string        // what the phone does first; "": nothing
	length time.Duration // as played
	whole  time.Duration // in a real day; 0: the step is a change
}

var daySteps = []dayStep{
	{"ring", 150 * time.Millisecond, 0}, {"", 150 * time.Millisecond, dayRing},
	{"answer", 350 * time.Millisecond, 0}, {"", 100 * time.Millisecond, dayTalk},
	{"hangup", 100 * time.Millisecond, 0},
}

// spent is what a process used in a time.
type spent struct{ mib, cpu, wakes, span float64 } // mib: memory times seconds; cpu and span in seconds

func (s *spent) add(d drain, span time.Duration) {
	sec := span.Seconds()
	s.mib, s.cpu, s.wakes, s.span = s.mib+d.mib*sec, s.cpu+d.percent/100*sec, s.wakes+d.wakes*sec, s.span+sec
}

// day plays the calls of a day fast. What each change takes counts once a call; what ringing, talking and rest take is weighed
// by the time each has in a real day.
func (d *quietDesk) day(_ context.Context) error {
	var total spent
	states := [2]spent{} // ringing, talking
	for range dayCalls {
		state := 0
		for _, s := range daySteps {
			if s.act != "" {
				if _, err := d.act(s.act); err != nil {
					return err
				}
			}
			took, _, err := d.during(s.length, lookEvery)
			if err != nil {
				return err
			}
			if s.whole == 0 {
				total.add(took, s.length)
				continue
			}
			total.add(took, s.whole)
			states[state].add(took, s.length)
			state++
		}
	}
	time.Sleep(calm)
	idle, _, err := d.during(5*time.Second, 5*time.Second)
	if err != nil {
		return err
	}
	total.add(idle, dayLong-time.Duration(total.span*float64(time.Second)))
	add := d.b.book.add
	add(spec{
		name: "tray_day_memory", unit: "MiB",
		note: fmt.Sprintf("a day of 8 h with 60 calls, 8 s of ringing and 4 min of talk each, played fast and weighed by time; ringing takes %.2g %% and %.0f wake-ups/s, "+
			"talking %.2g %% and %.1f/s, rest %.2g %% and %.1f/s", 100*states[0].cpu/states[0].span, states[0].wakes/states[0].span,
			100*states[1].cpu/states[1].span, states[1].wakes/states[1].span, idle.percent, idle.wakes),
	}, free(total.mib/total.span, 0))
	add(spec{name: "tray_day_cpu", unit: "%"}, free(100*total.cpu/total.span, 0))
	add(spec{name: "tray_day_wakes", unit: "1/s"}, free(total.wakes/total.span, 0))
	return nil
}
