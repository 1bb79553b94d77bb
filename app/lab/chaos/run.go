package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"deskbell/app/lab"
	"deskbell/app/lab/crm"
	"deskbell/app/lab/nfon"
	"deskbell/app/lab/seat"
	"deskbell/app/lab/stage"
)

// Options of a run.
type Options struct {
	Server string // the server program, built with the tag "failpoint"
	Dir    string // for the server's data, log and the lab's records
	Kills  int    // in all, spread evenly over the phases
	Seed   uint64
	// Forget deletes the server's event log and call list after each kill: a run that must not come out clean, to show that
	// the oracle sees it.
	Forget bool
	Out    io.Writer
	Logger *slog.Logger
}

// Count is the sum of one phase.
type Count struct {
	Phase                                        Phase
	Kills, Calls, Ghosts, Lost, Missing, Doubles int
	Faults                                       int
	InGap                                        int // calls rightly covered by a gap instead of the list
}

// Report is the outcome of a run.
type Report struct {
	Counts  []Count
	Pages   int      // customers' pages that were opened
	Details []string // what was wrong, a line each
}

// Clean reports whether nothing was wrong in any phase.
func (r Report) Clean() bool { return len(r.Details) == 0 }

const (
	settle    = 10 * time.Second // within which after a restart no ghost may be left
	extension = "101"
	dark      = "102" // calls of this extension happen while the server is down
)

type run struct {
	o      Options
	stage  *stage.Stage
	seat   *seat.Seat
	random *rand.Rand
	server *stage.Process
	callNo int
	calls  []Witnessed // of the present kill
	report Report
}

// Run kills the server o.Kills times and judges each time.
func Run(ctx context.Context, o Options) (Report, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if err := os.RemoveAll(o.Dir); err != nil {
		return Report{}, fmt.Errorf("chaos: %w", err)
	}
	r := &run{o: o, random: rand.New(rand.NewPCG(o.Seed, 2))}
	people := contacts(o.Kills * 8)
	st, err := stage.Open(stage.Options{
		Dir: o.Dir, Server: o.Server, Logger: o.Logger,
		Lab: lab.Options{Contacts: people, CallLog: o.Dir + "/calls.jsonl", AccessLog: o.Dir + "/crm.jsonl"},
	})
	if err != nil {
		return Report{}, err
	}
	r.stage = st
	defer func() { _ = st.Close() }()
	if err := r.open(ctx); err != nil {
		return Report{}, err
	}
	err = r.all(ctx)
	r.report.Pages = len(r.pages())
	return r.report, err
}

// contacts makes n people, each with a number and a page of its own, so that a page asked for twice is seen.
func contacts(n int) []crm.Contact {
	list := make([]crm.Contact, n)
	for i := range list {
		list[i] = crm.Contact{ID: fmt.Sprint(i), Name: fmt.Sprintf("Caller %d", i), Phones: []string{number(i)}}
	}
	return list
}

// number gives the i-th caller's number, from Berlin's range for plays and films (+49 30 23125).
func number(i int) string { return fmt.Sprintf("+493023125%04d", i) }

func (r *run) open(ctx context.Context) error {
	if _, err := r.stage.StartServer(ctx); err != nil {
		return err
	}
	token, err := r.stage.User(ctx, "anna", "Anna Huber", extension, dark)
	if err != nil {
		return err
	}
	if err := r.stage.StopServer(); err != nil {
		return err
	}
	r.seat = seat.New(seat.Options{URL: r.stage.SocketURL(), Token: token, Redial: 100 * time.Millisecond, Open: fetch, Log: r.o.Logger})
	return nil
}

// fetch opens a page as a browser would.
func fetch(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("chaos: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("chaos: %w", err)
	}
	return resp.Body.Close()
}

func (r *run) all(ctx context.Context) error {
	seatCtx, stopSeat := context.WithCancel(ctx)
	seatDone := make(chan struct{})
	go func() {
		defer close(seatDone)
		_ = r.seat.Run(seatCtx)
	}()
	defer func() { stopSeat(); <-seatDone }()

	for _, phase := range Phases() {
		count := Count{Phase: phase}
		for range max(1, r.o.Kills/len(Phases())) {
			if err := r.kill(ctx, phase, &count); err != nil {
				return fmt.Errorf("chaos: %s, kill %d: %w", phase, count.Kills+1, err)
			}
		}
		r.report.Counts = append(r.report.Counts, count)
		r.say("%-38s kills %3d  calls %4d  in a gap %3d  ghosts %d  lost %d  missing %d  double pops %d  faults %d",
			phase, count.Kills, count.Calls, count.InGap, count.Ghosts, count.Lost, count.Missing, count.Doubles, count.Faults)
	}
	return nil
}

