package nfon

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/csta"
	"deskbell/app/number"
	"deskbell/app/pbx"
)

const (
	u1 = "7f3a1c2e-0b1d-4e5f-8a9b-0c1d2e3f4a5b"
	u2 = "983lv4b8-zz1d-4e5f-8a9b-0c1d2e3f4a5b" // not hexadecimal, as one seen in production
)

func TestFirstWhatIsTrueThenWhatChanges(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		f.states = `[{"customer":"K4711","extension":"101","line":"in-use","presence":"null"},{"extension":"102","line":"idle","presence":null}]`
		l := start(t, f, nil)
		require.NoError(t, l.c.MonitorStart("103"))
		list := l.sink.take()
		devices := told[pbx.Devices](list)
		require.Len(t, devices, 1)
		require.True(t, devices[0].Complete)
		require.Equal(t, pbx.Device{ID: "101", Number: "101", Name: "Front desk"}, devices[0].List[0])

		require.Len(t, told[pbx.LinkUp](list), 1)
		require.Zero(t, told[pbx.LinkUp](list)[0].HeardUntil)
		var order []string
		for _, m := range list {
			switch m := m.(type) {
			case pbx.LinkUp:
				order = append(order, "up")
			case pbx.SnapshotTaken:
				order = append(order, string(m.Snapshot.Device)+" "+string(m.Snapshot.Proof)+" "+string(m.Snapshot.Line))
				require.Equal(t, told[pbx.LinkUp](list)[0].At, m.Snapshot.Since)
			}
		}
		require.Equal(t, []string{"up", "101 line busy", "102 line idle"}, order)
		require.Len(t, told[pbx.LineChanged](list), 2)

		time.Sleep(secondLook + time.Second)
		again := told[pbx.SnapshotTaken](l.sink.take())
		require.Len(t, again, 2, "the line states are read a second time")
		time.Sleep(time.Minute)
		require.Empty(t, told[pbx.SnapshotTaken](l.sink.take()))
	})
}

func TestEventsWaitForTheLineStatesAndAMissingStateProvesNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		wait := make(chan struct{})
		f.handle("GET /extensions/phone/states", func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Accept") == "text/event-stream" {
				f.lines.serve(w, r)
				return
			}
			select {
			case <-wait:
			case <-r.Context().Done():
			}
			w.Write([]byte(`[{"extension":"102","line":"idle"}]`))
		})
		l := start(t, f, nil)
		require.NoError(t, l.c.MonitorStart("103"))
		f.calls.event(`{"uuid":"` + u1 + `","state":"ring","direction":"inbound","extension":"101","caller":"4989555010","caller_context":"global","callee":"101"}`)
		require.Empty(t, told[pbx.LegChanged](l.sink.take()), "held back")
		close(wait)
		list := l.sink.take()
		require.IsType(t, pbx.LinkUp{}, list[0])
		snapshots := told[pbx.SnapshotTaken](list)
		require.Equal(t, []pbx.Proof{pbx.ProofLine, pbx.ProofNone}, []pbx.Proof{snapshots[0].Snapshot.Proof, snapshots[1].Snapshot.Proof})
		require.Equal(t, csta.DeviceID("103"), snapshots[1].Snapshot.Device)
		require.Len(t, told[pbx.LegChanged](list), 1)
	})
}

