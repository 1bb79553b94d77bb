package desk

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/csta"
	"deskbell/app/desk/view"
	"deskbell/app/wire"
)

func TestRing(t *testing.T) {
	t.Run("known in stages, answered at the phone", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.tell(incoming("c1", func(w *wire.Call) { w.CanPop = true }))
		s.tell(wire.Contact{ID: "c1", Ring: wire.RingVIP, Facts: wire.Facts{Stage: wire.StageName, CountsPending: true,
			Matches: []wire.Match{{ID: "7", Name: "Dr. Annegret von Hohenstein", Company: "Stadtwerke Musterstadt GmbH", VIP: true, Exact: true}}}})
		s.tell(wire.Contact{ID: "c1", Facts: wire.Facts{Stage: wire.StageCounts, Done: true, OpenTickets: number(3),
			Matches: []wire.Match{{ID: "7", Name: "Dr. Annegret von Hohenstein", Company: "Stadtwerke Musterstadt GmbH", VIP: true, Exact: true}}}})
		s.tell(incoming("c1", state(csta.Connected, csta.Connected), func(w *wire.Call) { w.Facts, w.Ring = nil, "" }))
		s.tell(incoming("c1", over))
	})
	t.Run("one ticket, none, and no room kept", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.tell(incoming("c1", func(w *wire.Call) { w.Facts.OpenTickets = number(1) }))
		s.tell(incoming("c1", func(w *wire.Call) { w.Facts.OpenTickets, w.Facts.CountsPending = number(0), true }))
	})
	t.Run("where the telephone system can", func(t *testing.T) {
		s := newScene(t)
		s.up()
		can := func(w *wire.Call) { w.Permitted = csta.Of(csta.AnswerCall, csta.ClearConnection) }
		s.tell(incoming("c1", can))
		s.press("call:c1", "answer")
		s.press("call:c1", "answer")
		s.refuse(2, wire.CodeRefused, &wire.Reason{Code: wire.ReasonRefused, Args: map[string]string{"system": "UCServer"}})
		s.later(time.Minute)
		s.press("call:c1", "clear")
		s.reply(4, struct{}{})
		s.do(NoticeGone{Key: "call:c1"})
		s.tell(incoming("c1", over))
	})
	t.Run("reasons and forwarded", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.tell(incoming("c1", func(w *wire.Call) {
			w.Denied = nil
			w.Queue = "Hotline"
			w.Original = &wire.Party{Kind: wire.PartyInternal, Number: "110", Name: "Bert"}
			w.Facts.Trouble = "CRM"
		}))
		s.tell(incoming("c1", func(w *wire.Call) {
			w.Denied = map[string]wire.Reason{"AnswerCall": {Code: wire.ReasonSystemCannot}}
			w.Called = &wire.Party{Kind: wire.PartyExternal, Display: "+49 89 100"}
			w.Facts = &wire.Facts{Trouble: "CRM", Matches: []wire.Match{match("Li", "")}}
		}))
	})
}

