package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"deskbell/app/contact"
	"deskbell/app/number"
)

// Options of a run.
type Options struct {
	Programs string   // folder of deskbelld, deskbell and baretray
	Self     string   // this program, which runs the other parts as well
	Out      string   // JSON file of the figures; empty: none
	Rounds   int      // of each measurement; 0: 5, or 1 if Quick
	Only     []string // groups, or beginnings of rows' names; empty: all
	Quick    bool     // few and short rounds
	Say      io.Writer
	Logger   *slog.Logger
}

// group is what is measured together, once a round.
type group struct {
	name string
	rows []string
	open func(context.Context) error // before the first round; nil: nothing to do
	do   func(ctx context.Context, round int) error
	shut func() error // after the last one; nil: nothing to do
}

// bench is one run.
type bench struct {
	Options
	dir   string
	book  *book
	index *contact.Index
	plain map[number.E164]uint32
}

// groups lists all measurements, in their order.
func (b *bench) groups() []group {
	return []group{
		{name: "log", rows: []string{"log_commit_p50", "log_commit_p99"}, do: b.logRows},
		{name: "contacts", rows: []string{"contact_lookup_p99"}, do: b.contactRows, shut: func() error { b.forgetIndex(); return nil }},
		b.crowdGroup(),
		b.restartGroup(),
		b.deskGroup(),
	}
}

// Names lists what Options.Only may hold.
func Names() []string {
	var names []string
	for _, g := range (&bench{}).groups() {
		names = append(append(names, g.name), g.rows...)
	}
	return names
}

// Run measures, prints the table and writes the file. An error means that something could not be measured; a bar that was
// missed is no error.
func Run(ctx context.Context, o Options) error {
	if o.Rounds <= 0 {
		o.Rounds = 5
		if o.Quick {
			o.Rounds = 1
		}
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	b := &bench{Options: o, book: newBook()}
	chosen, err := b.choose()
	if err != nil {
		return err
	}
	// Beside the programs, since /tmp may be memory, where nothing is durable.
	if b.dir, err = os.MkdirTemp(o.Programs, "bench-"); err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(b.dir) }() // left-overs do no harm
	loaded := b.preamble()
	began := time.Now()
	for _, g := range chosen {
		if groupErr := b.measure(ctx, g); groupErr != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", g.name, groupErr))
		}
	}
	rows := b.book.rows()
	for i := range rows {
		rows[i].Quick, rows[i].Loaded = o.Quick, loaded
	}
	Print(o.Say, rows)
	fmt.Fprintf(o.Say, "bench: took %.0f s\n", time.Since(began).Seconds())
	if o.Out != "" {
		err = errors.Join(err, Write(o.Out, rows))
	}
	return err
}

// preamble says how far the figures can be trusted.
func (b *bench) preamble() (loaded bool) {
	if b.Quick {
		fmt.Fprintln(b.Say, "bench: quick: few and short rounds, the figures are rough")
	}
	if load := busy(); load > 0.7 {
		fmt.Fprintf(b.Say, "bench: the machine is not idle (load %.1f): the figures are upper bounds\n", load)
		return true
	}
	return false
}

// choose finds the groups that Only names; a row's name chooses its whole group.
func (b *bench) choose() ([]group, error) {
	all := b.groups()
	if len(b.Only) == 0 {
		return all, nil
	}
	var chosen []group
	for _, g := range all {
		if slices.ContainsFunc(b.Only, func(name string) bool {
			return g.name == name || slices.ContainsFunc(g.rows, func(row string) bool { return strings.HasPrefix(row, name) })
		}) {
			chosen = append(chosen, g)
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("nothing is named %s; there is %s", strings.Join(b.Only, ", "), strings.Join(Names(), ", "))
	}
	return chosen, nil
}

func (b *bench) measure(ctx context.Context, g group) (err error) {
	if g.shut != nil {
		defer func() { err = errors.Join(err, g.shut()) }()
	}
	if g.open != nil {
		if err := g.open(ctx); err != nil {
			return err
		}
	}
	for round := range b.Rounds {
		began := time.Now()
		if err := g.do(ctx, round); err != nil {
			return fmt.Errorf("round %d: %w", round+1, err)
		}
		fmt.Fprintf(b.Say, "bench: %s, round %d of %d, %.0f s\n", g.name, round+1, b.Rounds, time.Since(began).Seconds())
	}
	return nil
}

// span is the length of a part of a round.
func (b *bench) span(whole time.Duration) time.Duration {
	if b.Quick {
		return whole / 2
	}
	return whole
}

func (b *bench) program(name string) string { return filepath.Join(b.Programs, name) }
