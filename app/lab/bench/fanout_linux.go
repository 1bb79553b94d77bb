package bench

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"deskbell/app/lab/bench/floor"
	"deskbell/app/lab/bench/part"
	"deskbell/app/lab/bench/phones"
	"deskbell/app/lab/load"
)

// fanOut is the measurement of ten thousand users: server and floor in turn, with the same crowd.
type fanOut struct {
	b      *bench
	agents []agent
	phones *part.Part
	server *server
	post   *part.Part
	desk   *loadedDesk
	rings  int // probes made so far
}

func (b *bench) crowdGroup() group {
	f := &fanOut{b: b}
	return group{
		name: "crowd",
		rows: []string{"fanout_p50", "fanout_p99", "fanout_cpu", "idle_memory", "toast_loaded_p99"},
		open: f.open, do: f.round, shut: f.shut,
	}
}

func (f *fanOut) open(ctx context.Context) (err error) {
	for i := range crowdSize {
		ext := phones.Extension(i)
		f.agents = append(f.agents, agent{id: "u" + ext, extension: ext, token: ext})
	}
	var ready phones.Ready
	if f.phones, err = f.b.part(&ready, partPhones); err != nil {
		return err
	}
	if f.post, err = f.b.part(nil, partFloorLoad); err != nil {
		return err
	}
	probe := agent{id: "probe", extension: phones.ProbeExtension, token: "probe"}
	f.server, err = newServer(ctx, serverOptions{
		program: f.b.program("deskbelld"), dir: filepath.Join(f.b.dir, "crowd"), phones: ready, agents: append(f.agents, probe), contacts: callers / 2,
	})
	if err != nil {
		return err
	}
	f.desk, err = openLoadedDesk(ctx, f)
	return err
}

// part starts one of this program's own parts.
func (b *bench) part(ready any, name string, args ...string) (*part.Part, error) {
	return part.Start(environment(), ready, b.Self, append([]string{"bench", "part", name}, args...)...)
}

func (f *fanOut) shut() error {
	var errs []error
	if f.desk != nil {
		errs = append(errs, f.desk.close())
	}
	if f.server != nil {
		errs = append(errs, f.server.stop())
	}
	for _, p := range []*part.Part{f.phones, f.post} {
		if p != nil {
			errs = append(errs, p.Close())
		}
	}
	return errors.Join(errs...)
}

// taken is what one side of a round showed.
type taken struct {
	idle           float64 // KiB a connection
	p50, p99       time.Duration
	cpu            float64 // milliseconds a thousand events
	missing, extra int
	behind         float64 // milliseconds that the load was late at most
}

func (f *fanOut) round(ctx context.Context, _ int) error {
	least, err := f.floorRound(ctx)
	if err != nil {
		return fmt.Errorf("floor: %w", err)
	}
	own, err := f.ownRound(ctx)
	if err != nil {
		return fmt.Errorf("server: %w", err)
	}
	alone, err := logAlone(ctx, f.b.dir, f.b.span(3*time.Second))
	if err != nil {
		return fmt.Errorf("log: %w", err)
	}
	if least.missing+least.extra+own.missing+own.extra > 0 {
		return fmt.Errorf("events were lost or doubled: floor %d and %d, server %d and %d", least.missing, least.extra, own.missing, own.extra)
	}
	f.report(own, least, alone)
	return nil
}

func (f *fanOut) report(own, least taken, alone commits) {
	note := fmt.Sprintf("10,000 users, 2,000 events/s, from the load tool's time stamp to the client; log alone in the last round: p50 %.2g ms, p99 %.2g ms; "+
		"load late by at most %.0f ms (floor's %.0f ms)", ms(alone.p50), ms(alone.p99), own.behind, least.behind)
	add := f.b.book.add
	add(spec{name: "fanout_p50", unit: "ms", rule: "≤ floor + 1.2 × log alone", note: note},
		within(ms(own.p50), ms(least.p50), ms(least.p50)+1.2*ms(alone.p50)))
	add(spec{name: "fanout_p99", unit: "ms", rule: "≤ 3 × floor + log alone's p99"},
		within(ms(own.p99), ms(least.p99), 3*ms(least.p99)+ms(alone.p99)))
	add(spec{name: "fanout_cpu", unit: "ms/1000", rule: "≤ 2.8 × floor", note: "processor time of the server for 1,000 events"},
		within(own.cpu, least.cpu, 2.8*least.cpu))
	add(spec{name: "idle_memory", unit: "KiB", rule: "≤ 12 KiB", note: "resident memory of the server for one idle connection, out of 10,000; floor: gorilla as it comes"},
		within(own.idle, least.idle, 12))
}