func (r *run) say(format string, args ...any) { fmt.Fprintf(r.o.Out, format+"\n", args...) }

// kill plays one round: a server that runs, calls, the kill, a time in the dark, the restart, and the judgement.
func (r *run) kill(ctx context.Context, phase Phase, count *Count) error {
	ctx, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	r.calls = nil
	if err := r.round(ctx, phase); err != nil {
		return err
	}
	v := r.judge(ctx, count)
	count.Kills++
	count.Calls += len(r.calls)
	count.Ghosts += len(v.Ghosts)
	count.Lost += len(v.Lost)
	count.Missing += len(v.Missing)
	count.Doubles += len(v.Double)
	count.Faults += len(v.Faults)
	for _, list := range [][]string{v.Ghosts, v.Lost, v.Missing, v.Double, v.Faults} {
		for _, line := range list {
			r.report.Details = append(r.report.Details, fmt.Sprintf("%s: kill %d: %s", phase, count.Kills, line))
		}
	}
	return r.clear(ctx)
}

func (r *run) round(ctx context.Context, phase Phase) error {
	switch phase {
	case ReadNotCommitted:
		return r.atFailpoint(ctx, "event-read")
	case CommittedNotTold:
		return r.atFailpoint(ctx, "log-committed")
	case WhileRinging:
		return r.fromOutside(ctx, false)
	case WhileTalking:
		return r.fromOutside(ctx, true)
	case FirstSecond:
		return r.early(ctx)
	case ClaimedNotOpened:
		return r.atFailpoint(ctx, "pop-claimed")
	}
	return fmt.Errorf("no such phase: %q", phase)
}

// up starts the server and waits until the seat is current and both streams of the telephone system are open.
func (r *run) up(ctx context.Context, env ...string) error {
	before := r.seat.Snapshot().Snapshots
	server, err := r.stage.StartServer(ctx, env...)
	if err != nil {
		return err
	}
	r.server = server
	st, err := r.seat.Await(ctx, func(st seat.State) bool { return st.Connected && st.Snapshots > before })
	if err != nil {
		return fmt.Errorf("the seat does not come back (%s): %w", st.LastError, err)
	}
	return r.linked(ctx)
}

func (r *run) linked(ctx context.Context) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for r.stage.Lab.Phones.StreamCount("calls") == 0 {
		select {
		case <-ctx.Done():
			return fmt.Errorf("no stream to the telephone system: %w", ctx.Err())
		case <-r.server.Gone():
			return errors.New("the server ended while it was to connect")
		case <-tick.C:
		}
	}
	return nil
}

// ring starts a call from a number of its own.
func (r *run) ring(device string) (Witnessed, error) {
	w := Witnessed{Number: number(r.callNo), Began: time.Now()}
	r.callNo++
	uuid, err := r.stage.Lab.Phones.RingInbound(nfon.Caller{Number: w.Number}, device)
	w.UUID = uuid
	return w, err
}

// atFailpoint lets the server kill itself at a point inside, at a random event of a call.
func (r *run) atFailpoint(ctx context.Context, point string) error {
	pass := 1 + r.random.IntN(3)
	if point == "pop-claimed" {
		pass = 1 // each call is offered once
	}
	if err := r.up(ctx, fmt.Sprintf("DESKBELL_FAILPOINT=%s:%d", point, pass)); err != nil {
		return err
	}
	w, err := r.ring(extension)
	if err != nil {
		return err
	}
	// Only an event that was read and never stored may be unknown to the list.
	w.SurelyRead = pass > 1 || point != "event-read"
	steps := []func() error{
		func() error { return r.stage.Lab.Phones.Answer(extension) },
		func() error { return r.stage.Lab.Phones.CallerHangsUp(w.UUID) },
	}
	for _, step := range steps {
		if r.gone(ctx, time.Duration(80+r.random.IntN(250))*time.Millisecond) {
			break
		}
		if err := step(); err != nil {
			return err
		}
	}
	if !r.gone(ctx, 2*time.Second) {
		r.server.Kill() // fewer events were read than the point asked for
	}
	r.calls = append(r.calls, w)
	return r.darkness(ctx)
}

