package demo

import (
	"context"
	"strings"
	"time"

	"deskbell/app/lab/seat"
	"deskbell/app/machine/desktoptest"
)

// serverKilled is step e.
func serverKilled(ctx context.Context, s *scene) error {
	uuid, err := s.house.stage.Lab.Phones.RingInbound(customer, agentPhone)
	if err != nil {
		return err
	}
	_, err = s.seen(ctx, func(st seat.State) bool { return len(st.Calls) == 1 })
	if err := s.must("the call is known", bySeat, err, "%s rings", customer.Number); err != nil {
		return err
	}
	if _, err := s.answers(ctx, uuid); err != nil {
		return err
	}
	if a, err := s.page(ctx, customerPage); err != nil {
		s.saw("his page opens in the browser", byCRM, false, "not seen: %v", err)
	} else {
		s.saw("his page opens in the browser", byCRM, true, "GET %s by %s", a.Path, a.UserAgent)
	}
	return s.killed(ctx, uuid)
}

func (s *scene) killed(ctx context.Context, uuid string) error {
	before := s.seat.Snapshot().Snapshots
	killed := time.Now()
	s.house.stage.KillServer()
	_, err := s.seen(ctx, func(st seat.State) bool { return !st.Connected })
	s.saw("the server is gone", bySeat, err == nil, "SIGKILL")
	if _, err := s.house.stage.StartServer(ctx); err != nil {
		return err
	}
	st, err := s.seen(ctx, func(st seat.State) bool { return st.Connected && st.Snapshots > before && len(st.Calls) == 1 })
	s.saw("the call is still there after the restart", bySeat, err == nil, "%d calls, back after %s", len(st.Calls), time.Since(killed).Round(time.Millisecond))
	st, err = s.seen(ctx, func(st seat.State) bool { return len(st.Gaps) > 0 })
	s.saw("the time in between is named, since calls may be missing", bySeat, err == nil, "%d gaps", len(st.Gaps))
	err = s.menu(ctx, func(menu []desktoptest.MenuItem) bool {
		return callLine(menu, customer.Name) != nil && strings.Contains(menu[0].Label, agentName)
	})
	s.saw("the tray is back and shows the call", byTray, err == nil, "%s", s.menuText)
	s.picture(ctx, "back")
	if err := s.house.stage.Lab.Phones.CallerHangsUp(uuid); err != nil {
		return err
	}
	s.noGhost(ctx, customer.Name)
	s.listed(ctx, customer.Number, "incoming answered")
	err = s.menu(ctx, func(menu []desktoptest.MenuItem) bool {
		return strings.HasPrefix(recentText(menu), "← "+customer.Name)
	})
	s.saw("the tray's list has it too", byTray, err == nil, "%s", s.recentText)
	again := 0
	for _, c := range s.notices.Calls() {
		if c.Member == "Notify" && c.At.After(killed) && has(c, "silence") {
			again++
		}
	}
	s.saw("the call is not announced again", byNotices, again == 0, "%d announcements after the kill", again)
	s.once("his page opened exactly once", customerPage)
	return nil
}
