package desk

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"deskbell/app/desk/view"
	"deskbell/app/wire"
)

// Errors by which the machine's parts tell the Loop what a person should know; other errors mean the first one.
var (
	ErrNoBrowser = errors.New("no browser")
	ErrScheme    = errors.New("address of a kind that is not opened")
	// ErrEnded is returned by Ask when the Loop ends before the wish is answered.
	ErrEnded = errors.New("deskbell is ending")
)

// InvitationError says why an invitation did not work, by a code of the invitation texts.
type InvitationError struct {
	Code string
	Err  error
}

// Error implements error.
func (e *InvitationError) Error() string { return "invitation: " + e.Code }

// Unwrap gives the technical cause, which may be nil.
func (e *InvitationError) Unwrap() error { return e.Err }

// Parts are what a Loop acts on. Each method may block; none is called by more than one goroutine at a time except those
// of Server and Accounts.
type Parts struct {
	Notices   Notices
	Tones     Tones
	Pages     Pages
	Server    Server
	Tray      TrayIcon
	Clipboard Clipboard
	Accounts  Accounts
	Store     Store
}

// Notices shows desktop notifications.
type Notices interface {
	Show(n Notice) error
	Close(key string) error
}

// Tones plays one tone at a time, any new one in place of the last. Play returns at once; the part then posts TonePlayed.
type Tones interface {
	Play(t Tone)
	Stop()
}

// Pages opens addresses in the browser (ErrNoBrowser, ErrScheme).
type Pages interface {
	Open(ctx context.Context, url string, schemes []string) error
}

// Server is the connection. Request's error is a *wire.Error where the server answered with one; any other means that no
// reply will come.
type Server interface {
	Request(ctx context.Context, method string, params any) (json.RawMessage, error)
	Redial()
	Hurry(on bool)
}

// TrayIcon shows icon and menu.
type TrayIcon interface{ Update(t Tray) }

// Clipboard is the desktop's.
type Clipboard interface {
	Read(ctx context.Context) (string, error)
	Copy(ctx context.Context, text string) error
}

// Accounts deals with invitations. Errors are *InvitationError. Enroll stores the account and its token; Connect then moves
// the connection to it.
type Accounts interface {
	Find(ctx context.Context, server string) (name string, err error)
	Enroll(ctx context.Context, server, code string) (Account, error)
	Connect(Account)
	Forget(ctx context.Context) error
}

// Store keeps what survives a restart.
type Store interface {
	SaveSeen(s Seen) error
	SaveSetting(name, value string) error
}

// Limits of the Loop.
const (
	inboxSize    = 1024
	maxJobs      = 64
	requestLimit = 10 * time.Second
	jobLimit     = 15 * time.Second
	// trayYields: who calls is on screen before the icon and its menu take the desktop's bus for their own news.
	trayYields = 50 * time.Millisecond
)

// Loop owns a Core: one goroutine, which is that of Run, takes messages and runs effects. What may block runs in goroutines
// that end with Run.
type Loop struct {
	core  *Core
	parts Parts
	log   *slog.Logger

	inbox  chan Message
	ended  chan struct{}
	quit   bool
	jobs   sync.WaitGroup
	slots  chan struct{}
	lanes  map[string]*lane
	timers map[string]*time.Timer

	mu      sync.Mutex
	tickets map[uint64]chan view.Answer
	ticket  uint64

	state    atomic.Pointer[view.State]
	watchers watchers
}

// NewLoop makes a Loop; Run starts it.
func NewLoop(c Config, parts Parts, log *slog.Logger) *Loop {
	l := &Loop{
		core: New(c), parts: parts, log: log,
		inbox: make(chan Message, inboxSize), ended: make(chan struct{}), slots: make(chan struct{}, maxJobs),
		lanes: map[string]*lane{}, timers: map[string]*time.Timer{}, tickets: map[uint64]chan view.Answer{},
	}
	for _, name := range []string{"notice", "tone", "tray", "store"} {
		l.lanes[name] = newLane()
	}
	l.state.Store(&view.State{Link: view.LinkConnecting})
	return l
}

