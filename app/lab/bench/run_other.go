//go:build !linux

package bench

import (
	"context"
	"errors"
	"io"
	"log/slog"
)

// Options of a run.
type Options struct {
	Programs, Self, Out string
	Rounds              int
	Only                []string
	Quick               bool
	Say                 io.Writer
	Logger              *slog.Logger
}

// Names lists what Options.Only may hold.
func Names() []string { return nil }

// Run measures on Linux only, whose process files it reads.
func Run(context.Context, Options) error { return errors.New("the figures are measured on Linux only") }
