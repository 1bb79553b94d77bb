// Package stage sets up a whole Deskbell for demo, kill tests and benches: the lab, a real server program, users and seats.
package stage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"deskbell/app/lab"
)

// Options of a stage.
type Options struct {
	Dir    string // everything the stage writes lies below it; made if missing
	Server string // the server program
	Lab    lab.Options
	// Contacts is the text of the CSV file of contacts; empty: only the CRM knows anybody.
	Contacts string
	// Config is put at the end of the server's configuration file.
	Config string
	// OpenTemplate is the URI template of the customer's page; empty: <CRM>/contacts/{contact.id}.
	OpenTemplate string
	Logger       *slog.Logger
}

// Stage is a lab and a server program on loopback. Its methods are for one goroutine.
type Stage struct {
	Lab     *lab.Lab
	opts    Options
	address string
	server  *Process
}

// Open starts the lab and writes the server's configuration; the server is started by StartServer.
func Open(o Options) (*Stage, error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("stage: %w", err)
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	l, err := lab.Start(o.Lab)
	if err != nil {
		return nil, fmt.Errorf("stage: %w", err)
	}
	s := &Stage{Lab: l, opts: o, address: address}
	if err := s.writeConfig(); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return s, nil
}

// freeAddress finds a free port of loopback that the server keeps over restarts.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("stage: %w", err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String(), nil
}

// Close stops the server and the lab.
func (s *Stage) Close() error {
	var err error
	if s.server != nil {
		err = s.server.Stop()
	}
	return errors.Join(err, s.Lab.Close())
}

// URL is the server's base address, http.
func (s *Stage) URL() string { return "http://" + s.address }

// SocketURL is the server's base address, ws.
func (s *Stage) SocketURL() string { return "ws://" + s.address }

// ConfigPath is the server's configuration file.
func (s *Stage) ConfigPath() string { return filepath.Join(s.opts.Dir, "deskbelld.toml") }

// DataDir holds the server's databases.
func (s *Stage) DataDir() string { return filepath.Join(s.opts.Dir, "data") }

// ServerLog is the file with the server's output.
func (s *Stage) ServerLog() string { return filepath.Join(s.opts.Dir, "deskbelld.log") }

// StartServer starts the server program and waits until it answers. env is added to the process's own.
func (s *Stage) StartServer(ctx context.Context, env ...string) (*Process, error) {
	p, err := s.LaunchServer(env...)
	if err != nil {
		return nil, err
	}
	return p, s.AwaitServer(ctx)
}

// LaunchServer starts the server program and does not wait.
func (s *Stage) LaunchServer(env ...string) (*Process, error) {
	p, err := Start(s.ServerLog(), append(os.Environ(), env...), s.opts.Server, "serve", "--config", s.ConfigPath())
	if err != nil {
		return nil, err
	}
	s.server = p
	return p, nil
}

// AwaitServer waits until the server answers, or has ended.
func (s *Stage) AwaitServer(ctx context.Context) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if status, _ := s.get(ctx, "/healthz"); status == http.StatusOK {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("stage: the server does not answer: %w", ctx.Err())
		case <-s.server.Gone():
			return fmt.Errorf("stage: the server ended; see %s", s.ServerLog())
		case <-tick.C:
		}
	}
}

func (s *Stage) get(ctx context.Context, path string) (int, []byte) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL()+path, nil)
	if err != nil {
		return 0, nil
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil
	}
	defer func() { _ = resp.Body.Close() }()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return resp.StatusCode, body
}

// KillServer ends the server with no chance to tidy up.
func (s *Stage) KillServer() {
	if s.server != nil {
		s.server.Kill()
	}
}

// StopServer asks the server to end.
func (s *Stage) StopServer() error {
	if s.server == nil {
		return nil
	}
	err := s.server.Stop()
	s.server = nil
	return err
}

// ServerCommand runs a subcommand of the server program and gives what it printed.
func (s *Stage) ServerCommand(ctx context.Context, args ...string) (string, error) {
	return Output(ctx, os.Environ(), s.opts.Server, append(args, "--config", s.ConfigPath())...)
}

// Invite makes a user with own extensions of the system "nfon" and gives the invitation's link.
func (s *Stage) Invite(ctx context.Context, user, name string, own ...string) (string, error) {
	args := []string{"user", "add", user, "--name", name}
	for _, extension := range own {
		args = append(args, "--own", "nfon/"+extension)
	}
	return s.invitation(ctx, args...)
}

// InviteAgain gives a further invitation of a user, for another device.
func (s *Stage) InviteAgain(ctx context.Context, user string) (string, error) {
	return s.invitation(ctx, "user", "invite", user)
}

// invitation runs a command that prints an invitation, and gives its link.
func (s *Stage) invitation(ctx context.Context, args ...string) (string, error) {
	out, err := s.ServerCommand(ctx, args...)
	if err != nil {
		return "", err
	}
	for word := range strings.FieldsSeq(out) {
		if strings.HasPrefix(word, "deskbell://enroll?") {
			return word, nil
		}
	}
	return "", fmt.Errorf("stage: no invitation in %q", out)
}

// Enroll turns an invitation into a token.
func (s *Stage) Enroll(ctx context.Context, invitation, device string) (string, error) {
	u, err := url.Parse(invitation)
	if err != nil {
		return "", fmt.Errorf("stage: invitation: %w", err)
	}
	body, err := json.Marshal(map[string]string{"code": u.Query().Get("code"), "device": device})
	if err != nil {
		return "", fmt.Errorf("stage: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL()+"/v1/enroll", bytes.NewReader(body))
	if err != nil {
		return "", fmt.Errorf("stage: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", fmt.Errorf("stage: enroll: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	var reply struct {
		Token string `json:"token"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<16)).Decode(&reply); err != nil || reply.Token == "" {
		return "", fmt.Errorf("stage: enroll answered %d without a token", resp.StatusCode)
	}
	return reply.Token, nil
}

// User makes a user and signs a device in for it.
func (s *Stage) User(ctx context.Context, user, name string, own ...string) (token string, err error) {
	invitation, err := s.Invite(ctx, user, name, own...)
	if err != nil {
		return "", err
	}
	return s.Enroll(ctx, invitation, "seat")
}