// Run works until ctx ends or the user quits. It returns after all goroutines it started have ended; tone and notices are
// taken away.
func (l *Loop) Run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	for _, ln := range l.lanes {
		l.jobs.Go(func() { ln.run(ctx) })
	}
	l.run(ctx, l.core.Begin(time.Now()))
	for !l.quit {
		select {
		case m := <-l.inbox:
			l.run(ctx, l.core.Handle(m, time.Now()))
			continue
		case <-ctx.Done():
		}
		break
	}
	cancel()
	close(l.ended)
	for _, t := range l.timers {
		t.Stop()
	}
	l.jobs.Wait()
	l.clear()
}

// clear leaves the desktop as it would be without us.
func (l *Loop) clear() {
	l.parts.Tones.Stop()
	for _, s := range l.core.shown {
		if err := l.parts.Notices.Close(s.Key); err != nil {
			l.log.Debug("notice not closed", "error", err)
		}
	}
}

// Post hands over a message. It blocks while the inbox is full, and does nothing once Run has ended. Anyone may call it
// except the parts' own methods on the Loop's goroutine.
func (l *Loop) Post(m Message) {
	select {
	case l.inbox <- m:
	case <-l.ended:
	}
}

// Ask hands over a wish and waits for its answer.
func (l *Loop) Ask(ctx context.Context, a view.Ask) (view.Answer, error) {
	answer := make(chan view.Answer, 1)
	l.mu.Lock()
	l.ticket++
	ticket := l.ticket
	l.tickets[ticket] = answer
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		delete(l.tickets, ticket)
		l.mu.Unlock()
	}()
	l.Post(Asked{Ticket: ticket, Ask: a})
	select {
	case got := <-answer:
		return got, nil
	case <-l.ended:
	case <-ctx.Done():
		return view.Answer{}, ctx.Err()
	}
	select {
	case got := <-answer: // "quit" is answered and ends the Loop
		return got, nil
	default:
		return view.Answer{}, ErrEnded
	}
}

// State gives the newest state.
func (l *Loop) State() view.State { return *l.state.Load() }

// Watch gives a channel that holds a token whenever the state has changed since it was read; stop ends that.
func (l *Loop) Watch() (changed <-chan struct{}, stop func()) { return l.watchers.add() }

func (l *Loop) run(ctx context.Context, effects []Effect) {
	for _, e := range effects {
		l.runOne(ctx, e)
	}
}

func (l *Loop) runOne(ctx context.Context, e Effect) {
	switch e := e.(type) {
	case ShowNotice:
		l.lanes["notice"].put(e.Notice.Key, func() { l.showNotice(e.Notice) })
	case CloseNotice:
		l.lanes["notice"].put(e.Key, func() { l.closeNotice(e.Key) })
	case PlayTone:
		l.lanes["tone"].put("tone", func() { l.parts.Tones.Play(e.Tone) })
	case StopTone:
		l.lanes["tone"].put("tone", l.parts.Tones.Stop)
	case SetTray:
		l.lanes["tray"].put("tray", func() {
			l.lanes["notice"].yield(ctx, trayYields)
			l.parts.Tray.Update(e.Tray)
		})
	case SaveSeen:
		l.lanes["store"].put("seen", func() { l.stored(l.parts.Store.SaveSeen(e.Seen)) })
	case SaveSetting:
		l.lanes["store"].put("setting:"+e.Name, func() { l.stored(l.parts.Store.SaveSetting(e.Name, e.Value)) })
	case OpenPage:
		l.job(ctx, jobLimit, func(ctx context.Context) { l.openPage(ctx, e) }, func() { l.Post(PageOpened{ID: e.ID, Err: "no_browser"}) })
	case Request:
		l.job(ctx, requestLimit, func(ctx context.Context) { l.request(ctx, e) }, func() { l.Post(Replied{ID: e.ID, Lost: true}) })
	case Copy, ReadClipboard, FindServer, Enroll, Forget:
		l.job(ctx, jobLimit, func(ctx context.Context) { l.slow(ctx, e) }, nil)
	case SetTimer:
		l.setTimer(e)
	case StopTimer:
		l.stopTimer(e.Timer)
	case Publish:
		l.state.Store(&e.State)
		l.watchers.tell()
	case Answer:
		l.answer(e)
	case Redial:
		l.parts.Server.Redial()
	case Hurry:
		l.parts.Server.Hurry(e.On)
	case Quit:
		l.quit = true
	case Log:
		l.log.LogAttrs(ctx, e.Level, e.Text, e.Attrs...) //nolint:sloglint // fixed where the Core makes the effect
	}
}