func TestSlowOrBrokenLineStatesSilenceNoRing(t *testing.T) {
	for name, states := range map[string]http.HandlerFunc{
		"never": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"500": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"error":"x"}`, http.StatusInternalServerError)
		},
		"broken": func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`[{"extension":`)) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newFake(t)
				f.handle("GET /extensions/phone/states", states)
				l := start(t, f, nil)
				f.calls.event(ring(u1, "101", "4989555010"))
				time.Sleep(holdLimit + time.Millisecond)
				list := l.sink.take()
				require.Len(t, told[pbx.LinkUp](list), 1)
				require.Len(t, told[pbx.LegChanged](list), 1)
				for _, s := range told[pbx.SnapshotTaken](list) {
					require.Equal(t, pbx.ProofNone, s.Snapshot.Proof)
				}
				f.handle("GET /extensions/phone/states", nil)
				f.set(&f.states, `[{"extension":"102","line":"idle"}]`)
				time.Sleep(2 * time.Minute)
				require.NotEmpty(t, told[pbx.SnapshotTaken](l.sink.take()), "read as soon as they answer")
			})
		})
	}
}

func TestADroppedStreamComesBackAndSaysWhatWasMissed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := start(t, newFake(t), nil)
		time.Sleep(2 * time.Minute)
		l.sink.take()
		down := time.Now()
		l.calls.drop()
		time.Sleep(time.Second)
		list := l.sink.take()
		require.Len(t, told[pbx.LinkDown](list), 1)
		require.Equal(t, down, told[pbx.LinkDown](list)[0].HeardUntil, "a stream closed in order missed nothing before")
		require.Len(t, told[pbx.LinkUp](list), 1)
		require.Equal(t, down, told[pbx.LinkUp](list)[0].HeardUntil)
		require.Less(t, told[pbx.LinkUp](list)[0].At.Sub(down), time.Second, "back at once after a stable minute")
		require.Empty(t, told[pbx.TroubleChanged](list))
	})
}

func TestABrokenStreamHeardOnlyWhatCame(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := start(t, newFake(t), nil)
		time.Sleep(time.Minute)
		l.calls.write(":\n\n")
		lastByte := time.Now()
		time.Sleep(10 * time.Second)
		l.calls.write("data: {\"uu")
		time.Sleep(10 * time.Second)
		l.sink.take()
		l.calls.snap()
		time.Sleep(time.Second)
		list := l.sink.take()
		require.Equal(t, lastByte, told[pbx.LinkDown](list)[0].HeardUntil, "half an event does not count")
		require.Empty(t, told[pbx.LegChanged](list))
	})
}

func TestHeardAtMostOnceASecond(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := start(t, newFake(t), nil)
		l.sink.take()
		for range 100 {
			time.Sleep(100 * time.Millisecond)
			l.calls.write(":\n")
		}
		heard := told[pbx.Heard](l.sink.take())
		require.InDelta(t, 10, len(heard), 1)
	})
}

func TestAStreamThatBreaksAgainAndAgainIsUpForMostOfTheTime(t *testing.T) {
	for lasting, c := range map[time.Duration]struct {
		up   time.Duration // of ten minutes
		most int           // connections
	}{
		0:               {0, 25}, // of no use at all
		2 * time.Second: {6 * time.Minute, 250},
		8 * time.Second: {7 * time.Minute, 75},
	} {
		bubble(t, func(t *testing.T) {
			f := newFake(t)
			var up atomic.Int64
			f.handle("GET /extensions/phone/calls", func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream")
				w.(http.Flusher).Flush()
				select {
				case <-time.After(lasting):
					up.Add(int64(lasting))
				case <-r.Context().Done():
				}
			})
			start(t, f, nil)
			time.Sleep(10 * time.Minute)
			require.GreaterOrEqual(t, time.Duration(up.Load()), c.up, lasting)
			require.LessOrEqual(t, len(f.requests("GET /extensions/phone/calls")), c.most, lasting)
		})
	}
}

func TestBackOffWhileUnreachable(t *testing.T) {
	down := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		f.handle("GET /extensions/phone/calls", down)
		l := start(t, f, nil)
		raised := told[pbx.TroubleChanged](l.sink.take())
		require.Equal(t, pbx.TroubleUnreachable, raised[0].Trouble.Code)
		require.False(t, raised[0].Trouble.Retry.IsZero())
		time.Sleep(10 * time.Minute)
		tries := len(f.requests("GET /extensions/phone/calls"))
		require.Less(t, tries, 30)
		require.Greater(t, tries, 12)

		l.sink.setRunning(true)
		before := len(f.requests("GET /extensions/phone/calls"))
		time.Sleep(time.Minute)
		require.GreaterOrEqual(t, len(f.requests("GET /extensions/phone/calls"))-before, 11, "at most 5 s apart while calls run")

		f.handle("GET /extensions/phone/calls", nil)
		time.Sleep(6 * time.Second)
		all := told[pbx.TroubleChanged](l.sink.take())
		require.Empty(t, all[len(all)-1].Trouble.Code, "cleared")
	})
}

func TestAStreamThatFellSilent(t *testing.T) {
	t.Run("pings seen", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			l := start(t, newFake(t), nil)
			l.calls.write(":\n\n")
			time.Sleep(16 * time.Minute)
			require.Len(t, told[pbx.LinkDown](l.sink.take()), 1)
		})
	})
	t.Run("no pings: nights are silent", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			l := start(t, newFake(t), nil)
			time.Sleep(10 * time.Hour)
			require.Empty(t, told[pbx.LinkDown](l.sink.take()))
		})
	})
}

func TestTokenEndsDuringAStream(t *testing.T) {
	t.Run("the stream stays", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			l := start(t, newFake(t), nil)
			time.Sleep(20 * time.Minute)
			l.expire()
			l.calls.event(ring(u1, "101", "4989555010"))
			require.Len(t, l.legs(), 1)
		})
	})
	t.Run("the stream is closed", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			l := start(t, newFake(t), nil)
			for range 5 {
				time.Sleep(5 * time.Minute)
				l.calls.drop()
				time.Sleep(time.Second)
			}
			list := l.sink.take()
			require.Len(t, told[pbx.LinkUp](list), 6)
			require.Empty(t, told[pbx.TroubleChanged](list))
			require.Len(t, l.requests("POST /login"), 1, "renewed, not signed in again")
		})
	})
}

func TestSignInRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		f.handle("POST /login", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
		l := start(t, f, nil)
		list := told[pbx.TroubleChanged](l.sink.take())
		require.Len(t, list, 1)
		require.Equal(t, pbx.TroubleSignIn, list[0].Trouble.Code)
		_, err := l.c.MakeCall(l.ctx, call("c1", "101", "+4989555020"))
		require.ErrorIs(t, err, pbx.ErrSignIn)
		time.Sleep(time.Hour)
		require.LessOrEqual(t, len(f.requests("POST /login")), 9, "no hammering: 1, 2, 4, 8, 15, 15 … minutes")
		f.handle("POST /login", nil)
		time.Sleep(16 * time.Minute)
		require.Len(t, told[pbx.LinkUp](l.sink.take()), 1)
	})
}

func TestANewPasswordIsTriedAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		f.handle("POST /login", func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(f.requests("POST /login")[len(f.requests("POST /login"))-1].body, "s3cret") {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			w.Write([]byte(f.pair("")))
		})
		l := start(t, f, nil)
		time.Sleep(30 * time.Minute)
		l.vault.change("changed")
		time.Sleep(10 * time.Second)
		list := l.sink.take()
		require.Len(t, told[pbx.LinkUp](list), 1)
		troubles := told[pbx.TroubleChanged](list)
		require.Empty(t, troubles[len(troubles)-1].Trouble.Code)
	})
}

func TestTokensRefusedEverywhere(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		for _, op := range []string{"GET /extensions/phone/calls", "GET /extensions/phone/states", "GET /extensions/phone/data"} {
			f.handle(op, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
		}
		l := start(t, f, nil)
		time.Sleep(time.Second)
		require.Equal(t, pbx.TroubleSignIn, told[pbx.TroubleChanged](l.sink.take())[0].Trouble.Code)
		time.Sleep(time.Hour)
		require.Less(t, len(f.requests("")), 80)
	})
}

// Some seconds of 401 while signing in works must not keep calls dark for much longer, also if it happens again and again.
func TestBurstsOfRefusedTokens(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		l := start(t, f, nil)
		l.sink.setRunning(true)
		var till atomic.Int64
		var open atomic.Int32
		refuse := func(next http.HandlerFunc) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				if time.Now().UnixNano() < till.Load() {
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				next(w, r)
			}
		}
		f.handle("GET /extensions/phone/calls", refuse(func(w http.ResponseWriter, r *http.Request) { open.Add(1); f.calls.serve(w, r) }))
		f.handle("GET /extensions/phone/states", refuse(snapshotOnly(f)))
		for i := range 4 {
			till.Store(time.Now().Add(8 * time.Second).UnixNano())
			f.calls.drop()
			time.Sleep(14 * time.Second)
			require.EqualValues(t, i+1, open.Load())
		}
		require.Less(t, len(f.requests("POST /login")), 25)
	})
}

func TestLicenceMissing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		f.handle("POST /login", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(f.pair(`,"extended_presence":false`))) })
		f.handle("GET /extensions/phone/calls", func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"error":"licence missing for 4989555010"}`, http.StatusForbidden)
		})
		l := start(t, f, nil)
		shown := told[pbx.TroubleChanged](l.sink.take())[0].Trouble
		require.Equal(t, pbx.TroubleLicence, shown.Code)
		require.Contains(t, shown.Detail, "extended_presence")
		require.NotContains(t, shown.Detail, "4989555010")
		time.Sleep(time.Hour)
		require.Less(t, len(f.requests("GET /extensions/phone/calls")), 14)
		require.Len(t, f.requests("POST /login"), 1, "a 403 is no reason to sign in again")
	})
}

