package nfon

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"deskbell/app/csta"
	"deskbell/app/pbx"
)

// desk is the one goroutine of a run that knows the calls and tells the sink. The readers of the streams hand it what they
// find as functions, in order; a full queue makes them wait, and NFON's connection with them.
type desk struct {
	c     *connector
	sink  pbx.Sink
	t     *translator
	in    chan func()
	owned sync.WaitGroup // the short-lived requests it starts
	ctx   context.Context

	due   []dueTask // sorted by time
	board board
	names map[string]string // extensions of this system and their names
	lines map[csta.DeviceID]lineSeen
	link  link
	noted map[string]bool // what was logged once on this connection
}

type dueTask struct {
	at time.Time
	do func()
}

type lineSeen struct {
	line     csta.LineState
	presence pbx.Presence
	since    time.Time
}

// link is the state of the call stream.
type link struct {
	number     int  // counts connections
	open       bool // a connection is there
	holding    bool // its events wait for the line states
	held       []callEvent
	openedAt   time.Time
	heardUntil time.Time // of the connection before
	looked     int       // line states read since it opened
	redial     redial
}

func newDesk(c *connector, sink pbx.Sink) *desk {
	d := &desk{
		c: c, sink: sink, t: newTranslator(), in: make(chan func(), 256),
		names: map[string]string{}, lines: map[csta.DeviceID]lineSeen{}, noted: map[string]bool{},
	}
	d.t.account, d.t.customer, d.t.hangUp, d.t.attempts = c.config.Account, c.customer, c.config.HangUp, c.attempts
	d.t.nameOf = func(extension string) (string, bool) { name, ok := d.names[extension]; return name, ok }
	d.t.lineBusy = func(extension string) bool { return busy(d.lines[csta.DeviceID(extension)].line) }
	d.t.tell, d.t.later = sink.Tell, d.later
	return d
}

func (d *desk) run(ctx context.Context) {
	d.ctx = ctx
	d.prune()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		timer.Reset(d.untilNext())
		select {
		case <-ctx.Done():
			return
		case do := <-d.in:
			do()
		case <-d.c.attempts.changed:
			d.t.relink()
		case <-timer.C:
			d.runDue()
		}
	}
}

// post hands the desk something to do; false if the run is over.
func (d *desk) post(ctx context.Context, do func()) bool {
	select {
	case d.in <- do:
		return true
	case <-ctx.Done():
		return false
	}
}

func (d *desk) later(after time.Duration, do func()) {
	task := dueTask{time.Now().Add(after), do}
	i, _ := slices.BinarySearchFunc(d.due, task, func(a, b dueTask) int {
		if a.at.After(b.at) {
			return 1
		}
		return -1 // equal times keep their order
	})
	d.due = slices.Insert(d.due, i, task)
}

func (d *desk) untilNext() time.Duration {
	if len(d.due) == 0 {
		return time.Hour
	}
	return max(time.Until(d.due[0].at), 0)
}

func (d *desk) runDue() {
	for len(d.due) > 0 && !d.due[0].at.After(time.Now()) {
		task := d.due[0]
		d.due = slices.Delete(d.due, 0, 1)
		task.do()
	}
}

func (d *desk) prune() {
	now := time.Now()
	d.t.prune(now)
	d.c.attempts.prune(now)
	d.later(time.Minute, d.prune)
}

// opened takes a new connection of the call stream. Its events wait until the line states say what became of the calls held
// from before.
func (d *desk) opened(at time.Time) {
	d.link.number++
	d.link.open, d.link.holding, d.link.held = true, true, nil
	d.link.openedAt, d.link.looked, d.link.redial = at, 0, redial{}
	clear(d.noted)
	number := d.link.number
	d.lookAll(number)
	d.later(holdLimit, func() {
		if d.link.number == number && d.link.holding {
			d.c.log.Warn("nfon's line states are late, calls are told without them")
			d.release(nil)
		}
	})
}

// lookAll reads all line states for one connection of the call stream.
func (d *desk) lookAll(number int) {
	d.owned.Go(func() {
		found, err := d.c.fetchStates(d.ctx)
		d.post(d.ctx, func() { d.looked(number, found, err) })
	})
}

func (d *desk) looked(number int, found look, err error) {
	if number != d.link.number || !d.link.open {
		return
	}
	again := func() {
		if number == d.link.number && d.link.open {
			d.lookAll(number)
		}
	}
	if err != nil {
		d.c.log.Warn("nfon's line states cannot be read", "error", err)
		d.later(d.link.redial.after(err), again)
		if d.link.holding {
			d.release(nil)
		}
		return
	}
	if d.link.looked++; d.link.looked == 1 {
		d.later(secondLook, again)
	}
	if d.link.holding {
		d.release(&found)
		return
	}
	d.tellLook(found, found.order)
}