// job runs something slow in a goroutine of its own, within a time. Too many at once: refused runs instead.
func (l *Loop) job(ctx context.Context, limit time.Duration, do func(context.Context), refused func()) {
	select {
	case l.slots <- struct{}{}:
	default:
		l.log.Warn("too many jobs at once")
		if refused != nil {
			l.jobs.Go(refused)
		}
		return
	}
	l.jobs.Go(func() {
		defer func() { <-l.slots }()
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		do(ctx)
	})
}

func (l *Loop) answer(e Answer) {
	l.mu.Lock()
	answer := l.tickets[e.Ticket]
	delete(l.tickets, e.Ticket)
	l.mu.Unlock()
	if answer != nil {
		answer <- e.Answer
	}
}

func (l *Loop) setTimer(e SetTimer) {
	l.stopTimer(e.Timer)
	l.timers[e.Timer] = time.AfterFunc(e.After, func() { l.Post(Fired{Timer: e.Timer}) })
}

func (l *Loop) stopTimer(name string) {
	if t := l.timers[name]; t != nil {
		t.Stop()
		delete(l.timers, name)
	}
}

func (l *Loop) showNotice(n Notice) {
	err := l.parts.Notices.Show(n)
	result := NoticeShown{Key: n.Key}
	if err != nil {
		l.log.Warn("notice not shown", "error", err)
		result.Err = err.Error()
	}
	l.Post(result)
}

func (l *Loop) closeNotice(key string) {
	if err := l.parts.Notices.Close(key); err != nil {
		l.log.Debug("notice not closed", "error", err)
	}
}

func (l *Loop) stored(err error) {
	if err != nil {
		l.log.Warn("not stored", "error", err)
	}
	l.Post(Machine{Code: "storage", Over: err == nil})
}

func (l *Loop) openPage(ctx context.Context, e OpenPage) {
	err := l.parts.Pages.Open(ctx, e.URL, e.Schemes)
	result := PageOpened{ID: e.ID}
	switch {
	case errors.Is(err, ErrScheme):
		result.Err = "scheme"
	case err != nil:
		result.Err = "no_browser"
	}
	if err != nil {
		l.log.Warn("customer not opened", "error", err)
	}
	l.Post(result)
}

func (l *Loop) request(ctx context.Context, e Request) {
	result, err := l.parts.Server.Request(ctx, e.Method, e.Params)
	reply := Replied{ID: e.ID, Result: result}
	var refused *wire.Error
	switch {
	case errors.As(err, &refused):
		reply.Error = refused
	case err != nil:
		reply.Lost = true
		l.log.Info("no reply", "method", e.Method, "error", err)
	}
	l.Post(reply)
}

// slow runs the rarer effects that may take their time.
func (l *Loop) slow(ctx context.Context, e Effect) {
	switch e := e.(type) {
	case Copy:
		if err := l.parts.Clipboard.Copy(ctx, e.Text); err != nil {
			l.log.Warn("not copied", "error", err)
		}
	case ReadClipboard:
		text, err := l.parts.Clipboard.Read(ctx)
		m := ClipboardRead{Text: text}
		if err != nil {
			m.Err = err.Error()
		}
		l.Post(m)
	case FindServer:
		name, err := l.parts.Accounts.Find(ctx, e.Server)
		l.Post(ServerFound{Name: name, Err: l.invitationCode(err)})
	case Enroll:
		account, err := l.parts.Accounts.Enroll(ctx, e.Server, e.Code)
		l.Post(Enrolled{Account: account, Err: l.invitationCode(err)})
		if err == nil {
			l.parts.Accounts.Connect(account) // only now: news of the new connection must not come before the account
		}
	case Forget:
		if err := l.parts.Accounts.Forget(ctx); err != nil {
			l.log.Warn("account not forgotten", "error", err)
			l.Post(Machine{Code: "storage"})
		}
	}
}

func (l *Loop) invitationCode(err error) string {
	var coded *InvitationError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &coded):
		l.log.Warn("invitation refused", "code", coded.Code, "error", coded.Err)
		return coded.Code
	}
	l.log.Warn("invitation failed", "error", err)
	return "failed"
}
