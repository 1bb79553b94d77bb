package nfon

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func (c *client) snapshot(query string) map[string]string {
	c.t.Helper()
	var list []object
	require.Equal(c.t, 200, c.call("GET", "/extensions/phone/states"+query, "", &list))
	lines := map[string]string{}
	for _, o := range list {
		lines[o["extension"].(string)] = o["line"].(string)
	}
	return lines
}

func TestStatesFollowCalls(t *testing.T) {
	c := start(t, func(o *Options) { o.Phones = o.withDefaults().Phones[:3] })
	states := c.open("/extensions/phone/states", "Accept", "*/*")
	line := func() string { e := states.event(); return e["extension"].(string) + " " + e["line"].(string) }
	require.Equal(t, []string{"101 idle", "102 idle", "103 idle"}, []string{line(), line(), line()}, "everybody first")

	require.NoError(t, rings("101")(c.s))
	require.Equal(t, "101 ringing", line())
	require.NoError(t, c.s.Answer("101"))
	require.Equal(t, "101 in-use", line())
	require.Equal(t, map[string]string{"101": "in-use", "102": "idle", "103": "idle"}, c.snapshot(""))
	require.Equal(t, map[string]string{"101": "in-use", "103": "idle"}, c.snapshot("?extension=101&extension=103"))
	require.NoError(t, c.s.HangUp("101"))
	require.Equal(t, "101 idle", line())
	require.NoError(t, c.s.ChangePhone("102", func(p *Phone) { p.Offline = true }))
	require.Equal(t, "102 offline", line())
}

func TestStatesLag(t *testing.T) {
	c := start(t, with("states_lag", "300ms"))
	require.NoError(t, rings("101")(c.s))
	require.NoError(t, c.s.HangUp("101"))
	require.Equal(t, "idle", c.snapshot("")["101"], "the ring is not known yet")
	require.Equal(t, LineFact{Extension: "101", Line: "ringing", Presence: "available"}, await(c, func(LineFact) bool { return true }))
	await(c, func(f LineFact) bool { return f.Line == "idle" })
}

func TestStateOddities(t *testing.T) {
	for _, test := range []struct{ name, value, extension, want string }{
		{"presence_null", "quoted", "105", `"presence":"null"`},
		{"presence_null", "null", "105", `"presence":null`},
		{"unknown_presence", "brb", "101", `"presence":"brb"`},
		{"unknown_line", "busy", "101", `"line":"busy"`},
		{"time_form", "garbage", "101", `"updated":"yesterday`},
		{"time_form", "empty", "101", `"updated":""`},
	} {
		c := start(t, with(test.name, test.value))
		require.NoError(t, rings("101")(c.s))
		require.NoError(t, c.s.Answer("101"))
		_, _, body := c.do(c.request("GET", "/extensions/phone/states?extension="+test.extension, "", "Accept", typeJSON))
		require.Contains(t, body, test.want, test.name)
	}
	c := start(t, with("presence_null", "absent", "omit_updated", "true", "omit_customer", "true"))
	_, _, body := c.do(c.request("GET", "/extensions/phone/states?extension=105", "", "Accept", typeJSON))
	require.JSONEq(t, `[{"extension":"105","line":"idle"}]`, body)

	require.NoError(t, c.s.ChangePhone("105", func(p *Phone) { p.Hidden = true }))
	require.NotContains(t, c.snapshot(""), "105")
	_, _, body = c.do(c.request("GET", "/extensions/phone/data", ""))
	require.Contains(t, body, `"105@K4711"`)
}

func TestRingback(t *testing.T) {
	for _, line := range []string{"in-use", "ringing", "idle"} {
		c := start(t, with("ringback_line", line))
		require.NoError(t, dials("101", far)(c.s))
		require.Equal(t, line, c.snapshot("")["101"])
	}
}

