package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"deskbell/app/lab/demo"
)

func demoCommand(logger func() (*slog.Logger, error)) *cobra.Command {
	o := demo.Options{Break: os.Getenv("BREAK")}
	cmd := &cobra.Command{
		Use: "demo", Short: "Show Deskbell: everything is started, and a call comes in", Args: cobra.NoArgs,
		Long: "Show Deskbell: everything is started, and a call comes in.\n\nOn a display it stays open, with a page to ring from, until interrupted. " +
			"Without one it plays a story on a virtual desktop, leaves a picture of each step and timeline.json, and ends with 1 if a step was not as it should be.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := logger()
			if err != nil {
				return err
			}
			if o.Programs == "" {
				exe, err := os.Executable()
				if err != nil {
					return fmt.Errorf("find the programs: %w", err)
				}
				o.Programs = filepath.Dir(exe)
			}
			o.Say, o.Logger = cmd.OutOrStdout(), log
			return demo.Run(cmd.Context(), o)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Out, "out", "build/demo", "folder for the pictures and all that the run writes")
	flags.StringVar(&o.Programs, "programs", "", "folder of deskbell and deskbelld (default: where this program is)")
	flags.StringVar(&o.Break, "break", o.Break, "break one link on purpose: "+strings.Join(demo.Links, ", "))
	flags.StringVar(&o.Language, "language", "", "locale of the tray, such as de_DE.UTF-8 (default: the environment's)")
	flags.BoolVar(&o.Virtual, "virtual", false, "use a virtual desktop although there is a display")
	return cmd
}
