package nfon

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/csta"
	"deskbell/app/pbx"
)

func TestLineStates(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		f.lines.first = `data: {"customer":"K4711","extension":"101","presence":"available","line":"idle"}` + "\n\n"
		l := start(t, f, nil)
		l.sink.take()
		for _, c := range []struct {
			json     string
			line     csta.LineState
			presence pbx.Presence
		}{
			{`{"extension":"101","line":"ringing","presence":"available"}`, csta.LineRinging, pbx.PresenceAvailable},
			{`{"extension":"101","line":"in-use","presence":"null"}`, csta.LineBusy, pbx.PresenceUnknown},
			{`{"extension":"101","line":"IDLE","presence":"dnd","customer":"k4711"}`, csta.LineIdle, pbx.PresenceDND},
			{`{"extension":"101","line":"busy","presence":"away"}`, csta.LineBusy, pbx.PresenceAway},
			{`{"extension":"101","line":"offline","presence":"busy"}`, csta.LineOffline, pbx.PresenceBusy},
			{`{"extension":"101","line":"unknown","presence":null}`, csta.LineUnknown, pbx.PresenceUnknown},
			{`{"extension":"101","line":"idle"}`, csta.LineIdle, pbx.PresenceUnknown},
			{`{"extension":"101","line":"humming","presence":"offline"}`, csta.LineUnknown, pbx.PresenceOffline},
		} {
			f.lines.event(c.json)
			f.lines.event(c.json)
			got := told[pbx.LineChanged](l.sink.take())
			require.Len(t, got, 1, c.json)
			require.Equal(t, c.line, got[0].Line, c.json)
			require.Equal(t, c.presence, got[0].Presence, c.json)
		}
		f.lines.write("data: {\"extension\":\n\ndata: {\"line\":\"idle\"}\n\ndata: {\"extension\":\"101\",\"customer\":\"K1\"}\n\n")
		require.Len(t, told[pbx.Skipped](l.sink.take()), 3)
	})
}

func TestLineStreamComesBackByItself(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := start(t, newFake(t), nil)
		time.Sleep(time.Minute)
		l.sink.take()
		l.lines.drop()
		time.Sleep(2 * time.Second)
		l.lines.event(`{"extension":"101","line":"ringing"}`)
		list := l.sink.take()
		require.Len(t, told[pbx.LineChanged](list), 1)
		require.Empty(t, told[pbx.LinkDown](list), "calls do not depend on it")
		require.Empty(t, told[pbx.TroubleChanged](list))
	})
}

// snapshotOnly answers line states as one document, whatever was asked for.
func snapshotOnly(f *fake) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(f.current(&f.states)))
	}
}

func TestPollsWhereTheLineStreamIsOfNoUse(t *testing.T) {
	for name, answer := range map[string]func(f *fake) http.HandlerFunc{
		"json all the same": snapshotOnly,
		"406": func(f *fake) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Accept") == "text/event-stream" {
					w.WriteHeader(http.StatusNotAcceptable)
					return
				}
				snapshotOnly(f)(w, r)
			}
		},
		"says nothing": func(f *fake) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Accept") == "text/event-stream" {
					w.Header().Set("Content-Type", "text/event-stream")
					w.(http.Flusher).Flush()
					<-r.Context().Done()
					return
				}
				snapshotOnly(f)(w, r)
			}
		},
		"ends at once": func(f *fake) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Accept") == "text/event-stream" {
					w.Header().Set("Content-Type", "text/event-stream")
					return
				}
				snapshotOnly(f)(w, r)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newFake(t)
				f.handle("GET /extensions/phone/states", answer(f))
				l := start(t, f, nil)
				time.Sleep(20 * time.Second)
				l.sink.take()
				f.set(&f.states, `[{"extension":"101","line":"in-use"}]`)
				time.Sleep(31 * time.Second)
				require.Len(t, told[pbx.LineChanged](l.sink.take()), 1)
				l.sink.setRunning(true)
				time.Sleep(5 * time.Second)
				f.set(&f.states, `[{"extension":"101","line":"idle"}]`)
				time.Sleep(3 * time.Second)
				require.Len(t, told[pbx.LineChanged](l.sink.take()), 1, "every 3 s while calls run")
			})
		})
	}
}

