package chaos

import (
	"context"
	"strings"
	"time"

	"deskbell/app/lab/crm"
	"deskbell/app/lab/nfon"
	"deskbell/app/lab/seat"
)

// judge waits until the seat shows what really runs, at most the time a ghost may last, and then looks at everything.
func (r *run) judge(ctx context.Context, count *Count) Verdict {
	limited, cancel := context.WithTimeout(ctx, settle)
	defer cancel()
	running := r.running()
	r.endUnknown(running)
	var v Verdict
	_, _ = r.seat.Await(limited, func(st seat.State) bool { // past the limit, the last look counts
		v.Ghosts, v.Lost = Running(running, st)
		return len(v.Ghosts)+len(v.Lost) == 0
	})
	r.times()
	// Entries follow the events; give them the same limit.
	st, _ := r.seat.Await(limited, func(now seat.State) bool { return len(Missing(r.calls, now)) == 0 })
	v.Missing = Missing(r.calls, st)
	for _, c := range r.calls {
		if !listed(st, c.Number) {
			count.InGap++
		}
	}
	v.Double = Doubles(r.pages())
	v.Faults = st.Faults
	return v
}

// endUnknown ends the calls that run but of which no event was stored before the kill: NFON has no list of running calls, so
// only their next event can tell the server of them. The list must have them after that.
func (r *run) endUnknown(running map[string]bool) {
	for _, c := range r.calls {
		if running[c.Number] && !c.SurelyRead {
			_ = r.stage.Lab.Phones.CallerHangsUp(c.UUID) // it may end by itself just now
			delete(running, c.Number)
		}
	}
}

func listed(st seat.State, number string) bool {
	for _, e := range st.Entries {
		if e.Far.Number == number {
			return true
		}
	}
	return false
}

// running lists the callers whose calls run now, by the telephone system's own state.
func (r *run) running() map[string]bool {
	live := map[string]bool{}
	for _, c := range r.calls {
		events := r.stage.Lab.Phones.Events(c.UUID)
		if len(events) > 0 && events[len(events)-1].State != "hangup" {
			live[c.Number] = true
		}
	}
	return live
}

// times fills in when each call's first and last event was sent, and whether one must have been read.
func (r *run) times() {
	first, last := map[string]time.Time{}, map[string]time.Time{}
	over := map[string]bool{}
	for _, e := range r.stage.Lab.Log.Since(0) {
		event, ok := e.Data.(nfon.EventFact)
		if !ok {
			continue
		}
		if _, known := first[event.UUID]; !known {
			first[event.UUID] = e.Time
		}
		last[event.UUID] = e.Time
		over[event.UUID] = event.State == "hangup"
	}
	for i := range r.calls {
		c := &r.calls[i]
		c.Began = first[c.UUID]
		if over[c.UUID] {
			c.Ended = last[c.UUID]
		}
	}
}

// pages counts how often each customer's page was asked for since the run began.
func (r *run) pages() map[string]int {
	hits := map[string]int{}
	for _, a := range r.stage.Lab.CRM.Accesses(crm.Page) {
		if strings.HasPrefix(a.Path, "/contacts/") {
			hits[a.Path]++
		}
	}
	return hits
}
