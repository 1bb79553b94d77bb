package main

import (
	"context"
	"log/slog"
	"runtime/debug"
	"time"

	"deskbell/app/desk"
)

// The program sits in the tray all day: its memory is given back soon, at the price of a little more collecting.
const (
	gcPercent  = 40
	heapLimit  = 24 << 20        // beyond that it collects harder; calls never wait for it
	restsAfter = 5 * time.Second // after the last change
)

// thrift keeps the program small until ctx ends: what a call needed goes back to the system once all is quiet.
func thrift(ctx context.Context, loop *desk.Loop, log *slog.Logger) {
	debug.SetGCPercent(gcPercent)
	debug.SetMemoryLimit(heapLimit)
	changed, stop := loop.Watch()
	defer stop()
	rest := time.NewTimer(restsAfter)
	defer rest.Stop()
	for {
		select {
		case <-changed:
			rest.Reset(restsAfter)
		case <-rest.C:
			debug.FreeOSMemory()
			if err := trim(); err != nil {
				log.Debug("memory not given back", "error", err)
			}
		case <-ctx.Done():
			return
		}
	}
}
