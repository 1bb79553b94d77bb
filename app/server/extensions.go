package server

import (
	"sync"

	"deskbell/app/csta"
	"deskbell/app/pbx"
)

// Extensions knows which extensions exist, so that the number plan can tell them from numbers. Safe for concurrent use.
type Extensions struct {
	mu       sync.RWMutex
	bySystem map[csta.SystemID]map[string]pbx.Device
}

// Exists tells whether some telephone system has this extension.
func (e *Extensions) Exists(digits string) bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	for _, known := range e.bySystem {
		if _, ok := known[digits]; ok {
			return true
		}
	}
	return false
}

// find gives the device of a system that has this extension.
func (e *Extensions) find(id csta.SystemID, extension string) (pbx.Device, bool) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	d, ok := e.bySystem[id][extension]
	return d, ok
}

// set replaces what is known of one system.
func (e *Extensions) set(id csta.SystemID, list []pbx.Device) {
	known := make(map[string]pbx.Device, len(list))
	for _, d := range list {
		known[d.Number] = d
	}
	delete(known, "")
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.bySystem == nil {
		e.bySystem = map[csta.SystemID]map[string]pbx.Device{}
	}
	e.bySystem[id] = known
}
