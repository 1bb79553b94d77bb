package nfon

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/csta"
	"deskbell/app/pbx"
)

// ev writes an event of the stream. spec is "extension direction state [key=value …]" with < or > as direction; "t=1.5" is
// the time of the event in seconds; the numbers of call may be overridden.
func ev(uuid, spec string) string {
	words := strings.Fields(spec)
	fields := map[string]string{
		"uuid": uuid, "extension": words[0], "direction": map[string]string{"<": "inbound", ">": "outbound"}[words[1]], "state": words[2],
		"caller": "4989555010", "caller_context": "global", "callee": "49895550101", "callee_context": "global", "customer": "K4711",
	}
	if words[1] == ">" {
		fields["caller"], fields["caller_context"] = words[0], "K4711"
		fields["callee"] = "4989555020"
	}
	for _, w := range words[3:] {
		key, value, _ := strings.Cut(w, "=")
		if key == "t" {
			var s float64
			if _, err := fmt.Sscan(value, &s); err != nil {
				panic(err) // a mistake in the table below
			}
			key, value = "updated", time.Unix(1770000000, 0).Add(time.Duration(s*float64(time.Second))).Format(time.RFC3339Nano)
		}
		fields[key] = value
	}
	parts := make([]string, 0, len(fields))
	for key, value := range fields {
		if value != "-" {
			parts = append(parts, fmt.Sprintf("%q:%q", key, value))
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// TestSequences plays what NFON sends, one step a line: an event, or a pause such as "2s". want is every leg told.
func TestSequences(t *testing.T) {
	const far, own = "global +4989555010", "global +4989555020"
	for _, c := range []struct {
		name  string
		steps []string
		want  []string
	}{
		{"inbound, answered", []string{"a 101 < ring", "5s", "a 101 < answer", "a 101 < hangup"},
			[]string{"101 alerting<connected " + far, "101 connected<connected " + far, "101 null<null " + far + " normalClearing"}},
		{"caller gives up", []string{"a 101 < ring", "a 101 < hangup error=cancel"},
			[]string{"101 alerting<connected " + far, "101 null<null " + far + " callCancelled"}},
		{"rings out", []string{"a 101 < ring", "a 101 < hangup error=timeout"},
			[]string{"101 alerting<connected " + far, "101 null<null " + far + " callNotAnswered"}},
		{"rejected", []string{"a 101 < ring", "a 101 < hangup error=reject"},
			[]string{"101 alerting<connected " + far, "101 null<null " + far + " callRejected"}},
		{"missed without a word of why", []string{"a 101 < ring", "a 101 < hangup"},
			[]string{"101 alerting<connected " + far, "101 null<null " + far}},
		{"unspecified and unheard-of errors are no cause", []string{"a 101 < ring", "a 101 < hangup error=unspecified", "b 101 < ring", "b 101 < hangup error=moonphase"},
			[]string{"101 alerting<connected " + far, "101 null<null " + far, "101 alerting<connected " + far, "101 null<null " + far}},
		{"busy without a ring", []string{"a 101 < hangup error=busy"},
			[]string{"101 null<" + " " + far + " busy"}},
		{"announced, then busy: the phone never rang", []string{"a 101 < dial", "200ms", "a 101 < hangup error=busy"},
			[]string{"101 null<null " + far + " busy"}},
		{"announced, ring left out", []string{"a 101 < start", "a 101 < dial", "1s", "a 101 < answer"},
			[]string{"101 alerting<connected " + far, "101 connected<connected " + far}},
		{"outbound, answered", []string{"a 101 > dial", "a 101 > ring", "a 101 > answer", "a 101 > hangup"},
			[]string{"101 connected>initiated " + own, "101 connected>alerting " + own, "101 connected>connected " + own, "101 null>null " + own + " normalClearing"}},
		{"outbound, busy", []string{"a 101 > dial", "a 101 > hangup error=busy"},
			[]string{"101 connected>initiated " + own, "101 null>null " + own + " busy"}},
		{"somebody else's API call; dial and ring come after caller-answer", []string{
			"a 101 > caller-wait", "a 101 > caller-dial", "a 101 > caller-ring", "a 101 > caller-answer", "a 101 > dial", "a 101 > ring", "a 101 > answer", "a 101 > end", "a 101 > hangup"},
			[]string{
				"101 initiated> " + own, "101 initiated> " + own, "101 initiated> " + own, "101 connected>initiated " + own, "101 connected>initiated " + own,
				"101 connected>alerting " + own, "101 connected>connected " + own, "101 null>null " + own + " normalClearing"}},
		{"own phone rejects", []string{"a 101 > caller-dial", "a 101 > end error=reject", "a 101 > hangup error=reject"},
			[]string{"101 initiated> " + own, "101 null>null " + own + " callRejected"}},
		{"end with an error after the answer is an end", []string{"a 101 > answer", "a 101 > end error=unspecified"},
			[]string{"101 connected>connected " + own, "101 null>null " + own}},
		{"a state nobody knows", []string{"a 101 < ring", "a 101 < bridge", "a 101 < answer"},
			[]string{"101 alerting<connected " + far, "101 connected<connected " + far}},
		{"late and repeated events", []string{"a 101 < answer t=2", "a 101 < ring t=1", "a 101 < answer t=2", "a 101 < hangup t=3", "a 101 < hangup t=3", "a 101 < ring t=1", "a 101 < answer t=2"},
			[]string{"101 connected<connected " + far, "101 null<null " + far + " normalClearing"}},
		{"a ring that comes after its hangup opens nothing", []string{"a 101 < hangup error=cancel", "100ms", "a 101 < ring"},
			[]string{"101 null< " + far + " callCancelled"}},
		{"group: one answers, the others get no end", []string{"a 101 < ring", "a 102 < ring", "a 103 < ring", "a 102 < answer", "2s"},
			[]string{"101 alerting<connected " + far, "102 alerting<connected " + far, "103 alerting<connected " + far, "102 connected<connected " + far,
				"101 null<null " + far + " answeredElsewhere", "103 null<null " + far + " answeredElsewhere"}},
		{"group: an own end within the grace", []string{"a 101 < ring", "a 102 < ring", "a 102 < answer", "1s", "a 101 < hangup error=cancel", "2s"},
			[]string{"101 alerting<connected " + far, "102 alerting<connected " + far, "102 connected<connected " + far, "101 null<null " + far + " answeredElsewhere"}},
		{"group: cancelled just before the answer that explains it", []string{"a 101 < ring", "a 102 < ring", "a 101 < hangup error=cancel", "100ms", "a 102 < answer"},
			[]string{"101 alerting<connected " + far, "102 alerting<connected " + far, "101 null<null " + far + " callCancelled", "102 connected<connected " + far,
				"101 null<null " + far + " answeredElsewhere"}},
		{"group: a ring overtaken by the answer", []string{"a 102 < ring t=1", "a 102 < answer t=3", "a 101 < ring t=1", "2s"},
			[]string{"102 alerting<connected " + far, "102 connected<connected " + far, "101 alerting<connected " + far, "101 null<null " + far + " answeredElsewhere"}},
		{"group: rung again under the same id", []string{"a 101 < ring t=1", "a 101 < hangup error=cancel t=2", "a 101 < ring t=3", "a 101 < answer t=4"},
			[]string{"101 alerting<connected " + far, "101 null<null " + far + " callCancelled", "101 alerting<connected " + far, "101 connected<connected " + far}},
		{"rung again without times", []string{"a 101 < ring", "a 101 < hangup error=cancel", "a 101 < ring"},
			[]string{"101 alerting<connected " + far, "101 null<null " + far + " callCancelled", "101 alerting<connected " + far}},
		{"transfer: rings on after another had answered", []string{"a 101 < ring t=1", "a 101 < answer t=2", "10s", "a 102 < ring t=12 caller=101 caller_context=K4711", "5s", "a 102 < answer t=17 caller=101 caller_context=K4711"},
			[]string{"101 alerting<connected " + far, "101 connected<connected " + far, "102 alerting<connected internal 101 transfer original=+4989555010",
				"102 connected<connected internal 101 transfer original=+4989555010"}},
		{"consultation: a new call by one who talks", []string{"a 101 < answer", "b 101 > dial callee=102 callee_context=K4711"},
			[]string{"101 connected<connected " + far, "101 connected>initiated internal 102 consultation"}},
		{"an announcement answers at once", []string{"a 101 > dial t=1 callee=102 callee_context=K4711", "a 101 > ring t=1.1 callee=102 callee_context=K4711", "a 101 > answer t=1.2 callee=102 callee_context=K4711"},
			[]string{"101 connected>initiated internal 102", "101 connected>alerting internal 102", "101 connected>connected internal 102 automatic"}},
		{"a person takes longer", []string{"a 101 > dial t=1 callee=102 callee_context=K4711", "a 101 > answer t=1.4 callee=102 callee_context=K4711"},
			[]string{"101 connected>initiated internal 102", "101 connected>connected internal 102"}},
		{"an agent's phone that answers outside calls by itself is no machine", []string{"a 101 < ring t=1", "a 101 < answer t=1.1"},
			[]string{"101 alerting<connected " + far, "101 connected<connected " + far}},
		{"feature code", []string{"a 101 > dial callee=*87 callee_context=K4711", "a 101 > answer callee=*87 callee_context=K4711"},
			[]string{"101 connected>initiated internal *87", "101 connected>connected internal *87 automatic"}},
		{"the company's head number as caller", []string{"a 101 > dial caller=4989555000 caller_context=global"},
			[]string{"101 connected>initiated " + own}},
		{"national number in the K-Account's context", []string{"a 101 < ring caller=089555010 caller_context=K4711"},
			[]string{"101 alerting<connected internal 089555010"}},
		{"unknown contexts are K-Accounts", []string{"a 101 < ring caller=102 caller_context=short"},
			[]string{"101 alerting<connected internal 102"}},
		{"112 is no extension", []string{"a 101 > dial callee=112"}, []string{"101 connected>initiated global 112"}},
		{"anonymous", []string{"a 101 < ring caller=anonymous", "b 101 < ring caller=-", "c 101 < ring caller=", "d 101 < ring caller=+266696687"},
			[]string{"101 alerting<connected withheld", "101 alerting<connected withheld", "101 alerting<connected withheld", "101 alerting<connected withheld"}},
		{"silence about the caller erases nothing", []string{"a 101 < ring", "a 101 < answer caller=-", "a 101 < hangup caller=anonymous"},
			[]string{"101 alerting<connected " + far, "101 connected<connected " + far, "101 null<null " + far + " normalClearing"}},
		{"an end that says nothing of the caller", []string{"a 101 < hangup caller=- callee=-"}, []string{"101 null<"}},
		{"no extension: the one end that is ours", []string{"a - < ring callee=102 callee_context=K4711", "b - > dial caller=101 callee=102"},
			[]string{"102 alerting<connected " + far}},
		{"no extension, but a known call", []string{"a 101 < ring", "a - < answer callee=-"},
			[]string{"101 alerting<connected " + far, "101 connected<connected " + far}},
		{"no direction", []string{"a 102 - ring callee=102", "b 101 - dial caller=101", "c 101 - caller-ring"},
			[]string{"102 alerting<connected " + far, "101 connected>initiated global +49895550101", "101 initiated> global +49895550101"}},
		{"an id with the K-Account", []string{"a 101@K4711 < ring"}, []string{"101 alerting<connected " + far}},
		{"another K-Account", []string{"a 101 < ring customer=K9999", "b 101 < ring customer=k4711", "c 101 < ring customer=-"},
			[]string{"101 alerting<connected " + far, "101 alerting<connected " + far}},
		{"times that make no sense", []string{"a 101 < ring updated=2026-02-03T09:15:22:00+01:00", "a 101 < answer updated=yesterday", "a 101 < hangup updated="},
			[]string{"101 alerting<connected " + far, "101 connected<connected " + far, "101 null<null " + far + " normalClearing"}},
		{"conference room", []string{"a 101 > dial callee=team callee_context=conference"}, []string{"101 connected>initiated  team"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				l := start(t, newFake(t), nil)
				l.sink.take()
				var got []string
				for _, s := range c.steps {
					if d, err := time.ParseDuration(s); err == nil {
						time.Sleep(d)
					} else {
						id, spec, _ := strings.Cut(s, " ")
						l.calls.event(ev("call-"+id, spec))
					}
					got = append(got, l.legs()...)
				}
				require.Equal(t, c.want, got)
			})
		})
	}
}

func TestSkippedIsCountedAndTheStreamGoesOn(t *testing.T) {
	for name, c := range map[string]struct{ text, reason string }{
		"broken json":    {"data: {\"uuid\":\n\n", "json"},
		"no json":        {"data: hello\n\n", "json"},
		"no object":      {"data: 12\n\n", "json"},
		"no uuid":        {"data: {\"state\":\"ring\"}\n\n", "fields"},
		"endless uuid":   {"data: {\"state\":\"ring\",\"uuid\":\"" + strings.Repeat("x", 200) + "\"}\n\n", "fields"},
		"no state":       {"data: {\"uuid\":\"x\",\"extension\":\"101\"}\n\n", "fields"},
		"no extension":   {"data: {\"uuid\":\"x\",\"state\":\"ring\"}\n\n", "fields"},
		"odd kinds":      {"data: {\"uuid\":{\"a\":[1]},\"state\":true}\n\n", "fields"},
		"unknown state":  {"data: {\"uuid\":\"x\",\"state\":\"bridge\",\"extension\":\"101\"}\n\n", "state"},
		"over one MiB":   {"data: {\"uuid\":\"" + strings.Repeat("x", maxEvent) + "\"}\n\n", "size"},
		"customer":       {"data: {\"uuid\":\"x\",\"state\":\"ring\",\"extension\":\"101\",\"customer\":\"K1\"}\n\n", "customer"},
		"second in one":  {"data: " + ring(u2, "102", "4989555011") + "\ndata: {\"uuid\"\n\n", "json"},
		"deep":           {"data: " + strings.Repeat("[", 20000) + "\n\n", "json"},
		"null in a list": {"data: [null]\n\n", "fields"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				l := start(t, newFake(t), nil)
				l.sink.take()
				l.calls.write(c.text)
				l.calls.event(ring(u1, "101", "4989555010"))
				list := l.sink.take()
				require.Len(t, told[pbx.Skipped](list), 1)
				require.Equal(t, c.reason, told[pbx.Skipped](list)[0].Reason)
				require.Regexp(t, `^req-\d+$`, told[pbx.Skipped](list)[0].RequestID)
				legs := told[pbx.LegChanged](list)
				require.Equal(t, u1, legs[len(legs)-1].Leg.Key.Call)
				require.Empty(t, told[pbx.LinkDown](list))
			})
		})
	}
}

