package demo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"deskbell/app/lab/crm"
	"deskbell/app/lab/nfon"
	"deskbell/app/lab/record"
	"deskbell/app/lab/seat"
	"deskbell/app/machine/desktoptest"
)

// Who saw a piece of evidence.
const (
	byNotices = "notifications on D-Bus"
	bySound   = "sound output"
	byFocus   = "active window on X11"
	byCRM     = "access log of the CRM"
	byPhones  = "log of the telephone system"
	bySeat    = "another client of the server"
	byTray    = "tray menu on D-Bus"
	byCommand = "command line"
)

// errStop ends a step early: what is missing is in its evidence, and the rest cannot follow.
var errStop = errors.New("the step cannot go on")

// scene is one step while it is played. It belongs to one goroutine.
type scene struct {
	*theatre
	step    *Step
	began   time.Time
	mark    uint64                // number of the lab's newest fact when the step began
	entries map[string]seat.Entry // the call list when the step began
}

// saw notes a piece of evidence.
func (s *scene) saw(what, source string, ok bool, value string, args ...any) {
	s.step.Evidence = append(s.step.Evidence, Evidence{What: what, Source: source, Value: fmt.Sprintf(value, args...), OK: ok})
}

// must notes a piece of evidence without which the step cannot go on.
func (s *scene) must(what, source string, err error, value string, args ...any) error {
	if err != nil {
		s.saw(what, source, false, "not seen: %v", err)
		return errStop
	}
	s.saw(what, source, true, value, args...)
	return nil
}

// limited bounds one wait.
func limited(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, patience)
}

// toast waits for a Notify of Deskbell since the step began, which the daemon has answered.
func (s *scene) toast(ctx context.Context, fits func(desktoptest.NoticeCall) bool) (desktoptest.NoticeCall, error) {
	ctx, cancel := limited(ctx)
	defer cancel()
	return s.notices.Await(ctx, func(c desktoptest.NoticeCall) bool {
		return c.Member == "Notify" && c.ID != 0 && c.At.After(s.began) && c.App == "Deskbell" && fits(c)
	})
}

// signal waits for something that happened to a toast.
func (s *scene) signal(ctx context.Context, member string, id uint32) (desktoptest.NoticeCall, error) {
	ctx, cancel := limited(ctx)
	defer cancel()
	return s.notices.Await(ctx, func(c desktoptest.NoticeCall) bool { return c.Member == member && c.ID == id && c.At.After(s.began) })
}

// has tells whether a toast offers a button, by the id that its press sends.
func has(c desktoptest.NoticeCall, button string) bool { return action(c, button) >= 0 }

// action is the place of a button among a toast's buttons, from 0; below 0: it is not there.
func action(c desktoptest.NoticeCall, button string) int {
	for i := 0; i+1 < len(c.Actions); i += 2 {
		if name, _, _ := strings.Cut(c.Actions[i], ":"); name == button {
			return i / 2
		}
	}
	return -1
}

// text is a toast in one line.
func text(c desktoptest.NoticeCall) string {
	parts := append([]string{c.Title}, strings.Split(c.Body, "\n")...)
	for i := 1; i < len(c.Actions); i += 2 {
		parts = append(parts, "["+c.Actions[i]+"]")
	}
	return strings.Join(parts, " | ")
}

// closed notes that a toast went away.
func (s *scene) closed(ctx context.Context, what string, toast desktoptest.NoticeCall) {
	c, err := s.signal(ctx, "NotificationClosed", toast.ID)
	if err != nil {
		s.saw(what, byNotices, false, "not seen: %v", err)
		return
	}
	s.saw(what, byNotices, true, "notification %d closed %s later", toast.ID, c.At.Sub(toast.At).Round(time.Millisecond))
}

// tone notes which tone plays: it must be the wanted one before the wait ends.
func (s *scene) tone(ctx context.Context, what, want string, since time.Time) {
	ctx, cancel := limited(ctx)
	defer cancel()
	heard, length := "", time.Duration(0)
	err := s.sound.Await(ctx, since, func(levels []desktoptest.Level) bool {
		var samples []int16
		for _, l := range levels {
			if l.RMS > desktoptest.Audible {
				samples = append(samples, l.PCM...)
			}
		}
		length = time.Duration(len(samples)) * time.Second / desktoptest.Rate
		if length < toneLength {
			return false
		}
		// Of what is heard by now only the newest part counts: the tone may have changed with the caller's name.
		heard = toneOf(samples[len(samples)-int(toneLength.Seconds()*desktoptest.Rate):], desktoptest.Rate)
		return heard == want
	})
	if err != nil && heard == "" {
		heard = "none"
	}
	s.saw(what, bySound, err == nil, "heard: %s, for %s by then", heard, length.Round(10*time.Millisecond))
}

// rings notes that a sound begins.
func (s *scene) rings(ctx context.Context, since time.Time) error {
	ctx, cancel := limited(ctx)
	defer cancel()
	at, err := s.sound.AwaitSound(ctx, since)
	return s.must("the desk rings", bySound, err, "first sound %s after the call", at.Sub(since).Round(time.Millisecond))
}

// toneLength is how much sound is enough to tell the tones apart.
const toneLength = 700 * time.Millisecond

// silence notes that nothing is heard any more since a moment. It is asked late in a step, so that the time has mostly passed.
func (s *scene) silence(ctx context.Context, what string, since time.Time) {
	ctx, cancel := limited(ctx)
	defer cancel()
	at, err := s.sound.AwaitSilence(ctx, since, time.Second) // longer than any pause in a tone
	if err != nil {
		s.saw(what, bySound, false, "still heard")
		return
	}
	s.saw(what, bySound, true, "silent %s later", at.Sub(since).Round(10*time.Millisecond))
}