// gone waits for the server's end, at most so long.
func (r *run) gone(ctx context.Context, limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-r.server.Gone():
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

// fromOutside kills the server while a call rings or talks.
func (r *run) fromOutside(ctx context.Context, talking bool) error {
	if err := r.up(ctx); err != nil {
		return err
	}
	w, err := r.ring(extension)
	if err != nil {
		return err
	}
	state := "alerting"
	if talking {
		if err := r.stage.Lab.Phones.Answer(extension); err != nil {
			return err
		}
		state = "connected"
	}
	early := r.random.IntN(3) == 0
	if !early {
		w.SurelyRead = true
		if _, err := r.seat.Await(ctx, func(st seat.State) bool { return shows(st, w.Number, state) }); err != nil {
			return err
		}
	}
	r.gone(ctx, time.Duration(r.random.IntN(200))*time.Millisecond)
	r.server.Kill()
	r.calls = append(r.calls, w)
	return r.darkness(ctx)
}

func shows(st seat.State, number, state string) bool {
	return slices.ContainsFunc(mapValues(st.Calls), func(c seat.Call) bool { return c.Far.Number == number && c.State == state })
}

func mapValues(m map[string]seat.Call) []seat.Call {
	list := make([]seat.Call, 0, len(m))
	for _, c := range m {
		list = append(list, c)
	}
	return list
}

// early kills the server in the first second after its start, while a call runs.
func (r *run) early(ctx context.Context) error {
	if err := r.up(ctx); err != nil {
		return err
	}
	w, err := r.ring(extension)
	if err != nil {
		return err
	}
	if r.random.IntN(2) == 0 {
		if err := r.stage.Lab.Phones.Answer(extension); err != nil {
			return err
		}
	}
	if _, err := r.seat.Await(ctx, func(st seat.State) bool { return len(st.Calls) > 0 }); err != nil {
		return err
	}
	w.SurelyRead = true
	r.calls = append(r.calls, w)
	r.server.Kill()
	if r.server, err = r.stage.LaunchServer(); err != nil {
		return err
	}
	r.gone(ctx, time.Duration(r.random.IntN(1000))*time.Millisecond)
	r.server.Kill()
	return r.darkness(ctx)
}

// darkness is what happens while nobody watches: the call goes on, ends or is answered, and another comes and goes.
func (r *run) darkness(ctx context.Context) error {
	phones := r.stage.Lab.Phones
	current := &r.calls[len(r.calls)-1]
	switch r.random.IntN(3) {
	case 0:
		_ = phones.CallerHangsUp(current.UUID) // over already: nothing to do
	case 1:
		_ = phones.Answer(extension)
	}
	if r.random.IntN(2) == 0 {
		w, err := r.ring(dark)
		if err != nil {
			return err
		}
		r.gone(ctx, 30*time.Millisecond)
		if err := phones.CallerHangsUp(w.UUID); err != nil {
			return err
		}
		r.calls = append(r.calls, w)
	}
	if err := r.forget(); err != nil {
		return err
	}
	pause := time.NewTimer(time.Duration(50+r.random.IntN(250)) * time.Millisecond)
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-ctx.Done():
	}
	return r.up(ctx)
}

// forget deletes what the server stored of calls, if the run is to fail.
func (r *run) forget() error {
	if !r.o.Forget {
		return nil
	}
	files, err := filepath.Glob(filepath.Join(r.stage.DataDir(), "*"))
	if err != nil {
		return fmt.Errorf("chaos: %w", err)
	}
	for _, file := range files {
		if name := filepath.Base(file); strings.HasPrefix(name, "events.db") || strings.HasPrefix(name, "journal.db") {
			if err := os.Remove(file); err != nil {
				return fmt.Errorf("chaos: %w", err)
			}
		}
	}
	return nil
}

// clear ends all calls and the server, for the next round.
func (r *run) clear(ctx context.Context) error {
	for _, c := range r.calls {
		_ = r.stage.Lab.Phones.CallerHangsUp(c.UUID) // most are over
	}
	if st, err := r.seat.Await(ctx, func(st seat.State) bool { return len(st.Calls) == 0 }); err != nil {
		return fmt.Errorf("calls do not end: %v: %w", st.Calls, err)
	}
	r.server.Kill()
	return nil
}
