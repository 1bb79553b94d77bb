package server

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/csta"
	"deskbell/app/pbx"
	"deskbell/app/server/accounts"
)

func offered(p object) bool { return p["state"] == "offered" }

// talk rings and answers a call from the known customer.
func (b *bench) talk(call string) {
	b.phones.ring(call, "101", "4989123456")
	b.phones.answer(call, "101")
}

func TestTheSessionUsedLastGetsTheOffer(t *testing.T) {
	b := start(t)
	token := b.user("anna", own("101")...)
	office, _ := b.connect(token, "pop")
	home, _ := b.connect(token, "pop")
	blind, _ := b.connect(token)
	office.ok("session.active", object{})
	blind.ok("session.active", object{})
	b.talk("v1")
	o := office.noteWhere("pop", offered)
	require.Equal(t, false, home.ok("pop.claim", object{"id": o["id"]})["granted"], "it is not home's")
	// Nobody claims: the next one is asked, and the first is told.
	o2 := home.noteWhere("pop", offered)
	require.Equal(t, o["id"], o2["id"])
	office.noteWhere("pop", func(p object) bool { return p["state"] == "gone" })
	require.Equal(t, false, office.ok("pop.claim", object{"id": o["id"]})["granted"])
	require.Equal(t, true, home.ok("pop.claim", object{"id": o["id"]})["granted"])
	home.ok("pop.report", object{"id": o["id"], "opened": true})
	for _, c := range []*tray{office, home, blind} {
		c.noteWhere("pop", func(p object) bool { return p["state"] == "opened" })
	}
	require.Empty(t, office.quiet(50*time.Millisecond, "pop"))
}

// TestRestartsNeverGrantTwice restarts the server at each point of an offer's life.
func TestRestartsNeverGrantTwice(t *testing.T) {
	b := start(t)
	token := b.user("anna", own("101")...)
	again := func() (*tray, object) {
		b.stop()
		b.run()
		return b.connect(token, "pop")
	}
	c, _ := b.connect(token, "pop")
	b.talk("v1")
	first := c.noteWhere("pop", offered)

	c, _ = again()
	o := c.noteWhere("pop", offered)
	require.NotEqual(t, first["id"], o["id"], "offered, not claimed: offered again")
	require.Equal(t, false, c.ok("pop.claim", object{"id": first["id"]})["granted"], "offers of an earlier run are void")
	require.Equal(t, true, c.ok("pop.claim", object{"id": o["id"]})["granted"])

	c, snap := again()
	pops := snap["pops"].([]any)
	require.Len(t, pops, 1)
	require.Equal(t, "claimed", pops[0].(object)["state"], "claimed, not reported: shown, not offered")
	require.Empty(t, filter(c.quiet(200*time.Millisecond, "pop"), offered))
	entry := c.ok("entries", object{})["entries"].([]any)[0].(object)
	require.Equal(t, "claimed", entry["pop"])
	c.ok("pop.report", object{"id": o["id"], "opened": true})

	c, snap = again()
	require.Empty(t, snap["pops"])
	require.Empty(t, filter(c.quiet(200*time.Millisecond, "pop"), offered))
	require.Equal(t, "opened", c.ok("entries", object{})["entries"].([]any)[0].(object)["pop"])
}

func filter(list []object, ok func(object) bool) (left []object) {
	for _, o := range list {
		if ok(o) {
			left = append(left, o)
		}
	}
	return left
}

func TestOneCallerOnTwoSystemsOpensOnce(t *testing.T) {
	b := start(t)
	grants := append(own("101"), accounts.Grant{System: "berlin", Device: "101", Access: accounts.Own})
	c, _ := b.connect(b.user("anna", grants...), "pop")
	b.phones.ring("v1", "101", "4989123456")
	b.second.ring("w1", "101", "4989123456")
	b.phones.answer("v1", "101")
	o := c.noteWhere("pop", offered)
	c.ok("pop.claim", object{"id": o["id"]})
	b.phones.leg(pbx.Leg{Key: pbx.LegKey{Call: "v1", Device: "101"}, State: csta.Hold, FarState: csta.Connected})
	b.second.answer("w1", "101")
	c.noteWhere("call", func(e object) bool { return e["system"] == "berlin" && e["state"] == "connected" })
	require.Empty(t, filter(c.quiet(200*time.Millisecond, "pop"), offered))
}

