// Package logging sets up log/slog and holds the types that keep personal data out of the log.
package logging

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
)

// Options says where the log goes and how much of it there is. The zero value logs text at level info to standard error.
type Options struct {
	// Level is debug, info, warn or error; empty means info.
	Level string
	// Format is text or json; empty means text.
	Format string
	// File is a path to append to; empty means standard error.
	File string
}

// ErrOption is wrapped by every error that New and Validate return for a setting they do not know.
var ErrOption = errors.New("unknown log setting")

// Validate reports all wrong settings at once.
func (o Options) Validate() error {
	_, levelErr := ParseLevel(o.Level)
	return errors.Join(levelErr, o.checkFormat())
}

func (o Options) checkFormat() error {
	switch o.Format {
	case "", "text", "json":
		return nil
	}
	return fmt.Errorf("%w: format %q, expected text or json", ErrOption, o.Format)
}

// ParseLevel reads debug, info, warn or error in any case; empty means info.
func ParseLevel(s string) (slog.Level, error) {
	switch strings.ToLower(s) {
	case "debug":
		return slog.LevelDebug, nil
	case "", "info":
		return slog.LevelInfo, nil
	case "warn", "warning":
		return slog.LevelWarn, nil
	case "error":
		return slog.LevelError, nil
	}
	return 0, fmt.Errorf("%w: level %q, expected debug, info, warn or error", ErrOption, s)
}

// New returns a guarded logger that writes to w. Options.File is not looked at.
func New(w io.Writer, o Options) (*slog.Logger, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	level, err := ParseLevel(o.Level)
	if err != nil {
		return nil, err
	}
	ho := &slog.HandlerOptions{Level: level}
	if o.Format == "json" {
		return slog.New(Guard(slog.NewJSONHandler(w, ho))), nil
	}
	return slog.New(Guard(slog.NewTextHandler(w, ho))), nil
}

// Open is New on Options.File, or on standard error without one. The file is created readable for its owner only and
// appended to, so that it can be rotated by copying and truncating. The caller closes the closer when the program ends.
func Open(o Options) (*slog.Logger, io.Closer, error) {
	if o.File == "" {
		l, err := New(os.Stderr, o)
		return l, nopCloser{}, err
	}
	if err := o.Validate(); err != nil {
		return nil, nopCloser{}, err
	}
	f, err := os.OpenFile(o.File, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, nopCloser{}, fmt.Errorf("open log file: %w", err)
	}
	l, err := New(f, o)
	if err != nil {
		return nil, nopCloser{}, errors.Join(err, f.Close())
	}
	return l, f, nil
}

type nopCloser struct{}

func (nopCloser) Close() error { return nil }
