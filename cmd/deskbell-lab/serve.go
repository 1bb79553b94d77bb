package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"deskbell/app/lab"
	"deskbell/app/lab/crm"
	"deskbell/app/lab/script"
)

// labFlags are what serve and run have in common.
type labFlags struct {
	options   lab.Options
	contacts  string
	switches  []string
	stateFile string
}

func (f *labFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.options.NFONAddress, "nfon", "127.0.0.1:0", "address of the simulated NFON; port 0 takes a free one")
	flags.StringVar(&f.options.CRMAddress, "crm", "127.0.0.1:0", "address of the CRM")
	flags.StringVar(&f.options.ControlAddress, "control", "127.0.0.1:0", "address of the page and the control interface; keep it on this machine")
	flags.StringVar(&f.options.NFON.Account, "account", "K4711", "K-Account")
	flags.StringVar(&f.options.NFON.Username, "username", "", "user name of the sign-in (default ACCOUNT/api)")
	flags.StringVar(&f.options.NFON.Password, "password", "", "password of the sign-in (default s3cret)")
	flags.StringVar(&f.options.NFON.HeadNumber, "head-number", "+498999998", "head number; an extension's own number is this and the extension")
	flags.StringVar(&f.contacts, "contacts", "", "TOML or JSON file of the CRM's contacts (default: fixture people)")
	flags.StringVar(&f.options.CRMToken, "crm-token", "", "bearer token of the CRM's JSON interface (default: none needed)")
	flags.StringVar(&f.options.CallLog, "call-log", "", "file that gets all calls, events and requests as JSON lines")
	flags.StringVar(&f.options.AccessLog, "access-log", "", "file that gets all requests to the CRM as JSON lines")
	flags.StringArrayVar(&f.switches, "set", nil, "a switch of the telephone system, as name=value; may be repeated")
	flags.StringVar(&f.stateFile, "state-file", "", "file that gets the JSON line of addresses as well; removed at the end")
}

func (f *labFlags) start(logger func() (*slog.Logger, error)) (*lab.Lab, error) {
	var err error
	if f.options.Logger, err = logger(); err != nil {
		return nil, err
	}
	if f.contacts != "" {
		if f.options.Contacts, err = crm.LoadContacts(f.contacts); err != nil {
			return nil, err
		}
	}
	if err := f.applySwitches(); err != nil {
		return nil, err
	}
	l, err := lab.Start(f.options)
	if err != nil {
		return nil, err
	}
	if f.stateFile != "" {
		if err := l.WriteState(f.stateFile); err != nil {
			return nil, errors.Join(err, l.Close())
		}
	}
	return l, nil
}

func (f *labFlags) stop(l *lab.Lab) error {
	err := l.Close()
	if f.stateFile != "" {
		err = errors.Join(err, os.Remove(f.stateFile))
	}
	return err
}

func serveCommand(logger func() (*slog.Logger, error)) *cobra.Command {
	var f labFlags
	var scripts []string
	cmd := &cobra.Command{
		Use: "serve", Short: "Run the telephone system, the CRM and the page until interrupted", Args: cobra.NoArgs,
		Long: "Run the telephone system, the CRM and the page until interrupted.\n\nWhen all is ready, one JSON line with the addresses goes to standard output.",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			l, err := f.start(logger)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, f.stop(l)) }()
			if err := printJSON(cmd.OutOrStdout(), l.Ready()); err != nil {
				return err
			}
			for _, path := range scripts {
				if err := play(cmd.Context(), path, l); err != nil && cmd.Context().Err() == nil {
					return err
				}
			}
			<-cmd.Context().Done()
			return nil
		},
	}
	f.add(cmd)
	cmd.Flags().StringArrayVar(&scripts, "script", nil, "play this script after the start, then go on serving; may be repeated")
	return cmd
}

func runCommand(logger func() (*slog.Logger, error)) *cobra.Command {
	var f labFlags
	cmd := &cobra.Command{
		Use: "run SCRIPT", Short: "Play a script and end with its result", Args: cobra.ExactArgs(1),
		Long: "Play a script and end with its result.\n\nThe JSON line with the addresses goes to standard output before the script begins, so that it can wait for somebody to connect.",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if _, err := readScript(args[0]); err != nil {
				return err
			}
			l, err := f.start(logger)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, f.stop(l)) }()
			if err := printJSON(cmd.OutOrStdout(), l.Ready()); err != nil {
				return err
			}
			return play(cmd.Context(), args[0], l)
		},
	}
	f.add(cmd)
	return cmd
}

func readScript(path string) (*script.Script, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read script: %w", err)
	}
	s, err := script.Parse(string(b))
	if err != nil {
		return nil, fmt.Errorf("%s:\n%w", path, err)
	}
	return s, nil
}

func play(ctx context.Context, path string, l *lab.Lab) error {
	s, err := readScript(path)
	if err != nil {
		return err
	}
	if err := s.Run(ctx, l.World); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func printJSON(w io.Writer, v any) error {
	if err := json.NewEncoder(w).Encode(v); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}
