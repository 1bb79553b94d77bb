package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"deskbell/app/lab"
	"deskbell/app/lab/stage"
)

// The agent whose desk is shown.
const (
	agent      = "anna"
	agentName  = "Anna Huber"
	agentPhone = "101"
	volume     = 40 // per cent; enough to hear, gentle enough for an office
)

// house is everything that runs: the lab, a real server, and the tray of one agent.
type house struct {
	opts  Options
	stage *stage.Stage
	env   []string // of the tray and its command line
	tray  *stage.Process
}

// openHouse starts lab and server, enrols the agent by an invitation and leaves her tray running. env is the desktop's.
func openHouse(ctx context.Context, o Options, env []string) (*house, error) {
	st, err := stage.Open(stage.Options{
		Dir: o.path(serverFolder), Server: o.program("deskbelld"), Logger: o.Logger,
		Lab: lab.Options{Logger: o.Logger, CallLog: o.path(serverFolder) + "/calls.jsonl", AccessLog: o.path(serverFolder) + "/crm.jsonl"},
	})
	if err != nil {
		return nil, err
	}
	h := &house{opts: o, stage: st, env: append(env, "DESKBELL_HOME="+o.path(homeFolder), "DESKBELL_BREAK="+o.Break)}
	if o.Language == "" {
		o.Language = locale(os.Environ())
	}
	h.env = append(h.env, "LANG="+o.Language, "LC_ALL="+o.Language, "LANGUAGE=")
	if err := h.open(ctx); err != nil {
		return nil, errors.Join(err, h.close())
	}
	return h, nil
}

func (h *house) open(ctx context.Context) error {
	if _, err := h.stage.StartServer(ctx); err != nil {
		return err
	}
	home := h.opts.path(homeFolder)
	if err := os.MkdirAll(home, 0o700); err != nil {
		return fmt.Errorf("make the tray's folder: %w", err)
	}
	settings := fmt.Sprintf("volume = %d\n", volume)
	if err := os.WriteFile(filepath.Join(home, "settings.toml"), []byte(settings), 0o600); err != nil {
		return fmt.Errorf("write the tray's settings: %w", err)
	}
	invitation, err := h.stage.Invite(ctx, agent, agentName, agentPhone)
	if err != nil {
		return err
	}
	if err := h.startTray(); err != nil {
		return err
	}
	return h.enrol(ctx, invitation)
}

// startTray starts the resident program.
func (h *house) startTray() error {
	p, err := stage.Start(h.opts.path(homeFolder)+"/output.log", h.env, h.opts.program("deskbell"), "--log", "debug")
	if err != nil {
		return err
	}
	h.tray = p
	return nil
}

// enrol hands the invitation to the tray, once the tray takes commands.
func (h *house) enrol(ctx context.Context, invitation string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return until(ctx, h.tray.Gone(), func() error {
		_, err := h.deskbell(ctx, "enroll", invitation)
		return err
	})
}

// locale is that of the messages in an environment, as POSIX orders its variables.
func locale(env []string) string {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		for _, pair := range slices.Backward(env) { // the last one counts
			if value, ok := strings.CutPrefix(pair, name+"="); ok && value != "" {
				return value
			}
		}
	}
	return "C.UTF-8"
}

// language is what the tray speaks.
func (h *house) language() string {
	if strings.HasPrefix(locale(h.env), "de") {
		return "de"
	}
	return "en"
}

// deskbell runs a command of the tray's command line, as a program would: nobody is there to answer a question.
func (h *house) deskbell(ctx context.Context, args ...string) (string, error) {
	return stage.Output(ctx, h.env, h.opts.program("deskbell"), args...)
}

// close ends all of it, the tray first.
func (h *house) close() error {
	var err error
	if h.tray != nil {
		err = h.tray.Stop()
	}
	if closeErr := h.stage.Close(); closeErr != nil {
		h.opts.Logger.Warn("server or lab did not end well", slog.Any("error", closeErr))
	}
	return err
}