func TestAnotherConversationIsNotDisturbed(t *testing.T) {
	b := start(t)
	c, _ := b.connect(b.user("anna", own("101", "102")...), "pop")
	b.talk("v1")
	o := c.noteWhere("pop", offered)
	c.ok("pop.claim", object{"id": o["id"]})
	b.phones.ring("v2", "102", "4989777777")
	b.phones.answer("v2", "102")
	call := c.noteWhere("call", func(e object) bool { return e["device"] == "102" && e["state"] == "connected" })
	require.Empty(t, filter(c.quiet(200*time.Millisecond, "pop"), offered))
	r := c.ok("pop.open", object{"call": call["id"]})
	require.Equal(t, "https://crm.example/search?number=%2B4989777777", r["url"], "by hand it opens all the same")
	c.ok("pop.report", object{"id": r["id"], "opened": true})
	c.noteWhere("entry", func(e object) bool { return e["pop"] == "opened" && e["device"] == "102" })
}

func TestOldCallsOpenByHand(t *testing.T) {
	b := start(t)
	token := b.user("anna", own("101")...)
	c, _ := b.connect(token, "pop")
	b.phones.ring("v1", "101", "4989123456")
	b.phones.end("v1", "101", csta.CauseCallCancelled)
	e := c.noteWhere("entry", func(e object) bool { return e["result"] == "missed" })
	b.stop()
	b.run()
	c, _ = b.connect(token, "pop")
	r := c.ok("pop.open", object{"call": e["id"]})
	require.Equal(t, "https://crm.example/search?number=%2B4989123456&contact.id=7", r["url"])
	_, reason := c.refused("pop.open", object{"call": "no such call"})
	require.Equal(t, "call_over", reason)
	_, reason = c.refused("pop.report", object{"id": "no such offer", "opened": true})
	require.Equal(t, "call_over", reason)
}

func TestSettings(t *testing.T) {
	b := start(t, func(p *Params) {
		p.Settings = Admin{Defaults: map[string]string{"open_customer": "never", "volume": "60"}, Locks: map[string]string{"open_internal": "true"}, LockedBy: "IT"}
	})
	token := b.user("anna", own("101")...)
	c, snap := b.connect(token, "pop")
	s := snap["settings"].(object)
	require.Equal(t, "never", s["open_customer"])
	require.Equal(t, true, s["open_internal"])
	require.Equal(t, "IT", s["locked_by"])
	require.Equal(t, "60", s["defaults"].(object)["volume"])
	b.talk("v1")
	require.Empty(t, c.quiet(200*time.Millisecond, "pop"))

	code, _ := c.refused("settings.set", object{"open_internal": false})
	require.EqualValues(t, -32001, code)
	code, _ = c.refused("settings.set", object{"open_customer": "sometimes"})
	require.EqualValues(t, -32602, code)
	c.ok("settings.set", object{"open_customer": "ringing"})
	c.noteWhere("settings", func(o object) bool { return o["open_customer"] == "ringing" })
	b.phones.end("v1", "101", csta.CauseNormalClearing)
	b.phones.ring("v2", "101", "4989123456")
	o := c.noteWhere("pop", func(p object) bool { return offered(p) && p["trigger"] == "ringing" })
	require.Equal(t, true, c.ok("pop.claim", object{"id": o["id"]})["granted"])
	b.phones.answer("v2", "101")
	c.noteWhere("call", func(e object) bool { return e["state"] == "connected" })
	require.Empty(t, filter(c.quiet(200*time.Millisecond, "pop"), offered), "one page for one call")

	b.stop()
	b.run()
	_, snap = b.connect(token, "pop")
	require.Equal(t, "ringing", snap["settings"].(object)["open_customer"], "kept over a restart")
}
