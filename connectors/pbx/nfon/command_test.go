package nfon

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/csta"
	"deskbell/app/pbx"
)

// accept answers POST with a call of this id.
func accept(uuid string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprintf(w, `{"uuid":%q,"state":"start","direction":"outbound"}`, uuid)
	}
}

const post = "POST /extensions/phone/calls"

func TestMakeCallBodies(t *testing.T) {
	for name, c := range map[string]struct {
		to     pbx.Destination
		prompt time.Duration
		want   string
	}{
		"outside":        {pbx.Destination{E164: "+4989555020"}, 25 * time.Second, `{"caller":"101","caller_context":"K4711","callee":"4989555020","callee_context":"global","extension":"101","timeout":25}`},
		"inside":         {pbx.Destination{Internal: "102"}, 0, `{"caller":"101","caller_context":"K4711","callee":"102","callee_context":"K4711","extension":"101","timeout":20}`},
		"feature code":   {pbx.Destination{Service: "*87"}, 500 * time.Millisecond, `{"caller":"101","caller_context":"K4711","callee":"*87","callee_context":"K4711","extension":"101","timeout":1}`},
		"public service": {pbx.Destination{Service: "112"}, time.Hour, `{"caller":"101","caller_context":"K4711","callee":"112","callee_context":"global","extension":"101","timeout":120}`},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newFake(t)
				f.handle(post, accept(u1))
				l := start(t, f, nil)
				got, err := l.c.MakeCall(l.ctx, pbx.MakeCallRequest{Command: pbx.Command{ID: "c1", Device: "101"}, To: c.to, Prompt: c.prompt})
				require.NoError(t, err)
				require.Equal(t, u1, got.Call)
				require.Greater(t, got.Limit, max(c.prompt, time.Second)%(2*time.Minute))
				require.Len(t, f.requests(post), 1)
				require.JSONEq(t, c.want, f.requests(post)[0].body)
			})
		})
	}
}

func TestWhatCannotBeDialledIsNotSent(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := start(t, newFake(t), nil)
		for _, to := range []pbx.Destination{
			{}, {E164: "4989555020"}, {E164: "+"}, {Internal: "abc"}, {Internal: "102", Service: "*87"}, {Service: strings.Repeat("1", 200)}, {Internal: "10\r\n2"},
		} {
			_, err := l.c.MakeCall(l.ctx, pbx.MakeCallRequest{Command: pbx.Command{ID: "c1", Device: "101"}, To: to})
			require.ErrorIs(t, err, pbx.ErrDestination)
		}
		require.Empty(t, l.requests(post))
	})
}

func TestMakeCallReplies(t *testing.T) {
	reply := `{"uuid":"` + u2 + `","state":"start"}`
	for name, c := range map[string]struct {
		status     int
		kind, body string
		want       string
	}{
		"as asked":        {202, "application/json", reply, u2},
		"200":             {200, "application/json", reply, u2},
		"with data:":      {200, "", "data: " + reply, u2},
		"framed":          {200, "text/event-stream", ": ping\n\nevent: call\ndata:" + reply + "\n\ndata: {\"uuid\":\"" + u2 + "\",\"state\":\"caller-dial\"}\n\n", u2},
		"over two lines":  {202, "", "{\n \"uuid\": \"" + u2 + "\"\n}\n", u2},
		"an array":        {202, "", "[" + reply + "]", u2},
		"nothing":         {202, "", "", ""},
		"no id":           {202, "", `{"state":"start"}`, ""},
		"no json":         {202, "", "accepted", ""},
		"too long an id":  {202, "", `{"uuid":"` + strings.Repeat("a", 500) + `"}`, ""},
		"without an end ": {202, "", strings.Repeat("\n", 100_000), ""},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newFake(t)
				f.handle(post, func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", c.kind)
					w.WriteHeader(c.status)
					io.WriteString(w, c.body)
				})
				l := start(t, f, nil)
				got, err := l.c.MakeCall(l.ctx, call("c1", "101", ""))
				require.NoError(t, err, "taken is taken")
				require.Equal(t, c.want, got.Call)
			})
		})
	}
}

