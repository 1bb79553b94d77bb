package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/google/uuid"

	"deskbell/app/about"
	"deskbell/app/client"
	"deskbell/app/desk"
	"deskbell/app/desk/home"
	"deskbell/app/desk/view"
	"deskbell/app/localapi"
	"deskbell/app/logging"
	"deskbell/app/machine/notice"
	"deskbell/app/machine/power"
)

// start begins the resident program, or hands over to the one that runs. args holds at most one link.
func (p *program) start(ctx context.Context, args []string) {
	if p.handOver(ctx, args) {
		return
	}
	listener, err := localapi.Listen(p.address())
	if errors.Is(err, localapi.ErrRunning) {
		// It was starting or ending just now.
		time.Sleep(300 * time.Millisecond)
		if !p.handOver(ctx, args) {
			p.fail(exitFailed, p.words.Say("cli.no_answer"))
		}
		return
	}
	if err != nil {
		p.fail(exitFailed, p.words.Say("cli.home_failed", "file", err.Error()))
		return
	}
	p.reside(ctx, listener, args)
}

// handOver gives the link to the program that runs, or has it show itself; false if none runs.
func (p *program) handOver(ctx context.Context, args []string) bool {
	c, err := localapi.Dial(ctx, p.address())
	if err != nil {
		return false
	}
	defer c.Close()
	a := view.Ask{Verb: view.AskShow}
	if len(args) == 1 {
		if os.Getenv("DESKBELL_BREAK") == "link" {
			return true // see breakPart
		}
		a = view.Ask{Verb: view.AskLink, Link: args[0]}
	}
	answer, err := c.Ask(ctx, a)
	switch {
	case err != nil:
		p.fail(exitFailed, p.words.Say("cli.no_answer"))
	case !answer.OK():
		p.fail(exitFailed, answer.Text)
	case len(args) == 0:
		p.say(p.words.Say("cli.running_already"))
	}
	return true
}

// resident is the running tray app: everything that is wired together.
type resident struct {
	*program
	log      *slog.Logger
	loop     *desk.Loop
	client   *client.Client
	accounts *accounts
	notifier *notice.Notifier
	icon     trayIcon
	work     sync.WaitGroup
}

// reside runs until the user quits or ctx ends.
func (p *program) reside(ctx context.Context, listener net.Listener, args []string) {
	// Notices outlive the rest for a moment: the loop takes them down as its last act.
	noticeCtx, endNotices := context.WithCancel(context.WithoutCancel(ctx))
	defer endNotices()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	log, closeLog := p.openLog()
	defer closeLog()
	p.readSettings()
	r := &resident{program: p, log: log}
	if err := r.wire(ctx, noticeCtx); err != nil {
		log.Error("not started", "error", err)
		p.fail(exitFailed, err.Error())
		closeListener(listener)
		return
	}
	log.Info("started", "version", about.Version, "os", runtime.GOOS)
	server := localapi.NewServer(r.loop, about.Version, log)
	r.work.Go(func() { server.Serve(ctx, listener) })
	r.work.Go(func() { r.client.Run(ctx) })
	r.work.Go(func() { r.accounts.resume(ctx) })
	r.work.Go(func() { r.relayNotices(ctx) })
	r.work.Go(func() { r.relayPower(ctx) })
	r.work.Go(func() { thrift(ctx, r.loop, r.log) })
	r.work.Go(func() { r.firstWords(ctx, args) })
	r.run(ctx, cancel, r.icon)
	cancel()
	r.work.Wait()
	endNotices()
	r.notifier.Wait()
	log.Info("ended")
}

func closeListener(l net.Listener) {
	if err := l.Close(); err != nil {
		return // nothing was served yet
	}
}

// openLog logs to the file; to standard error if there can be none.
func (p *program) openLog() (*slog.Logger, func()) {
	opts := logging.Options{Level: p.logLevel}
	file, err := p.home.OpenLog()
	if err == nil {
		if log, err := logging.New(file, opts); err == nil {
			return log, func() { closeLog(file) }
		}
		closeLog(file)
	}
	log, err := logging.New(os.Stderr, logging.Options{})
	if err != nil {
		log = slog.New(slog.DiscardHandler)
	}
	return log, func() {}
}

