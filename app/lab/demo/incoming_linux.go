package demo

import (
	"context"
	"slices"
	"strings"
	"time"

	"deskbell/app/lab/crm"
	"deskbell/app/lab/nfon"
	"deskbell/app/lab/seat"
	"deskbell/app/machine/desktoptest"
)

// People who call; the first two are customers of the lab's CRM.
var (
	vip      = nfon.Caller{Number: "+49891234567", Name: "Dr. Annegret von Hohenstein-Brandenburg"}
	customer = nfon.Caller{Number: "+4930555012", Name: "Peter Lang"}
	stranger = nfon.Caller{Number: "+4915228817386"}
)

// Their pages in the CRM.
const (
	vipPage      = "17"
	customerPage = "18"
)

// ring has somebody call the agent and waits for the announcement.
func (s *scene) ring(ctx context.Context, from nfon.Caller) (uuid string, toast desktoptest.NoticeCall, err error) {
	uuid, err = s.house.stage.Lab.Phones.RingInbound(from, agentPhone)
	if err != nil {
		return "", toast, err
	}
	toast, err = s.announced(ctx, from.Number[len(from.Number)-3:])
	return uuid, toast, err
}

// announced waits for the announcement of a call, which has a way to silence it.
func (s *scene) announced(ctx context.Context, what string) (desktoptest.NoticeCall, error) {
	toast, err := s.toast(ctx, func(c desktoptest.NoticeCall) bool {
		return has(c, "silence") && c.Replaces == 0 && strings.Contains(c.Title+c.Body, what)
	})
	if err := s.must("a notification announces the call", byNotices, err, "%s", text(toast)); err != nil {
		return toast, err
	}
	s.saw("it offers no Answer that the telephone system does not have", byNotices, !has(toast, "answer") && !has(toast, "clear"), "%s", text(toast))
	return toast, nil
}

// becomes waits until a toast was replaced in place by one that fits.
func (s *scene) becomes(ctx context.Context, what string, toast desktoptest.NoticeCall, fits func(desktoptest.NoticeCall) bool) {
	now, err := s.toast(ctx, func(c desktoptest.NoticeCall) bool { return c.ID == toast.ID && c.Replaces == toast.ID && fits(c) })
	if err != nil {
		s.saw(what, byNotices, false, "not seen: %v", err)
		return
	}
	s.saw(what, byNotices, true, "notification %d replaced: %s", now.Replaces, text(now))
}

// answers picks up at the agent's phone.
func (s *scene) answers(ctx context.Context, uuid string) (time.Time, error) {
	at := time.Now()
	if err := s.house.stage.Lab.Phones.Answer(agentPhone); err != nil {
		return at, err
	}
	e, err := s.event(ctx, uuid, "answer")
	return at, s.must("the call is answered at the phone", byPhones, err, "%s at %s", e.State, e.Extension)
}

// knownCaller is step a.
func knownCaller(ctx context.Context, s *scene) error {
	// The CRM takes its time, so that one can see how the notification learns the name and then the count.
	if err := s.crmTakes(700 * time.Millisecond); err != nil {
		return err
	}
	defer func() { _ = s.crmTakes(0) }() // it knew the endpoints a moment ago
	uuid, toast, err := s.ring(ctx, vip)
	if err != nil {
		return err
	}
	if err := s.rings(ctx, s.began); err != nil {
		return err
	}
	s.becomes(ctx, "the name takes the number's place", toast, func(c desktoptest.NoticeCall) bool { return strings.Contains(c.Title, "Annegret") })
	named := time.Now()
	s.becomes(ctx, "the open tickets follow", toast, func(c desktoptest.NoticeCall) bool { return strings.Contains(c.Body, "3 ") && has(c, "open") })
	s.tone(ctx, "the tone is that for important people", "vip", named)
	s.unmoved(s.began)
	s.noPage("nothing opens while it rings")
	s.pictureOf(ctx, toast, "ringing")
	answered, err := s.answers(ctx, uuid)
	if err != nil {
		return err
	}
	a, err := s.page(ctx, vipPage)
	if err := s.must("her page opens in the browser", byCRM, err, "GET %s by %s: %d", a.Path, a.UserAgent, a.Status); err != nil {
		return err
	}
	s.closed(ctx, "the notification goes when the call is answered", toast)
	limit, cancel := limited(ctx)
	defer cancel()
	title, err := s.windows.await(limit, func(title string) bool { return strings.Contains(title, "Annegret") })
	s.saw("the page is what the agent sees", byFocus, err == nil, "active window %q", title)
	s.picture(ctx, "page")
	s.silence(ctx, "the tone stops when the call is answered", answered)
	if err := s.house.stage.Lab.Phones.CallerHangsUp(uuid); err != nil {
		return err
	}
	s.noGhost(ctx, "Annegret")
	s.once("her page opened exactly once", vipPage)
	return nil
}