func TestMakeCallErrors(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   error
	}{
		"400": {status(400), pbx.ErrDestination},
		"403": {status(403), pbx.ErrLicence},
		"404": {status(404), pbx.ErrRefused},
		"429": {status(429), pbx.ErrRefused},
		"500": {status(500), pbx.ErrRefused},
		"502": {status(502), pbx.ErrUncertain},
		"302": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1/v1/elsewhere", http.StatusFound)
		}, pbx.ErrRefused},
		"lost":   {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, pbx.ErrUncertain},
		"silent": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, pbx.ErrUncertain},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newFake(t)
				f.handle(post, c.answer)
				l := start(t, f, nil)
				_, err := l.c.MakeCall(l.ctx, call("c1", "101", ""))
				require.ErrorIs(t, err, c.want)
				require.Len(t, f.requests(post), 1, "never sent twice")
				require.NotContains(t, err.Error(), "4989555020")
			})
		})
	}
	t.Run("401 is sent again, once", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			f := newFake(t)
			l := start(t, f, nil)
			f.expire()
			f.handle(post, func(w http.ResponseWriter, r *http.Request) {
				if len(f.requests(post)) == 1 {
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				accept(u1)(w, r)
			})
			got, err := l.c.MakeCall(l.ctx, call("c1", "101", ""))
			require.NoError(t, err)
			require.Equal(t, u1, got.Call)
			require.Len(t, f.requests(post), 2)
		})
	})
	t.Run("no connection", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			l := start(t, newFake(t), nil)
			l.stop()
			_, err := l.c.MakeCall(context.WithoutCancel(l.ctx), call("c1", "101", ""))
			require.ErrorIs(t, err, pbx.ErrDown)
			require.NotErrorIs(t, err, pbx.ErrUncertain, "nothing was sent")
		})
	})
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		io.WriteString(w, `{"error":"no: 4989555020"}`)
	}
}

func TestAttemptBecomesACall(t *testing.T) {
	events := []string{"101 > caller-dial", "101 > caller-ring", "101 > caller-answer", "101 > dial", "101 > ring", "101 > answer", "101 > end", "101 > hangup"}
	const to, a = " global +4989555020", " attempt=c1"
	want := func(clear ...bool) []string {
		legs := []string{"101 initiated>", "101 initiated>", "101 connected>initiated", "101 connected>initiated", "101 connected>alerting", "101 connected>connected"}
		for i := range legs {
			legs[i] += to + a
			if clear[i] {
				legs[i] += " ClearConnection"
			}
		}
		return append(legs, "101 null>null"+to+" normalClearing"+a)
	}
	for promise, expected := range map[HangUp][]string{
		HangUpSetup:       want(true, true, true, true, true, false),
		HangUpCallerPhase: want(true, true, false, false, false, false),
		HangUpAny:         want(true, true, true, true, true, true),
	} {
		t.Run(string(promise), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newFake(t)
				f.handle(post, accept(u1))
				l := start(t, f, func(c *Config) { c.HangUp = promise })
				_, err := l.c.MakeCall(l.ctx, call("c1", "101", ""))
				require.NoError(t, err)
				var got []string
				key := pbx.LegKey{Call: u1, Device: "101"}
				for i, e := range events {
					l.calls.event(ev(u1, e))
					told := l.legs()
					got = append(got, told...)
					if i < 6 && !strings.Contains(told[len(told)-1], "ClearConnection") {
						require.ErrorIs(t, l.c.ClearConnection(l.ctx, pbx.Command{Device: "101", Leg: key}), pbx.ErrNotNow)
					}
				}
				require.Equal(t, expected, got)
				require.ErrorIs(t, l.c.ClearConnection(l.ctx, pbx.Command{Device: "101", Leg: key}), pbx.ErrGone)
				require.Empty(t, f.requests("DELETE"))
			})
		})
	}
}

func TestACallBeyondNFONsReachIsNotOfferedAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		f.handle(post, accept(u1))
		f.handle("DELETE", status(404))
		l := start(t, f, nil)
		_, err := l.c.MakeCall(l.ctx, call("c1", "101", ""))
		require.NoError(t, err)
		l.calls.event(ev(u1, "101 > caller-dial"))
		require.Contains(t, l.legs()[0], " ClearConnection")
		key := pbx.LegKey{Call: u1, Device: "101"}
		require.ErrorIs(t, l.c.ClearConnection(l.ctx, pbx.Command{Device: "101", Leg: key}), pbx.ErrGone)
		require.Equal(t, []string{"101 initiated> global +4989555020 attempt=c1"}, l.legs())
		l.calls.event(ev(u1, "101 > caller-ring"))
		require.Equal(t, []string{"101 initiated> global +4989555020 attempt=c1"}, l.legs())
	})
}

