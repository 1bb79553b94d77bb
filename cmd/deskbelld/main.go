// Command deskbelld is the CTI server: it serves trays, checks its settings, and manages users.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"

	"github.com/spf13/cobra"

	"deskbell/app/about"
	"deskbell/app/config"
	"deskbell/app/server/page"
	"deskbell/connectors"
)

// Exit codes.
const (
	exitOK       = 0
	exitFailed   = 1
	exitUsage    = 2 // the command line is wrong
	exitSettings = 3 // the settings file is wrong
)

// errSettings is the error of a settings file; its problems were printed.
var errSettings = errors.New("the settings cannot be used")

// errUsage is the error of a command line.
type errUsage struct{ error }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := execute(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

func execute(ctx context.Context, args []string) int {
	root := command()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	code := exitCode(err)
	if code == exitUsage {
		fmt.Fprintln(os.Stderr, "See: deskbelld --help")
	}
	return code
}

func exitCode(err error) int {
	var usage errUsage
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errSettings):
		return exitSettings
	case errors.As(err, &usage):
		return exitUsage
	}
	return exitFailed
}

func command() *cobra.Command {
	root := &cobra.Command{
		Use: "deskbelld", Short: "The CTI server of Deskbell", Version: about.Version,
		SilenceUsage: true, SilenceErrors: true, Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetVersionTemplate(about.Line("deskbelld") + "\n")
	root.PersistentFlags().StringP("config", "c", defaultSettings(), "settings file")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return errUsage{err} })
	root.AddCommand(serveCommand(), checkCommand(), userCommand(), tokenCommand(), contactCommand())
	return root
}

// noArgs and exactly are cobra's checks with our kind of error.
func noArgs(c *cobra.Command, args []string) error { return usage(cobra.NoArgs(c, args)) }

func exactly(n int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error { return usage(cobra.ExactArgs(n)(c, args)) }
}

func usage(err error) error {
	if err != nil {
		return errUsage{err}
	}
	return nil
}

func defaultSettings() string {
	if path := os.Getenv("DESKBELLD_CONFIG"); path != "" {
		return path
	}
	if runtime.GOOS == "windows" {
		return filepath.Join(os.Getenv("ProgramData"), "Deskbell", "deskbelld.toml")
	}
	return "/etc/deskbell/deskbelld.toml"
}

func types() config.Types {
	return config.Types{Systems: config.Of(connectors.PBX), Contacts: config.Of(connectors.Contacts)}
}

// settings reads the settings file and prints all its problems. skipFiles leaves out whether what it names exists.
func settings(c *cobra.Command, skipFiles bool) (*config.Config, error) {
	path, err := c.Flags().GetString("config")
	if err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	found, problems, err := config.Load(path, config.Options{Types: types(), SkipFiles: skipFiles})
	for _, p := range problems {
		fmt.Fprintln(c.ErrOrStderr(), p)
	}
	if err == nil {
		if _, perr := pageBuilder(found); perr != nil {
			fmt.Fprintln(c.ErrOrStderr(), perr)
			err = config.Problems{}
		}
	}
	if err == nil {
		return found, nil
	}
	var listed config.Problems
	if !errors.As(err, &listed) {
		fmt.Fprintln(c.ErrOrStderr(), err)
	}
	return nil, fmt.Errorf("%w: %s", errSettings, path)
}

// pageBuilder checks what the settings file's own check cannot know: the fields a page may use.
func pageBuilder(c *config.Config) (*page.Builder, error) {
	b, err := page.New(page.Settings{Template: c.Page.Template, PreferContact: c.Page.PreferContact})
	if err != nil {
		return nil, fmt.Errorf("page.template: %w", err)
	}
	return b, nil
}

func checkCommand() *cobra.Command {
	return &cobra.Command{
		Use: "check", Short: "Tell everything that is wrong with the settings", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if _, err := settings(c, false); err != nil {
				return err
			}
			fmt.Fprintln(c.OutOrStdout(), "The settings can be used.")
			return nil
		},
	}
}