// release tells that news flows, what is proven of each device, and then the events that waited. A device with events among
// them is judged after these: they may bring the true end of a call that its line alone could only end without details.
func (d *desk) release(found *look) {
	held := d.link.held
	d.link.holding, d.link.held = false, nil
	d.sink.Tell(pbx.LinkUp{HeardUntil: d.link.heardUntil, At: d.link.openedAt})
	if found == nil {
		found = &look{received: time.Now()}
	}
	moved := map[csta.DeviceID]bool{}
	for i := range held {
		moved[csta.DeviceID(bareExtension(held[i].Extension))] = true
	}
	first, last := d.split(*found, moved)
	d.tellLook(*found, first)
	for _, e := range held {
		d.handle(e)
	}
	d.tellLook(*found, last)
}

// split lists the devices an answer is about, and those it should have been about; the moved ones apart.
func (d *desk) split(found look, moved map[csta.DeviceID]bool) (first, last []csta.DeviceID) {
	seen := map[csta.DeviceID]bool{}
	add := func(device csta.DeviceID) {
		switch {
		case seen[device]:
			return
		case moved[device]:
			last = append(last, device)
		default:
			first = append(first, device)
		}
		seen[device] = true
	}
	for _, device := range found.order {
		add(device)
	}
	for _, device := range d.c.monitors() {
		add(device)
	}
	for key, l := range d.t.legs {
		if l.live() {
			add(key.Device)
		}
	}
	return first, last
}

// tellLook tells a snapshot of each device. Legs with news since the connection opened are not ended by it: the two feeds
// are not ordered relative to each other.
func (d *desk) tellLook(found look, devices []csta.DeviceID) {
	for _, device := range devices {
		d.tellSnapshot(found, device, d.link.openedAt)
	}
}

func (d *desk) tellSnapshot(found look, device csta.DeviceID, since time.Time) {
	snapshot := found.of(device, since)
	d.sink.Tell(pbx.SnapshotTaken{Snapshot: snapshot})
	if snapshot.Proof == pbx.ProofLine && idle(snapshot.Line) {
		d.t.lineIdle(device, since)
	}
	if s, ok := found.states[device]; ok {
		d.observe(device, s, snapshot.Stamp)
	}
}

// closed takes the end of a connection.
func (d *desk) closed(heardUntil time.Time) {
	if d.link.holding {
		d.release(nil)
	}
	d.link.open = false
	d.link.heardUntil = heardUntil
	d.sink.Tell(pbx.LinkDown{HeardUntil: heardUntil})
}

func (d *desk) heard(at time.Time) {
	if !d.link.holding {
		d.sink.Tell(pbx.Heard{At: at})
	}
}

func (d *desk) event(e callEvent) {
	if !d.link.holding {
		e.live = true
		d.handle(e)
		return
	}
	d.link.held = append(d.link.held, e)
	if len(d.link.held) > holdEvents {
		d.release(nil)
	}
}

func (d *desk) handle(e callEvent) {
	err := d.t.handle(e)
	var skip *skipError
	if errors.As(err, &skip) {
		d.skipped(skip.reason, e.requestID, err)
	}
}

// skipped counts input that is not used, and logs the first of each kind on a connection.
func (d *desk) skipped(reason, requestID string, err error) {
	if !d.noted[reason] {
		d.noted[reason] = true
		d.c.log.Warn("nfon sent something that is not used", "reason", reason, "request_id", requestID, "error", err)
	}
	d.sink.Tell(pbx.Skipped{Reason: reason, RequestID: requestID})
}

// trouble raises the trouble of a feed, or clears it when err is nil.
func (d *desk) trouble(f feed, err error, retry time.Time) {
	var t pbx.Trouble
	if err != nil {
		code, _ := diagnose(err)
		t = pbx.Trouble{Code: code, Detail: d.c.detail(f, err), Since: time.Now(), Retry: retry}
	}
	if shown, changed := d.board.set(f, t); changed {
		d.sink.Tell(pbx.TroubleChanged{Trouble: shown})
	}
}

func (c *connector) detail(f feed, err error) string {
	detail := cut(err.Error(), 200)
	if !errors.Is(err, pbx.ErrSignIn) { // that is the same for all feeds
		detail = feedNames[f] + ": " + detail
	}
	if _, limited := c.auth.known(); limited {
		detail += " (the key lacks extended_presence)"
	}
	return detail
}
