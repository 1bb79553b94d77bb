package server

import (
	"hash/maphash"
	"slices"
	"sync"

	"deskbell/app/csta"
	"deskbell/app/server/accounts"
)

// right is what a user may see of a device.
type right uint8

const (
	rightOwn    right = iota // everything
	rightWatch               // state and other party
	rightHidden              // state only
)

func rightOf(a accounts.Access) right {
	switch a {
	case accounts.Own:
		return rightOwn
	case accounts.Watch:
		return rightWatch
	case accounts.WatchHidden:
		return rightHidden
	}
	return rightHidden
}

// deviceKey names a device of any telephone system.
type deviceKey struct {
	system csta.SystemID
	device csta.DeviceID
}

// subscription is one user's interest in a device.
type subscription struct {
	user  *user
	right right
}

const hubShards = 64

// hub knows who is to be told of a device. It is sharded, so that subscribing does not hold up telling.
type hub struct {
	seed   maphash.Seed
	shards [hubShards]hubShard
}

type hubShard struct {
	mu       sync.RWMutex
	byDevice map[deviceKey][]subscription // the slices are replaced, never changed
}

func newHub() *hub {
	h := &hub{seed: maphash.MakeSeed()}
	for i := range h.shards {
		h.shards[i].byDevice = map[deviceKey][]subscription{}
	}
	return h
}

func (h *hub) shard(k deviceKey) *hubShard {
	return &h.shards[maphash.Comparable(h.seed, k)%hubShards]
}

// of lists who is to be told. The result is shared: it must not be changed.
func (h *hub) of(k deviceKey) []subscription {
	s := h.shard(k)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.byDevice[k]
}

func (h *hub) add(k deviceKey, sub subscription) {
	s := h.shard(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byDevice[k] = append(slices.Clip(s.byDevice[k]), sub)
}

func (h *hub) remove(k deviceKey, u *user) {
	s := h.shard(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	left := make([]subscription, 0, len(s.byDevice[k]))
	for _, sub := range s.byDevice[k] {
		if sub.user != u {
			left = append(left, sub)
		}
	}
	if len(left) == 0 {
		delete(s.byDevice, k)
		return
	}
	s.byDevice[k] = left
}
