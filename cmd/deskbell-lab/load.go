package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"deskbell/app/lab/load"
	"deskbell/app/lab/nfon"
	"deskbell/app/lab/record"
)

// applySwitches reads the --set flags onto the defaults.
func (f *labFlags) applySwitches() error {
	sw := nfon.Defaults()
	for _, pair := range f.switches {
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			return fmt.Errorf("--set %s: write name=value", pair)
		}
		var err error
		if sw, err = sw.With(name, value); err != nil {
			return fmt.Errorf("--set %s: %w", pair, err)
		}
	}
	f.options.NFON.Switches = &sw
	return nil
}

// loadFlags of the load command.
type loadFlags struct {
	address  string
	stamps   string
	streams  int
	patience time.Duration
	run      load.Options
}

func loadCommand(logger func() (*slog.Logger, error)) *cobra.Command {
	var f loadFlags
	cmd := &cobra.Command{
		Use: "load", Short: "Drive many extensions at a steady rate and print what was done", Args: cobra.NoArgs,
		Long: "Drive many extensions at a steady rate and print what was done.\n\nStandard output gets a JSON line with the address first, and one with the summary at the end. " +
			"The time stamps are nanoseconds since 1970 from one start by the monotonic clock, so that a reader on this machine can compute delays.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := logger()
			if err != nil {
				return err
			}
			return f.drive(cmd.Context(), cmd.OutOrStdout(), log)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.address, "nfon", "127.0.0.1:0", "address of the simulated NFON")
	flags.StringVar(&f.stamps, "timestamps", "", "file that gets uuid, state, extension and time of each event")
	flags.IntVar(&f.streams, "wait-streams", 1, "begin when this many calls streams are open")
	flags.DurationVar(&f.patience, "wait-for", time.Minute, "how long to wait for them")
	flags.IntVar(&f.run.Extensions, "extensions", 10_000, "number of extensions, from 10000 on")
	flags.IntVar(&f.run.Rate, "rate", 2000, "call events per second")
	flags.DurationVar(&f.run.Duration, "duration", 30*time.Second, "length of the steady part")
	return cmd
}

func (f loadFlags) drive(ctx context.Context, out io.Writer, log *slog.Logger) (err error) {
	s := nfon.New(nfon.Options{Phones: load.Phones(f.run.Extensions), Switches: load.Switches(), Log: record.New(1000), Logger: log})
	if err := s.StartAt(f.address); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if f.stamps != "" {
		file, openErr := os.Create(f.stamps)
		if openErr != nil {
			return fmt.Errorf("open time stamps: %w", openErr)
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		f.run.Stamps = file
	}
	user, password := s.Credentials()
	ready := map[string]any{"nfon": s.URL(), "account": s.Account(), "username": user, "password": password, "pid": os.Getpid()}
	if err := printJSON(out, ready); err != nil {
		return err
	}
	if err := f.await(ctx, s); err != nil {
		return err
	}
	summary, err := load.Run(ctx, s, f.run)
	if err != nil {
		return err
	}
	return printJSON(out, summary)
}

// await waits for the streams that shall see the load.
func (f loadFlags) await(ctx context.Context, s *nfon.Server) error {
	if f.streams == 0 {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, f.patience)
	defer cancel()
	enough := func(nfon.StreamFact) bool { return s.StreamCount("calls") >= f.streams }
	if _, err := record.Await(limited, s.Log(), 0, enough); err != nil {
		return fmt.Errorf("%d of %d calls streams are open: %w", s.StreamCount("calls"), f.streams, err)
	}
	return nil
}