func (s *scene) crmTakes(d time.Duration) error {
	for _, endpoint := range []string{crm.Lookup, crm.Tickets} {
		if err := s.house.stage.Lab.CRM.SetFault(endpoint, crm.Fault{Delay: d}); err != nil {
			return err
		}
	}
	return nil
}

// once notes that a page was asked for exactly once since the step began.
func (s *scene) once(what, contact string) {
	n := s.pages(contact)
	s.saw(what, byCRM, n == 1 && s.pages("") == 1, "%d requests for /contacts/%s, %d for any customer's page", n, contact, s.pages(""))
}

// missedCaller is step b.
func missedCaller(ctx context.Context, s *scene) error {
	uuid, toast, err := s.ring(ctx, stranger)
	if err != nil {
		return err
	}
	s.tone(ctx, "the tone is that for calls from outside", "external", s.began)
	s.unmoved(s.began)
	s.pictureOf(ctx, toast, "ringing")
	hungUp := time.Now()
	if err := s.house.stage.Lab.Phones.CallerHangsUp(uuid); err != nil {
		return err
	}
	s.closed(ctx, "the notification goes with the call", toast)
	missed, err := s.toast(ctx, func(c desktoptest.NoticeCall) bool { return has(c, "callback") })
	if err := s.must("a quiet notification tells of the missed call", byNotices, err, "%s", text(missed)); err != nil {
		return err
	}
	s.silence(ctx, "the tone stops when the caller gives up", hungUp)
	s.step.Picture, s.step.Pictures = "", []string{s.step.Picture} // the telling moment is this one
	s.pictureOf(ctx, missed, "missed")
	pressed := time.Now()
	if err := s.must("its button can be pressed", byNotices, s.press(ctx, missed, "callback"), "pressed with the mouse"); err != nil {
		return err
	}
	return s.calledBack(ctx, pressed)
}

// calledBack is the second half of step b: own phone first, then the caller.
func (s *scene) calledBack(ctx context.Context, pressed time.Time) error {
	made, err := s.apiCall(ctx)
	if err := s.must("the telephone system is asked to call back", byPhones, err, "%s calls %s", made.Extension, made.Callee); err != nil {
		return err
	}
	s.saw("it is the missed number", byPhones, made.Callee == stranger.Number, "%s", made.Callee)
	dialling, err := s.pickUp(ctx, made, pressed)
	if err != nil {
		return err
	}
	s.pictureOf(ctx, dialling, "calling-back")
	for _, act := range []func() error{
		func() error { return s.house.stage.Lab.Phones.Answer(agentPhone) },
		func() error { return s.house.stage.Lab.Phones.CalleeAnswers(made.UUID) },
	} {
		if err := act(); err != nil {
			return err
		}
	}
	_, err = s.event(ctx, made.UUID, "answer")
	s.saw("the two talk", byPhones, err == nil, "answered: %t", err == nil)
	s.closed(ctx, "that notification goes when they talk", dialling)
	s.mute("the own call back does not ring at the desk", pressed)
	s.noPage("nothing opens for a number that nobody knows")
	if err := s.house.stage.Lab.Phones.HangUp(agentPhone); err != nil {
		return err
	}
	s.noGhost(ctx, stranger.Number[len(stranger.Number)-3:])
	s.listed(ctx, stranger.Number, "incoming missed", "outgoing answered")
	return nil
}

// listed waits until the call list has exactly these lines with a number since the step began, as direction and result.
func (s *scene) listed(ctx context.Context, number string, want ...string) {
	var have []string
	_, err := s.seen(ctx, func(st seat.State) bool {
		have = nil
		for key, e := range st.Entries {
			if _, earlier := s.entries[key]; !earlier && e.Far.Number == number {
				have = append(have, e.Direction+" "+e.Result)
			}
		}
		slices.Sort(have)
		return slices.Equal(have, want)
	})
	s.saw("the call list has it: "+strings.Join(want, ", "), bySeat, err == nil, "%s", strings.Join(have, ", "))
}

// colleague is step c.
func colleague(ctx context.Context, s *scene) error {
	uuid, err := s.house.stage.Lab.Phones.Dial("102", agentPhone)
	if err != nil {
		return err
	}
	toast, err := s.announced(ctx, "102")
	if err != nil {
		return err
	}
	s.tone(ctx, "the tone is that for calls from inside", "internal", s.began)
	s.unmoved(s.began)
	s.pictureOf(ctx, toast, "internal")
	answered, err := s.answers(ctx, uuid)
	if err != nil {
		return err
	}
	s.closed(ctx, "the notification goes when the call is answered", toast)
	s.silence(ctx, "the tone stops when the call is answered", answered)
	if err := s.house.stage.Lab.Phones.HangUp(agentPhone); err != nil {
		return err
	}
	s.noGhost(ctx, "102")
	s.noPage("nothing opens for a call from inside")
	asked := count(s, func(a crm.Access) bool { return a.Endpoint == crm.Lookup })
	s.saw("the CRM is not asked about a colleague", byCRM, asked == 0, "%d questions", asked)
	return nil
}
