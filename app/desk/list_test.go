package desk

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/csta"
	"deskbell/app/desk/view"
	"deskbell/app/wire"
)

// entry is a missed call that began some minutes after noon.
func entry(id string, minute int, change ...func(*wire.Entry)) wire.Entry {
	e := wire.Entry{
		ID: csta.CallID(id), System: "nfon", Device: "101", Direction: csta.Incoming, Name: "Caller " + id,
		Far: wire.Party{Kind: wire.PartyExternal, Number: "+49" + id, Display: "+49 " + id},
		At:  noon.Add(time.Duration(minute) * time.Minute), Result: wire.ResultMissed,
	}
	for _, c := range change {
		c(&e)
	}
	return e
}

func seen(e *wire.Entry)     { e.Seen = true }
func withheld(e *wire.Entry) { e.Far, e.Name = wire.Party{Kind: wire.PartyWithheld}, "" }

func entries(unseen int, list ...wire.Entry) func(*wire.Snapshot) {
	return func(s *wire.Snapshot) { s.Entries, s.Unseen = list, unseen }
}

func TestMissed(t *testing.T) {
	t.Run("one, called back", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.tell(entry("1", 1, func(e *wire.Entry) { e.Company, e.VIP = "ACME", true }))
		s.press("missed", "callback:1")
		s.reply(3, wire.MakeCallResult{Attempt: attemptNote("accepted")})
	})
	t.Run("called back after asking", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.tell(entry("1", 1))
		s.press("missed", "callback:1")
		s.refuse(3, wire.CodeConfirm, &wire.Reason{Code: wire.ReasonConfirmCountry, Args: map[string]string{"number": "+1", "country": "US"}})
		s.press("question:1", "yes")
	})
	t.Run("eight are listed without a rest", func(t *testing.T) {
		s := newScene(t)
		s.up()
		for i := 1; i <= 8; i++ {
			s.tell(entry(fmt.Sprint(i), i))
		}
		s.do(Chosen{ID: "missed"})
	})
	t.Run("gathered", func(t *testing.T) {
		s := newScene(t)
		s.views = true
		s.up()
		s.tell(entry("1", 1))
		s.tell(entry("2", 2, withheld))
		s.tell(entry("3", 3))
		s.tell(entry("4", 4))
		s.tell(entry("5", 4))
		s.do(NoticeGone{Key: "missed"})
		s.note("a change that is none")
		s.tell(entry("4", 4))
		s.note("one more brings it back")
		s.tell(entry("6", 6, withheld))
		s.note("seen elsewhere, one by one")
		for i := 1; i <= 6; i++ {
			s.tell(entry(fmt.Sprint(i), i, seen))
		}
	})
	t.Run("shown", func(t *testing.T) {
		s := newScene(t)
		s.up()
		for i := 1; i <= 10; i++ {
			s.tell(entry(fmt.Sprint(i), i))
		}
		s.press("missed", "show")
		s.do(NoticeGone{Key: "missed"})
		s.later(time.Minute)
		s.press("missed", "callback:10")
		s.do(Chosen{ID: "missed"})
		s.tell(entry("11", 11))
	})
	t.Run("of callers without a number", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.tell(entry("1", 1, withheld))
		s.press("missed", "callback:1")
		s.tell(entry("2", 2, func(e *wire.Entry) { e.Far.Number = "" }))
		s.tell(entry("3", 3, func(e *wire.Entry) { e.Far.Kind, e.Far.Display = wire.PartyInternal, "" }))
	})
	t.Run("while the tray was away", func(t *testing.T) {
		s := newScene(t, func(c *Config) { c.Seen.Missed = []csta.CallID{"1", "0"} })
		s.up(entries(4, entry("2", 2), entry("1", 1), entry("0", 0, seen)))
		s.snapshot(entries(4, entry("2", 2), entry("1", 1)))
		s.snapshot(entries(0, entry("2", 2, seen), entry("1", 1, seen)))
		s.snapshot(entries(2, entry("1", 1)))
	})
	t.Run("of another day", func(t *testing.T) {
		s := newScene(t, func(c *Config) { c.Zone = time.FixedZone("", 3600) })
		s.up()
		s.tell(entry("1", -12*60))
		s.tell(entry("2", -13*60-1))
	})
	t.Run("moved", func(t *testing.T) {
		s := newScene(t)
		s.up(entries(0, entry("2", 2, seen), entry("1", 1, seen)))
		s.tell(entry("1", 3, seen))
	})
	t.Run("not by setting", func(t *testing.T) {
		s := newScene(t, withSettings("missed", "false"))
		s.up()
		s.tell(entry("1", 1))
	})
	t.Run("other results", func(t *testing.T) {
		s := newScene(t)
		s.up()
		for i, r := range []wire.Result{wire.ResultRunning, wire.ResultAnswered, wire.ResultElsewhere, wire.ResultRejected, wire.ResultNoAnswer,
			wire.ResultBusy, wire.ResultFailed, wire.ResultCancelled, wire.ResultUnknown, "future"} {
			s.tell(entry(fmt.Sprint(i), i, func(e *wire.Entry) { e.Result, e.Direction = r, csta.Outgoing }))
		}
		s.note("it was running and was missed")
		s.tell(entry("0", 0))
	})
}

