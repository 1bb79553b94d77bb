package nfon

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	simulated "deskbell/app/lab/nfon"

	"deskbell/app/csta"
	"deskbell/app/pbx"
)

// These tests run the connector against the simulated NFON, which shares nothing with it but the vendor's papers. None of
// its switches may make a difference to what an agent is told.

const (
	labLimit  = 15 * time.Second
	outside   = "+498999990123"
	outsideTo = "+498999990456"
)

// rig is a connector and a simulated NFON.
type rig struct {
	t    *testing.T
	nfon *simulated.Server
	c    *connector
	sink *sink
	ctx  context.Context
}

func newRig(t *testing.T, switches map[string]string, change ...func(*Config)) *rig {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	o := simulated.Options{Logger: log}
	s := simulated.New(o)
	for name, value := range switches {
		require.NoError(t, s.Set(name, value), name)
	}
	ln := &listener{conns: make(chan net.Conn), done: make(chan struct{})}
	server := &http.Server{Handler: s.Handler(), ReadHeaderTimeout: time.Hour, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	served := make(chan struct{})
	go func() { server.Serve(ln); close(served) }()
	user, secret := s.Credentials()
	config := &Config{BaseURL: "http://127.0.0.1/v1", Account: "k4711", Username: user, Password: "env:NFON"}
	for _, f := range change {
		f(config)
	}
	opened, err := config.Open(pbx.Env{Log: log, HTTP: &http.Client{Transport: &http.Transport{DialContext: ln.dial}}, Secrets: password(secret), Store: &memory{}, Version: "1.0.0"})
	require.NoError(t, err)
	r := &rig{t: t, nfon: s, c: opened.(*connector), sink: &sink{}}
	ctx, cancel := context.WithCancel(context.Background())
	r.ctx = ctx
	ran := make(chan error, 1)
	go func() { ran <- r.c.Run(ctx, r.sink) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ran)
		r.c.api.http.CloseIdleConnections()
		server.Close()
		ln.Close()
		<-served
		s.Close()
	})
	r.await("link up", func(m pbx.Message) bool { _, ok := m.(pbx.LinkUp); return ok })
	r.await("extensions", func(m pbx.Message) bool { _, ok := m.(pbx.Devices); return ok })
	return r
}

func (r *rig) messages() []pbx.Message {
	r.sink.mu.Lock()
	defer r.sink.mu.Unlock()
	return append([]pbx.Message(nil), r.sink.list...)
}

func (r *rig) await(what string, fits func(pbx.Message) bool) {
	r.t.Helper()
	require.Eventually(r.t, func() bool {
		for _, m := range r.messages() {
			if fits(m) {
				return true
			}
		}
		return false
	}, labLimit, 10*time.Millisecond, what)
}

// leg waits until the latest news of an extension's leg of any call, or of the named one, says so.
func (r *rig) leg(call string, device csta.DeviceID, want string) pbx.Leg {
	r.t.Helper()
	var last pbx.Leg
	require.Eventually(r.t, func() bool {
		for _, m := range told[pbx.LegChanged](r.messages()) {
			if m.Leg.Key.Device == device && (call == "" || m.Leg.Key.Call == call) {
				last = m.Leg
			}
		}
		return string(last.State)+"/"+string(last.FarState) == want
	}, labLimit, 5*time.Millisecond, "%s: %s", device, want)
	return last
}

// ended waits for a leg's end: told, or proven by an idle line where the stream was closed just then. cause is what was
// told, or the first of want where nothing was.
func (r *rig) ended(call string, device csta.DeviceID, want ...csta.Cause) {
	r.t.Helper()
	require.Eventually(r.t, func() bool {
		over := false
		for _, m := range r.messages() {
			switch m := m.(type) {
			case pbx.LegChanged:
				if m.Leg.Key == (pbx.LegKey{Call: call, Device: device}) {
					over = m.Leg.State == csta.Null
					if over && len(want) > 0 {
						require.Contains(r.t, want, m.Leg.Cause)
					}
				}
			case pbx.SnapshotTaken:
				s := m.Snapshot
				over = over || s.Device == device && s.Proof == pbx.ProofLine && s.Line == csta.LineIdle
			}
		}
		return over
	}, labLimit, 5*time.Millisecond, "%s: ended", device)
}