func TestWho(t *testing.T) {
	party := func(p wire.Party) func(*wire.Call) { return func(w *wire.Call) { w.Far, w.Ring = p, "" } }
	cases := map[string]wire.Call{
		"withheld":               incoming("c1", party(wire.Party{Kind: wire.PartyWithheld}), facts(wire.StageName, match("Nobody", ""))),
		"hidden":                 incoming("c1", party(wire.Party{Kind: wire.PartyHidden, Number: "1"}), facts(wire.StageName, match("Nobody", ""))),
		"internal":               incoming("c1", party(wire.Party{Kind: wire.PartyInternal, Number: "102", Name: "Bert Berg"})),
		"internal without name":  incoming("c1", party(wire.Party{Kind: wire.PartyInternal, Number: "102"})),
		"service":                incoming("c1", party(wire.Party{Kind: wire.PartyService, Number: "*55"})),
		"nothing known":          incoming("c1", party(wire.Party{})),
		"named by the network":   incoming("c1", party(wire.Party{Kind: wire.PartyExternal, Number: "+4930", Name: "ACME"})),
		"perhaps":                incoming("c1", facts(wire.StageName, wire.Match{ID: "1", Name: "Peter Lang"})),
		"several exact":          incoming("c1", facts(wire.StageName, match("Peter Lang", "A"), match("Paul Lang", "B"), wire.Match{ID: "x", Name: "Other"})),
		"several perhaps":        incoming("c1", facts(wire.StageName, wire.Match{ID: "1", Name: "A"}, wire.Match{ID: "2", Name: "B"}, wire.Match{ID: "3", Name: "C"})),
		"exact wins":             incoming("c1", facts(wire.StageName, wire.Match{ID: "1", Name: "Perhaps Me"}, match("Surely Me", ""))),
		"company only":           incoming("c1", facts(wire.StageName, match("", "ACME GmbH"))),
		"nameless contact":       incoming("c1", facts(wire.StageName, match("", ""))),
		"unsure":                 incoming("c1", func(w *wire.Call) { w.Unsure = true }),
		"vip by ring":            incoming("c1", func(w *wire.Call) { w.Ring = wire.RingVIP }),
		"vip by contact":         incoming("c1", facts(wire.StageName, wire.Match{ID: "1", Name: "Li", VIP: true, Exact: true})),
		"own tone internal ring": incoming("c1", func(w *wire.Call) { w.Ring = wire.RingInternal }),
	}
	for name, w := range cases {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, withSettings("tone_vip", "/v.ogg", "tone_internal", "/i.ogg", "tone_external", "/e.ogg", "volume", "55", "output", "Desk"))
			s.up()
			s.views = true
			s.tell(w)
		})
	}
}

func TestQuietCalls(t *testing.T) {
	cases := map[string]wire.Call{
		"watched":           incoming("c1", func(w *wire.Call) { w.Own, w.Device = false, "102" }),
		"watched talking":   incoming("c1", state(csta.Connected, csta.Connected), func(w *wire.Call) { w.Own = false }),
		"watched dialling":  incoming("c1", state(csta.Initiated, ""), func(w *wire.Call) { w.Own, w.Direction = false, csta.Outgoing }),
		"dialled at phone":  outgoing("c1", "", state(csta.Connected, csta.Alerting)),
		"machine":           incoming("c1", func(w *wire.Call) { w.Automatic = true }),
		"machine talks":     incoming("c1", state(csta.Connected, csta.Connected), func(w *wire.Call) { w.Automatic = true }),
		"own click to call": incoming("c1", func(w *wire.Call) { w.Attempt = "cmd-1" }),
		"queued":            incoming("c1", state(csta.Queued, csta.Connected)),
		"failed":            incoming("c1", state(csta.Fail, csta.Null)),
		"held":              incoming("c1", state(csta.Hold, csta.Connected)),
		"of another state":  incoming("c1", func(w *wire.Call) { w.State = "parked" }),
	}
	for name, w := range cases {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.up()
			s.views = true
			effects := s.tell(w)
			require.Empty(t, only[PlayTone](effects))
			require.Empty(t, only[ShowNotice](effects))
		})
	}
}

func TestSilence(t *testing.T) {
	t.Run("only this call, and the notice stays", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.tell(incoming("c1"))
		s.tell(incoming("c2", func(w *wire.Call) { w.Ring = wire.RingInternal }))
		s.press("call:c1", "silence")
		s.do(NoticeGone{Key: "call:c1"}) // the desktop closes what was pressed
		s.press("call:c2", "silence")
		s.tell(incoming("c1", facts(wire.StageName, match("Li", ""))))
	})
	t.Run("muted for all, from the menu", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.tell(incoming("c1"))
		s.do(Chosen{ID: "mute"})
		s.tell(incoming("c2"))
		s.do(Chosen{ID: "mute"})
	})
	t.Run("locked by the administrator", func(t *testing.T) {
		s := newScene(t)
		s.up(func(w *wire.Snapshot) { w.Settings.Locks = map[string]string{"mute": "true"} })
		s.do(Chosen{ID: "mute"})
		s.ask(view.Ask{Verb: view.AskMute})
		s.tell(wire.Settings{Locks: map[string]string{"mute": "false"}, LockedBy: "Ada"})
		s.do(Chosen{ID: "mute"})
	})
}