func TestSettingsMayForbidTheLineStream(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		start(t, f, func(c *Config) { c.States = StatesSnapshot })
		time.Sleep(5 * time.Minute)
		require.GreaterOrEqual(t, len(f.requests("GET /extensions/phone/states")), 10)
		for _, r := range f.requests("GET /extensions/phone/states") {
			require.Equal(t, "application/json", r.accept)
		}
	})
}

func TestALostHangupShowsAtTheLine(t *testing.T) {
	idle := func(f *fake) {
		f.set(&f.states, `[{"extension":"101","line":"idle"}]`)
		f.lines.event(`{"extension":"101","line":"idle"}`)
	}
	t.Run("the line was busy with it", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			f := newFake(t)
			l := start(t, f, nil)
			f.calls.event(ev(u1, "101 < ring"))
			f.lines.event(`{"extension":"101","line":"ringing"}`)
			f.calls.event(ev(u1, "101 < answer"))
			f.lines.event(`{"extension":"101","line":"in-use"}`)
			time.Sleep(time.Minute)
			l.sink.take()
			went := time.Now()
			idle(f)
			time.Sleep(idleGrace + time.Second)
			shots := told[pbx.SnapshotTaken](l.sink.take())
			require.Len(t, shots, 1)
			require.Equal(t, pbx.Snapshot{Device: "101", Proof: pbx.ProofLine, Line: csta.LineIdle, Since: went, Stamp: shots[0].Snapshot.Stamp}, shots[0].Snapshot)
			require.Equal(t, "extension=101", f.requests("GET /extensions/phone/states")[len(f.requests("GET /extensions/phone/states"))-1].query)

			f.calls.event(ev(u1, "101 < hangup"))
			require.Equal(t, []string{"101 null<null global +4989555010 normalClearing"}, l.legs(), "a late hangup is passed on")
		})
	})
	t.Run("the hangup comes after all", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			f := newFake(t)
			l := start(t, f, nil)
			time.Sleep(10 * time.Second)
			f.lines.event(`{"extension":"101","line":"ringing"}`)
			f.calls.event(ev(u1, "101 < ring"))
			idle(f)
			time.Sleep(2 * time.Second)
			f.calls.event(ev(u1, "101 < hangup error=cancel"))
			l.sink.take()
			time.Sleep(time.Minute)
			require.Empty(t, told[pbx.SnapshotTaken](l.sink.take()))
		})
	})
	t.Run("a line that never showed the call proves nothing", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			f := newFake(t)
			l := start(t, f, nil)
			time.Sleep(10 * time.Second)
			f.calls.event(ev(u1, "101 > caller-ring"))
			idle(f)
			l.sink.take()
			time.Sleep(time.Minute)
			require.Empty(t, told[pbx.SnapshotTaken](l.sink.take()))
		})
	})
}

func TestReconnectJudgesWhatWasHeld(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		l := start(t, f, nil)
		f.calls.event(ev(u1, "101 < ring"))
		f.calls.event(ev(u2, "102 < ring"))
		time.Sleep(time.Minute)
		f.set(&f.states, `[{"extension":"101","line":"idle"},{"extension":"102","line":"idle"}]`)
		l.sink.take()
		wait := make(chan struct{})
		f.handle("GET /extensions/phone/states", func(w http.ResponseWriter, r *http.Request) {
			<-wait
			snapshotOnly(f)(w, r)
		})
		f.calls.drop()
		time.Sleep(time.Second)
		f.calls.event(ev(u2, "102 < hangup error=cancel"))
		synctest.Wait()
		close(wait)
		var order []string
		for _, m := range l.sink.take() {
			switch m := m.(type) {
			case pbx.LinkDown:
				order = append(order, "down")
			case pbx.LinkUp:
				order = append(order, "up")
			case pbx.SnapshotTaken:
				order = append(order, "snapshot "+string(m.Snapshot.Device))
			case pbx.LegChanged:
				order = append(order, describe(m.Leg))
			}
		}
		require.Equal(t, []string{"down", "up", "snapshot 101", "102 null<null global +4989555010 callCancelled", "snapshot 102"}, order,
			"a device with news of its own is judged after them")
	})
}