func (r *rig) inbound() {
	r.t.Helper()
	uuid, err := r.nfon.RingInbound(simulated.Caller{Number: outside}, "101")
	require.NoError(r.t, err)
	l := r.leg(uuid, "101", "alerting/connected")
	require.True(r.t, sameNumber(l.Far.Number, outside), "far end")
	require.NoError(r.t, r.nfon.Answer("101"))
	r.leg(uuid, "101", "connected/connected")
	require.NoError(r.t, r.nfon.HangUp("101"))
	r.ended(uuid, "101", csta.CauseNormalClearing)
}

func (r *rig) click() {
	r.t.Helper()
	require.NoError(r.t, r.nfon.SetOutside(outsideTo, simulated.Behaviour{Act: simulated.Answers, After: 50 * time.Millisecond}))
	got, err := r.c.MakeCall(r.ctx, pbx.MakeCallRequest{Command: pbx.Command{ID: "c1", Device: "104"}, To: pbx.Destination{E164: outsideTo}})
	require.NoError(r.t, err)
	r.leg(got.Call, "104", "initiated/")
	require.Eventually(r.t, func() bool { return r.nfon.Answer("104") == nil }, labLimit, 10*time.Millisecond)
	l := r.leg(got.Call, "104", "connected/connected")
	require.Equal(r.t, "c1", l.Attempt)
	require.Zero(r.t, l.Permitted)
	require.NoError(r.t, r.nfon.HangUp("104"))
	r.ended(got.Call, "104", csta.CauseNormalClearing)
}

func (r *rig) group() {
	r.t.Helper()
	uuid, err := r.nfon.RingInbound(simulated.Caller{Number: "+498999990789"}, "102", "103", "105")
	require.NoError(r.t, err)
	for _, device := range []csta.DeviceID{"102", "103", "105"} {
		r.leg(uuid, device, "alerting/connected")
	}
	require.NoError(r.t, r.nfon.Answer("103"))
	r.leg(uuid, "103", "connected/connected")
	r.ended(uuid, "102", csta.CauseAnsweredElsewhere)
	r.ended(uuid, "105", csta.CauseAnsweredElsewhere)
	require.NoError(r.t, r.nfon.HangUp("103"))
	r.ended(uuid, "103", csta.CauseNormalClearing)
}

func (r *rig) busy() {
	r.t.Helper()
	require.NoError(r.t, r.nfon.SetOutside(outsideTo, simulated.Behaviour{Act: simulated.Busy}))
	got, err := r.c.MakeCall(r.ctx, pbx.MakeCallRequest{Command: pbx.Command{ID: "c2", Device: "104"}, To: pbx.Destination{E164: outsideTo}})
	require.NoError(r.t, err)
	r.leg(got.Call, "104", "initiated/")
	require.Eventually(r.t, func() bool { return r.nfon.Answer("104") == nil }, labLimit, 10*time.Millisecond)
	r.ended(got.Call, "104", csta.CauseBusy)
}

