// Command deskbell-lab is the other side for demonstrations and tests: telephone system, CRM, scripts and load.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"deskbell/app/about"
	"deskbell/app/logging"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := root().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "deskbell-lab:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

func root() *cobra.Command {
	var level string
	cmd := &cobra.Command{
		Use: "deskbell-lab", Short: "A telephone system and a CRM that do what you ask",
		SilenceUsage: true, SilenceErrors: true, Version: about.Version,
	}
	cmd.SetVersionTemplate(about.Line("deskbell-lab") + "\n")
	cmd.PersistentFlags().StringVar(&level, "log-level", "warn", "debug, info, warn or error; logs go to standard error")
	logger := func() (*slog.Logger, error) {
		return logging.New(os.Stderr, logging.Options{Level: level})
	}
	cmd.AddCommand(serveCommand(logger), runCommand(logger), loadCommand(logger), demoCommand(logger), benchCommand(logger))
	return cmd
}