func TestManyQuestionsAreFewRequests(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		l := start(t, f, nil)
		f.set(&f.states, `[{"extension":"101","line":"idle"},{"extension":"102","line":"in-use"}]`)
		time.Sleep(20 * time.Second)
		before := len(f.requests("GET /extensions/phone/states"))
		for range 50 {
			s, err := l.c.Snapshot(l.ctx, "102")
			require.NoError(t, err)
			require.Equal(t, csta.LineBusy, s.Line)
			s, err = l.c.Snapshot(l.ctx, "101")
			require.NoError(t, err)
			require.Equal(t, csta.LineIdle, s.Line)
		}
		require.Equal(t, 2, len(f.requests("GET /extensions/phone/states"))-before)
		f.set(&f.states, `[{"extension":"101","line":"ringing"}]`)
		time.Sleep(shareLook)
		s, err := l.c.Snapshot(l.ctx, "101")
		require.NoError(t, err)
		require.Equal(t, csta.LineRinging, s.Line)
	})
}

func TestSnapshotOfOneDevice(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		l := start(t, f, nil)
		f.set(&f.states, `[{"extension":"101","line":"in-use","updated":"2026-02-03T09:15:22.954969226+01:00"}]`)
		s, err := l.c.Snapshot(l.ctx, "101")
		require.NoError(t, err)
		require.Equal(t, csta.LineBusy, s.Line)
		require.Equal(t, pbx.ProofLine, s.Proof)
		require.Equal(t, secondLook, time.Since(s.Since))
		s, err = l.c.Snapshot(l.ctx, "102")
		require.NoError(t, err)
		require.Equal(t, pbx.ProofNone, s.Proof)
		time.Sleep(shareLook)
		f.handle("GET /extensions/phone/states", status(500))
		_, err = l.c.Snapshot(l.ctx, "101")
		require.ErrorIs(t, err, pbx.ErrRefused)
		require.True(t, l.c.Services("101").Has(csta.MakeCall))
		require.False(t, l.c.Services("101").Has(csta.AnswerCall))
		require.NoError(t, l.c.MonitorStop("101"))
	})
}

func TestExtensions(t *testing.T) {
	for name, c := range map[string]struct {
		data string
		want *pbx.Devices // nil: the old list stays
	}{
		"leading zeros, no name": {`[{"extension_number":"007"}]`, &pbx.Devices{List: []pbx.Device{{ID: "007", Number: "007"}}, Complete: true}},
		"number from the id":     {`[{"uuid":"101@K4711","name":" Front desk "}]`, &pbx.Devices{List: []pbx.Device{{ID: "101", Number: "101", Name: "Front desk"}}, Complete: true}},
		"one without any":        {`[{"name":"x"},{"extension_number":101}]`, &pbx.Devices{List: []pbx.Device{{ID: "101", Number: "101"}}}},
		"twice":                  {`[{"extension_number":"101"},{"extension_number":"101"}]`, &pbx.Devices{List: []pbx.Device{{ID: "101", Number: "101"}}, Complete: true}},
		"broken":                 {`[{"extension_number":`, nil},
		"empty":                  {`[]`, nil},
		"not a list":             {`{"error":"x"}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newFake(t)
				l := start(t, f, nil)
				l.sink.take()
				f.set(&f.data, c.data)
				time.Sleep(11 * time.Minute)
				got := told[pbx.Devices](l.sink.take())
				if c.want == nil {
					require.Empty(t, got)
					return
				}
				require.NotEmpty(t, got)
				require.Equal(t, *c.want, got[0])
			})
		})
	}
}