func TestClearConnection(t *testing.T) {
	key := pbx.LegKey{Call: u2, Device: "101"}
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   error
	}{
		"done":      {nil, nil},
		"over":      {status(404), pbx.ErrGone},
		"forbidden": {status(403), pbx.ErrLicence},
		"wrong id":  {status(400), pbx.ErrRefused},
		"lost":      {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, pbx.ErrUncertain},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newFake(t)
				f.handle(post, accept(u2))
				f.handle("DELETE", c.answer)
				l := start(t, f, nil)
				_, err := l.c.MakeCall(l.ctx, call("c1", "101", ""))
				require.NoError(t, err)
				require.ErrorIs(t, l.c.ClearConnection(l.ctx, pbx.Command{Device: "101", Leg: key}), c.want)
				sent := f.requests("DELETE")
				require.Len(t, sent, 1)
				require.Equal(t, "DELETE /extensions/phone/calls/"+u2, sent[0].op)
				require.Empty(t, sent[0].body)
			})
		})
	}
	t.Run("an id that is no path", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			f := newFake(t)
			f.handle(post, accept("../../login?x"))
			l := start(t, f, nil)
			got, err := l.c.MakeCall(l.ctx, call("c1", "101", ""))
			require.NoError(t, err)
			require.ErrorIs(t, l.c.ClearConnection(l.ctx, pbx.Command{Device: "101", Leg: pbx.LegKey{Call: got.Call, Device: "101"}}), pbx.ErrCannot)
			require.Empty(t, f.requests("DELETE"))
		})
	})
	t.Run("somebody else's device", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			f := newFake(t)
			f.handle(post, accept(u2))
			l := start(t, f, nil)
			_, err := l.c.MakeCall(l.ctx, call("c1", "101", ""))
			require.NoError(t, err)
			require.ErrorIs(t, l.c.ClearConnection(l.ctx, pbx.Command{Device: "102", Leg: pbx.LegKey{Call: u2, Device: "102"}}), pbx.ErrCannot)
		})
	})
	t.Run("after a restart", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			f := newFake(t)
			f.handle(post, accept(u2))
			l := start(t, f, nil)
			_, err := l.c.MakeCall(l.ctx, call("c1", "101", ""))
			require.NoError(t, err)
			l.stop()
			require.NotContains(t, string(l.store.m[storeKey]), "4989555020", "numbers are not stored")
			l.restart(t, nil)
			l.calls.event(ev(u2, "101 > caller-ring"))
			require.Equal(t, []string{"101 initiated> global +4989555020 attempt=c1 ClearConnection"}, l.legs())
			require.NoError(t, l.c.ClearConnection(l.ctx, pbx.Command{Device: "101", Leg: key}))
			l.calls.event(ev(u2, "101 > end error=cancel"))
			require.Equal(t, []string{"101 null>null global +4989555020 callCancelled attempt=c1"}, l.legs())
			time.Sleep(2 * time.Minute)
			l.stop()
			require.JSONEq(t, "[]", string(l.store.m[storeKey]), "forgotten when over")
		})
	})
}

func TestFailedAttempts(t *testing.T) {
	for name, event := range map[string]string{
		"end":                       "101 > end error=reject",
		"hangup":                    "101 > hangup error=reject",
		"end without the extension": "- > end error=reject",
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newFake(t)
				f.handle(post, accept(u1))
				l := start(t, f, nil)
				_, err := l.c.MakeCall(l.ctx, call("c1", "101", ""))
				require.NoError(t, err)
				l.calls.event(ev(u1, "101 > start"))
				l.calls.event(ev(u1, event))
				l.calls.event(ev(u1, "101 > hangup error=reject"))
				list := l.sink.take()
				failed := told[pbx.AttemptFailed](list)
				require.Len(t, failed, 1)
				require.Equal(t, "c1", failed[0].Command)
				require.Equal(t, u1, failed[0].Call)
				require.Equal(t, csta.CauseCallRejected, failed[0].Cause)
				require.Empty(t, told[pbx.LegChanged](list), "no leg was ever there")
			})
		})
	}
}

func TestTheReasonMayComeAfterTheHangup(t *testing.T) {
	for name, first := range map[string]string{"a leg was there": "101 > caller-ring", "none was": "101 > start"} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newFake(t)
				f.handle(post, accept(u1))
				l := start(t, f, nil)
				_, err := l.c.MakeCall(l.ctx, call("c1", "101", ""))
				require.NoError(t, err)
				l.calls.event(ev(u1, first))
				l.calls.event(ev(u1, "101 > hangup"))
				time.Sleep(reasonGrace / 2)
				l.calls.event(ev(u1, "101 > end error=busy"))
				time.Sleep(time.Second)
				list := l.sink.take()
				if failed := told[pbx.AttemptFailed](list); len(failed) > 0 {
					require.Equal(t, csta.CauseBusy, failed[0].Cause)
					require.Empty(t, told[pbx.LegChanged](list))
					return
				}
				legs := told[pbx.LegChanged](list)
				require.Len(t, legs, 2)
				require.Equal(t, csta.CauseBusy, legs[1].Leg.Cause)
			})
		})
	}
	t.Run("it never comes", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			f := newFake(t)
			f.handle(post, accept(u1))
			l := start(t, f, nil)
			_, err := l.c.MakeCall(l.ctx, call("c1", "101", ""))
			require.NoError(t, err)
			l.calls.event(ev(u1, "101 > caller-ring"))
			l.calls.event(ev(u1, "101 > hangup"))
			time.Sleep(reasonGrace)
			require.Contains(t, l.legs(), "101 null>null global +4989555020 attempt=c1")
		})
	})
}