func TestEverySwitchOfTheLab(t *testing.T) {
	for _, switches := range []string{
		"", "token_lifetime=2s stream_on_expiry=close", "token_lifetime=2s stream_on_expiry=close_after_grace expiry_grace=1s", "token_lifetime=1s refresh_lifetime=1s",
		"no_extended=true", "require_ua=true", "ping_style=colon ping_interval=50ms", "ping_style=ping ping_interval=50ms", "event_line=call", "data_nospace=true", "crlf=true",
		"api_states_on_stream=true", "error_on=end", "error_on=both", "error_on=end_after_hangup", "omit_caller_ring=true", "omit_updated=true", "omit_customer=true",
		"time_form=extra_seconds", "time_form=garbage", "time_form=empty", "extra_state=bridge", "inbound_start=start", "inbound_start=dial", "inbound_start=dial omit_ring=true",
		"unknown_line=busy", "unknown_line=humming", "unknown_presence=sleeping", "presence_null=null", "presence_null=absent", "ringback_line=idle", "ringback_line=ringing",
		"group_losers_end=true", "internal_two_uuids=true internal_numbers=long", "uuid_style=word", "number_form=national", "number_form=plus", "number_form=zero_zero",
		"inbound_callee=extension", "inbound_callee=head", "clip=498999998", "no_call_waiting=true", "setup_delay=500ms", "setup_delay=0s", "states_lag=2s",
		"lose=[\"caller-ring\"]", "duplicate_events=true", "reorder_events=true", "duplicate_events=true reorder_events=true omit_updated=true",
		"broken_json_every=1", "long_line_every=2", "split_events=true", "pad_bytes=100000",
		"faults.states.status=500", "faults.states.delay=3s", "faults.data.status=500 faults.data.times=1", "faults.refresh.status=401 token_lifetime=1s", "faults.originate.delay=300ms",
	} {
		t.Run(switches, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				set := map[string]string{}
				for _, pair := range strings.Fields(switches) {
					name, value, _ := strings.Cut(pair, "=")
					set[name] = value
				}
				r := newRig(t, set)
				r.inbound()
				r.click()
				r.group()
				r.busy()
			})
		})
	}
}

func TestWhatTheAgentMayEnd(t *testing.T) {
	for _, scope := range []string{"setup", "caller_phase", "any"} {
		t.Run(scope, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRig(t, map[string]string{"cancel_scope": scope}, func(c *Config) { c.HangUp = HangUp(scope) })
				require.NoError(t, r.nfon.SetOutside(outsideTo, simulated.Behaviour{}))
				ask := func(id string) pbx.Command {
					got, err := r.c.MakeCall(r.ctx, pbx.MakeCallRequest{Command: pbx.Command{ID: id, Device: "104"}, To: pbx.Destination{E164: outsideTo}})
					require.NoError(t, err)
					require.True(t, r.leg(got.Call, "104", "initiated/").Permitted.Has(csta.ClearConnection))
					return pbx.Command{ID: id + "-end", Device: "104", Leg: pbx.LegKey{Call: got.Call, Device: "104"}}
				}
				first := ask("c1")
				require.NoError(t, r.c.ClearConnection(r.ctx, first))
				require.Equal(t, csta.CauseCallCancelled, r.leg(first.Leg.Call, "104", "null/null").Cause)
				require.ErrorIs(t, r.c.ClearConnection(r.ctx, first), pbx.ErrGone)

				second := ask("c2")
				require.Eventually(t, func() bool { return r.nfon.Answer("104") == nil }, labLimit, 10*time.Millisecond)
				ringing := r.leg(second.Leg.Call, "104", "connected/alerting")
				require.Equal(t, scope != "caller_phase", ringing.Permitted.Has(csta.ClearConnection))
				require.NoError(t, r.nfon.CalleeAnswers(second.Leg.Call))
				talking := r.leg(second.Leg.Call, "104", "connected/connected")
				require.Equal(t, scope == "any", talking.Permitted.Has(csta.ClearConnection))
				err := r.c.ClearConnection(r.ctx, second)
				if scope == "any" {
					require.NoError(t, err)
					r.leg(second.Leg.Call, "104", "null/null")
					return
				}
				require.ErrorIs(t, err, pbx.ErrNotNow)
			})
		})
	}
	t.Run("a promise that NFON does not keep", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			r := newRig(t, map[string]string{"cancel_scope": "caller_phase"})
			require.NoError(t, r.nfon.SetOutside(outsideTo, simulated.Behaviour{}))
			got, err := r.c.MakeCall(r.ctx, pbx.MakeCallRequest{Command: pbx.Command{ID: "c1", Device: "104"}, To: pbx.Destination{E164: outsideTo}})
			require.NoError(t, err)
			require.Eventually(t, func() bool { return r.nfon.Answer("104") == nil }, labLimit, 10*time.Millisecond)
			r.leg(got.Call, "104", "connected/alerting")
			require.ErrorIs(t, r.c.ClearConnection(r.ctx, pbx.Command{Device: "104", Leg: pbx.LegKey{Call: got.Call, Device: "104"}}), pbx.ErrGone)
		})
	})
}