func TestFramings(t *testing.T) {
	body := ring(u1, "101", "4989555010")
	half := len(body) / 2
	comma := strings.Index(body[half:], ",") + half + 1
	for name, text := range map[string]string{
		"plain":          "data: " + body + "\n\n",
		"no blank":       "data:" + body + "\n\n",
		"crlf":           "data: " + body + "\r\n\r\n",
		"cr":             "data: " + body + "\r\r:\r",
		"named":          "event: call\nid: 7\nretry: 10\ndata: " + body + "\n\n",
		"two lines":      "data: " + body[:comma] + "\ndata: " + body[comma:] + "\n\n",
		"comments":       ": ping\n\n:\n:\ndata: " + body + "\n: x\n\n",
		"an array":       "data: [" + body + "]\n\n",
		"mark at start":  "\ufeffdata: " + body + "\n\n",
		"a lost blank":   "data: {\"uuid\":\ndata: " + body + "\n\n",
		"unknown fields": "colour: red\ndata: " + body + "\nnonsense\n\n",
		"number":         "data: " + strings.Replace(body, `"extension":"101"`, `"extension":101`, 1) + "\n\n",
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				l := start(t, newFake(t), nil)
				for i := range len(text) { // byte by byte, the worst way
					l.calls.write(text[i : i+1])
				}
				require.Equal(t, []string{"101 alerting<connected global +4989555010"}, l.legs())
			})
		})
	}
}

