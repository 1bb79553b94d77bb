package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"deskbell/app/config"
	"deskbell/app/csta"
	"deskbell/app/logging"
	"deskbell/app/server/accounts"
	"deskbell/app/server/store"
)

// withAccounts runs do on the accounts of the server; it may be running meanwhile and notices what changes.
func withAccounts(c *cobra.Command, do func(*config.Config, *accounts.Accounts) error) error {
	found, err := settings(c, true)
	if err != nil {
		return err
	}
	db, err := store.Open(c.Context(), found.Server.DataDir)
	if err != nil {
		return err
	}
	log, err := logging.New(io.Discard, logging.Options{})
	if err != nil {
		log = slog.New(slog.DiscardHandler)
	}
	a, err := accounts.Open(c.Context(), accounts.Params{DB: db, Log: log})
	if err == nil {
		err = do(found, a)
	}
	return errors.Join(err, db.Close())
}

func userCommand() *cobra.Command {
	c := &cobra.Command{Use: "user", Short: "Manage users", Args: noArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(userAdd(), userSet(), userList(), userInvite(), userRemove())
	return c
}

// userFlags are what can be said of a user.
type userFlags struct {
	name, role string
	own, watch []string
}

func (f *userFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.name, "name", "", `name for the screen, "Anna Huber"`)
	c.Flags().StringVar(&f.role, "role", "", "agent or supervisor")
	c.Flags().StringArrayVar(&f.own, "own", nil, "own extension SYSTEM/DEVICE; several times for several, the first dials")
	c.Flags().StringArrayVar(&f.watch, "watch", nil, "watched extension SYSTEM/DEVICE, or SYSTEM/DEVICE:hidden without the other party's number")
}

// apply puts the flags that were given over a user.
func (f *userFlags) apply(c *cobra.Command, settings *config.Config, u *accounts.User) error {
	if c.Flags().Changed("name") {
		u.Name = f.name
	}
	if c.Flags().Changed("role") {
		u.Role = accounts.Role(f.role)
	}
	kept := map[accounts.Access]bool{
		accounts.Own: !c.Flags().Changed("own"), accounts.Watch: !c.Flags().Changed("watch"), accounts.WatchHidden: !c.Flags().Changed("watch"),
	}
	var grants []accounts.Grant
	for _, g := range u.Grants {
		if kept[g.Access] {
			grants = append(grants, g)
		}
	}
	var errs []error
	add := func(list []string, access func(string) (string, accounts.Access)) {
		for _, text := range list {
			device, a := access(text)
			g, err := grant(device, a, settings)
			grants, errs = append(grants, g), append(errs, err)
		}
	}
	add(f.own, func(s string) (string, accounts.Access) { return s, accounts.Own })
	add(f.watch, watched)
	u.Grants = grants
	if err := errors.Join(errs...); err != nil {
		return errUsage{err}
	}
	return nil
}

func watched(s string) (string, accounts.Access) {
	if device, ok := strings.CutSuffix(s, ":hidden"); ok {
		return device, accounts.WatchHidden
	}
	return s, accounts.Watch
}

func grant(text string, access accounts.Access, settings *config.Config) (accounts.Grant, error) {
	system, device, ok := strings.Cut(text, "/")
	if !ok || device == "" {
		return accounts.Grant{}, fmt.Errorf("extension %q: expected SYSTEM/DEVICE, such as munich/101", text)
	}
	if _, known := settings.Systems[system]; !known {
		return accounts.Grant{}, fmt.Errorf("extension %q: the settings have no system.%s", text, system)
	}
	return accounts.Grant{System: csta.SystemID(system), Device: csta.DeviceID(device), Access: access}, nil
}

func userAdd() *cobra.Command {
	var f userFlags
	c := &cobra.Command{
		Use: "add ID", Short: "Add a user and print an invitation", Args: exactly(1),
		Example: `  deskbelld user add anna --name "Anna Huber" --own munich/101 --watch munich/102 --watch munich/103:hidden`,
		RunE: func(c *cobra.Command, args []string) error {
			return withAccounts(c, func(settings *config.Config, a *accounts.Accounts) error {
				u := accounts.User{ID: args[0], Name: args[0], Role: accounts.Agent}
				if err := f.apply(c, settings, &u); err != nil {
					return err
				}
				if err := a.Add(c.Context(), u); err != nil {
					return err
				}
				return invite(c, settings, a, u.ID)
			})
		},
	}
	f.register(c)
	return c
}