func TestStoriesOfTheLab(t *testing.T) { bubble(t, testStoriesOfTheLab) }

func testStoriesOfTheLab(t *testing.T) {
	r := newRig(t, nil)
	// An internal call is two legs of one call.
	uuid, err := r.nfon.Dial("101", "102")
	require.NoError(t, err)
	callee := r.leg(uuid, "102", "alerting/connected")
	caller := r.leg(uuid, "101", "connected/alerting")
	require.Equal(t, csta.DeviceID("101"), callee.Far.Device)
	require.Equal(t, "Ada Example", caller.Far.Name)
	require.Equal(t, caller.Linkage[0], callee.Linkage[0])
	require.NoError(t, r.nfon.Reject("102"))
	require.Equal(t, csta.CauseCallRejected, r.leg(uuid, "102", "null/null").Cause)

	// A group rings the same extension again under the same id.
	uuid, err = r.nfon.RingInbound(simulated.Caller{Withheld: true}, "101", "103")
	require.NoError(t, err)
	require.True(t, r.leg(uuid, "103", "alerting/connected").Far.Withheld)
	require.NoError(t, r.nfon.RingAgain(uuid, "103"))
	require.Eventually(t, func() bool {
		var states []csta.State
		for _, m := range told[pbx.LegChanged](r.messages()) {
			if m.Leg.Key == (pbx.LegKey{Call: uuid, Device: "103"}) {
				states = append(states, m.Leg.State)
			}
		}
		return len(states) == 3 && states[1] == csta.Null && states[2] == csta.Alerting
	}, labLimit, 10*time.Millisecond)

	// Transfer to another extension.
	require.NoError(t, r.nfon.Answer("103"))
	r.leg(uuid, "103", "connected/connected")
	require.NoError(t, r.nfon.Transfer("103", "102"))
	require.Equal(t, csta.CauseTransfer, r.leg(uuid, "102", "alerting/connected").Cause)
}

func TestBrokenConnectionsOfTheLab(t *testing.T) { bubble(t, testBrokenConnectionsOfTheLab) }

func testBrokenConnectionsOfTheLab(t *testing.T) {
	r := newRig(t, nil)
	count := func(kind func(pbx.Message) bool) (n int) {
		for _, m := range r.messages() {
			if kind(m) {
				n++
			}
		}
		return n
	}
	ups := func() int { return count(func(m pbx.Message) bool { _, ok := m.(pbx.LinkUp); return ok }) }
	uuid, err := r.nfon.RingInbound(simulated.Caller{Number: outside}, "101")
	require.NoError(t, err)
	r.leg(uuid, "101", "alerting/connected")

	require.NoError(t, r.nfon.Hostile(simulated.HalfEvent))
	require.Eventually(t, func() bool { return ups() == 2 }, labLimit, 10*time.Millisecond)
	r.nfon.DropStreams(300 * time.Millisecond)
	require.NoError(t, r.nfon.CallerHangsUp(uuid)) // in the dark
	r.await("what the line proves", func(m pbx.Message) bool {
		s, ok := m.(pbx.SnapshotTaken)
		return ok && s.Snapshot.Device == "101" && s.Snapshot.Proof == pbx.ProofLine && s.Snapshot.Line == csta.LineIdle && ups() >= 3
	})
	r.inbound()
	require.Zero(t, count(func(m pbx.Message) bool {
		l, ok := m.(pbx.LegChanged)
		return ok && l.Leg.Key.Call == uuid && l.Leg.State == csta.Null
	}), "the connector does not decide that a call it no longer sees is over")
}
