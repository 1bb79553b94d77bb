//go:build !linux && !windows

package power

import (
	"context"
	"log/slog"
)

// watch has no source on this system; connections notice by their own heartbeats.
func watch(_ context.Context, log *slog.Logger, _ chan<- Event) {
	log.Info("sleep and network changes are not noticed at once on this system")
}
