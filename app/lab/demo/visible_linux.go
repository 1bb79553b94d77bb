package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"deskbell/app/lab/words"
	"deskbell/app/machine/browser"
	"deskbell/app/machine/links"
)

// firstCall is when the first call comes: late enough to read what was said and to see the page.
const firstCall = 6 * time.Second

// show lets a person play on the desktop there is, until ctx ends, and leaves the machine as it was.
func show(ctx context.Context, o Options) (err error) {
	say := words.For(strings.ReplaceAll(strings.SplitN(locale(os.Environ()), ".", 2)[0], "_", "-"))
	fmt.Fprintln(o.Say, say.Say("demo_intro", "folder", o.Out))
	f, err := findDesktop(o)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, f.restore())
		if err == nil {
			fmt.Fprintln(o.Say, say.Text("demo_ended"))
		}
	}()
	h, err := openHouse(ctx, o, os.Environ())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.close()) }()
	if err := h.takeLinks(ctx); err != nil {
		o.Logger.Warn("links not taken", "error", err)
		fmt.Fprintln(o.Say, say.Text("demo_no_links"))
	}
	page := h.stage.Lab.Ready().Control
	fmt.Fprintln(o.Say, say.Say("demo_page", "address", page))
	if err := browser.Open(ctx, page, nil); err != nil {
		fmt.Fprintln(o.Say, say.Text("demo_no_browser"))
	}
	return h.play(ctx)
}

// play has a customer call after a while, and waits for the end of ctx.
func (h *house) play(ctx context.Context) error {
	first := time.NewTimer(firstCall)
	defer first.Stop()
	for {
		select {
		case <-first.C:
			if _, err := h.stage.Lab.Phones.RingInbound(vip, agentPhone); err != nil {
				return err
			}
		case <-h.tray.Gone():
			if err := h.tray.Stop(); err != nil { // how it ended
				return fmt.Errorf("the tray has ended; see %s: %w", h.opts.path(homeFolder), err)
			}
			return nil // by its menu
		case <-ctx.Done():
			return nil
		}
	}
}

// takeLinks makes our tray the one that opens telephone links. The desktop starts it with its own environment, so the
// command names the tray's folder.
func (h *house) takeLinks(ctx context.Context) error {
	env, err := exec.LookPath("env")
	if err != nil {
		return err
	}
	r := links.Registrar{
		Exe: env, Args: []string{"DESKBELL_HOME=" + h.opts.path(homeFolder), "DESKBELL_BREAK=" + h.opts.Break, h.opts.program("deskbell")},
		StateDir: h.opts.path(homeFolder),
	}
	return r.Register(ctx, "tel", "callto")
}