// mute notes that nothing was heard since a moment.
func (s *scene) mute(what string, since time.Time) {
	s.saw(what, bySound, s.sound.Loudest(since) <= desktoptest.Audible, "loudest level %.4f of 1", s.sound.Loudest(since))
}

// unmoved notes that the active window stayed the same.
func (s *scene) unmoved(since time.Time) {
	id, title := s.windows.now()
	n := s.windows.changes(since)
	s.saw("the window in use stays in use", byFocus, n == 0 && id != 0, "window %d %q, changed %d times", id, title, n)
}

// pages counts how often a customer's page was asked for since the step began; any customer's when contact is empty.
func (s *scene) pages(contact string) int {
	n := 0
	for _, e := range s.house.stage.Lab.Log.Since(s.mark) {
		if a, ok := e.Data.(crm.Access); ok && a.Endpoint == crm.Page && a.Contact != "" && (contact == "" || a.Contact == contact) {
			n++
		}
	}
	return n
}

// page waits for a customer's page being asked for.
func (s *scene) page(ctx context.Context, contact string) (crm.Access, error) {
	ctx, cancel := limited(ctx)
	defer cancel()
	return record.Await(ctx, s.house.stage.Lab.Log, s.mark, func(a crm.Access) bool { return a.Endpoint == crm.Page && a.Contact == contact })
}

// noPage notes that nothing was opened.
func (s *scene) noPage(what string) {
	n := s.pages("")
	s.saw(what, byCRM, n == 0, "%d requests for a customer's page", n)
}

// event waits for an event of a call at the telephone system.
func (s *scene) event(ctx context.Context, uuid, state string) (nfon.EventFact, error) {
	ctx, cancel := limited(ctx)
	defer cancel()
	return record.Await(ctx, s.house.stage.Lab.Log, s.mark, func(e nfon.EventFact) bool { return e.UUID == uuid && e.State == state })
}

// apiCall waits for a call that was asked for by program.
func (s *scene) apiCall(ctx context.Context) (nfon.APICall, error) {
	ctx, cancel := limited(ctx)
	defer cancel()
	return record.Await(ctx, s.house.stage.Lab.Log, s.mark, func(nfon.APICall) bool { return true })
}

// count counts the lab's facts of a type since the step began.
func count[T any](s *scene, fits func(T) bool) int {
	n := 0
	for _, e := range s.house.stage.Lab.Log.Since(s.mark) {
		if v, ok := e.Data.(T); ok && fits(v) {
			n++
		}
	}
	return n
}

// seen waits for something at the other client.
func (s *scene) seen(ctx context.Context, fits func(seat.State) bool) (seat.State, error) {
	ctx, cancel := limited(ctx)
	defer cancel()
	return s.seat.Await(ctx, fits)
}

// noGhost notes that no call is left, for the other client and in the tray's menu.
func (s *scene) noGhost(ctx context.Context, name string) {
	st, err := s.seen(ctx, func(st seat.State) bool { return st.Connected && len(st.Calls) == 0 })
	s.saw("no call is left over", bySeat, err == nil, "%d calls, %d breaches of the protocol", len(st.Calls), len(st.Faults))
	err = s.menu(ctx, func(menu []desktoptest.MenuItem) bool { return callLine(menu, name) == nil })
	s.saw("no call is left over", byTray, err == nil, "%s", s.menuText)
}

// menu waits until the tray's menu fits, and keeps it as text for evidence.
func (s *scene) menu(ctx context.Context, fits func([]desktoptest.MenuItem) bool) error {
	ctx, cancel := limited(ctx)
	defer cancel()
	return until(ctx, s.house.tray.Gone(), func() error {
		menu, err := s.icon.read(ctx)
		if err != nil {
			return err
		}
		s.menuText, s.recentText = menuText(menu), recentText(menu)
		if !fits(menu) {
			return errors.New("the menu says: " + s.menuText)
		}
		return nil
	})
}

// callLine is the menu line of a running call: one with a name and verbs, which stands above the first separator.
func callLine(menu []desktoptest.MenuItem, name string) *desktoptest.MenuItem {
	for _, item := range menu {
		switch {
		case item.Separator:
			return nil
		case len(item.Children) > 0 && strings.Contains(item.Label, name):
			return &item
		}
	}
	return nil
}

// recentText is the list of recent calls in the menu, below its first separator, in one line.
func recentText(menu []desktoptest.MenuItem) string {
	var lines []string
	below := false
	for _, item := range menu {
		below = below || item.Separator
		for _, c := range item.Children {
			if below {
				lines = append(lines, c.Label)
			}
		}
	}
	return strings.Join(lines, " | ")
}

// menuText is a menu in one line.
func menuText(menu []desktoptest.MenuItem) string {
	var lines []string
	for _, item := range menu {
		if item.Separator {
			break // what follows is the same at all times
		}
		line := item.Label
		for _, c := range item.Children {
			line += " > " + c.Label
			if !c.Enabled {
				line += " (off)"
			}
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, " | ")
}

// picture takes one of the whole screen. The first one of a step is its main one.
func (s *scene) picture(ctx context.Context, name string) {
	name = s.step.Step + "-" + name
	if _, err := s.desk.Screenshot(ctx, name); err != nil {
		s.opts.Logger.Warn("no picture", "name", name, "error", err)
		return
	}
	if s.step.Picture == "" {
		s.step.Picture = name + ".png"
		return
	}
	s.step.Pictures = append(s.step.Pictures, name+".png")
}
