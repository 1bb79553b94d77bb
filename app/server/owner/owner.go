package owner

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"deskbell/app/csta"
	"deskbell/app/pbx"
	"deskbell/app/server/failpoint"
)

// ErrStopped is returned for commands to an owner that does not run any more. It wraps pbx.ErrDown.
var ErrStopped = fmt.Errorf("the owner has stopped: %w", pbx.ErrDown)

// Owner keeps the calls of one telephone system. One goroutine (Run) owns the state; all methods may be called by anyone.
type Owner struct {
	p       Params
	log     *slog.Logger
	core    *core // touched by the goroutine of Run alone
	out     *pipe
	mailbox chan any
	stopped chan struct{} // closed when no further message is taken
	ended   chan struct{} // closed when Run has returned
	running atomic.Bool   // calls are running
	started atomic.Bool

	monitors sync.Mutex // one SetDevices at a time; never held by the owner's goroutine
	watched  map[csta.DeviceID]bool

	work     sync.WaitGroup // network calls under way
	commands commands
	checks   checks
	marked   time.Time // last alive mark
	skipped  sync.Map  // reason -> *atomic.Uint64
}

// New makes an owner; nothing runs before Run.
func New(p Params) (*Owner, error) {
	var errs []error
	need := func(ok bool, name string) {
		if !ok {
			errs = append(errs, fmt.Errorf("owner: %s is missing", name))
		}
	}
	need(p.Tenant != "", "Tenant")
	need(p.System != "", "System")
	need(p.Connector != nil, "Connector")
	need(p.Plan != nil, "Plan")
	need(p.Log != nil, "Log")
	need(p.Epoch != "", "Epoch")
	need(p.Publish != nil, "Publish")
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	if p.Logger == nil {
		p.Logger = slog.New(slog.DiscardHandler)
	}
	p.Limits = p.Limits.withDefaults()
	o := &Owner{
		p:        p,
		log:      p.Logger.With("system", p.System),
		mailbox:  make(chan any, p.Limits.Mailbox),
		stopped:  make(chan struct{}),
		ended:    make(chan struct{}),
		watched:  make(map[csta.DeviceID]bool),
		commands: newCommands(),
	}
	o.core = newCore(coreParams{tenant: p.Tenant, system: p.System, epoch: p.Epoch, plan: p.Plan, limits: p.Limits, newID: newID}, p.Restore)
	o.out = newPipe(p, newProjection(p.System, p.Epoch, p.Restore, o.core.seq))
	o.checks.queued = make(map[csta.DeviceID]bool)
	return o, nil
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// Run runs the connector and the owner until ctx ends (nil), or until the connector gives up (its error, told as a trouble
// before), then waits for requests under way and for what is to be published. What was known stays readable by View.
func (o *Owner) Run(ctx context.Context) error {
	if !o.started.CompareAndSwap(false, true) {
		return errors.New("owner: Run was called twice")
	}
	var published sync.WaitGroup
	published.Go(o.out.run)

	o.handle(ctx, begin{})
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	connector := make(chan struct{})
	var gaveUp error
	go func() {
		defer close(connector)
		if gaveUp = o.runConnector(ctx); gaveUp != nil {
			cancel()
		}
	}()
	o.loop(ctx, connector)
	if gaveUp != nil {
		o.handle(ctx, connectorEnded{gaveUp})
	}
	o.drain(ctx)
	o.out.close()
	published.Wait()
	close(o.ended)
	if gaveUp != nil && o.p.Ended != nil {
		o.p.Ended(gaveUp)
	}
	return gaveUp
}

// begin is the first message of a run: what the log had is looked at.
type begin struct{}

// connectorEnded says that the connector gave up.
type connectorEnded struct{ err error }

// runConnector returns an error if the connector gave up.
func (o *Owner) runConnector(ctx context.Context) error {
	err := o.p.Connector.Run(ctx, sink{o: o, ctx: ctx})
	if ctx.Err() != nil {
		return nil //nolint:nilerr // it was told to end
	}
	if err == nil {
		err = errors.New("the connector ended by itself")
	}
	o.log.Error("telephone system given up", "error", err)
	return fmt.Errorf("telephone system %s: %w", o.p.System, err)
}

// tickAtMost gathers what is due at almost the same time: each look goes through all living legs.
const tickAtMost = 50 * time.Millisecond

// loop handles messages until ctx is over and the connector has returned.
func (o *Owner) loop(ctx context.Context, connector <-chan struct{}) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		if next := o.core.next(); next.IsZero() {
			timer.Reset(time.Hour)
		} else {
			timer.Reset(max(time.Until(next), tickAtMost))
		}
		select {
		case m := <-o.mailbox:
			o.handle(ctx, m)
		case <-timer.C:
			o.handle(ctx, tick{})
		case <-o.out.logChanged:
			o.handle(ctx, logHealth{err: o.out.logTrouble()})
		case <-ctx.Done():
			<-connector // it returns at once now; its Tells give way
			return
		}
	}
}