func TestEntriesAreBounded(t *testing.T) {
	s := newScene(t)
	s.up()
	for i := range 60 {
		s.core.Handle(Told{Note: entry(fmt.Sprint(i), i)}, noon)
	}
	require.Len(t, s.core.entries, 50)
	require.Equal(t, csta.CallID("59"), s.core.entries[0].ID)
	require.Equal(t, 60, s.core.unseenCount())
	var list []wire.Entry
	for i := range 60 {
		list = append(list, entry(fmt.Sprint(i), -i))
	}
	s.core.Handle(Told{Note: wire.Snapshot{Entries: list, Unseen: 70}}, noon)
	require.Len(t, s.core.entries, 50)
	require.Equal(t, 70, s.core.unseenCount())
	s.core.Handle(Told{Note: entry("early", -100)}, noon)
	require.Len(t, s.core.entries, 50)
	require.Equal(t, 71, s.core.unseenCount())
	s.core.Handle(Told{Note: entry("early", -100, seen)}, noon)
	require.Equal(t, 71, s.core.unseenCount())
}

func gap(id string, from, to time.Duration) wire.Gap {
	g := wire.Gap{ID: id, System: "nfon", From: noon.Add(from)}
	if to > 0 {
		end := noon.Add(to)
		g.To = &end
	}
	return g
}

func TestGap(t *testing.T) {
	s := newScene(t, func(c *Config) { c.Seen.Gaps = []string{"old"} })
	s.views = true
	s.up(func(w *wire.Snapshot) {
		w.Gaps = []wire.Gap{gap("old", -time.Hour, -time.Minute*59), gap("b", -9*time.Minute, 0), gap("a", time.Minute, 3*time.Minute)}
	})
	s.tell(gap("b", -9*time.Minute, 4*time.Minute))
	s.tell(gap("c", 5*time.Minute, 5*time.Minute+time.Second))
	s.do(NoticeGone{Key: "gap"})
	s.tell(gap("c", 5*time.Minute, 5*time.Minute+time.Second))
	s.tell(gap("d", time.Minute, 2*time.Minute))
	s.snapshot(func(w *wire.Snapshot) {
		w.Gaps = []wire.Gap{gap("c", 5*time.Minute, 5*time.Minute+time.Second)}
	})
}

func trouble1(id, code string) wire.Trouble {
	return wire.Trouble{ID: id, Active: true, Code: code, System: "nfon", Since: noon}
}

