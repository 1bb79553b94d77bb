// Package demo plays Deskbell to people who want to see it: lab, server and tray together, each step proven from outside the tray.
package demo

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The links of the chain that a run can break on purpose, each at its adapter in the tray.
const (
	LinkToast   = "toast"   // notifications do not appear
	LinkSound   = "sound"   // no tone plays
	LinkPop     = "pop"     // the browser is not asked to open anything
	LinkDial    = "dial"    // the wish to call does not reach the server
	LinkLink    = "link"    // tel: links do not reach the tray
	LinkRecover = "recover" // the tray does not listen again after a lost connection
)

// Links are all of them.
var Links = []string{LinkToast, LinkSound, LinkPop, LinkDial, LinkLink, LinkRecover}

// Options of a run.
type Options struct {
	Programs string // folder of deskbell and deskbelld
	Out      string // folder for pictures, timeline.json and all that the run writes; earlier contents of ours are removed
	Break    string // one of Links, or empty
	Language string // as in LANG, e.g. "de_DE.UTF-8"; empty: the environment's
	Virtual  bool   // on a virtual desktop even where there is a display
	Say      io.Writer
	Logger   *slog.Logger
}

// ErrFailed means that the run came to its end and a step was not as it should be.
var ErrFailed = errors.New("not every step was as it should be")

func (o *Options) prepare() error {
	if o.Break != "" && !slices.Contains(Links, o.Break) {
		return fmt.Errorf("there is no link %q to break; there are %s", o.Break, strings.Join(Links, ", "))
	}
	if o.Say == nil {
		o.Say = io.Discard
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	for _, dir := range []*string{&o.Programs, &o.Out} {
		abs, err := filepath.Abs(*dir)
		if err != nil {
			return fmt.Errorf("find a folder: %w", err)
		}
		*dir = abs
	}
	for _, name := range []string{"deskbell", "deskbelld"} {
		if _, err := os.Stat(o.program(name)); err != nil {
			return fmt.Errorf("%s is not built yet; run make build: %w", name, err)
		}
	}
	return o.clear()
}

func (o *Options) program(name string) string { return filepath.Join(o.Programs, name) }

func (o *Options) path(name string) string { return filepath.Join(o.Out, name) }

// clear removes what an earlier run left, and only that.
func (o *Options) clear() error {
	pictures, err := filepath.Glob(o.path("*.png"))
	if err != nil {
		return fmt.Errorf("find earlier pictures: %w", err)
	}
	for _, path := range append(pictures, o.path(timelineFile), o.path(homeFolder), o.path(serverFolder)) {
		if err := os.RemoveAll(path); err != nil {
			return fmt.Errorf("remove an earlier run: %w", err)
		}
	}
	if err := os.MkdirAll(o.Out, 0o755); err != nil {
		return fmt.Errorf("make the folder for the run: %w", err)
	}
	return nil
}

// Names below Options.Out.
const (
	timelineFile = "timeline.json"
	homeFolder   = "home"   // DESKBELL_HOME of the run
	serverFolder = "server" // the server's configuration and data, the lab's records
)
