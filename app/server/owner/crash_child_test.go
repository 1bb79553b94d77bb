package owner_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"deskbell/app/csta"
	"deskbell/app/journal"
	"deskbell/app/number"
	"deskbell/app/pbx"
	"deskbell/app/server/eventlog"
	"deskbell/app/server/owner"
)

// The test binary is also the process that is killed: it then runs log, journal and owner against the test's telephone system.
const (
	envURL   = "DESKBELL_CRASH_URL"
	envDir   = "DESKBELL_CRASH_DIR"
	envPoint = "DESKBELL_CRASH_POINT" // where it kills itself
	envCount = "DESKBELL_CRASH_COUNT" // at which passing of that point
)

func TestMain(m *testing.M) {
	if url := os.Getenv(envURL); url != "" {
		if err := child(url, os.Getenv(envDir)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// killer ends the process when a point was passed often enough.
type killer struct {
	point string
	left  atomic.Int64
}

func newKiller() *killer {
	k := &killer{point: os.Getenv(envPoint)}
	n := 1
	if _, err := fmt.Sscan(os.Getenv(envCount), &n); err != nil {
		n = 1
	}
	k.left.Store(int64(n))
	return k
}

func (k *killer) pass(point string) {
	if point == k.point && k.left.Add(-1) == 0 {
		if p, err := os.FindProcess(os.Getpid()); err == nil {
			_ = p.Signal(syscall.SIGKILL) // nothing is left to tell it to
		}
		select {} // the signal is on its way; nothing more may happen
	}
}

// child is the server's heart: what it read and told goes to standard output, the list at the end too.
func child(url, dir string) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	kill := newKiller()
	log, err := eventlog.Open(ctx, filepath.Join(dir, "log.db"), eventlog.Options{Logger: logger, Hook: func(p eventlog.Point) { kill.pass(string(p)) }})
	if err != nil {
		return err
	}
	list, err := journal.Open(ctx, filepath.Join(dir, "journal.db"), log, journal.Options{Logger: logger})
	if err != nil {
		return err
	}
	restore, err := log.Restore(ctx, "default", "pbx")
	if err != nil {
		return err
	}
	if err := list.CatchUp(ctx, "default", "pbx"); err != nil {
		return err
	}
	var o *owner.Owner
	o, err = owner.New(owner.Params{
		Tenant: "default", System: "pbx", Connector: &httpConnector{url: url}, Plan: e164Plan{}, Log: log, Logger: logger,
		Epoch: uuid.Must(uuid.NewV7()).String(), Restore: restore,
		Publish: func(u owner.Update) {
			if u.Call != nil && !u.Unstored { // told without being stored is what a slow disk may cost
				say("told", string(u.Call.Legs[0].Far.Number.E164))
				passState(kill, u)
			}
			list.Take(u)
		},
	})
	if err != nil {
		return err
	}
	o.SetDevices(crashDevices)
	ended := make(chan error, 1)
	go func() { ended <- o.Run(ctx) }()
	if !bufio.NewScanner(os.Stdin).Scan() { // the test says when to come to an end
		return errors.New("the test is gone")
	}
	live := settle(o)
	cancel()
	err = errors.Join(<-ended, list.Flush(context.Background()))
	return errors.Join(err, report(list, live), list.Close(), log.Close())
}

func passState(kill *killer, u owner.Update) {
	for _, l := range u.Call.Legs {
		if l.Live() && l.State == csta.Alerting {
			kill.pass("ringing")
		}
		if l.Live() && l.State == csta.Connected {
			kill.pass("talking")
		}
	}
}

// settle waits until no call lives, as it should ten seconds after the link is back, and says how many are left.
func settle(o *owner.Owner) int {
	for range 100 {
		if live(o.View()) == 0 {
			return 0
		}
		time.Sleep(100 * time.Millisecond)
	}
	return live(o.View())
}

func live(v owner.View) int {
	n := 0
	for _, c := range v.Calls {
		if c.Live() {
			n++
		}
	}
	return n
}

// dump is what the child knows at the end.
type dump struct {
	Live    int
	Entries []journal.Entry
	Gaps    []owner.Gap
}

func report(list *journal.Journal, live int) error {
	t := list.Tenant("default")
	d := dump{Live: live}
	var devices []journal.Device
	for _, id := range crashDevices {
		devices = append(devices, journal.Device{System: "pbx", Device: id})
	}
	for before, more := (time.Time{}), true; more; {
		var page []journal.Entry
		var err error
		if page, more, err = t.Entries(context.Background(), "anna", devices, before, 200); err != nil {
			return err
		}
		d.Entries = append(d.Entries, page...)
		if len(page) > 0 {
			before = page[len(page)-1].At
		}
	}
	var err error
	if d.Gaps, err = t.Gaps(context.Background(), "pbx", time.Time{}); err != nil {
		return err
	}
	data, err := json.Marshal(d)
	if err != nil {
		return err
	}
	say("list", string(data))
	return nil
}

// say writes one line at once: what was said is not lost with the process.
func say(what, text string) {
	_, _ = os.Stdout.WriteString(what + " " + text + "\n") // the test is gone then
}

var crashDevices = []csta.DeviceID{"101", "102", "103", "104"}

// wireLeg is one event of the test's telephone system.
type wireLeg struct {
	Call, Number string
	Device       csta.DeviceID
	State        csta.State
	Cause        csta.Cause
}

// httpConnector reads a stream of events, and asks for the state of lines; there is no snapshot of calls.
type httpConnector struct{ url string }

func (*httpConnector) MonitorStart(csta.DeviceID) error     { return nil }
func (*httpConnector) MonitorStop(csta.DeviceID) error      { return nil }
func (*httpConnector) Services(csta.DeviceID) csta.Services { return csta.Of(csta.SnapshotDevice) }

func (c *httpConnector) Run(ctx context.Context, sink pbx.Sink) error {
	var heard time.Time
	for ctx.Err() == nil {
		heard = c.listen(ctx, sink, heard)
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	return nil
}

func (c *httpConnector) get(ctx context.Context, path string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+path, nil)
	if err != nil {
		return nil, err
	}
	return http.DefaultClient.Do(r)
}

func (c *httpConnector) listen(ctx context.Context, sink pbx.Sink, heard time.Time) time.Time {
	res, err := c.get(ctx, "/stream")
	if err != nil {
		return heard
	}
	defer res.Body.Close() // read only
	sink.Tell(pbx.LinkUp{HeardUntil: heard, At: time.Now()})
	for _, d := range crashDevices {
		if s, err := c.Snapshot(ctx, d); err == nil {
			sink.Tell(pbx.SnapshotTaken{Snapshot: s})
		}
	}
	for dec := json.NewDecoder(res.Body); ; {
		var e wireLeg
		if err := dec.Decode(&e); err != nil {
			sink.Tell(pbx.LinkDown{HeardUntil: heard})
			return heard
		}
		heard = time.Now()
		say("read", e.Number)
		sink.Tell(pbx.LegChanged{Stamp: pbx.Stamp{Received: heard}, Leg: pbx.Leg{
			Key: pbx.LegKey{Call: e.Call, Device: e.Device}, State: e.State, Direction: csta.Incoming, Far: pbx.Party{Number: e.Number}, Cause: e.Cause,
		}})
	}
}

func (c *httpConnector) Snapshot(ctx context.Context, d csta.DeviceID) (pbx.Snapshot, error) {
	s := pbx.Snapshot{Device: d, Proof: pbx.ProofLine, Since: time.Now()}
	res, err := c.get(ctx, "/line?device="+string(d))
	if err != nil {
		return s, err
	}
	defer res.Body.Close() // read only
	return s, json.NewDecoder(res.Body).Decode(&s.Line)
}

type e164Plan struct{}

func (e164Plan) Normalize(raw string, _ pbx.Scope) number.Party {
	e, err := number.Parse(raw)
	if err != nil {
		return number.Party{Raw: raw}
	}
	return number.Party{Raw: raw, E164: e, Kind: number.External}
}
