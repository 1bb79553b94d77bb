package desk

import (
	"strings"
	"testing"
	"time"

	"deskbell/app/csta"
	"deskbell/app/desk/view"
	"deskbell/app/wire"
)

var lang = wire.Party{Kind: wire.PartyExternal, Number: "+49305550", Display: "+49 30 5550"}

func attemptNote(state string, change ...func(*wire.Attempt)) wire.Attempt {
	a := wire.Attempt{ID: "cmd-1", System: "nfon", Device: "101", To: lang, ToName: "Peter Lang", State: state}
	for _, c := range change {
		c(&a)
	}
	return a
}

func failedFor(code string) func(*wire.Attempt) {
	return func(a *wire.Attempt) { a.Reason = &wire.Reason{Code: code} }
}

func TestOwnCall(t *testing.T) {
	t.Run("from the wish to the answer", func(t *testing.T) {
		s := newScene(t)
		s.views = true
		s.up()
		s.ask(view.Ask{Verb: view.AskDial, Number: "030 5550", Origin: "typed"})
		s.reply(2, wire.MakeCallResult{Attempt: attemptNote("accepted")})
		s.tell(attemptNote("asked"))
		s.tell(outgoing("c1", "cmd-1"))
		s.tell(attemptNote("call", func(a *wire.Attempt) { a.Call = "c1" }))
		s.tell(outgoing("c1", "cmd-1", state(csta.Connected, csta.Alerting)))
		s.tell(outgoing("c1", "cmd-1", state(csta.Connected, csta.Connected), func(w *wire.Call) {
			w.TalkMS, w.AgeMS, w.Permitted = 1500, 9000, 0
			w.Denied = map[string]wire.Reason{"ClearConnection": {Code: wire.ReasonNotAfterAnswer}}
		}))
		s.ask(view.Ask{Verb: view.AskHangUp})
		s.tell(outgoing("c1", "cmd-1", over))
	})
	t.Run("hung up while it rings there", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.tell(attemptNote("accepted"))
		s.tell(outgoing("c1", "cmd-1", state(csta.Connected, csta.Alerting)))
		s.press("attempt:cmd-1", "clear")
		s.press("attempt:cmd-1", "clear")
		s.ask(view.Ask{Verb: view.AskHangUp})
		s.refuse(2, wire.CodeGone, &wire.Reason{Code: wire.ReasonCallOver})
		s.tell(outgoing("c1", "cmd-1", over))
		s.do(NoticeGone{Key: "attempt:cmd-1"})
	})
	for _, code := range []string{wire.ReasonFarBusy, wire.ReasonCancelled} {
		t.Run("failed: "+code, func(t *testing.T) {
			s := newScene(t)
			s.up()
			s.tell(attemptNote("accepted"))
			s.tell(attemptNote("failed", failedFor(code)))
			s.note("said once")
			s.tell(attemptNote("failed", failedFor(code)))
		})
	}
	t.Run("failed without a reason", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.tell(attemptNote("accepted", func(a *wire.Attempt) { a.ToName = "" }))
		s.tell(attemptNote("failed", func(a *wire.Attempt) { a.ToName = "" }))
	})
	t.Run("no news", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.tell(attemptNote("accepted"))
		s.fire("attempt:cmd-1", 2*time.Minute)
		s.do(Fired{Timer: "attempt:cmd-1"})
	})
	t.Run("snapshots", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.tell(attemptNote("accepted"))
		s.snapshot(func(w *wire.Snapshot) {
			w.Attempts = []wire.Attempt{attemptNote("call", func(a *wire.Attempt) { a.Call = "c1" })}
			w.Calls = []wire.Call{outgoing("c1", "cmd-1")}
		})
		s.tell(wire.Joined{ID: "c9", From: "c1"})
		s.tell(outgoing("c9", "", over))
		s.tell(attemptNote("accepted"))
		s.snapshot()
		s.snapshot(func(w *wire.Snapshot) {
			w.Attempts = []wire.Attempt{attemptNote("call", func(a *wire.Attempt) { a.Call = "c1" })}
			w.Calls = []wire.Call{outgoing("c1", "cmd-1", state(csta.Connected, csta.Connected))}
		})
	})
	t.Run("over while the tray was away", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.tell(attemptNote("accepted"))
		called := attemptNote("call", func(a *wire.Attempt) { a.Call = "c1" })
		s.snapshot(func(w *wire.Snapshot) { w.Attempts = []wire.Attempt{called} })
		s.snapshot(func(w *wire.Snapshot) {
			w.Attempts = []wire.Attempt{called, attemptNote("failed", failedFor(wire.ReasonFarBusy), func(a *wire.Attempt) { a.ID = "old" })}
			w.Calls = []wire.Call{outgoing("c1", "", func(w *wire.Call) { w.Own = false })}
		})
	})
	t.Run("of a watched colleague", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.tell(attemptNote("accepted"))
		watched := func(w *wire.Call) { w.Own = false }
		s.tell(outgoing("c1", "cmd-1", state(csta.Connected, csta.Connected), watched))
		s.tell(outgoing("c1", "cmd-1", over, watched))
	})
}

