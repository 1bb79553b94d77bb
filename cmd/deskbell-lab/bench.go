package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"deskbell/app/lab/bench"
)

func benchCommand(logger func() (*slog.Logger, error)) *cobra.Command {
	var o bench.Options
	cmd := &cobra.Command{
		Use: "bench", Short: "Measure Deskbell beside its floors", Args: cobra.NoArgs,
		Long: "Measure Deskbell beside its floors, on a machine that does nothing else.\n\nEach figure is the median of several rounds, in which floor and product take turns. " +
			"A missed bar is shown, and is no error.\n\nGroups and rows for --only: " + strings.Join(bench.Names(), ", "),
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := logger()
			if err != nil {
				return err
			}
			if o.Self, err = os.Executable(); err != nil {
				return fmt.Errorf("find this program: %w", err)
			}
			if o.Programs == "" {
				o.Programs = filepath.Dir(o.Self)
			}
			o.Say, o.Logger = cmd.OutOrStdout(), log
			return bench.Run(cmd.Context(), o)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Out, "out", "build/bench.json", "file for the figures; empty: none")
	flags.StringVar(&o.Programs, "programs", "", "folder of deskbell, deskbelld and baretray (default: where this program is)")
	flags.IntVar(&o.Rounds, "rounds", 0, "rounds of each measurement (default 5, with --quick 1)")
	flags.StringSliceVar(&o.Only, "only", nil, "measure these groups only, or the groups of rows whose names begin so")
	flags.BoolVar(&o.Quick, "quick", false, "few and short rounds, for a rough look")
	cmd.AddCommand(benchPartCommand(logger))
	return cmd
}

// benchPartCommand is for bench itself, which runs its load tools and floors as processes of their own.
func benchPartCommand(logger func() (*slog.Logger, error)) *cobra.Command {
	return &cobra.Command{
		Use: "part NAME", Args: cobra.MinimumNArgs(1), Hidden: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			log, err := logger()
			if err != nil {
				return err
			}
			return bench.RunPart(cmd.Context(), args[0], args[1:], cmd.InOrStdin(), cmd.OutOrStdout(), log)
		},
	}
}