func TestLinkage(t *testing.T) {
	tokens := func(list []pbx.Message, device csta.DeviceID) []string {
		var out []string
		for _, m := range told[pbx.LegChanged](list) {
			if m.Leg.Key.Device == device {
				out = m.Leg.Linkage
			}
		}
		return out
	}
	play := func(t *testing.T, check func(t *testing.T, list []pbx.Message), steps ...string) {
		t.Helper()
		bubble(t, func(t *testing.T) {
			l := start(t, newFake(t), nil)
			for _, s := range steps {
				if d, err := time.ParseDuration(s); err == nil {
					time.Sleep(d)
					continue
				}
				id, spec, _ := strings.Cut(s, " ")
				l.calls.event(ev(id, spec))
			}
			check(t, l.sink.take())
		})
	}
	share := func(a, b []string) bool {
		for _, x := range a {
			for _, y := range b {
				if x == y {
					return true
				}
			}
		}
		return false
	}
	for name, internal := range map[string]string{
		"short numbers": "caller=101 caller_context=K4711 callee=102 callee_context=K4711",
		"long numbers":  "caller=49895550101 caller_context=K4711 callee=49895550102 callee_context=K4711",
		"mixed numbers": "caller=49895550101 callee=49895550102",
	} {
		for _, second := range []string{"a", "b"} {
			t.Run("internal call, "+name+", second leg "+second, func(t *testing.T) {
				other := strings.ReplaceAll(internal, "caller=4989", "caller=0049"+"89")
				play(t, func(t *testing.T, list []pbx.Message) {
					require.True(t, share(tokens(list, "101"), tokens(list, "102")))
				}, "a 101 > dial "+internal, second+" 102 < ring "+other)
			})
		}
	}
	t.Run("cascaded groups", func(t *testing.T) {
		play(t, func(t *testing.T, list []pbx.Message) {
			require.True(t, share(tokens(list, "101"), tokens(list, "102")))
		}, "a 101 < ring", "a 101 < hangup error=cancel", "5s", "b 102 < ring")
	})
	t.Run("a cascade without ends", func(t *testing.T) {
		play(t, func(t *testing.T, list []pbx.Message) {
			require.True(t, share(tokens(list, "101"), tokens(list, "102")))
		}, "a 101 < ring", "20s", "b 102 < ring")
	})
	t.Run("the same caller tries again", func(t *testing.T) {
		play(t, func(t *testing.T, list []pbx.Message) {
			legs := told[pbx.LegChanged](list)
			require.False(t, share(legs[0].Leg.Linkage, legs[2].Leg.Linkage))
		}, "a 101 < ring", "a 101 < hangup error=cancel", "10s", "b 101 < ring")
	})
	for name, steps := range map[string][]string{
		"after a minute":                       {"a 101 < ring", "a 101 < hangup", "61s", "b 102 < ring"},
		"after an answer":                      {"a 101 < ring", "a 101 < answer", "5s", "b 102 < ring"},
		"another number dialled at the time":   {"a 101 < ring", "b 102 < ring callee=49895550102"},
		"withheld callers are not one another": {"a 101 < ring caller=anonymous", "a 101 < hangup", "b 102 < ring caller=anonymous"},
		"both answered: two calls":             {"a 101 < ring", "b 102 < ring", "a 101 < answer", "b 102 < answer"},
		"an extension calling twice":           {"a 101 < ring caller=103 caller_context=K4711", "a 101 < hangup", "b 102 < ring caller=103 caller_context=K4711"},
	} {
		t.Run("no cascade: "+name, func(t *testing.T) {
			play(t, func(t *testing.T, list []pbx.Message) {
				require.False(t, share(tokens(list, "101"), tokens(list, "102")))
			}, steps...)
		})
	}
}