func TestLinkingAttempts(t *testing.T) {
	t.Run("an event overtakes the reply", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			f := newFake(t)
			f.handle(post, func(w http.ResponseWriter, r *http.Request) {
				f.calls.event(ev(u1, "101 > caller-dial"))
				time.Sleep(3 * time.Second)
				f.calls.event(ev(u1, "101 > caller-ring"))
				time.Sleep(time.Second)
				accept(u1)(w, r)
			})
			l := start(t, f, nil)
			_, err := l.c.MakeCall(l.ctx, call("c1", "101", ""))
			require.NoError(t, err)
			const leg = "101 initiated> global +4989555020 attempt=c1"
			require.Equal(t, []string{leg, leg, leg + " ClearConnection"}, l.legs(), "it may be ended once its id is known")
		})
	})
	t.Run("the failure overtakes the reply", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			f := newFake(t)
			f.handle(post, func(w http.ResponseWriter, r *http.Request) {
				f.calls.event(ev(u1, "101 > end error=timeout"))
				time.Sleep(time.Second)
				accept(u1)(w, r)
			})
			l := start(t, f, nil)
			_, err := l.c.MakeCall(l.ctx, call("c1", "101", ""))
			require.NoError(t, err)
			require.Equal(t, "c1", told[pbx.AttemptFailed](l.sink.take())[0].Command)
		})
	})
	t.Run("the reply is lost", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			f := newFake(t)
			f.handle(post, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
			l := start(t, f, nil)
			_, err := l.c.MakeCall(l.ctx, call("c1", "101", ""))
			require.ErrorIs(t, err, pbx.ErrUncertain)
			time.Sleep(5 * time.Second)
			l.calls.event(ev(u1, "101 > caller-ring callee=00498955502x0"))
			l.calls.event(ev(u1, "101 > caller-ring callee=+4989555020"))
			legs := l.legs()
			require.Equal(t, "101 initiated> global +4989555020 attempt=c1", legs[len(legs)-1])
		})
	})
	t.Run("the stream has ids of its own", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			f := newFake(t)
			f.handle(post, accept(u1))
			l := start(t, f, nil)
			_, err := l.c.MakeCall(l.ctx, call("c1", "101", ""))
			require.NoError(t, err)
			l.calls.event(ev(u2, "101 > caller-ring"))
			require.Equal(t, []string{"101 initiated> global +4989555020 attempt=c1 ClearConnection"}, l.legs())
			require.NoError(t, l.c.ClearConnection(l.ctx, pbx.Command{Device: "101", Leg: pbx.LegKey{Call: u2, Device: "101"}}))
			require.Equal(t, "DELETE /extensions/phone/calls/"+u1, f.requests("DELETE")[0].op, "ended by the id of the reply")
		})
	})
	t.Run("not another number, extension or time", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			f := newFake(t)
			f.handle(post, accept(u1))
			l := start(t, f, nil)
			_, err := l.c.MakeCall(l.ctx, call("c1", "101", ""))
			require.NoError(t, err)
			l.calls.event(ev("x1", "101 > caller-ring callee=4989555021"))
			l.calls.event(ev("x2", "102 > caller-ring"))
			l.calls.event(ev("x3", "101 < ring caller=4989555020"))
			time.Sleep(attemptWindow + time.Second)
			l.calls.event(ev("x4", "101 > caller-ring"))
			for _, leg := range l.legs() {
				require.NotContains(t, leg, "attempt=")
			}
		})
	})
	t.Run("two to the same number", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			f := newFake(t)
			slow := make(chan struct{})
			f.handle(post, func(w http.ResponseWriter, r *http.Request) {
				if len(f.requests(post)) == 1 {
					<-slow
					accept(u1)(w, r)
					return
				}
				accept(u2)(w, r)
			})
			l := start(t, f, nil)
			first := make(chan error, 1)
			go func() { _, err := l.c.MakeCall(l.ctx, call("c1", "101", "")); first <- err }()
			time.Sleep(time.Second)
			_, err := l.c.MakeCall(l.ctx, call("c2", "101", ""))
			require.NoError(t, err)
			l.calls.event(ev(u2, "101 > caller-ring"))
			l.calls.event(ev(u1, "101 > caller-ring"))
			close(slow)
			require.NoError(t, <-first)
			by := map[string]string{}
			for _, m := range told[pbx.LegChanged](l.sink.take()) {
				by[m.Leg.Key.Call] = m.Leg.Attempt
			}
			require.Equal(t, map[string]string{u1: "c1", u2: "c2"}, by)
		})
	})
}