func TestTrouble(t *testing.T) {
	t.Run("raised and over", func(t *testing.T) {
		s := newScene(t)
		s.views = true
		s.up()
		s.tell(wire.Trouble{ID: "t1", Active: true, Code: "sign_in", Source: "NFON", Detail: "401 on POST /login", Since: noon})
		s.press("trouble:t1", "copy")
		s.do(NoticeGone{Key: "trouble:t1"})
		s.tell(wire.Trouble{ID: "t1", Active: true, Code: "licence", System: "nfon", Detail: "403", Since: noon})
		s.do(Chosen{ID: "copy:trouble:t1"})
		s.tell(wire.Trouble{ID: "t1"})
		s.do(Chosen{ID: "copy:trouble:t1"})
	})
	t.Run("slow ones wait", func(t *testing.T) {
		s := newScene(t)
		s.up()
		for _, code := range []string{"unreachable", "rate_limited", "contacts_source"} {
			s.tell(trouble1(code, code))
		}
		s.fire("trouble:unreachable", 5*time.Second)
		s.do(Fired{Timer: "trouble:unknown"})
		s.tell(wire.Trouble{ID: "rate_limited"})
		s.do(Fired{Timer: "trouble:rate_limited"})
	})
	t.Run("in snapshots, oldest first", func(t *testing.T) {
		s := newScene(t)
		b, a := trouble1("b", "config"), trouble1("a", "future_code")
		c := trouble1("c", "log_full")
		c.Since = noon.Add(-time.Hour)
		s.up(func(w *wire.Snapshot) { w.Troubles = []wire.Trouble{b, a, c, {ID: "over", Code: "config"}} })
		s.snapshot(func(w *wire.Snapshot) { w.Troubles = []wire.Trouble{a, trouble1("u", "unreachable")} })
		s.snapshot(func(w *wire.Snapshot) { w.Troubles = []wire.Trouble{{ID: "a", Code: "future_code"}} })
	})
	t.Run("of this computer", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.do(NoticeShown{Key: "x", Err: "no notification service"})
		s.do(TonePlayed{Err: "sound"})
		s.do(TonePlayed{Err: "tone_file"})
		s.do(TonePlayed{Err: "output"})
		s.do(NoticeShown{Key: "x"})
		s.do(TonePlayed{})
		s.do(Machine{Code: "settings", Subject: "/home/anna/settings.toml.broken-1"})
		s.do(Machine{Code: "tray"})
		s.do(Machine{Code: "settings", Over: true})
	})
}

func TestConnection(t *testing.T) {
	t.Run("told after a while", func(t *testing.T) {
		s := newScene(t)
		s.views = true
		s.do(LinkDown{Why: "unreachable"})
		s.later(5 * time.Second)
		s.do(LinkDown{Why: "certificate"})
		s.fire("away", 10*time.Second)
		s.fire("down", 0)
		s.do(LinkDown{Why: "unreachable"})
		s.up()
		s.do(LinkDown{Why: "restart"})
		s.fire("down", 15*time.Second)
		s.do(LinkDown{Why: "unreachable"})
		s.do(Woke{})
		s.up()
		s.do(Fired{Timer: "down"})
	})
	t.Run("refused", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.do(LinkDown{Why: "revoked", Final: true})
		s.do(Woke{})
		s.fire("away", 15*time.Second)
		s.press("connection", "copy")
		s.press("connection", "again")
		s.fire("down", 15*time.Second)
		s.do(Chosen{ID: "again"})
		s.do(LinkDown{Why: "sign_in", Final: true})
		s.do(Chosen{ID: "again"})
		s.up()
	})
	t.Run("no account", func(t *testing.T) {
		s := newScene(t, withoutAccount)
		s.do(LinkDown{Why: "unreachable"})
		s.do(Woke{})
	})
	t.Run("names", func(t *testing.T) {
		s := newScene(t, func(c *Config) { c.Account.Name, c.Account.ServerName = "", "" })
		s.views = true
		s.do(LinkUp{Hello: wire.HelloFromServer{Epoch: "e1"}})
		s.do(LinkUp{Hello: wire.HelloFromServer{Epoch: "e1", ServerName: "New", User: wire.User{Name: "Bo"}}})
	})
	t.Run("muted", func(t *testing.T) {
		s := newScene(t, withSettings("mute", "true"))
		s.up()
	})
	t.Run("in German", func(t *testing.T) {
		s := newScene(t, german)
		s.up()
		s.tell(incoming("c1", facts(wire.StageName, match("Li", ""))))
		s.tell(entry("2", 2))
		s.tell(incoming("c1", over))
	})
	t.Run("of a kind that is new", func(t *testing.T) {
		s := newScene(t)
		s.tell("what is this")
	})
}

