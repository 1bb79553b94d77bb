package desk

import (
	"testing"
	"time"

	"deskbell/app/csta"
	"deskbell/app/desk/view"
	"deskbell/app/wire"
)

func offer(state string) wire.Pop {
	return wire.Pop{ID: "p1", Call: "c1", Trigger: "answered", State: state}
}

func offers(list ...wire.Pop) func(*wire.Snapshot) {
	return func(s *wire.Snapshot) { s.Pops = list }
}

func TestPop(t *testing.T) {
	granted := wire.PopClaimResult{Granted: true, URL: "https://crm/7"}
	t.Run("claimed, opened, reported", func(t *testing.T) {
		s := newScene(t, withSettings("schemes", "callx Zoom"))
		s.up()
		s.tell(offer("offered"))
		s.tell(offer("offered"))
		s.reply(1, granted)
		s.tell(offer("claimed"))
		s.do(PageOpened{ID: "p1"})
		s.tell(offer("opened"))
		s.reply(2, struct{}{})
		s.note("the server lost its memory and offers again: nothing opens twice")
		s.tell(wire.Pop{ID: "p2", Call: "c1", Trigger: "answered", State: "offered"})
		s.reply(3, granted)
		s.tell(wire.Pop{ID: "p3", Call: "c1", Trigger: "ringing", State: "offered"})
		s.reply(5, granted)
	})
	t.Run("another session was faster", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.tell(offer("offered"))
		s.reply(1, wire.PopClaimResult{URL: "https://crm/7"})
		s.tell(offer("claimed"))
		s.tell(offer("opened"))
		s.tell(offer("gone"))
	})
	t.Run("refused, lost, gone before", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.tell(offer("offered"))
		s.refuse(1, wire.CodeGone, nil)
		s.tell(offer("offered"))
		s.lost(2)
		s.tell(offer("offered"))
		s.tell(offer("gone"))
		s.reply(3, granted)
	})
	t.Run("claimed elsewhere and never opened", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.tell(incoming("c1", state(csta.Connected, csta.Connected), facts(wire.StageName, match("Li", ""))))
		s.tell(offer("claimed"))
		s.tell(offer("claimed"))
		s.fire("pop:p1", 3*time.Second)
		s.do(Fired{Timer: "pop:p1"})
		s.press("pop:p1", "open")
		s.do(NoticeGone{Key: "pop:p1"})
		s.reply(2, wire.PopOpenResult{ID: "p2", URL: "https://crm/7"})
		s.do(PageOpened{ID: "p2"})
		s.reply(3, struct{}{})
	})
	t.Run("opened elsewhere in time", func(t *testing.T) {
		s := newScene(t)
		s.up(offers(offer("claimed")))
		s.tell(offer("opened"))
		s.do(Fired{Timer: "pop:p1"})
	})
	t.Run("no browser", func(t *testing.T) {
		s := newScene(t)
		s.up(func(w *wire.Snapshot) {
			w.Entries = []wire.Entry{{ID: "c1", Far: lang, At: noon, Result: wire.ResultAnswered}}
		})
		s.tell(offer("offered"))
		s.reply(1, granted)
		s.do(PageOpened{ID: "p1", Err: "no_browser"})
		s.reply(2, struct{}{})
		s.do(Chosen{ID: "notopened:p1"})
		s.reply(4, wire.PopOpenResult{ID: "p2", URL: "https://crm/7"})
		s.do(PageOpened{ID: "p2"})
	})
	t.Run("an address that may not open", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.tell(offer("offered"))
		s.reply(1, granted)
		s.do(PageOpened{ID: "p1", Err: "scheme"})
		s.tell(offer("gone"))
	})
	t.Run("the report is repeated until it is heard", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.tell(offer("offered"))
		s.reply(1, granted)
		s.snapshot(offers(offer("claimed")))
		s.do(PageOpened{ID: "p1"})
		s.lost(2)
		s.snapshot(offers(offer("claimed")))
		s.tell(offer("opened"))
		s.reply(3, struct{}{})
		s.snapshot()
		s.do(PageOpened{ID: "unknown"})
	})
	t.Run("snapshots end what they do not list", func(t *testing.T) {
		s := newScene(t)
		s.up(offers(offer("claimed")))
		s.fire("pop:p1", 3*time.Second)
		s.snapshot()
		s.snapshot(offers(offer("claimed")))
		s.snapshot()
		s.snapshot(offers(offer("offered")))
		s.reply(1, granted)
		s.do(PageOpened{ID: "p1", Err: "scheme"})
		s.lost(2)
		s.snapshot()
	})
	t.Run("another epoch", func(t *testing.T) {
		s := newScene(t)
		s.up(offers(offer("claimed"), wire.Pop{ID: "p2", Call: "c2", State: "claimed"}))
		s.fire("pop:p1", 3*time.Second)
		s.do(LinkUp{Hello: wire.HelloFromServer{Epoch: "e2"}})
	})
}

func TestOpenCustomer(t *testing.T) {
	two := facts(wire.StageName, match("Li", ""), match("Lo", "ACME"))
	t.Run("among several", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.tell(incoming("c1", two, func(w *wire.Call) { w.CanPop = true }))
		s.press("call:c1", "open")
		s.press("choose", "match:m-Lo")
		s.reply(2, wire.PopOpenResult{ID: "p1", URL: "https://crm/lo"})
		s.press("call:c1", "open")
		s.do(NoticeGone{Key: "choose"}) // the press before closed it
		s.later(2 * time.Second)
		s.do(NoticeGone{Key: "choose"})
		s.press("call:c1", "open")
		s.tell(incoming("c1", over))
	})
	t.Run("by command", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.tell(incoming("c1", two))
		s.ask(view.Ask{Verb: view.AskPop})
		s.reply(2, wire.PopOpenResult{ID: "p1", URL: "https://crm/li"})
		s.ask(view.Ask{Verb: view.AskPop, Call: "earlier"})
		s.refuse(3, wire.CodeNotNow, &wire.Reason{Code: wire.ReasonNoURL})
		s.do(LinkDown{Why: "unreachable"})
		s.ask(view.Ask{Verb: view.AskPop, Call: "earlier"})
	})
	t.Run("refused", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.tell(incoming("c1"))
		s.press("call:c1", "open")
		s.refuse(2, wire.CodeNotNow, &wire.Reason{Code: wire.ReasonNoURL})
		s.press("call:c1", "open")
		s.do(Replied{ID: 3})
	})
}