func TestKnock(t *testing.T) {
	talking := incoming("c1", state(csta.Connected, csta.Connected))
	t.Run("once for each further call", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.tell(talking)
		s.tell(incoming("c2"))
		s.tell(incoming("c2", facts(wire.StageName, match("Li", ""))))
		s.tell(incoming("c3"))
		s.note("the conversation ends: those that wait ring")
		s.tell(incoming("c1", over))
	})
	t.Run("not for a call that rang before", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.tell(incoming("c2"))
		s.tell(talking)
	})
	t.Run("also while the conversation is held", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.tell(incoming("c1", state(csta.Hold, csta.Connected)))
		s.tell(incoming("c2"))
	})
	t.Run("not if switched off", func(t *testing.T) {
		s := newScene(t, withSettings("knock", "false"))
		s.up()
		s.tell(talking)
		s.tell(incoming("c2"))
	})
	t.Run("not if muted, nor later", func(t *testing.T) {
		s := newScene(t, withSettings("mute", "true"))
		s.up()
		s.tell(talking)
		s.tell(incoming("c2"))
		s.do(Chosen{ID: "mute"})
	})
}

func TestDismissed(t *testing.T) {
	s := newScene(t)
	s.up()
	s.tell(incoming("c1"))
	s.do(NoticeGone{Key: "call:c1"})
	s.note("a small change does not bring it back")
	s.tell(incoming("c1", func(w *wire.Call) { w.Queue = "Hotline" }))
	s.note("the name does")
	s.tell(incoming("c1", facts(wire.StageName, match("Li", ""))))
	s.note("counts replace in place while it is up")
	s.tell(wire.Contact{ID: "c1", Facts: wire.Facts{Stage: wire.StageCounts, OpenTickets: number(2), Matches: []wire.Match{match("Li", "")}}})
	s.note("the notification service died and took it")
	s.do(NoticeGone{Key: "call:c1", Lost: true})
	s.do(NoticeShown{Key: "call:c1", Err: "none"})
	s.note("it is back")
	s.do(NoticesBack{})
	s.do(NoticeGone{Key: "call:c1"})
	s.do(NoticesBack{})
	s.do(NoticeGone{Key: "call:c1", Lost: true})
	s.note("gone for good: nothing is left to close")
	s.tell(incoming("c1", over))
	s.do(NoticeGone{Key: "call:c1"})
}

func TestSnapshot(t *testing.T) {
	calls := func(list ...wire.Call) func(*wire.Snapshot) {
		return func(s *wire.Snapshot) { s.Calls = list }
	}
	t.Run("a ringing call stays announced", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.tell(incoming("c1"))
		s.do(LinkDown{Why: "restart"})
		s.fire("doubt", 2*time.Second)
		s.up(calls(incoming("c1", func(w *wire.Call) { w.AgeMS = 9000 })))
	})
	t.Run("a call that vanished goes silently", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.tell(incoming("c1"))
		s.press("call:c1", "silence")
		s.snapshot()
		s.note("and comes back as it was")
		s.tell(incoming("c1"))
		s.note("but not after a long time")
		s.tell(incoming("c1", over))
		s.later(5*time.Minute + time.Second)
		s.tell(incoming("c1"))
	})
	t.Run("oldest first, ended ones left out", func(t *testing.T) {
		s := newScene(t)
		s.up(calls(incoming("young", func(w *wire.Call) { w.AgeMS = 1000 }), incoming("over", over), incoming("old", func(w *wire.Call) { w.AgeMS, w.Ring = 2000, wire.RingVIP })))
	})
	t.Run("ringing is believed for a while only", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.tell(incoming("c1"))
		s.do(LinkDown{Why: "unreachable"})
		s.later(14 * time.Second)
		s.do(LinkDown{Why: "unreachable"})
		s.fire("away", time.Second)
		s.fire("down", 0)
		s.up(calls(incoming("c1")))
	})
	t.Run("lines and devices", func(t *testing.T) {
		s := newScene(t)
		s.views = true
		s.up(func(s *wire.Snapshot) {
			s.Devices = append([]wire.Device{{System: "nfon", ID: "102", Number: "102", Name: "Bert"}, {System: "nfon", ID: "103", Name: "Carla"}}, s.Devices...)
			s.Lines = []wire.Line{{System: "nfon", Device: "102", State: csta.LineBusy, Presence: "dnd"}}
		})
		s.tell(wire.Line{System: "nfon", Device: "101", State: csta.LineRinging})
		s.tell(wire.Devices{Devices: []wire.Device{{System: "nfon", ID: "103", Name: "Carla"}}})
		s.snapshot()
	})
}