func TestCallsNeverReplay(t *testing.T) {
	c := start(t)
	require.NoError(t, rings("101")(c.s))
	calls := c.open("/extensions/phone/calls")
	require.NoError(t, rings("102")(c.s))
	require.Equal(t, []string{"102 ring"}, calls.states(1))

	c.s.DropStreams(time.Hour)
	calls.ends()
	_, err := http.DefaultTransport.RoundTrip(c.request("GET", "/extensions/phone/calls", "", "Accept", typeStream))
	require.Error(t, err)
	require.Equal(t, 200, c.call("GET", "/extensions/phone/data", "", nil), "only streams are dark")
	require.NoError(t, c.s.HangUp("102"))
	events := c.s.Events("")
	require.Zero(t, events[len(events)-1].Streams, "nobody can have read it")
	c.s.DropStreams(0)
	calls = c.open("/extensions/phone/calls")
	require.NoError(t, c.s.HangUp("101"))
	require.Equal(t, []string{"101 hangup/reject"}, calls.states(1))
	c.s.EndStreams()
	calls.ends()
}

func TestNumbers(t *testing.T) {
	type pair [2]any
	look := func(t *testing.T, do func(*Server) error, switches ...string) (caller, callee pair) {
		c := start(t, with(switches...))
		calls := c.open("/extensions/phone/calls")
		require.NoError(t, do(c.s))
		e := calls.event()
		return pair{e["caller"], e["caller_context"]}, pair{e["callee"], e["callee_context"]}
	}
	withheld := func(s *Server) error { _, err := s.RingInbound(Caller{Withheld: true}, "101"); return err }
	for name, test := range map[string]struct {
		do             func(*Server) error
		switches       []string
		caller, callee pair
	}{
		"inbound":               {rings("101"), nil, pair{"498999998001", "global"}, pair{"498999998101", "global"}},
		"inbound, national":     {rings("101"), []string{"number_form", "national"}, pair{"08999998001", "K4711"}, pair{"08999998101", "K4711"}},
		"inbound, plus":         {rings("101"), []string{"number_form", "plus"}, pair{"+498999998001", "global"}, pair{"+498999998101", "global"}},
		"inbound, 00":           {rings("101"), []string{"number_form", "zero_zero"}, pair{"00498999998001", "global"}, pair{"00498999998101", "global"}},
		"inbound, to the head":  {rings("101"), []string{"inbound_callee", "head"}, pair{"498999998001", "global"}, pair{"498999998", "global"}},
		"inbound, to extension": {rings("101"), []string{"inbound_callee", "extension"}, pair{"498999998001", "global"}, pair{"101", "K4711"}},
		"withheld":              {withheld, nil, pair{"", "global"}, pair{"498999998101", "global"}},
		"withheld, no field":    {withheld, []string{"anonymous_form", "missing"}, pair{nil, "global"}, pair{"498999998101", "global"}},
		"withheld, a word":      {withheld, []string{"anonymous_form", "anonymous"}, pair{"anonymous", "global"}, pair{"498999998101", "global"}},
		"outbound":              {dials("101", far), nil, pair{"101", "K4711"}, pair{"498999998001", "global"}},
		"outbound with CLIP":    {dials("101", far), []string{"clip", "498999998"}, pair{"498999998", "global"}, pair{"498999998001", "global"}},
		"feature code":          {dials("101", "*87"), nil, pair{"101", "K4711"}, pair{"*87", "K4711"}},
		"internal":              {dials("101", "102"), nil, pair{"101", "K4711"}, pair{"102", "K4711"}},
		"internal, long":        {dials("101", "102"), []string{"internal_numbers", "long"}, pair{"498999998101", "K4711"}, pair{"498999998102", "K4711"}},
	} {
		t.Run(name, func(t *testing.T) {
			caller, callee := look(t, test.do, test.switches...)
			require.Equal(t, test.caller, caller)
			require.Equal(t, test.callee, callee)
		})
	}
}

func TestUUIDs(t *testing.T) {
	c := start(t, with("uuid_style", "word", "internal_two_uuids", "true"))
	calls := c.open("/extensions/phone/calls")
	require.NoError(t, dials("101", "102")(c.s))
	a, b := calls.event()["uuid"].(string), calls.event()["uuid"].(string)
	require.NotEqual(t, a, b)
	require.Regexp(t, callUUIDPattern, a)
	require.Regexp(t, "[g-z]", a)
	require.NoError(t, c.s.CallerHangsUp(b), "either uuid names the call")
}

