package demo

import (
	"context"
	"strings"
	"time"

	"deskbell/app/lab/nfon"
	"deskbell/app/lab/record"
	"deskbell/app/lab/seat"
	"deskbell/app/lab/stage"
	"deskbell/app/machine/desktoptest"
)

// dialledByLink is step d, first half.
func dialledByLink(ctx context.Context, s *scene) error {
	limit, cancel := limited(ctx)
	defer cancel()
	out, err := stage.Output(limit, s.house.env, "xdg-open", "tel:+49-30-555012")
	if err := s.must("the desktop hands the link over", byCommand, err, "xdg-open tel:+49-30-555012 %s", out); err != nil {
		return err
	}
	question, err := s.toast(ctx, func(c desktoptest.NoticeCall) bool { return has(c, "yes") && has(c, "no") })
	if err := s.must("a notification asks first", byNotices, err, "%s", text(question)); err != nil {
		return err
	}
	asked := count(s, func(nfon.APICall) bool { return true })
	s.saw("nothing is dialled by a link alone", byPhones, asked == 0, "%d calls asked for", asked)
	s.unmoved(s.began)
	s.pictureOf(ctx, question, "question")
	pressed := time.Now()
	if err := s.must("its button can be pressed", byNotices, s.press(ctx, question, "yes"), "pressed with the mouse"); err != nil {
		return err
	}
	made, err := s.apiCall(ctx)
	if err := s.must("the telephone system is asked to call", byPhones, err, "%s calls %s", made.Extension, made.Callee); err != nil {
		return err
	}
	dialling, err := s.pickUp(ctx, made, pressed)
	if err != nil {
		return err
	}
	s.pictureOf(ctx, dialling, "pick-up")
	if err := s.house.stage.Lab.Phones.Answer(agentPhone); err != nil {
		return err
	}
	_, err = s.event(ctx, made.UUID, "ring")
	if err := s.must("the other phone rings", byPhones, err, "%s", made.Callee); err != nil {
		return err
	}
	s.becomes(ctx, "the notification says so, and offers to hang up", dialling, func(c desktoptest.NoticeCall) bool {
		return has(c, "clear") && c.Body != dialling.Body
	})
	s.pictureOf(ctx, dialling, "ringing-there")
	return s.endedWhileRinging(ctx, made, pressed)
}

// pickUp waits for what an own call begins with: the own phone rings, and a notification says to pick it up.
func (s *scene) pickUp(ctx context.Context, made nfon.APICall, since time.Time) (desktoptest.NoticeCall, error) {
	if _, err := s.event(ctx, made.UUID, "caller-ring"); err != nil {
		return desktoptest.NoticeCall{}, s.must("the own phone rings first", byPhones, err, "")
	}
	toast, err := s.toast(ctx, func(c desktoptest.NoticeCall) bool { return c.At.After(since) && has(c, "clear") })
	return toast, s.must("a notification says to pick up the phone", byNotices, err, "%s", text(toast))
}

func (s *scene) endedWhileRinging(ctx context.Context, made nfon.APICall, pressed time.Time) error {
	err := s.menu(ctx, func(menu []desktoptest.MenuItem) bool {
		line := callLine(menu, customer.Name)
		return line != nil && line.Children[len(line.Children)-1].Enabled
	})
	s.saw("Hang up is on in the tray", byTray, err == nil, "%s", s.menuText)
	said, err := s.house.deskbell(ctx, "hangup")
	s.saw("the call can be hung up", byCommand, err == nil, "deskbell hangup: %s", strings.TrimSpace(said))
	_, err = s.awaitCancel(ctx, made.UUID)
	s.saw("the telephone system takes the call back", byPhones, err == nil, "DELETE answered 204: %t", err == nil)
	s.mute("the own call does not ring at the desk", pressed)
	s.noGhost(ctx, customer.Name)
	s.listed(ctx, customer.Number, "outgoing cancelled")
	s.noPage("nothing opens for a dialled call")
	return nil
}

// awaitCancel waits until the telephone system has ended a call at our request.
func (s *scene) awaitCancel(ctx context.Context, uuid string) (nfon.Request, error) {
	ctx, cancel := limited(ctx)
	defer cancel()
	var found nfon.Request
	_, err := s.house.stage.Lab.Log.Await(ctx, s.mark, func(e record.Entry) bool {
		r, ok := e.Data.(nfon.Request)
		if ok && r.Endpoint == "cancel" && strings.HasSuffix(r.Path, uuid) && r.Status == 204 {
			found = r
			return true
		}
		return false
	})
	return found, err
}

// dialledAndAnswered is step d, second half.
func dialledAndAnswered(ctx context.Context, s *scene) error {
	said, err := s.house.deskbell(ctx, "dial", "--yes", customer.Number)
	if err := s.must("a number can be dialled by command", byCommand, err, "deskbell dial: %s", strings.TrimSpace(said)); err != nil {
		return err
	}
	made, err := s.apiCall(ctx)
	if err := s.must("the telephone system is asked to call", byPhones, err, "%s calls %s", made.Extension, made.Callee); err != nil {
		return err
	}
	if _, err := s.event(ctx, made.UUID, "caller-ring"); err != nil {
		return s.must("the own phone rings first", byPhones, err, "")
	}
	for _, act := range []func() error{
		func() error { return s.house.stage.Lab.Phones.Answer(agentPhone) },
		func() error { return s.house.stage.Lab.Phones.CalleeAnswers(made.UUID) },
	} {
		if err := act(); err != nil {
			return err
		}
	}
	_, err = s.event(ctx, made.UUID, "answer")
	if err := s.must("the other side answers", byPhones, err, "%s", made.Callee); err != nil {
		return err
	}
	err = s.menu(ctx, func(menu []desktoptest.MenuItem) bool {
		line := callLine(menu, customer.Name)
		if line == nil {
			return false
		}
		last := line.Children[len(line.Children)-1]
		return !last.Enabled && strings.Contains(last.Label, "NFON")
	})
	s.saw("Hang up is off in the tray, with the reason", byTray, err == nil, "%s", s.menuText)
	said, err = s.house.deskbell(ctx, "hangup")
	s.saw("so it is on the command line", byCommand, err != nil && strings.Contains(said, "NFON"), "deskbell hangup: %s", strings.TrimSpace(said))
	asked := count(s, func(r nfon.Request) bool { return r.Endpoint == "cancel" })
	s.saw("the telephone system is not asked for what it cannot do", byPhones, asked == 0, "%d requests", asked)
	s.pictureOfMenu(ctx, "menu")
	st, err := s.seen(ctx, func(st seat.State) bool { return len(st.Calls) == 1 })
	s.saw("the call goes on", bySeat, err == nil, "%d calls", len(st.Calls))
	if err := s.house.stage.Lab.Phones.HangUp(agentPhone); err != nil {
		return err
	}
	s.noGhost(ctx, customer.Name)
	return nil
}