func TestSeveralLegs(t *testing.T) {
	desk := func(w *wire.Call) { w.Device = "101" }
	mobile := func(w *wire.Call) { w.Device = "201" }
	t.Run("answered at one, silent at both", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.tell(incoming("c1", desk))
		s.tell(incoming("c1", mobile))
		s.tell(incoming("c1", mobile, state(csta.Connected, csta.Connected)))
		s.tell(incoming("c1", desk, over))
		s.tell(incoming("c1", mobile, over))
	})
	t.Run("one stops ringing, the other goes on", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.tell(incoming("c1", desk))
		s.tell(incoming("c1", mobile))
		s.tell(incoming("c1", desk, over))
		s.tell(incoming("c1", desk, over))
	})
	t.Run("appearances are legs of their own", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.tell(incoming("c1", func(w *wire.Call) { w.Appear = "a" }))
		s.tell(incoming("c1", over, func(w *wire.Call) { w.Appear = "b" }))
		s.tell(incoming("c1", over, func(w *wire.Call) { w.Appear = "a" }))
	})
	t.Run("own before watched", func(t *testing.T) {
		s := newScene(t)
		s.views = true
		s.up()
		s.tell(incoming("c1", mobile, state(csta.Connected, csta.Connected), func(w *wire.Call) { w.Own = false }))
		s.tell(incoming("c1", desk))
	})
}

func TestRank(t *testing.T) {
	s := newScene(t)
	s.up()
	states := []csta.State{csta.Fail, csta.Queued, csta.Initiated, csta.Alerting, csta.Hold, csta.Connected}
	for i, st := range states {
		k := &call{}
		for j := len(states) - 1; j >= 0; j-- {
			if j <= i {
				k.legs = append(k.legs, leg{Call: incoming("c", state(states[j], "")), at: noon})
			}
		}
		l, ok := k.own()
		require.True(t, ok)
		require.Equal(t, st, l.State)
	}
}

func TestJoined(t *testing.T) {
	t.Run("the notice stays in place", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.tell(incoming("a"))
		s.press("call:a", "silence")
		s.tell(wire.Joined{ID: "b", From: "a"})
		s.tell(incoming("b", facts(wire.StageName, match("Li", ""))))
		s.press("call:a", "open")
		s.tell(incoming("b", over))
	})
	t.Run("two that ring become one", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.tell(incoming("a", facts(wire.StageName, match("Li", "")), func(w *wire.Call) { w.Device = "201" }))
		s.tell(incoming("b", func(w *wire.Call) { w.Facts = nil }))
		s.press("call:a", "silence")
		s.tell(wire.Joined{ID: "b", From: "a"})
		s.tell(incoming("b", over))
		s.tell(incoming("b", over, func(w *wire.Call) { w.Device = "201" }))
	})
	t.Run("nothing known of either", func(t *testing.T) {
		s := newScene(t)
		s.up()
		s.tell(wire.Joined{ID: "b", From: "a"})
	})
}

func TestAnnounceSetting(t *testing.T) {
	for _, value := range []string{"all", "external", "none"} {
		t.Run(value, func(t *testing.T) {
			s := newScene(t, withSettings("announce", value))
			s.up()
			s.tell(incoming("in", func(w *wire.Call) { w.Ring = wire.RingInternal }))
			s.tell(incoming("ex"))
		})
	}
}
