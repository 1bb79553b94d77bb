package server

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/csta"
	"deskbell/app/pbx"
)

// TestDesignRuleOfDialling holds every refusal and question on the server, whatever a tray has asked before.
func TestDesignRuleOfDialling(t *testing.T) {
	b := start(t)
	c, _ := b.connect(b.user("anna", own("101")...))
	next := 0
	for _, r := range []struct {
		number, origin string
		code           float64 // 0: dialled
		reason         string
		confirmed      float64 // code with confirmed: 0: dialled
	}{
		{"089 123456", "typed", 0, "", 0},
		{"+43 1 58858", "typed", -32005, "confirm_country", 0},
		{"089123456", "link", -32005, "confirm_link", 0},
		{"089123456", "program", -32005, "confirm_link", 0},
		{"089123456", "from the future", -32005, "confirm_link", 0},
		{"102", "list", 0, "", 0},
		{"101", "typed", -32004, "number_own", -32004},
		{"*21*089123456#", "typed", -32005, "confirm_star", 0},
		{"*21*089123456#", "link", -32005, "confirm_star", 0},
		{"0900 1234567", "typed", -32005, "confirm_premium", 0},
		{"112", "link", -32004, "emergency_link", -32004},
		{"110", "program", -32004, "emergency_link", -32004},
		{"1 1 2", "link", -32004, "emergency_link", -32004},
		{"112", "typed", -32004, "emergency_phone", -32004},
		{"", "typed", -32004, "number_empty", -32004},
		{"abc", "typed", -32004, "number_invalid", -32004},
		{fmt.Sprintf("%0200d", 7), "typed", -32004, "number_too_long", -32004},
		{fmt.Sprintf("%0201d", 7), "typed", -32004, "number_too_long", -32004},
	} {
		name := r.number + " " + r.origin
		next++
		q := object{"command": fmt.Sprint("c", next), "number": r.number, "origin": r.origin}
		check := c.ok("number.check", object{"text": r.number, "origin": r.origin})
		before := len(b.phones.calls())
		if r.code == 0 {
			require.Nil(t, check["confirm"], name)
			require.Nil(t, check["refused"], name)
		} else {
			code, reason := c.refused("MakeCall", q)
			require.Equal(t, r.code, code, name)
			require.Equal(t, r.reason, reason, name)
			member := "refused"
			if r.code == -32005 {
				member = "confirm"
			}
			require.Equal(t, r.reason, check[member].(object)["code"], name)
			require.Len(t, b.phones.calls(), before, "nothing was dialled: %s", name)
		}
		q["confirmed"] = true
		if r.confirmed == 0 {
			c.ok("MakeCall", q)
			require.Len(t, b.phones.calls(), before+1, name)
			continue
		}
		_, reason := c.refused("MakeCall", q)
		require.Equal(t, r.reason, reason, name)
		require.Len(t, b.phones.calls(), before, name)
	}
	made := b.phones.calls()
	require.EqualValues(t, "+4989123456", made[0].To.E164)
	require.EqualValues(t, "+43158858", made[1].To.E164)
	require.Equal(t, "102", made[5].To.Internal)
	require.Equal(t, "*21*089123456#", made[6].To.Service)
}

func TestEmergencyDialsAtOnceWhereTheSystemIsTrusted(t *testing.T) {
	b := start(t, func(p *Params) { p.Systems[0].Emergency = EmergencyDial })
	c, _ := b.connect(b.user("anna", own("101")...))
	c.ok("MakeCall", object{"command": "e", "number": "112", "origin": "typed"})
	require.Equal(t, "112", b.phones.calls()[0].To.Service)
	_, reason := c.refused("MakeCall", object{"command": "f", "number": "112", "origin": "link", "confirmed": true})
	require.Equal(t, "emergency_link", reason)
}

func TestOneCommandIsDoneOnce(t *testing.T) {
	b := start(t)
	token := b.user("anna", own("101")...)
	c, _ := b.connect(token)
	other, _ := b.connect(b.user("ben", own("101")...))
	q := object{"command": "same", "number": "089123456", "origin": "typed"}
	first := c.ok("MakeCall", q)["attempt"].(object)
	require.Equal(t, "same", first["id"])
	require.Equal(t, "Peter Lang", first["to_name"])
	again, _ := b.connect(token)
	require.Equal(t, first["id"], again.ok("MakeCall", q)["attempt"].(object)["id"])
	require.Len(t, b.phones.calls(), 1)

	// Another user's command of the same name is another wish, and nobody else hears of an attempt.
	other.ok("MakeCall", q)
	require.Len(t, b.phones.calls(), 2)
	for _, a := range c.quiet(100*time.Millisecond, "attempt") {
		require.Equal(t, "same", a["id"])
	}

	// Over a restart too.
	b.stop()
	b.run()
	c, _ = b.connect(token)
	c.call("MakeCall", q)
	require.Empty(t, b.phones.calls())
}