const invitation = "deskbell://enroll?server=https%3A%2F%2Fnew.example&code=K7"

func TestInvitation(t *testing.T) {
	link := view.Ask{Verb: view.AskLink, Link: invitation}
	enroll := view.Ask{Verb: view.AskEnroll, Invitation: invitation}
	account := Account{Server: "https://new.example", ServerName: "New CTI", User: "anna", Name: "Anna Huber"}
	t.Run("the first, by link", func(t *testing.T) {
		s := newScene(t, withoutAccount)
		s.ask(link)
		s.do(ServerFound{Name: "New CTI"})
		s.press("question:1", "yes")
		s.do(Enrolled{Account: account})
		s.up()
	})
	t.Run("another, by link, names both", func(t *testing.T) {
		s := newScene(t)
		s.up(entries(1, entry("1", 1)))
		s.tell(incoming("c1"))
		s.tell(offer("claimed"))
		s.ask(link)
		s.do(ServerFound{Name: "New CTI"})
		s.press("question:1", "yes")
		s.do(Enrolled{Account: account})
	})
	t.Run("refused by the user", func(t *testing.T) {
		s := newScene(t, func(c *Config) { c.Account.ServerName = "" })
		s.ask(link)
		s.do(ServerFound{Name: "New CTI"})
		s.press("question:1", "no")
		s.do(ServerFound{Name: "Late"})
		s.later(time.Minute)
		s.ask(link)
		s.do(ServerFound{Name: "New CTI"})
		s.do(ServerFound{Name: "Twice"})
		s.note("a new one takes the place of one that waits for an answer")
		s.later(time.Minute)
		s.ask(link)
	})
	t.Run("does not work", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.ask(link)
		s.do(ServerFound{Err: "unreachable"})
		s.later(time.Minute)
		s.ask(link)
		s.do(ServerFound{Name: "New CTI"})
		s.press("question:1", "yes")
		s.do(Enrolled{Err: "wrong"})
		s.do(Enrolled{Err: "wrong"})
	})
	t.Run("by command, the first", func(t *testing.T) {
		s := newScene(t, withoutAccount)
		s.ask(enroll)
		s.ask(enroll)
		s.do(ServerFound{Name: "New CTI"})
		s.do(Enrolled{Account: account})
	})
	t.Run("by command, another", func(t *testing.T) {
		s := newScene(t)
		s.ask(enroll)
		s.do(ServerFound{Name: "New CTI"})
		again := enroll
		again.Confirmed = true
		s.ask(again)
		s.do(ServerFound{Name: "New CTI"})
		s.do(Enrolled{Err: "storage"})
	})
	t.Run("by command, unreadable", func(t *testing.T) {
		s := newScene(t)
		s.ask(view.Ask{Verb: view.AskEnroll, Invitation: "hello"})
		s.ask(view.Ask{Verb: view.AskEnroll, Invitation: "tel:110"})
		s.ask(view.Ask{Verb: view.AskEnroll, Invitation: "deskbell://enroll?server=http://far.example&code=x"})
	})
	t.Run("given back", func(t *testing.T) {
		s := newScene(t)
		s.up(entries(1, entry("1", 1)))
		s.ask(view.Ask{Verb: view.AskSignOut})
		s.do(LinkDown{Why: "revoked", Final: true})
		s.lost(2)
		s.do(LinkDown{Why: "unreachable"})
	})
	t.Run("given back without a connection", func(t *testing.T) {
		s := newScene(t)
		s.ask(view.Ask{Verb: view.AskSignOut})
	})
}

func TestSaid(t *testing.T) {
	s := newScene(t)
	s.up()
	for range 5 {
		s.do(ClipboardRead{})
	}
	s.do(NoticeGone{Key: "said:4"})
	s.note("there is room again: nothing older has to go")
	s.do(ClipboardRead{})
	s.do(ClipboardRead{})
}