func TestDial(t *testing.T) {
	dial := view.Ask{Verb: view.AskDial, Number: "*21*5#", Origin: "typed"}
	t.Run("refused", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.ask(dial)
		s.refuse(2, wire.CodeNumber, &wire.Reason{Code: wire.ReasonNumberInvalid})
		s.ask(dial)
		s.refuse(3, wire.CodeLimited, nil)
		s.ask(dial)
		s.reply(4, wire.MakeCallResult{Attempt: attemptNote("failed", failedFor(wire.ReasonDown))})
	})
	t.Run("confirmed in the terminal", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.ask(dial)
		s.refuse(2, wire.CodeConfirm, &wire.Reason{Code: wire.ReasonConfirmStar, Args: map[string]string{"number": "*21*5#"}})
		again := dial
		again.Confirmed = true
		s.ask(again)
		s.refuse(3, wire.CodeConfirm, &wire.Reason{Code: wire.ReasonConfirmStar})
	})
	t.Run("a program says who it is", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.ask(view.Ask{Verb: view.AskDial, Number: "112"})
		s.refuse(1, wire.CodeNumber, &wire.Reason{Code: wire.ReasonEmergencyLink})
	})
	t.Run("no connection", func(t *testing.T) {
		s := newScene(t)
		s.ask(dial)
	})
	t.Run("asked again after the connection broke", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.ask(dial)
		s.lost(2)
		s.do(LinkDown{Why: "unreachable"})
		s.later(5 * time.Second)
		s.up()
		s.reply(3, wire.MakeCallResult{Attempt: attemptNote("accepted")})
	})
	t.Run("taken before the connection broke", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.ask(dial)
		s.lost(2)
		s.snapshot(func(w *wire.Snapshot) { w.Attempts = []wire.Attempt{attemptNote("accepted")} })
		s.ask(dial)
		s.lost(3)
		s.snapshot(func(w *wire.Snapshot) { w.Calls = []wire.Call{outgoing("c2", "cmd-2")} })
	})
	t.Run("too old to ask again", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.ask(dial)
		s.lost(2)
		s.later(11 * time.Second)
		s.snapshot()
	})
	t.Run("never heard of", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.ask(dial)
		s.lost(2)
		s.fire("stale", 10*time.Second)
	})
	t.Run("another epoch", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.ask(dial)
		s.lost(2)
		s.do(LinkUp{Hello: wire.HelloFromServer{Epoch: "e2"}})
		s.snapshot()
	})
}

func TestTelLink(t *testing.T) {
	tel := view.Ask{Verb: view.AskLink, Link: "tel:+49-30-5550"}
	found := wire.CheckResult{Party: lang, Name: "Peter Lang", Confirm: &wire.Reason{Code: wire.ReasonConfirmExternal}}
	t.Run("asked, then dialled", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.ask(tel)
		s.reply(1, found)
		s.press("question:1", "yes")
		s.do(NoticeGone{Key: "question:1"})
		s.reply(3, wire.MakeCallResult{Attempt: attemptNote("accepted")})
	})
	t.Run("refused by the user", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.ask(tel)
		s.reply(1, wire.CheckResult{Party: lang, Confirm: &wire.Reason{Code: wire.ReasonConfirmPremium, Args: map[string]string{"number": "0900"}}})
		s.press("question:1", "no")
		s.press("question:1", "yes")
	})
	t.Run("left alone", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.ask(tel)
		s.reply(1, wire.CheckResult{Confirm: &wire.Reason{Code: wire.ReasonConfirmExternal}})
		s.fire("question", time.Minute)
		s.later(time.Minute)
		s.ask(tel)
		s.reply(2, found)
		s.do(NoticeGone{Key: "question:1"})
		s.do(NoticeGone{Key: "question:2"})
	})
	t.Run("one in three seconds", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.ask(tel)
		s.later(3*time.Second - 1)
		s.ask(tel)
		s.later(1)
		s.ask(tel)
	})
	t.Run("an emergency number", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.ask(tel)
		s.reply(1, wire.CheckResult{Party: wire.Party{Kind: wire.PartyService, Number: "112"}, Refused: &wire.Reason{Code: wire.ReasonEmergencyLink}})
	})
	t.Run("confirmed and still refused", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.ask(tel)
		s.reply(1, found)
		s.press("question:1", "yes")
		s.refuse(3, wire.CodeConfirm, &wire.Reason{Code: wire.ReasonConfirmExternal})
	})
	t.Run("no answer", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.ask(tel)
		s.lost(1)
		s.later(time.Minute)
		s.ask(tel)
		s.do(Replied{ID: 2, Result: []byte("[")})
		s.later(time.Minute)
		s.do(LinkDown{Why: "unreachable"})
		s.ask(tel)
	})
	t.Run("unreadable", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.ask(view.Ask{Verb: view.AskLink, Link: "tel:"})
		s.later(time.Minute)
		s.ask(view.Ask{Verb: view.AskLink, Link: "deskbell://enroll?server=http://far.example&code=x"})
	})
	t.Run("that started the program", func(t *testing.T) {
		s := newScene(t)
		s.ask(tel)
		s.up()
		s.reply(1, found)
	})
	t.Run("that started the program in vain", func(t *testing.T) {
		s := newScene(t)
		s.ask(tel)
		s.fire("held", 20*time.Second)
		s.later(time.Minute)
		s.ask(tel)
		s.do(LinkDown{Why: "sign_in", Final: true})
	})
}