func TestAnOwnCallFromBeginToEnd(t *testing.T) {
	b := start(t)
	c, _ := b.connect(b.user("anna", own("101")...), "pop")
	a := c.ok("MakeCall", object{"command": "x", "number": "089123456", "origin": "typed"})["attempt"].(object)
	require.Equal(t, "accepted", a["state"])
	leg := pbx.Leg{
		Key: pbx.LegKey{Call: "api-1", Device: "101"}, State: csta.Initiated, Direction: csta.Outgoing,
		Permitted: csta.Of(csta.ClearConnection), PermittedSaid: true, Far: pbx.Party{Number: "4989123456", Scope: pbx.ScopeGlobal},
	}
	b.phones.leg(leg)
	call := c.note("call")
	require.Equal(t, "x", call["attempt"])
	require.Nil(t, call["ring"])
	require.Equal(t, []any{"ClearConnection"}, call["permitted"])
	c.ok("ClearConnection", object{"command": "hang-up", "call": call["id"]})
	c.ok("ClearConnection", object{"command": "hang-up", "call": call["id"]})
	b.phones.mu.Lock()
	require.Len(t, b.phones.clears, 1)
	require.Equal(t, "api-1", b.phones.clears[0].Leg.Call)
	b.phones.mu.Unlock()

	leg.State, leg.FarState, leg.Permitted = csta.Connected, csta.Connected, 0
	b.phones.leg(leg)
	call = c.noteWhere("call", func(o object) bool { return o["state"] == "connected" })
	require.Equal(t, "not_after_answer", call["denied"].(object)["ClearConnection"].(object)["code"])
	require.Equal(t, "system_cannot", call["denied"].(object)["HoldCall"].(object)["code"])
	code, reason := c.refused("ClearConnection", object{"command": "late", "call": call["id"]})
	require.EqualValues(t, -32002, code)
	require.Equal(t, "not_after_answer", reason)
	b.phones.end("api-1", "101", csta.CauseNormalClearing)
	require.Nil(t, c.noteWhere("call", func(o object) bool { return o["state"] == "null" })["missed"])
	require.Empty(t, c.quiet(100*time.Millisecond, "pop"), "own calls do not open the customer unless chosen")
	code, reason = c.refused("ClearConnection", object{"command": "later", "call": call["id"]})
	require.EqualValues(t, -32003, code)
	require.Equal(t, "call_over", reason)
}

func TestErrorsOfTheTelephoneSystem(t *testing.T) {
	b := start(t)
	c, _ := b.connect(b.user("anna", own("101")...))
	for i, r := range []struct {
		err    error
		code   float64
		reason string
	}{
		{pbx.ErrSignIn, -32007, "system_sign_in"}, {pbx.ErrLicence, -32007, "system_licence"}, {pbx.ErrRefused, -32007, "system_refused"},
		{pbx.ErrUncertain, -32008, "uncertain"}, {pbx.ErrDestination, -32004, "number_invalid"}, {pbx.ErrDown, -32006, "system_down"},
		{pbx.ErrNotNow, -32002, "not_now"}, {pbx.ErrCannot, -32002, "system_cannot"}, {errors.New("secret"), -32007, "system_refused"},
	} {
		b.phones.mu.Lock()
		b.phones.err = fmt.Errorf("wrapped: %w", r.err)
		b.phones.mu.Unlock()
		m := c.call("MakeCall", object{"command": fmt.Sprint(i), "number": "089123456", "origin": "typed"})
		e := m["error"].(object)
		require.Equal(t, r.code, e["code"], r.err)
		require.Equal(t, r.reason, e["data"].(object)["code"], r.err)
		require.NotContains(t, e["message"], "secret")
	}
	b.phones.mu.Lock()
	b.phones.err = pbx.ErrDown
	b.phones.mu.Unlock()
	b.phones.now.Tell(pbx.TroubleChanged{Trouble: pbx.Trouble{Code: pbx.TroubleSignIn, Since: time.Now()}})
	c.note("trouble")
	code, reason := c.refused("MakeCall", object{"command": "down", "number": "089123456", "origin": "typed"})
	require.EqualValues(t, -32006, code)
	require.Equal(t, "system_sign_in", reason, "what the user can tell the administrator")
}

func TestMakeCallIsLimitedAndChecked(t *testing.T) {
	b := start(t, func(p *Params) { p.Limits.Calls = 3 })
	c, _ := b.connect(b.user("anna", own("101")...))
	for i := range 3 {
		c.ok("MakeCall", object{"command": fmt.Sprint(i), "number": "089123456", "origin": "typed"})
	}
	code, _ := c.refused("MakeCall", object{"command": "more", "number": "089123456", "origin": "typed"})
	require.EqualValues(t, -32009, code)
	for _, bad := range []any{
		object{"command": "", "number": "1"}, object{"command": "a b", "number": "1"}, object{"command": 7}, object{"command": string(make([]byte, 65))},
	} {
		code, _ := c.refused("MakeCall", bad)
		require.EqualValues(t, -32602, code)
	}
	nobody, _ := b.connect(b.user("dora"))
	_, reason := nobody.refused("MakeCall", object{"command": "x", "number": "089123456", "origin": "typed"})
	require.Equal(t, "no_device", reason)
	_, reason = c.refused("MakeCall", object{"command": "x", "device": "102", "number": "089123456", "origin": "typed"})
	require.Equal(t, "not_yours", reason)
	code, _ = c.refused("Teleport", object{})
	require.EqualValues(t, -32601, code)
}
