package owner

import (
	"sync"
	"sync/atomic"
	"time"
)

// pipe carries updates from the owner through the log to Publish, in order. The owner does not wait for a commit: many
// updates are under way at once, and the log commits all that wait together.
type pipe struct {
	p     Params
	items chan *item
	kick  chan struct{} // some item's fate was decided
	proj  *projection

	logChanged chan struct{} // the log got into trouble, or out of it
	mu         sync.Mutex
	trouble    error // what the owner shall know of the log
}

// item is what one message led to.
type item struct {
	updates []Update
	logged  bool // some of them are for the log
	since   time.Time
	fate    atomic.Int32
	then    func() // runs after the last update was published
}

const (
	waiting int32 = iota
	committed
	givenUp
)

// pipeDepth bounds what may be under way between owner and Publish; more makes the owner wait.
const pipeDepth = 8192

func newPipe(p Params, proj *projection) *pipe {
	return &pipe{
		p: p, items: make(chan *item, pipeDepth), kick: make(chan struct{}, 1), proj: proj,
		logChanged: make(chan struct{}, 1),
	}
}

// logged says whether an update belongs in the log: calls, attempts, gaps and the list of devices. The rest are values that
// the next connection tells anew.
func logged(u *Update) bool {
	return u.Call != nil || u.Attempt != nil || u.Gap != nil || u.Devices != nil
}

// push is called by the owner alone.
func (p *pipe) push(updates []Update, then func()) {
	it := &item{updates: updates, then: then, since: time.Now()}
	var store []Update
	for i := range updates {
		if logged(&updates[i]) {
			store = append(store, updates[i])
		}
	}
	if len(store) > 0 {
		it.logged = true
		p.p.Log.Append(store, func(err error) {
			fate := committed
			if err != nil {
				fate = givenUp
			}
			it.fate.Store(fate)
			signal(p.kick)
		})
	}
	p.items <- it
}

func (p *pipe) close() { close(p.items) }

// run publishes until close was called and all is told.
func (p *pipe) run() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case it, ok := <-p.items:
			if !ok {
				return
			}
			p.publish(it, p.unstored(it, timer))
		case <-p.kick:
			p.recovered()
		}
	}
}

func (p *pipe) publish(it *item, unstored bool) {
	for i := range it.updates {
		u := it.updates[i]
		u.Unstored = unstored && logged(&u)
		p.proj.apply(u)
		p.p.Publish(u)
	}
	if it.then != nil {
		it.then()
	}
}

// unstored waits for the commit, as long as an update may wait; a log known to be in trouble is not waited for.
func (p *pipe) unstored(it *item, timer *time.Timer) bool {
	if !it.logged {
		return false
	}
	limit := p.p.Limits.Commit - time.Since(it.since)
	if p.logTrouble() != nil {
		limit = 0
	}
	timer.Reset(limit)
	for {
		switch it.fate.Load() {
		case committed:
			p.recovered()
			return false
		case givenUp:
			p.setTrouble(p.reason())
			return true
		}
		select {
		case <-p.kick:
		case <-timer.C:
			if it.fate.Load() == committed {
				return false
			}
			p.setTrouble(p.reason())
			return true
		}
	}
}

// recovered ends the log's trouble once it commits again.
func (p *pipe) recovered() {
	if p.logTrouble() != nil && p.p.Log.Health() == nil {
		p.setTrouble(nil)
	}
}

func (p *pipe) reason() error {
	if err := p.p.Log.Health(); err != nil {
		return err
	}
	return errLogSlow
}

func (p *pipe) setTrouble(err error) {
	p.mu.Lock()
	changed := (p.trouble == nil) != (err == nil)
	p.trouble = err
	p.mu.Unlock()
	if changed {
		signal(p.logChanged)
	}
}

func (p *pipe) logTrouble() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.trouble
}

// signal wakes whoever waits on a channel of size one.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (p *pipe) view() View { return p.proj.view() }