func TestClipboard(t *testing.T) {
	s := newScene(t)
	s.up()
	s.do(Chosen{ID: "clipboard"})
	s.do(ClipboardRead{Text: " 030 5550 "})
	s.reply(2, wire.CheckResult{Party: lang})
	s.press("question:1", "yes")
	s.do(ClipboardRead{Text: "tel:+49-30-777"})
	s.do(ClipboardRead{Text: ""})
	s.do(ClipboardRead{Text: strings.Repeat("1", 129)})
	s.do(ClipboardRead{Err: "none"})
}

func TestVerbsByCommand(t *testing.T) {
	can := func(w *wire.Call) { w.Permitted = csta.Of(csta.AnswerCall, csta.ClearConnection) }
	talking := state(csta.Connected, csta.Connected)
	t.Run("the call that is meant", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.tell(incoming("ringing", can))
		s.tell(outgoing("dialled", ""))
		s.tell(incoming("held", can, state(csta.Hold, csta.Connected)))
		s.tell(incoming("talking", can, talking))
		for _, id := range []string{"talking", "held", "dialled", "ringing"} {
			s.ask(view.Ask{Verb: view.AskHangUp})
			s.tell(incoming(id, over))
		}
		s.ask(view.Ask{Verb: view.AskHangUp})
	})
	t.Run("answer means what rings longest", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.tell(incoming("talking", can, talking))
		s.tell(incoming("first", can))
		s.tell(incoming("second", can))
		s.ask(view.Ask{Verb: view.AskAnswer})
		s.ask(view.Ask{Verb: view.AskAnswer})
		s.reply(2, struct{}{})
		s.ask(view.Ask{Verb: view.AskAnswer, Call: "second"})
		s.lost(3)
		s.ask(view.Ask{Verb: view.AskAnswer, Call: "third"})
	})
	t.Run("not one's own", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.tell(incoming("c1", can, func(w *wire.Call) { w.Own = false }))
		s.ask(view.Ask{Verb: view.AskHangUp, Call: "c1"})
	})
	t.Run("not possible", func(t *testing.T) {
		s := newScene(t)
		s.up(func(w *wire.Snapshot) {
			w.Devices = append(w.Devices, wire.Device{System: "nfon", ID: "201", Services: csta.Of(csta.AnswerCall)})
		})
		s.tell(incoming("c1", func(w *wire.Call) { w.Denied = nil }))
		s.ask(view.Ask{Verb: view.AskHangUp})
		s.ask(view.Ask{Verb: view.AskAnswer})
		s.tell(incoming("c1", func(w *wire.Call) {
			w.Denied = map[string]wire.Reason{"AnswerCall": {Code: wire.ReasonAnswerAtPhone, Args: map[string]string{"system": "Telepo"}}}
		}))
		s.ask(view.Ask{Verb: view.AskAnswer})
		s.do(LinkDown{Why: "unreachable"})
		s.ask(view.Ask{Verb: view.AskAnswer})
	})
	t.Run("the rest", func(t *testing.T) {
		s := newScene(t)
		s.up()
		on := true
		s.ask(view.Ask{Verb: view.AskMute, On: &on})
		s.ask(view.Ask{Verb: view.AskMute, On: &on})
		s.ask(view.Ask{Verb: view.AskMute})
		s.ask(view.Ask{Verb: view.AskShow})
		s.ask(view.Ask{Verb: "dance"})
		s.ask(view.Ask{Verb: view.AskQuit})
		s.do(Chosen{ID: "quit"})
		s.do(Chosen{ID: "nonsense:1"})
		s.press("nonsense", "nonsense")
	})
	t.Run("from the menu", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.tell(incoming("c1", can))
		s.do(Chosen{ID: "silence:c1"})
		s.do(Chosen{ID: "answer:c1"})
		s.do(Chosen{ID: "clear:c1"})
		s.do(Chosen{ID: "open:c1"})
	})
}

func TestActive(t *testing.T) {
	s := newScene(t)
	s.do(Chosen{ID: "x"})
	s.up()
	s.do(Chosen{ID: "x"})
	s.later(30*time.Second - 1)
	s.do(Chosen{ID: "x"})
	s.later(1)
	s.press("x", "x")
	s.later(time.Minute)
	s.ask(view.Ask{Verb: view.AskShow})
}