// drain lets requests under way come to an end, and handles all that was told before the stop.
func (o *Owner) drain(ctx context.Context) {
	idle := make(chan struct{})
	go func() {
		o.work.Wait()
		close(idle)
	}()
	for {
		select {
		case m := <-o.mailbox:
			o.handle(ctx, m)
			continue
		case <-idle:
		}
		break
	}
	close(o.stopped)
	for {
		select {
		case m := <-o.mailbox:
			o.handle(ctx, m)
			continue
		default:
		}
		break
	}
	o.markAlive(true)
}

type tick struct{}

// handle runs one message through the core and passes on what follows from it.
func (o *Owner) handle(ctx context.Context, m any) {
	now := time.Now()
	var then func()
	switch m := m.(type) {
	case askMake:
		then = o.startMake(ctx, m, now)
	case askVerb:
		o.startVerb(ctx, m)
	case replied:
		then = o.finish(m, now)
	case verbDone:
		then = o.finishVerb(m)
	case connectorEnded:
		o.core.connectorEnded(m.err, now)
	case checked:
		o.checks.finished()
		o.core.checked(m, now)
	case pbx.Skipped:
		o.countSkipped(m.Reason)
	default:
		o.core.apply(m, now)
	}
	updates := o.core.take()
	if len(updates) > 0 || then != nil {
		o.out.push(updates, then)
	}
	o.running.Store(o.core.live > 0)
	o.startChecks(ctx)
	o.markAlive(false)
}

// markAlive keeps the durable mark from which a gap after a crash is counted, at most one a second.
func (o *Owner) markAlive(last bool) {
	heard := o.core.heard
	if heard.IsZero() || !heard.After(o.marked) || (!last && heard.Sub(o.marked) < time.Second) {
		return
	}
	o.marked = heard
	o.p.Log.Alive(o.p.Tenant, o.p.System, heard)
}

// post hands a message to the owner; false if it has stopped or ctx is over.
func (o *Owner) post(ctx context.Context, m any) bool {
	select {
	case <-o.stopped:
		return false
	default:
	}
	select {
	case o.mailbox <- m:
		return true
	case <-o.stopped:
		return false
	case <-ctx.Done():
		return false
	}
}

// answer hands the result of a network call to the owner. Whoever calls it is counted in work, for which the owner waits.
func (o *Owner) answer(m any) { o.mailbox <- m }

// sink is the owner as a connector sees it.
type sink struct {
	o   *Owner
	ctx context.Context
}

func (s sink) Tell(m pbx.Message) {
	if _, event := m.(pbx.LegChanged); event {
		failpoint.Hit("event-read")
	}
	s.o.post(s.ctx, m)
}

func (s sink) CallsRunning() bool { return s.o.running.Load() }

// SetDevices says which devices are owned or watched by somebody: only their legs are kept. It may be called at any time.
func (o *Owner) SetDevices(devices []csta.DeviceID) {
	o.monitors.Lock()
	defer o.monitors.Unlock()
	next := make(map[csta.DeviceID]bool, len(devices))
	for _, d := range devices {
		next[d] = true
	}
	if !o.post(context.Background(), watch{next}) {
		return
	}
	for d := range next {
		if !o.watched[d] {
			if err := o.p.Connector.MonitorStart(d); err != nil {
				o.log.Warn("device cannot be watched", "device", d, "error", err)
			}
		}
	}
	for d := range o.watched {
		if !next[d] {
			if err := o.p.Connector.MonitorStop(d); err != nil {
				o.log.Warn("watch cannot be ended", "device", d, "error", err)
			}
		}
	}
	o.watched = next
}

// View gives all that was published, as one moment. It is cheap while nothing changes; sessions use ViewOf.
func (o *Owner) View() View { return o.out.view() }

// ViewOf is View for some devices alone: their calls, lines, attempts and names.
func (o *Owner) ViewOf(devices []csta.DeviceID) View { return o.out.viewOf(devices) }

// Services says what the telephone system can do for a device at all.
func (o *Owner) Services(device csta.DeviceID) csta.Services { return o.p.Connector.Services(device) }

// Skipped counts input that connector or owner could not understand, by reason.
func (o *Owner) Skipped() map[string]uint64 {
	all := make(map[string]uint64)
	o.skipped.Range(func(k, v any) bool {
		name, okName := k.(string)
		count, okCount := v.(*atomic.Uint64)
		if okName && okCount {
			all[name] = count.Load()
		}
		return true
	})
	return all
}

func (o *Owner) countSkipped(reason string) {
	v, _ := o.skipped.LoadOrStore(reason, new(atomic.Uint64))
	if n, ok := v.(*atomic.Uint64); ok {
		n.Add(1)
	}
}