func userSet() *cobra.Command {
	var f userFlags
	c := &cobra.Command{
		Use: "set ID", Short: "Change a user; a running server notices at once", Args: exactly(1),
		Long: "Change a user. --own replaces all own extensions, --watch all watched ones; what is not named stays.",
		RunE: func(c *cobra.Command, args []string) error {
			return withAccounts(c, func(settings *config.Config, a *accounts.Accounts) error {
				u, err := a.User(args[0])
				if err != nil {
					return err
				}
				if err := f.apply(c, settings, &u); err != nil {
					return err
				}
				return a.Set(c.Context(), u)
			})
		},
	}
	f.register(c)
	return c
}

func userInvite() *cobra.Command {
	return &cobra.Command{
		Use: "invite ID", Short: "Print a further invitation, for another computer", Args: exactly(1),
		RunE: func(c *cobra.Command, args []string) error {
			return withAccounts(c, func(settings *config.Config, a *accounts.Accounts) error { return invite(c, settings, a, args[0]) })
		},
	}
}

// invite prints an invitation as a link and as text.
func invite(c *cobra.Command, settings *config.Config, a *accounts.Accounts, id string) error {
	inv, err := a.Invite(c.Context(), id)
	if err != nil {
		return err
	}
	address := localAddress(settings)
	link := "deskbell://enroll?" + url.Values{"server": {address}, "code": {inv.Code}}.Encode()
	fmt.Fprintf(c.OutOrStdout(), "Invitation for %s, until %s, for one computer:\n\n  %s\n\nor by hand:\n  server  %s\n  code    %s\n",
		id, inv.Expires.Local().Format("2006-01-02 15:04 MST"), link, address, inv.Code)
	return nil
}

func userRemove() *cobra.Command {
	return &cobra.Command{
		Use: "remove ID", Short: "Remove a user; his trays are signed out at once", Args: exactly(1),
		RunE: func(c *cobra.Command, args []string) error {
			return withAccounts(c, func(_ *config.Config, a *accounts.Accounts) error { return a.Remove(c.Context(), args[0]) })
		},
	}
}

func userList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List users and their extensions", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return withAccounts(c, func(_ *config.Config, a *accounts.Accounts) error {
				w := tabwriter.NewWriter(c.OutOrStdout(), 0, 4, 2, ' ', 0)
				fmt.Fprintln(w, "ID\tNAME\tROLE\tOWN\tWATCHES\tCOMPUTERS")
				for _, u := range a.Users() {
					own, watch := listed(u.Grants)
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\n", u.ID, u.Name, u.Role, own, watch, len(a.Tokens(u.ID)))
				}
				return w.Flush()
			})
		},
	}
}

func listed(grants []accounts.Grant) (own, watch string) {
	var owned, watches []string
	for _, g := range grants {
		name := string(g.System) + "/" + string(g.Device)
		switch g.Access {
		case accounts.Own:
			owned = append(owned, name)
		case accounts.Watch:
			watches = append(watches, name)
		case accounts.WatchHidden:
			watches = append(watches, name+":hidden")
		}
	}
	return strings.Join(owned, " "), strings.Join(watches, " ")
}

func tokenCommand() *cobra.Command {
	c := &cobra.Command{Use: "token", Short: "Manage the computers that are signed in", Args: noArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(&cobra.Command{
		Use: "list [USER]", Short: "List the computers that are signed in", Args: func(c *cobra.Command, args []string) error { return usage(cobra.MaximumNArgs(1)(c, args)) },
		RunE: func(c *cobra.Command, args []string) error {
			return withAccounts(c, func(_ *config.Config, a *accounts.Accounts) error {
				w := tabwriter.NewWriter(c.OutOrStdout(), 0, 4, 2, ' ', 0)
				fmt.Fprintln(w, "ID\tUSER\tCOMPUTER\tSINCE\tLAST USED")
				for _, t := range a.Tokens(strings.Join(args, "")) {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", t.ID, t.User, t.Device, day(t.Created), day(t.Used))
				}
				return w.Flush()
			})
		},
	}, &cobra.Command{
		Use: "revoke ID", Short: "Sign a computer out, at once", Args: exactly(1),
		RunE: func(c *cobra.Command, args []string) error {
			return withAccounts(c, func(_ *config.Config, a *accounts.Accounts) error { return a.Revoke(c.Context(), args[0]) })
		},
	})
	return c
}

func day(t time.Time) string { return t.Local().Format("2006-01-02 15:04") }

// portOf is the port of a listening address, with its colon.
func portOf(listen string) string {
	_, port, err := net.SplitHostPort(listen)
	if err != nil {
		return ""
	}
	return ":" + port
}
