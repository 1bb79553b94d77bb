package desk

import (
	"context"
	"slices"
	"sync"
	"time"
)

// lane runs jobs one after the other, outside the Loop. A job that still waits is replaced by a newer one of its key: a
// notice whose call ended before it could be shown is never shown.
type lane struct {
	mu    sync.Mutex
	keys  []string
	jobs  map[string]func()
	token chan struct{}
	rest  chan struct{} // closed while nothing waits or runs
}

func newLane() *lane {
	l := &lane{jobs: map[string]func(){}, token: make(chan struct{}, 1), rest: make(chan struct{})}
	close(l.rest)
	return l
}

// put adds a job, or replaces the one that waits under its key.
func (l *lane) put(key string, job func()) {
	l.mu.Lock()
	if _, waits := l.jobs[key]; !waits {
		l.keys = append(l.keys, key)
	}
	l.jobs[key] = job
	select {
	case <-l.rest:
		l.rest = make(chan struct{})
	default:
	}
	l.mu.Unlock()
	select {
	case l.token <- struct{}{}:
	default:
	}
}

func (l *lane) next() func() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.keys) == 0 {
		select {
		case <-l.rest:
		default:
			close(l.rest)
		}
		return nil
	}
	key := l.keys[0]
	l.keys = slices.Delete(l.keys, 0, 1)
	job := l.jobs[key]
	delete(l.jobs, key)
	return job
}

// yield waits until the lane has nothing to do, at most so long: for work that would only slow this one down.
func (l *lane) yield(ctx context.Context, limit time.Duration) {
	l.mu.Lock()
	rest := l.rest
	l.mu.Unlock()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-rest:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// run works until ctx ends; then what waits is left undone, except that it drains what was put before.
func (l *lane) run(ctx context.Context) {
	for {
		for job := l.next(); job != nil; job = l.next() {
			job()
		}
		select {
		case <-l.token:
		case <-ctx.Done():
			return
		}
	}
}

// watchers are those who want to know of a new state.
type watchers struct {
	mu   sync.Mutex
	next int
	list map[int]chan struct{}
}

func (w *watchers) add() (<-chan struct{}, func()) {
	c := make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.list == nil {
		w.list = map[int]chan struct{}{}
	}
	w.next++
	id := w.next
	w.list[id] = c
	return c, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.list, id)
	}
}

func (w *watchers) tell() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.list {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}
