package server

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/csta"
	"deskbell/app/pbx"
	"deskbell/app/server/accounts"
)

func TestAWholeCall(t *testing.T) {
	b := start(t)
	c, snap := b.connect(b.user("anna", own("101")...), "pop")
	require.Empty(t, snap["calls"])
	require.Equal(t, "NFON", snap["systems"].([]any)[0].(object)["name"])
	device := snap["devices"].([]any)[0].(object)
	require.Equal(t, "Anna Huber", device["name"])
	require.ElementsMatch(t, []any{"MakeCall", "ClearConnection"}, device["services"])

	b.phones.ring("v1", "101", "4989123456")
	call := c.note("call")
	require.Equal(t, "DeliveredEvent", call["event"])
	require.Equal(t, "alerting", call["state"])
	require.Equal(t, "external", party(call)["kind"])
	require.Equal(t, "+4989123456", party(call)["number"])
	denied := call["denied"].(object)
	require.Equal(t, "answer_at_phone", denied["AnswerCall"].(object)["code"])
	require.Equal(t, "NFON", denied["AnswerCall"].(object)["args"].(object)["system"])
	require.Equal(t, "reject_at_phone", denied["ClearConnection"].(object)["code"])

	name := c.note("contact")
	require.Equal(t, "vip", name["ring"])
	facts := name["facts"].(object)
	require.Equal(t, "Peter Lang", facts["matches"].([]any)[0].(object)["name"])
	counts := c.note("contact")["facts"].(object)
	require.EqualValues(t, 3, counts["open_tickets"])
	require.Equal(t, true, counts["done"])

	b.phones.answer("v1", "101")
	call = c.note("call")
	require.Equal(t, "EstablishedEvent", call["event"])
	require.Equal(t, "connected", call["far_state"])
	require.Equal(t, "hang_up_at_phone", call["denied"].(object)["ClearConnection"].(object)["code"])
	require.Equal(t, true, call["can_pop"])

	offer := c.note("pop")
	require.Equal(t, "offered", offer["state"])
	require.Equal(t, "answered", offer["trigger"])
	claim := c.ok("pop.claim", object{"id": offer["id"]})
	require.Equal(t, true, claim["granted"])
	require.Equal(t, "https://crm.example/search?number=%2B4989123456&contact.id=7", claim["url"])
	require.Equal(t, false, c.ok("pop.claim", object{"id": offer["id"]})["granted"])
	c.ok("pop.report", object{"id": offer["id"], "opened": true})
	require.Equal(t, "opened", c.note("pop")["state"])

	b.phones.end("v1", "101", csta.CauseNormalClearing)
	call = c.note("call")
	require.Equal(t, "null", call["state"])
	require.Nil(t, call["missed"])
	entry := c.noteWhere("entry", func(e object) bool { return e["result"] == "answered" })
	require.Equal(t, "Peter Lang", entry["name"])
	require.Equal(t, "opened", entry["pop"])
}

func TestMissedAndSeen(t *testing.T) {
	b := start(t)
	token := b.user("anna", own("101")...)
	c, _ := b.connect(token)
	b.phones.ring("v1", "101", "4989999999")
	c.note("call")
	b.phones.end("v1", "101", csta.CauseCallCancelled)
	require.Equal(t, true, c.note("call")["missed"])
	told := c.noteWhere("entry", func(e object) bool { return e["result"] == "missed" && e["seen"] == false })
	_, snap := b.connect(token)
	require.EqualValues(t, 1, snap["unseen"])
	require.Equal(t, told["at"], snap["entries"].([]any)[0].(object)["at"])
	c.ok("entries.seen", object{"until": time.Now().Add(50 * time.Minute).UTC().Format(time.RFC3339Nano)})
	c.noteWhere("entry", func(e object) bool { return e["seen"] == true })
	_, snap = b.connect(token)
	require.EqualValues(t, 0, snap["unseen"])
	require.Len(t, c.ok("entries", object{"limit": 10})["entries"], 1)

	b.phones.ring("v2", "101", "4989999999")
	b.phones.end("v2", "101", csta.CauseCallCancelled)
	c.noteWhere("entry", func(e object) bool { return e["result"] == "missed" && e["seen"] == false })
	_, snap = b.connect(token)
	require.EqualValues(t, 1, snap["unseen"], "calls to come were not seen")
}

func TestAGroupCallAnsweredAtTheOtherDeviceIsNotMissed(t *testing.T) {
	b := start(t)
	both, _ := b.connect(b.user("anna", own("101", "102")...))
	one, _ := b.connect(b.user("ben", own("101")...))
	for _, d := range []string{"101", "102"} {
		b.phones.leg(pbx.Leg{
			Key: pbx.LegKey{Call: "g1", Device: csta.DeviceID(d)}, State: csta.Alerting, Direction: csta.Incoming, FarState: csta.Connected,
			Far: pbx.Party{Number: "4989999999", Scope: pbx.ScopeGlobal}, Linkage: []string{"g"},
		})
	}
	b.phones.answer("g1", "102")
	b.phones.end("g1", "101", "")
	over := func(e object) bool { return e["state"] == "null" && e["device"] == "101" }
	require.Nil(t, both.noteWhere("call", over)["missed"])
	_ = one.noteWhere("call", over)
}

