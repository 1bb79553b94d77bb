package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"deskbell/app/desk"
	"deskbell/app/desk/home"
	"deskbell/app/desk/text"
	"deskbell/app/desk/view"
	"deskbell/app/localapi"
	"deskbell/app/machine/notice"
)

// maxShown is how many characters of a stranger's text are shown.
const maxShown = 120

// program is what all commands share.
type program struct {
	home     *home.Home
	words    *text.Words
	settings map[string]string
	aside    string // where an unreadable settings file was kept
	odd      []string
	in       io.Reader
	out, err io.Writer
	logLevel string
	code     int
}

func newProgram() (*program, error) {
	h, err := home.Open(os.Getenv)
	if err != nil {
		words, wordsErr := text.New(locale(), shown)
		if wordsErr != nil {
			return nil, wordsErr
		}
		return nil, errors.New(words.Say("cli.home_failed", "file", err.Error()))
	}
	p := &program{home: h, in: os.Stdin, out: os.Stdout, err: os.Stderr}
	// An unreadable file is the resident program's to keep aside and to tell of.
	p.settings, p.odd, _ = h.PeekSettings()
	lang := p.settings[desk.SettingLanguage]
	if lang == "" {
		lang = locale()
	}
	p.words, err = text.New(lang, shown)
	return p, err
}

// readSettings reads the settings for the resident program, which keeps an unreadable file aside.
func (p *program) readSettings() {
	var err error
	p.settings, p.odd, p.aside, err = p.home.Settings()
	if err != nil && p.aside == "" {
		p.aside = err.Error()
	}
}

// shown makes a stranger's text harmless to show.
func shown(s string) string { return notice.Clean(s, maxShown) }

// execute runs one command line and gives its exit code.
func (p *program) execute(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := p.commands()
	root.SetArgs(args)
	root.SetOut(p.out)
	root.SetErr(p.err)
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintln(p.err, p.words.Say("cli.usage_wrong"))
		return exitUsage
	}
	return p.code
}

func (p *program) address() string {
	return localapi.Address(p.home.Run(), localapi.Session(os.Getenv))
}

// fail says a sentence on standard error and sets the exit code.
func (p *program) fail(code int, sentence string) {
	fmt.Fprintln(p.err, sentence)
	p.code = code
}

func (p *program) say(sentence string) { fmt.Fprintln(p.out, sentence) }

// withTray runs f with a connection to the running tray.
func (p *program) withTray(ctx context.Context, f func(*localapi.Client) error) {
	c, err := localapi.Dial(ctx, p.address())
	if err != nil {
		p.fail(exitNotRunning, p.words.Say("cli.not_running"))
		return
	}
	defer c.Close()
	if err := f(c); err != nil && ctx.Err() == nil {
		p.fail(exitFailed, p.words.Say("cli.no_answer"))
	}
}

// ask has the tray do something and says what became of it. A question is put to the user in the terminal; confirm says
// whether it was agreed to before.
func (p *program) ask(ctx context.Context, a view.Ask) {
	p.withTray(ctx, func(c *localapi.Client) error {
		answer, err := c.Ask(ctx, a)
		if a.Verb == view.AskQuit && err != nil && !errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() == nil {
			// It ended before its last word could be read, which on Windows is lost with the pipe.
			p.say(p.words.Say("cli.done"))
			return nil
		}
		if err != nil {
			return err
		}
		if answer.Code == view.CodeConfirm {
			if !p.agreed(answer.Text) {
				return nil
			}
			a.Confirmed = true
			if answer, err = c.Ask(ctx, a); err != nil {
				return err
			}
		}
		if !answer.OK() {
			p.fail(exitFailed, answer.Text)
			return nil
		}
		if answer.Text != "" {
			p.say(answer.Text)
		}
		return nil
	})
}

// agreed asks in the terminal. Where nobody can answer, it says how to agree beforehand.
func (p *program) agreed(question string) bool {
	if !interactive(p.in) {
		p.fail(exitNeedsYes, p.words.Say("cli.needs_answer", "question", question))
		return false
	}
	fmt.Fprint(p.out, p.words.Say("cli.ask", "question", question))
	line, err := bufio.NewReader(io.LimitReader(p.in, 64)).ReadString('\n')
	line = strings.TrimSpace(line)
	if err != nil && line == "" || line == "" || !strings.Contains(p.words.Say("cli.yes_letters"), line[:1]) {
		p.fail(exitNeedsYes, p.words.Say("cli.not_confirmed"))
		return false
	}
	return true
}

// interactive reports whether a person sits at the other end of r.
func interactive(r io.Reader) bool {
	f, ok := r.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && info.Mode()&os.ModeDevice != 0 && f.Name() != os.DevNull && isTerminal(f)
}
