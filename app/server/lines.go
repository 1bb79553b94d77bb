package server

import (
	"sync"
	"time"

	"deskbell/app/csta"
	"deskbell/app/server/owner"
	"deskbell/app/server/session"
	"deskbell/app/wire"
)

// lineInterval is the least time between two states of one line that are told: 4 a second.
const lineInterval = 250 * time.Millisecond

// lines tells states of lines, the newest of each at most every lineInterval.
type lines struct {
	sys    *system
	mu     sync.Mutex
	told   map[csta.DeviceID]time.Time
	wait   map[csta.DeviceID]waitingLine
	timing bool
}

type waitingLine struct {
	at   mark
	line owner.Line
}

func (l *lines) init(sys *system) {
	l.sys, l.told, l.wait = sys, map[csta.DeviceID]time.Time{}, map[csta.DeviceID]waitingLine{}
}

// put tells a line's state now, or when its turn comes.
func (l *lines) put(at mark, line owner.Line) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.told[line.Device]) >= lineInterval {
		l.told[line.Device] = now
		delete(l.wait, line.Device)
		l.tell(at, line)
		return
	}
	l.wait[line.Device] = waitingLine{at, line}
	if !l.timing {
		l.timing = true
		time.AfterFunc(lineInterval, l.flush)
	}
}

// flush tells what waited for its turn. Lines whose turn has not come wait for the next flush.
func (l *lines) flush() {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	for device, w := range l.wait {
		if now.Sub(l.told[device]) >= lineInterval {
			delete(l.wait, device)
			l.told[device] = now
			l.tell(w.at, w.line)
		}
	}
	if l.timing = len(l.wait) > 0; l.timing {
		time.AfterFunc(lineInterval/2, l.flush)
	}
}

// tell is called with mu held, so that an older state cannot overtake a newer one.
func (l *lines) tell(at mark, line owner.Line) {
	var note *session.Note
	for _, sub := range l.sys.srv.hub.of(deviceKey{l.sys.id, line.Device}) {
		if note == nil {
			note = l.sys.srv.note(wire.NoteLine, "line/"+string(l.sys.id)+"/"+string(line.Device), l.sys.lineOf(line))
		}
		sub.user.send(l.sys, at, note)
	}
}

func (sys *system) lineOf(l owner.Line) wire.Line {
	return wire.Line{
		System: sys.id, Device: l.Device, State: l.State, Presence: string(l.Presence), UnknownParty: l.UnknownParty,
	}
}