func TestRefreshFailsThenSignIn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		f.handle("PUT /login", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
		l := start(t, f, nil)
		time.Sleep(6 * time.Minute)
		_, err := l.c.Snapshot(l.ctx, "101")
		require.NoError(t, err)
		require.Len(t, f.requests("PUT /login"), 1)
		require.Len(t, f.requests("POST /login"), 2)
	})
}

func TestARefreshThatHangsThenSignIn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		f.handle("PUT /login", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		l := start(t, f, nil)
		time.Sleep(6 * time.Minute)
		_, err := l.c.Snapshot(l.ctx, "101")
		require.NoError(t, err)
		require.Len(t, f.requests("POST /login"), 2)
	})
}

func TestEveryRequestNamesUsAndWhatItAccepts(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		f.handle("POST /extensions/phone/calls", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) })
		l := start(t, f, nil)
		_, err := l.c.MakeCall(l.ctx, call("c1", "101", "+4989555020"))
		require.NoError(t, err)
		time.Sleep(11 * time.Minute)
		require.NotEmpty(t, f.requests("PUT /login"))
		for _, r := range f.requests("") {
			require.Equal(t, "Deskbell/1.2.3 (K4711)", r.agent, r.op)
			require.Contains(t, []string{"application/json", "text/event-stream"}, r.accept, r.op)
		}
		require.JSONEq(t, `{"username":"K4711/api","password":"s3cret"}`, f.requests("POST /login")[0].body)
	})
}

func ring(uuid, extension, caller string) string {
	return `{"uuid":"` + uuid + `","state":"ring","direction":"inbound","extension":"` + extension + `","caller":"` + caller + `","caller_context":"global","callee":"49895550101","callee_context":"global","customer":"K4711"}`
}

func call(id, device, to string) pbx.MakeCallRequest {
	r := pbx.MakeCallRequest{Command: pbx.Command{ID: id, Device: csta.DeviceID(device)}}
	r.To.E164 = "+4989555020"
	if to != "" {
		r.To.E164 = number.E164(to)
	}
	return r
}
