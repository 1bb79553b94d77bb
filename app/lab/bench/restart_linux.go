package bench

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"deskbell/app/csta"
	"deskbell/app/lab/bench/floor"
	"deskbell/app/lab/bench/part"
	"deskbell/app/lab/bench/phones"
)

// restart is the measurement of five thousand trays whose server is killed.
type restart struct {
	b          *bench
	agents     []agent
	phones     *part.Part
	server     *server
	own        *trays
	floor      *part.Part
	floorAt    string
	floorTrays *trays
}

const trayCount = 5000

// cast are the phones at which something happens around a kill, in groups of this size; the other trays only come back.
const cast = 40

// scene is what one group's phones do before the kill, in the dark, and after all trays are back, and what their trays must
// show then: how many calls, and how many pages opened at most.
type scene struct {
	name             string
	before, dark, at []string
	calls            int
	mayPop           int
}

var scenes = []scene{
	{name: "rings on", before: []string{"ring"}, calls: 1},
	{name: "talks on", before: []string{"ring", "answer"}, calls: 1, mayPop: 1},
	{name: "talk ends in the dark", before: []string{"ring", "answer"}, dark: []string{"hangup"}, mayPop: 1},
	{name: "ring ends in the dark", before: []string{"ring"}, dark: []string{"hangup"}},
	{name: "answered in the dark", before: []string{"ring"}, dark: []string{"answer"}, calls: 1, mayPop: 1},
	{name: "rings after the restart", at: []string{"ring"}, calls: 1},
	{name: "rings and is answered after the restart", at: []string{"ring", "answer"}, calls: 1, mayPop: 1},
}

func (b *bench) restartGroup() group {
	r := &restart{b: b}
	return group{
		name: "restart", rows: []string{"restart_time", "restart_lost", "restart_doubled", "restart_ghosts", "restart_double_pops"},
		open: r.open, do: r.round, shut: r.shut,
	}
}

func (r *restart) open(ctx context.Context) (err error) {
	for i := range trayCount {
		ext := phones.Extension(i)
		r.agents = append(r.agents, agent{id: "u" + ext, extension: ext, token: ext})
	}
	var ready phones.Ready
	if r.phones, err = r.b.part(&ready, partPhones); err != nil {
		return err
	}
	r.server, err = newServer(ctx, serverOptions{
		program: r.b.program("deskbelld"), dir: filepath.Join(r.b.dir, "restart"), phones: ready, agents: r.agents, contacts: callers / 2,
		page: "http://127.0.0.1/customers/{digits}",
	})
	if err != nil {
		return err
	}
	if err := r.server.start(ctx); err != nil {
		return err
	}
	if r.own, err = openTrays(ctx, r.server.address, r.agents); err != nil {
		return err
	}
	var at floor.Ready
	if r.floor, err = r.b.part(&at, partFloor); err != nil {
		return err
	}
	r.floorAt = at.Address
	r.floorTrays, err = openTrays(ctx, r.floorAt, r.agents)
	return err
}

func (r *restart) shut() error {
	for _, ts := range []*trays{r.own, r.floorTrays} {
		if ts != nil {
			ts.close()
		}
	}
	var errs []error
	if r.server != nil {
		errs = append(errs, r.server.stop())
	}
	for _, p := range []*part.Part{r.floor, r.phones} {
		if p != nil {
			errs = append(errs, p.Close())
		}
	}
	return errors.Join(errs...)
}

func (r *restart) round(ctx context.Context, round int) error {
	least, err := r.floorTime(ctx)
	if err != nil {
		return fmt.Errorf("floor: %w", err)
	}
	for _, t := range r.own.list {
		t.forget()
	}
	own, wrong, err := r.ownTime(ctx, round)
	if err != nil {
		return fmt.Errorf("server: %w", err)
	}
	add := r.b.book.add
	add(spec{
		name: "restart_time", unit: "s", rule: "≤ 1.2 × floor",
		note: fmt.Sprintf("from the kill until the last of 5,000 trays has a snapshot again; the tray's own client with waits of at most 5 s, also at the floor; "+
			"%d calls at %d phones around each kill", cast*len(scenes), cast*len(scenes)),
	}, within(own.Seconds(), least.Seconds(), 1.2*least.Seconds()))
	add(spec{name: "restart_lost", unit: "calls", rule: "0", note: "calls that run, or are missing in the list although an event was heard"}, within(float64(wrong.lost), 0, 0))
	add(spec{name: "restart_doubled", unit: "calls", rule: "0"}, within(float64(wrong.doubled), 0, 0))
	add(spec{name: "restart_ghosts", unit: "calls", rule: "0", note: "calls still shown 10 s after the restart that are over"}, within(float64(wrong.ghosts), 0, 0))
	add(spec{name: "restart_double_pops", unit: "pages", rule: "0"}, within(float64(wrong.pops), 0, 0))
	return nil
}

