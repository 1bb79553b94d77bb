package session

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"deskbell/app/wire"
)

// slots is how many parts a ping interval has: sessions are spread over them, so that pings do not come in bursts.
const slots = 64

// wheel pings all sessions from one goroutine.
type wheel struct {
	tick  time.Duration
	mu    sync.Mutex
	slots [slots][]*Session
}

func (w *wheel) init(ping time.Duration) { w.tick = max(ping/slots, time.Millisecond) }

func (w *wheel) add(s *Session) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s.slot = rand.IntN(slots)
	s.index = len(w.slots[s.slot])
	w.slots[s.slot] = append(w.slots[s.slot], s)
}

// remove takes s out; one that was never added stays out.
func (w *wheel) remove(s *Session) {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := w.slots[s.slot]
	if s.index >= len(list) || list[s.index] != s {
		return
	}
	last := len(list) - 1
	list[s.index] = list[last]
	list[s.index].index = s.index
	list[last] = nil
	w.slots[s.slot] = list[:last]
}

// Run pings sessions and closes those that were not heard for two intervals, until ctx ends.
func (sh *Shared) Run(ctx context.Context) error {
	ticker := time.NewTicker(sh.wheel.tick)
	defer ticker.Stop()
	var due []*Session
	for at := 0; ; at = (at + 1) % slots {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		sh.wheel.mu.Lock()
		due = append(due[:0], sh.wheel.slots[at]...)
		sh.wheel.mu.Unlock()
		for i, s := range due {
			s.beat()
			due[i] = nil
		}
	}
}

// beat pings one session, or closes it.
func (s *Session) beat() {
	if s.silence() >= 2*s.shared.limits.Ping {
		s.Close(wire.CloseHeartbeat, "nothing heard")
		return
	}
	s.push(item{control: websocket.PingMessage})
}