func TestLegsSayWhatMayBeDoneAndHowLongTheyLast(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := start(t, newFake(t), nil)
		l.calls.event(ev(u2, "101 < ring t=1"))
		l.calls.event(ev(u2, "101 < answer t=5"))
		legs := told[pbx.LegChanged](l.sink.take())
		require.Equal(t, ringExpiry, legs[0].Leg.Expiry)
		require.Equal(t, talkExpiry, legs[1].Leg.Expiry)
		for _, m := range legs {
			require.True(t, m.Leg.PermittedSaid)
			require.Zero(t, m.Leg.Permitted)
			require.Equal(t, map[string]string{"uuid": u2, "extension": "101"}, m.Leg.VendorData)
			require.Regexp(t, `^req-`, m.Stamp.RequestID)
			require.NotEmpty(t, m.Stamp.Vendor)
		}
		require.Equal(t, pbx.Party{Number: "+49895550101", Scope: pbx.ScopeGlobal}, legs[0].Leg.Called)
		require.ErrorIs(t, l.c.ClearConnection(l.ctx, pbx.Command{Device: "101", Leg: legs[1].Leg.Key}), pbx.ErrCannot)
	})
}

func TestForgetsOldLegs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := newDesk(&connector{config: Config{Account: "K4711"}, attempts: newAttempts(), auth: &passwordAuth{}}, &sink{})
		for i := range 50 {
			require.NoError(t, d.t.handle(callEvent{UUID: text(fmt.Sprint(i)), State: vRing, Direction: "inbound", Extension: "101", Caller: text(fmt.Sprint("49895550", i)), received: time.Now()}))
		}
		require.Len(t, d.t.legs, 50)
		d.t.prune(time.Now().Add(6 * time.Minute))
		require.Empty(t, d.t.legs)
		require.Empty(t, d.t.calls)
		require.Empty(t, d.t.devices)
		require.Empty(t, d.t.callers)
		require.Empty(t, d.t.cascades)
	})
}
