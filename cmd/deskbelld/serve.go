package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"

	"github.com/spf13/cobra"

	"deskbell/app/config"
	"deskbell/app/logging"
	"deskbell/app/server"
)

func serveCommand() *cobra.Command {
	return &cobra.Command{
		Use: "serve", Short: "Serve trays until interrupted", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			found, err := settings(c, false)
			if err != nil {
				return err
			}
			log, closer, err := logging.Open(found.Server.Logging())
			if err != nil {
				return fmt.Errorf("log: %w", err)
			}
			return errors.Join(serve(c.Context(), found, log), closer.Close())
		},
	}
}

// serve runs the server until ctx ends.
func serve(ctx context.Context, c *config.Config, log *slog.Logger) error {
	tuneMemory(log)
	// First of all, so that trays that come back wait in the listener's queue for the rest, instead of being refused.
	listeners, err := listen(ctx, c, log)
	if err != nil {
		return err
	}
	parts, err := open(ctx, c, log)
	if err != nil {
		for _, l := range listeners {
			err = errors.Join(err, l.Close())
		}
		return err
	}
	err = parts.serve(ctx, listeners, c.Server.TLSCert != "", log)
	if cerr := parts.close(); cerr != nil {
		log.Error("not everything could be closed", "error", cerr)
		err = errors.Join(err, cerr)
	}
	return err
}

// serve runs until ctx ends or a listener fails.
func (p *parts) serve(ctx context.Context, listeners []net.Listener, tls bool, log *slog.Logger) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var running sync.WaitGroup
	run := func(do func(context.Context) error) {
		running.Go(func() {
			if err := do(ctx); err != nil {
				cancel(err)
			}
		})
	}
	run(func(ctx context.Context) error { p.lookup.Run(ctx); return nil })
	run(p.server.Run)
	run(giveBack)
	run(func(ctx context.Context) error { return server.Serve(ctx, listeners[0], p.server.Handler(), log) })
	if len(listeners) > 1 {
		run(func(ctx context.Context) error { return server.Serve(ctx, listeners[1], p.server.Inspect(), log) })
	}
	log.Info("serving", "address", listeners[0].Addr().String(), "tls", tls)
	running.Wait()
	log.Info("stopped")
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// listen opens the address for trays, and the one for administrators if there is one.
func listen(ctx context.Context, c *config.Config, log *slog.Logger) ([]net.Listener, error) {
	var cert *server.Certificate
	var err error
	if c.Server.TLSCert != "" {
		if cert, err = server.LoadCertificate(c.Server.TLSCert, c.Server.TLSKey, log); err != nil {
			return nil, err
		}
	}
	trays, err := server.Listen(ctx, c.Server.Listen, cert)
	if err != nil || c.Server.MetricsListen == "" {
		return []net.Listener{trays}, err
	}
	admins, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Server.MetricsListen)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listen on %s: %w", c.Server.MetricsListen, err), trays.Close())
	}
	return []net.Listener{trays, admins}, nil
}

// httpClient is the base client of all connectors.
func httpClient() *http.Client {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return &http.Client{}
	}
	t = t.Clone()
	t.MaxIdleConnsPerHost = 16
	return &http.Client{Transport: t}
}