func closeLog(f *home.Log) {
	if err := f.Close(); err != nil {
		return // there is no log left to say it in
	}
}

// wire makes the parts and joins them. The notifier ends with noticeCtx.
func (r *resident) wire(ctx, noticeCtx context.Context) error {
	account, err := r.home.Account()
	if err != nil {
		r.log.Warn("account not read", "error", err)
	}
	seen, err := r.home.Seen()
	if err != nil {
		r.log.Warn("state not read", "error", err)
	}
	tls, tlsErr := client.TLSConfig(r.settings[desk.SettingCAFile])
	if tlsErr != nil {
		r.log.Error("own certificates not read", "error", tlsErr)
		tls, err = client.TLSConfig("")
		if err != nil {
			return err
		}
	}
	device := hostname()
	broken := os.Getenv("DESKBELL_BREAK")
	var handler client.Handler = relay{r}
	if broken == "recover" {
		handler = noReturn{handler, new(bool)}
	}
	opts := client.Options{
		Handler: handler, Log: r.log, Version: about.Version, Device: device, Locale: r.words.Language(), CanPop: true, TLS: tls,
	}
	r.client = client.New(opts)
	r.accounts = &accounts{r: r, device: device, enroller: client.NewEnroller(opts), secrets: r.openSecrets()}
	if r.notifier, err = notice.Open(noticeCtx, r.log); err != nil {
		return err
	}
	r.icon = r.openTray()
	parts := desk.Parts{
		Notices: r.openNotices(), Tones: r.openTones(), Pages: pages{}, Server: r.client, Tray: r.icon,
		Clipboard: clip{r, ctx}, Accounts: r.accounts, Store: r.home,
	}
	r.loop = desk.NewLoop(desk.Config{
		Words: r.words, Zone: time.Local, NewID: newID, Account: account, Settings: r.settings, Seen: seen,
	}, breakPart(broken, parts), r.log)
	return nil
}

func newID() string { return uuid.NewString() }

func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return about.Name
	}
	return name
}

// firstWords tells the desk what was found at the start, and hands it the link that started the program.
func (r *resident) firstWords(ctx context.Context, args []string) {
	if r.aside != "" {
		r.log.Warn("settings not read", "kept", r.aside)
		r.loop.Post(desk.Machine{Code: "settings", Subject: r.aside})
	}
	if len(r.odd) > 0 {
		r.log.Warn("settings that make no sense", "names", r.odd)
	}
	if runtime.GOOS == "linux" && os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
		r.loop.Post(desk.Machine{Code: "display"})
	}
	checkCtx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := r.notifier.Check(checkCtx); err != nil && ctx.Err() == nil {
		r.log.Warn("no notifications", "error", err)
		r.loop.Post(desk.NoticeShown{Err: "none"})
	}
	if len(args) == 1 {
		if _, err := r.loop.Ask(ctx, view.Ask{Verb: view.AskLink, Link: args[0]}); err != nil {
			r.log.Warn("link not handled", "error", err)
		}
	}
}

// relay hands the connection's news to the desk.
type relay struct{ r *resident }

func (h relay) post(m desk.Message) { h.r.loop.Post(m) }

// relayPower tells the desk when the computer woke up or its network changed.
func (r *resident) relayPower(ctx context.Context) {
	for range power.Watch(ctx, r.log) {
		r.loop.Post(desk.Woke{})
	}
}

// relayNotices tells the desk what happens to its notices.
func (r *resident) relayNotices(ctx context.Context) {
	for {
		select {
		case e, open := <-r.notifier.Events():
			if !open {
				return
			}
			r.noticeEvent(e)
		case <-ctx.Done():
			return
		}
	}
}

func (r *resident) noticeEvent(e notice.Event) {
	switch {
	case e.Back:
		r.loop.Post(desk.NoticesBack{})
	case !e.Closed:
		r.loop.Post(desk.Pressed{Key: e.Key, ID: e.Action})
	case e.Reason == notice.ReasonServerGone:
		r.loop.Post(desk.NoticeGone{Key: e.Key, Lost: true})
	case e.Reason != notice.ReasonClosed: // that was ourselves
		r.loop.Post(desk.NoticeGone{Key: e.Key})
	}
}