// floorRound measures the floor, started anew.
func (f *fanOut) floorRound(ctx context.Context) (t taken, err error) {
	var ready floor.Ready
	p, err := f.b.part(&ready, partFloor)
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	stamps := filepath.Join(f.b.dir, "stamps-floor")
	return f.side(ctx, ready.Address, p.PID(), stamps, func() (float64, error) {
		var r floor.LoadResult
		err := f.post.Ask("load", floor.LoadParams{
			Address: ready.Address, Users: crowdSize, Rate: eventRate, MS: f.length().Milliseconds(), Stamps: stamps,
		}, &r)
		return r.BehindMS, err
	}, nil)
}

func (f *fanOut) length() time.Duration { return f.b.span(7 * time.Second) }

// ownRound measures the server, started anew.
func (f *fanOut) ownRound(ctx context.Context) (t taken, err error) {
	if err := f.server.start(ctx); err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, f.server.stop()) }()
	if err := f.streaming(ctx); err != nil {
		return t, err
	}
	stamps := filepath.Join(f.b.dir, "stamps")
	return f.side(ctx, f.server.address, f.server.process.PID(), stamps, func() (float64, error) {
		var r phones.LoadResult
		err := f.phones.Ask("load", phones.LoadParams{
			Extensions: crowdSize, Rate: eventRate, MS: f.length().Milliseconds(), Stamps: stamps,
		}, &r)
		return r.Summary.Behind, err
	}, func() error { return f.desk.round(ctx) })
}

// streaming waits until the server reads the telephone system's events.
func (f *fanOut) streaming(ctx context.Context) error {
	return until(ctx, func() error {
		var n int
		if err := f.phones.Ask("streams", nil, &n); err != nil {
			return errors.Join(errEnded, err)
		}
		if n == 0 {
			return errors.New("the server does not listen to the telephone system")
		}
		return nil
	})
}

// settle is how long both sides may tidy up after their start, and after ten thousand handshakes, before their memory is read.
const settle = 3500 * time.Millisecond

// side connects the crowd to one side and measures: memory while all are idle, then delays and processor time under load.
// more, if set, is done with the crowd still there.
func (f *fanOut) side(ctx context.Context, address string, pid int, stamps string, drive func() (float64, error), more func() error) (t taken, err error) {
	time.Sleep(settle)
	before, err := resident(pid)
	if err != nil {
		return t, err
	}
	c, err := gather(ctx, address, f.agents)
	if err != nil {
		return t, err
	}
	defer c.leave()
	time.Sleep(settle)
	after, err := resident(pid)
	if err != nil {
		return t, err
	}
	t.idle = float64(after-before) / 1024 / crowdSize
	cpu, err := cpuTime(pid)
	if err != nil {
		return t, err
	}
	if t.behind, err = drive(); err != nil {
		return t, err
	}
	events, err := readStamps(stamps)
	if err != nil {
		return t, err
	}
	c.await(len(events))
	until := time.Now().UnixNano()
	used, err := cpuTime(pid)
	if err != nil {
		return t, err
	}
	t.cpu = ms(used-cpu) / float64(len(events)) * 1000
	if more != nil {
		if err := more(); err != nil {
			return t, err
		}
	}
	c.leave()
	if n := c.lost.Load(); n > 0 {
		return t, fmt.Errorf("%d connections were lost", n)
	}
	t.delays(events, f.length(), c, until)
	return t, nil
}

// delays computes how long each event took to its seat. At its end the load tool ends all calls at once: that burst must
// arrive, but its delays are not those of a steady rate.
func (t *taken) delays(events []stamp, steady time.Duration, c *crowd, until int64) {
	var took []time.Duration
	took, t.missing, t.extra = delays(events, steady, func(yield func(int, heard)) {
		for i, s := range c.seats {
			for _, h := range s.heard {
				if h.nanos <= until {
					yield(load.FirstExtension+i, h)
				}
			}
		}
	})
	t.p50, t.p99 = quantile(took, 0.5), quantile(took, 0.99)
}