// TestEverybodySeesOnlyWhatTheyMay reads everything as everybody.
func TestEverybodySeesOnlyWhatTheyMay(t *testing.T) {
	b := start(t)
	watch := func(a accounts.Access) []accounts.Grant {
		return []accounts.Grant{{System: "munich", Device: "101", Access: a}}
	}
	owner, _ := b.connect(b.user("anna", own("101")...), "pop")
	number, _ := b.connect(b.user("ben", watch(accounts.Watch)...), "pop")
	hidden, _ := b.connect(b.user("cem", watch(accounts.WatchHidden)...), "pop")
	nobody, _ := b.connect(b.user("dora", own("103")...), "pop")
	elsewhere, _ := b.connect(b.user("emil", accounts.Grant{System: "berlin", Device: "101", Access: accounts.Own}), "pop")

	b.phones.ring("v1", "101", "4989123456")
	call := owner.note("call")
	id := call["id"]
	require.NotEmpty(t, call["denied"])
	require.Equal(t, true, call["own"])

	seen := number.note("call")
	require.Equal(t, "+4989123456", party(seen)["number"])
	require.Nil(t, seen["denied"])
	require.Nil(t, seen["can_pop"])
	require.Empty(t, seen["permitted"])
	seen = hidden.note("call")
	require.Equal(t, object{"kind": "hidden"}, party(seen))
	for _, member := range []string{"original", "called", "queue", "ring", "denied", "facts", "can_pop"} {
		require.Nil(t, seen[member], member)
	}
	b.phones.answer("v1", "101")
	owner.note("pop")

	for name, c := range map[string]*tray{"number": number, "hidden": hidden, "nobody": nobody, "elsewhere": elsewhere} {
		for _, method := range []string{"ClearConnection", "AnswerCall", "HoldCall", "RetrieveCall"} {
			code, reason := c.refused(method, object{"command": "x", "call": id, "system": "munich", "device": "101"})
			require.EqualValues(t, -32001, code, name)
			require.Equal(t, "not_yours", reason)
		}
		code, _ := c.refused("pop.open", object{"call": id})
		require.EqualValues(t, -32003, code, name)
		require.Empty(t, c.ok("entries", object{})["entries"], name)
		_, reason := c.refused("MakeCall", object{"command": "y", "system": "munich", "device": "101", "number": "089123456", "origin": "typed"})
		require.Equal(t, "not_yours", reason, name)
		c.call("snapshot", object{})
		snap := c.note("snapshot")
		require.Empty(t, snap["entries"], name)
		require.Empty(t, snap["pops"], name)
		switch name {
		case "number":
			require.Len(t, snap["calls"], 1)
			require.Nil(t, snap["calls"].([]any)[0].(object)["facts"])
		case "hidden":
			require.Equal(t, object{"kind": "hidden"}, party(snap["calls"].([]any)[0].(object)))
		default:
			require.Empty(t, snap["calls"], name)
			require.Empty(t, snap["lines"], name)
		}
		for _, m := range c.quiet(100*time.Millisecond, "contact") {
			require.Fail(t, "a name for somebody else", "%s: %v", name, m)
		}
	}
	require.Empty(t, b.phones.calls())
}

func TestRightsAndTokensChangeWhileRunning(t *testing.T) {
	b := start(t)
	token := b.user("anna", own("101")...)
	c, _ := b.connect(token)
	b.phones.ring("v1", "102", "4989999999")
	require.NoError(t, b.accounts.Set(t.Context(), accounts.User{ID: "anna", Name: "Anna", Role: accounts.Agent, Grants: own("102")}))
	snap := c.noteWhere("snapshot", func(s object) bool { return s["devices"].([]any)[0].(object)["id"] == "102" })
	require.NotNil(t, snap)
	b.phones.ring("v2", "102", "4989999998")
	c.noteWhere("call", func(o object) bool { return o["device"] == "102" })

	tokens := b.accounts.Tokens("anna")
	require.Len(t, tokens, 1)
	require.NoError(t, b.accounts.Revoke(t.Context(), tokens[0].ID))
	require.Equal(t, 4100, c.closed())
	_, status, err := b.dial(token)
	require.Error(t, err)
	require.Equal(t, 401, status)

	c, _ = b.connect(b.token("anna"))
	c.call("session.signOut", object{})
	require.Equal(t, 4100, c.closed())
	require.Empty(t, b.accounts.Tokens("anna"))
}
