package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"deskbell/app/contact"
	"deskbell/app/logging"
	"deskbell/app/number/plan"
)

// readBudget is how long copied sources may take to be read for one look-up.
const readBudget = 30 * time.Second

func contactCommand() *cobra.Command {
	c := &cobra.Command{Use: "contact", Short: "Ask the contact sources", Args: noArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(&cobra.Command{
		Use: "lookup NUMBER", Short: "Find who a number belongs to, as for a call", Args: exactly(1),
		Example: "  deskbelld contact lookup +4989123456",
		RunE:    func(c *cobra.Command, args []string) error { return lookUp(c, args[0]) },
	})
	return c
}

// lookUp opens the sources as the server does, waits until those that are copied were read, and prints what is found.
func lookUp(c *cobra.Command, text string) (err error) {
	found, err := settings(c, false)
	if err != nil {
		return err
	}
	log, err := logging.New(c.ErrOrStderr(), logging.Options{Level: "warn"})
	if err != nil {
		return err
	}
	p := &parts{log: log}
	defer func() { err = errors.Join(err, p.close()) }()
	if p.plan, err = plan.New(found.Tenant.Plan()); err != nil {
		return err
	}
	number, ok := p.plan.E164(text)
	if !ok {
		return errUsage{errors.New("that is no number from outside that could be looked up")}
	}
	if err := p.openContacts(found); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Context(), readBudget)
	defer cancel()
	go p.lookup.Run(ctx)
	if err := waitRead(ctx, p.lookup, found.Contacts); err != nil {
		return err
	}
	begin, some := time.Now(), false
	p.lookup.Find(ctx, contact.Query{Tenant: tenant, Number: number}, func(a contact.Answer) {
		some = some || len(a.Matches) > 0
		printAnswer(c.OutOrStdout(), a, time.Since(begin))
	})
	if !some {
		return errors.New("nobody found")
	}
	return nil
}

// waitRead waits until every copied source has reported.
func waitRead[C any](ctx context.Context, l *contact.Lookup, sources map[string]C) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		ready := true
		for id, r := range l.Reports(tenant) {
			_, named := sources[id]
			ready = ready && (!named || !r.At.IsZero())
		}
		if ready {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("contacts could not be read in time: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

func printAnswer(w io.Writer, a contact.Answer, after time.Duration) {
	fmt.Fprintf(w, "after %s:\n", after.Round(time.Millisecond))
	for _, m := range a.Matches {
		sure := "perhaps"
		if m.Exact {
			sure = "exact"
		}
		fmt.Fprintf(w, "  %s  %q  %q  source %s, id %s", sure, m.Name, m.Company, m.Source, m.ID)
		if m.VIP {
			fmt.Fprint(w, ", VIP")
		}
		if m.Counts.Known {
			fmt.Fprintf(w, ", %d open tickets", m.Counts.OpenTickets)
		}
		fmt.Fprintln(w)
	}
	for _, id := range a.Paused {
		fmt.Fprintf(w, "  no answer from %s\n", id)
	}
}
