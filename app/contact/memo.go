package contact

import (
	"context"
	"sync"
	"time"
)

// memo remembers answers for a while, and asks only once where several want the same at the same time.
type memo[K comparable, V any] struct {
	mu      sync.Mutex
	running map[K]*flight[V]
	// Two generations bound the memory: when young is full it becomes old, and what was old goes.
	young, old map[K]kept[V]
	limit      int
	life       func(V) time.Duration
}

type kept[V any] struct {
	value V
	until time.Time
}

// flight is a question on its way. value and err are read after done is closed.
type flight[V any] struct {
	done  chan struct{}
	value V
	err   error
}

func newMemo[K comparable, V any](limit int, life func(V) time.Duration) *memo[K, V] {
	return &memo[K, V]{running: map[K]*flight[V]{}, young: map[K]kept[V]{}, limit: max(limit/2, 1), life: life}
}

// get returns the remembered answer, or the question on its way; if there is neither, it starts ask by start, which runs
// its argument in a goroutine that somebody else owns, and returns false if that is no longer possible.
func (m *memo[K, V]) get(key K, ask func(context.Context) (V, error), start func(func(context.Context)) bool) (*flight[V], bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if k, ok := m.recall(key); ok {
		f := &flight[V]{done: make(chan struct{}), value: k.value}
		close(f.done)
		return f, true
	}
	if f := m.running[key]; f != nil {
		return f, true
	}
	f := &flight[V]{done: make(chan struct{})}
	if !start(func(ctx context.Context) {
		f.value, f.err = ask(ctx)
		m.land(key, f)
	}) {
		return nil, false
	}
	m.running[key] = f
	return f, true
}

func (m *memo[K, V]) recall(key K) (kept[V], bool) {
	k, ok := m.young[key]
	if !ok {
		k, ok = m.old[key]
	}
	return k, ok && time.Now().Before(k.until)
}

func (m *memo[K, V]) land(key K, f *flight[V]) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.running, key)
	if f.err == nil {
		if len(m.young) >= m.limit {
			m.old, m.young = m.young, map[K]kept[V]{}
		}
		m.young[key] = kept[V]{f.value, time.Now().Add(m.life(f.value))}
	}
	close(f.done)
}