func TestFraming(t *testing.T) {
	for name, test := range map[string]struct {
		switches []string
		lines    []string // before the next blank line; X stands for the payload
	}{
		"plain":      {nil, []string{"data: X", ""}},
		"no space":   {[]string{"data_nospace", "true"}, []string{"data:X", ""}},
		"event line": {[]string{"event_line", "message"}, []string{"event: message", "data: X", ""}},
		"crlf":       {[]string{"crlf", "true"}, []string{"data: X\r", "\r"}},
		"two pieces": {[]string{"split_events", "true"}, []string{"data: X", ""}},
		"doubled":    {[]string{"duplicate_events", "true"}, []string{"data: X", "", "data: X", ""}},
		"broken":     {[]string{"broken_json_every", "1"}, []string{"data: X", "", "data: X", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, with(test.switches...))
			calls := c.open("/extensions/phone/calls")
			require.NoError(t, rings("101")(c.s))
			for _, want := range test.lines {
				got, ok := calls.line()
				require.True(t, ok)
				if i := strings.IndexByte(got, '{'); i >= 0 {
					got = got[:i] + "X" + strings.Repeat("\r", strings.Count(got, "\r"))
				}
				require.Equal(t, want, got)
			}
		})
	}
}

func TestPings(t *testing.T) {
	for style, want := range map[string]string{"colon": ":", "ping": ": ping"} {
		c := start(t, with("ping_style", style, "ping_interval", "1ms"))
		got, _ := c.open("/extensions/phone/calls").line()
		require.Equal(t, want, got)
	}
}

func TestReorder(t *testing.T) {
	c := start(t, with("reorder_events", "true"))
	calls := c.open("/extensions/phone/calls")
	require.NoError(t, steps(rings("101"), answers("101"), hangsUp("101"))(c.s))
	require.Equal(t, []string{"101 answer", "101 ring", "101 hangup"}, calls.states(3), "the odd one comes by itself")
}

func TestRubbish(t *testing.T) {
	c := start(t)
	for _, kind := range rubbish {
		calls := c.open("/extensions/phone/calls")
		require.NoError(t, rings("101")(c.s))
		require.Equal(t, []string{"101 ring"}, calls.states(1))
		require.NoError(t, c.s.Hostile(kind))
		require.NoError(t, c.s.HangUp("101"))
		switch kind {
		case HalfEvent:
			calls.ends()
			continue
		case LongLine:
			require.Greater(t, len(calls.raw()), 1<<20)
		case NoDataLine:
		case RepeatEvent, WrongTypes:
			require.True(t, json.Valid([]byte(calls.raw())))
		default:
			require.False(t, json.Valid([]byte(calls.raw())))
		}
		require.Equal(t, []string{"101 hangup/reject"}, calls.states(1), kind)
		calls.end()
	}
	require.Error(t, c.s.Hostile("kindness"))
}

func TestPadding(t *testing.T) {
	c := start(t, with("pad_bytes", "900000"))
	calls := c.open("/extensions/phone/calls")
	require.NoError(t, rings("101")(c.s))
	e := calls.event()
	require.Equal(t, "ring", e["state"])
	require.Len(t, e["padding"], 900000)
}

func TestAReaderThatNeverReadsIsCut(t *testing.T) {
	st := newStream(1, feedCalls)
	for range 65 {
		st.push(chunk{data: make([]byte, 1<<20)})
	}
	reason, broken := st.ended()
	require.Equal(t, "reader too slow", reason)
	require.True(t, broken)
}

func TestMalformedTimeIsTheVendorsOwn(t *testing.T) {
	c := start(t, with("time_form", "extra_seconds"))
	calls := c.open("/extensions/phone/calls")
	require.NoError(t, rings("101")(c.s))
	require.Regexp(t, `T\d\d:\d\d:\d\d:00[.+]`, calls.event()["updated"])
}

func TestBehaviourWords(t *testing.T) {
	b, err := ParseBehaviour("answer 2s")
	require.NoError(t, err)
	require.Equal(t, Behaviour{Act: Answers, After: 2 * time.Second}, b)
	for _, bad := range []string{"", "sing", "answer soon", "answer -1s"} {
		_, err := ParseBehaviour(bad)
		require.Error(t, err, bad)
	}
}

func TestOptionsListAllProblems(t *testing.T) {
	err := Options{Account: "4711", HeadNumber: "089", Phones: []Phone{{Extension: "x"}, {Extension: "1"}, {Extension: "1"}}}.Validate()
	for _, word := range []string{"account", "head number", `"x"`, "twice"} {
		require.ErrorContains(t, err, word)
	}
}