// floorTime kills the floor and starts it anew at the same address.
func (r *restart) floorTime(ctx context.Context) (time.Duration, error) {
	r.floor.Kill()
	begun := time.Now()
	p, err := r.b.part(nil, partFloor, r.floorAt)
	if err != nil {
		return 0, err
	}
	r.floor = p
	back, err := r.floorTrays.await(ctx)
	return back.Sub(begun), err
}

// mistakes counts what must not be.
type mistakes struct{ lost, doubled, ghosts, pops int }

// ownTime kills the server amid calls, starts it anew, and looks at what the trays show.
func (r *restart) ownTime(ctx context.Context, round int) (took time.Duration, wrong mistakes, err error) {
	if err := r.play(round, func(s scene) []string { return s.before }); err != nil {
		return 0, wrong, err
	}
	if err := r.heardAll(ctx); err != nil {
		return 0, wrong, err
	}
	before := r.callsNow()
	r.server.process.Kill()
	begun := time.Now()
	if err := r.play(round, func(s scene) []string { return s.dark }); err != nil {
		return 0, wrong, err
	}
	if err := r.server.launch(); err != nil {
		return 0, wrong, err
	}
	back, err := r.own.await(ctx)
	if err != nil {
		return 0, wrong, err
	}
	if err := r.streaming(ctx); err != nil {
		return 0, wrong, err
	}
	if err := r.play(round, func(s scene) []string { return s.at }); err != nil {
		return 0, wrong, err
	}
	wrong = r.judge(ctx, before)
	return back.Sub(begun), wrong, r.tidy(ctx)
}

// tray gives the tray of phone i of a scene.
func (r *restart) tray(s, i int) *tray { return r.own.list[s*cast+i] }

// play lets the phones of all scenes do something.
func (r *restart) play(round int, what func(scene) []string) error {
	var acts []phones.Act
	for s := range scenes {
		for i := range cast {
			for _, do := range what(scenes[s]) {
				n := s*cast + i
				acts = append(acts, phones.Act{Do: do, Extension: phones.Extension(n), Caller: phones.Caller(round*cast*len(scenes) + n)})
			}
		}
	}
	return r.phones.Ask("act", acts, nil)
}

// callsNow is the call that each tray of the cast shows, if any.
func (r *restart) callsNow() [][]csta.CallID {
	list := make([][]csta.CallID, cast*len(scenes))
	for n := range list {
		list[n] = r.own.list[n].seen().calls
	}
	return list
}

// heardAll waits until the trays show every call that began before the kill: at least one event of each was read, stored
// and told.
func (r *restart) heardAll(ctx context.Context) error {
	return until(ctx, func() error {
		for s := range scenes {
			for i := range cast {
				if len(scenes[s].before) > 0 && len(r.tray(s, i).seen().calls) != 1 {
					return fmt.Errorf("%s: %w", scenes[s].name, errNotYet)
				}
			}
		}
		return nil
	})
}

func (r *restart) streaming(ctx context.Context) error {
	return until(ctx, func() error {
		var n int
		if err := r.phones.Ask("streams", nil, &n); err != nil {
			return errors.Join(errEnded, err)
		}
		if n == 0 {
			return errNotYet
		}
		return nil
	})
}

// judge looks at the trays until nothing is wrong, for ten seconds at most; what is wrong then stays so.
func (r *restart) judge(ctx context.Context, before [][]csta.CallID) mistakes {
	limit := time.Now().Add(10 * time.Second)
	for {
		m := r.look(before)
		if m == (mistakes{}) || time.Now().After(limit) || ctx.Err() != nil {
			return m
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (r *restart) look(before [][]csta.CallID) (m mistakes) {
	for s := range scenes {
		for i := range cast {
			now := r.tray(s, i).seen()
			switch shown := len(now.calls); {
			case shown < scenes[s].calls:
				m.lost++
			case shown > scenes[s].calls && scenes[s].calls == 0:
				m.ghosts++
			case shown > scenes[s].calls:
				m.doubled++
			}
			m.pops += max(0, now.opened-scenes[s].mayPop)
		}
	}
	for _, t := range r.own.list[cast*len(scenes):] {
		now := t.seen()
		m.ghosts += len(now.calls)
		m.pops += now.opened
	}
	for n, ids := range before {
		for _, id := range ids {
			if !r.own.list[n].lists(id) {
				m.lost++
			}
		}
	}
	return m
}

// tidy ends all calls and waits until no tray shows one.
func (r *restart) tidy(ctx context.Context) error {
	var acts []phones.Act
	for s := range scenes {
		for i := range cast {
			if scenes[s].calls > 0 {
				acts = append(acts, phones.Act{Do: "hangup", Extension: phones.Extension(s*cast + i)})
			}
		}
	}
	if err := r.phones.Ask("act", acts, nil); err != nil {
		return err
	}
	return until(ctx, func() error {
		for n := range cast * len(scenes) {
			if len(r.own.list[n].seen().calls) > 0 {
				return errNotYet
			}
		}
		return nil
	})
}
