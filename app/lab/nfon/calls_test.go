package nfon

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// far is an outside number of the ranges kept for films.
const far = "+498999998001"

// flow is a story told to the simulator, and what the calls feed says of it.
type flow struct {
	name     string
	switches []string
	phones   map[string]string // extension to behaviour
	outside  string            // behaviour of far
	do       func(s *Server) error
	events   []string
}

func rings(ext ...string) func(*Server) error {
	return func(s *Server) error { _, err := s.RingInbound(Caller{Number: far}, ext...); return err }
}

func dials(from, to string) func(*Server) error {
	return func(s *Server) error { _, err := s.Dial(from, to); return err }
}

// onLast runs an action on the newest call.
func onLast(do func(*Server, string) error) func(*Server) error {
	return func(s *Server) error {
		all := s.Calls()
		return do(s, all[len(all)-1].UUID)
	}
}

func steps(all ...func(*Server) error) func(*Server) error {
	return func(s *Server) error {
		for i, do := range all {
			if err := do(s); err != nil {
				return fmt.Errorf("step %d: %w", i+1, err)
			}
		}
		return nil
	}
}

func at(ext string, do func(*Server, string) error) func(*Server) error {
	return func(s *Server) error { return do(s, ext) }
}

var (
	callerHangsUp = onLast((*Server).CallerHangsUp)
	calleeAnswers = onLast((*Server).CalleeAnswers)
	ringsOut      = onLast((*Server).RingsOut)
)

func answers(ext string) func(*Server) error { return at(ext, (*Server).Answer) }
func hangsUp(ext string) func(*Server) error { return at(ext, (*Server).HangUp) }

func presence(ext, p string) func(*Server) error {
	return func(s *Server) error { return s.ChangePhone(ext, func(ph *Phone) { ph.Presence = p }) }
}

var flows = []flow{
	{"inbound, answered, caller hangs up", nil, nil, "", steps(rings("101"), answers("101"), callerHangsUp),
		[]string{"101 ring", "101 answer", "101 hangup"}},
	{"inbound, caller gives up", nil, nil, "", steps(rings("101"), callerHangsUp), []string{"101 ring", "101 hangup/cancel"}},
	{"inbound, rings out", nil, nil, "", steps(rings("101"), ringsOut), []string{"101 ring", "101 hangup/timeout"}},
	{"inbound, ring timeout", []string{"ring_timeout", "1ms"}, nil, "", rings("101"), []string{"101 ring", "101 hangup/timeout"}},
	{"inbound, rejected", nil, nil, "", steps(rings("101"), hangsUp("101")), []string{"101 ring", "101 hangup/reject"}},
	{"inbound, busy by itself", nil, map[string]string{"101": "busy"}, "", rings("101"), []string{"101 hangup/busy"}},
	{"inbound, do not disturb", nil, nil, "", steps(presence("101", "dnd"), rings("101")), []string{"101 hangup/busy"}},
	{"inbound, no call waiting", []string{"no_call_waiting", "true"}, nil, "", steps(rings("101"), answers("101"), rings("101")),
		[]string{"101 ring", "101 answer", "101 hangup/busy"}},
	{"inbound, answers by itself", nil, map[string]string{"101": "answer 1ms"}, "", rings("101"), []string{"101 ring", "101 answer"}},
	{"inbound, rejects by itself", nil, map[string]string{"101": "reject 1ms"}, "", rings("101"), []string{"101 ring", "101 hangup/reject"}},
	{"inbound, rings out by itself", nil, map[string]string{"101": "ringout 1ms"}, "", rings("101"), []string{"101 ring", "101 hangup/timeout"}},
	{"ring left out", []string{"omit_ring", "true"}, nil, "", steps(rings("101"), answers("101")), []string{"101 answer"}},
	{"a dial before the ring", []string{"inbound_start", "dial"}, nil, "", rings("101"), []string{"101 dial", "101 ring"}},
	{"an unknown state", []string{"extra_state", "bridge"}, nil, "", steps(rings("101"), answers("101")), []string{"101 ring", "101 answer", "101 bridge"}},
	{"a lost hangup", []string{"lose", `["hangup"]`}, nil, "", steps(rings("101"), hangsUp("101"), rings("102")), []string{"101 ring", "102 ring"}},
	{"error on end", []string{"error_on", "end"}, nil, "", steps(rings("101"), callerHangsUp), []string{"101 ring", "101 end/cancel"}},
	{"error on both", []string{"error_on", "both"}, nil, "", steps(rings("101"), callerHangsUp),
		[]string{"101 ring", "101 hangup/cancel", "101 end/cancel"}},
	{"error on end after hangup", []string{"error_on", "end_after_hangup"}, nil, "", steps(rings("101"), callerHangsUp),
		[]string{"101 ring", "101 hangup", "101 end/cancel"}},
	{"group, losers hear nothing", nil, nil, "", steps(rings("101", "102"), answers("102"), hangsUp("102")),
		[]string{"101 ring", "102 ring", "102 answer", "102 hangup"}},
	{"group, losers hear of it", []string{"group_losers_end", "true"}, nil, "", steps(rings("101", "102"), answers("102")),
		[]string{"101 ring", "102 ring", "102 answer", "101 hangup/cancel"}},
	{"group, one rejects", nil, nil, "", steps(rings("101", "102"), hangsUp("101"), callerHangsUp),
		[]string{"101 ring", "102 ring", "101 hangup/reject", "102 hangup/cancel"}},
	{"group, all reject", nil, nil, "", steps(rings("101", "102"), hangsUp("101"), hangsUp("102"), rings("103")),
		[]string{"101 ring", "102 ring", "101 hangup/reject", "102 hangup/reject", "103 ring"}},
	{"the same phone again", nil, nil, "", steps(rings("101"), onLast(func(s *Server, id string) error { return s.RingAgain(id, "101") }), answers("101")),
		[]string{"101 ring", "101 hangup/cancel", "101 ring", "101 answer"}},
	{"the same phone again after the end", nil, nil, "",
		steps(rings("101"), callerHangsUp, onLast(func(s *Server, id string) error { return s.RingAgain(id, "101") }), callerHangsUp),
		[]string{"101 ring", "101 hangup/cancel", "101 ring", "101 hangup/cancel"}},
	{"cascade, fresh uuid per round", nil, nil, "", func(s *Server) error {
		_, err := s.RingCascade(Caller{Number: far}, time.Millisecond, []string{"101"}, []string{"102"})
		return err
	}, []string{"101 ring", "102 ring"}},
	{"cascade, first round rejects", nil, nil, "", steps(func(s *Server) error {
		_, err := s.RingCascade(Caller{Number: far}, time.Hour, []string{"101"}, []string{"102"})
		return err
	}, hangsUp("101"), answers("102")), []string{"101 ring", "101 hangup/reject", "102 ring", "102 answer"}},
	{"outbound, answered", nil, nil, "", steps(dials("101", far), calleeAnswers, hangsUp("101")),
		[]string{"101 dial", "101 ring", "101 answer", "101 hangup"}},
	{"outbound, busy", nil, nil, "busy", dials("101", far), []string{"101 dial", "101 hangup/busy"}},
	{"outbound, rejected", nil, nil, "reject", dials("101", far), []string{"101 dial", "101 ring", "101 hangup/reject"}},
	{"outbound, gives up", nil, nil, "", steps(dials("101", far), hangsUp("101")), []string{"101 dial", "101 ring", "101 hangup/cancel"}},
	{"wrong number", nil, nil, "", dials("101", "999"), []string{"101 dial", "101 hangup/unspecified"}},
	{"feature code", nil, nil, "", dials("101", "*87"), []string{"101 dial", "101 answer", "101 hangup"}},
	{"internal, two legs", nil, nil, "", steps(dials("101", "102"), answers("102"), hangsUp("102")),
		[]string{"101 dial", "102 ring", "101 ring", "102 answer", "101 answer", "101 hangup", "102 hangup"}},
	{"internal, rejected", nil, nil, "", steps(dials("101", "102"), hangsUp("102")),
		[]string{"101 dial", "102 ring", "101 ring", "102 hangup/reject", "101 hangup/reject"}},
	{"internal, one leg", []string{"internal_one_leg", "true"}, nil, "", steps(dials("101", "102"), answers("102"), hangsUp("101")),
		[]string{"101 dial", "101 ring", "101 answer", "101 hangup"}},
	{"announcement", nil, map[string]string{"102": "answer 150ms"}, "", dials("101", "102"),
		[]string{"101 dial", "102 ring", "101 ring", "102 answer", "101 answer"}},
	{"own number dialled from a phone", nil, nil, "", dials("101", "+498999998102"), []string{"101 dial", "102 ring", "101 ring"}},
	{"transfer, same uuid", nil, nil, "", steps(rings("101"), answers("101"), func(s *Server) error { return s.Transfer("101", "103") },
		answers("103"), callerHangsUp),
		[]string{"101 ring", "101 answer", "103 ring", "103 answer", "101 hangup", "103 hangup"}},
	{"transfer nobody takes", nil, nil, "", steps(rings("101"), answers("101"), func(s *Server) error { return s.Transfer("101", "103") },
		hangsUp("103"), callerHangsUp),
		[]string{"101 ring", "101 answer", "103 ring", "103 hangup/reject", "101 hangup"}},
	{"transfer by a new call", nil, nil, "", steps(rings("101"), answers("101"),
		func(s *Server) error { return s.TransferByCall("101", "103") }, answers("103"), hangsUp("103")),
		[]string{"101 ring", "101 answer", "101 dial", "103 ring", "101 ring", "103 answer", "101 answer", "101 hangup", "101 hangup", "103 hangup"}},
}

func TestFlows(t *testing.T) {
	for _, f := range flows {
		t.Run(f.name, func(t *testing.T) {
			c := start(t, with(f.switches...))
			for ext, text := range f.phones {
				b, err := ParseBehaviour(text)
				require.NoError(t, err)
				require.NoError(t, c.s.ChangePhone(ext, func(p *Phone) { p.Behaviour = b }))
			}
			if f.outside != "" {
				b, err := ParseBehaviour(f.outside)
				require.NoError(t, err)
				require.NoError(t, c.s.SetOutside(far, b))
			}
			calls := c.open("/extensions/phone/calls")
			require.NoError(t, f.do(c.s))
			require.Equal(t, f.events, calls.states(len(f.events)))
			if len(f.switches) == 0 { // the record is complete, in order, and says that one stream got it
				var told []string
				for _, e := range c.s.Events("") {
					require.Equal(t, 1, e.Streams)
					told = append(told, strings.TrimSuffix(e.Extension+" "+e.State+"/"+e.Error, "/"))
				}
				require.Equal(t, f.events, told[:len(f.events)])
			}
		})
	}
}

func TestEveryFlowEndsIdle(t *testing.T) {
	for _, f := range flows {
		t.Run(f.name, func(t *testing.T) {
			c := start(t, with(f.switches...))
			require.NoError(t, f.do(c.s))
			for _, v := range c.s.Calls() {
				if v.State != "over" {
					_ = c.s.CallerHangsUp(v.UUID) // it may end by itself meanwhile
				}
			}
			require.Eventually(t, func() bool {
				for _, v := range c.s.Calls() {
					_ = c.s.CallerHangsUp(v.UUID)
				}
				for _, p := range c.s.Phones() {
					if p.Line != lineIdle || len(p.Calls) > 0 {
						return false
					}
				}
				return true
			}, limit, 5*time.Millisecond)
		})
	}
}

// apiCall posts a call of 101 to the outside and returns its uuid.
func (c *client) apiCall(callee, context string) string {
	c.t.Helper()
	var got object
	body := fmt.Sprintf(`{"caller":"101","callee":%q,"callee_context":%q,"extension":"101"}`, callee, context)
	require.Equal(c.t, 202, c.call("POST", "/extensions/phone/calls", body, &got))
	require.Equal(c.t, "start", got["state"])
	id, _ := got["uuid"].(string)
	return id
}

func (c *client) cancel(id string) int {
	c.t.Helper()
	return c.call("DELETE", "/extensions/phone/calls/"+id, "", nil)
}

func TestAPICall(t *testing.T) {
	c := start(t)
	calls := c.open("/extensions/phone/calls")
	id := c.apiCall("498999998001", "global")
	require.Equal(t, []string{"101 caller-dial", "101 caller-ring"}, calls.states(2))
	require.NoError(t, c.s.Answer("101"))
	require.Equal(t, []string{"101 caller-answer", "101 dial", "101 ring"}, calls.states(3))
	require.NoError(t, c.s.CalleeAnswers(id))
	answer := calls.event()
	require.Equal(t, []any{id, "answer", "outbound", "101", "498999998001", "global"},
		[]any{answer["uuid"], answer["state"], answer["direction"], answer["caller"], answer["callee"], answer["callee_context"]})
	require.NoError(t, c.s.CalleeHangsUp(id))
	require.Equal(t, []string{"101 hangup"}, calls.states(1))
	require.Equal(t, 404, c.cancel(id))
}

func TestAPICallToAnExtensionRingsIt(t *testing.T) {
	c := start(t)
	calls := c.open("/extensions/phone/calls")
	c.apiCall("102", "K4711")
	calls.states(2)
	require.NoError(t, c.s.Answer("101"))
	require.Equal(t, []string{"101 caller-answer", "101 dial", "102 ring", "101 ring"}, calls.states(4))
	require.NoError(t, c.s.Answer("102"))
	require.NoError(t, c.s.HangUp("102"))
	require.Equal(t, []string{"102 answer", "101 answer", "101 hangup", "102 hangup"}, calls.states(4))
}

func TestAPICallFailures(t *testing.T) {
	for name, test := range map[string]struct {
		switches []string
		prepare  func(*Server) error
		events   []string
	}{
		"caller rejects": {nil, func(s *Server) error {
			return s.ChangePhone("101", func(p *Phone) { p.Behaviour.Act = Rejects })
		}, []string{"101 caller-dial", "101 caller-ring", "101 hangup/reject"}},
		"caller is offline": {nil, func(s *Server) error {
			return s.ChangePhone("101", func(p *Phone) { p.Offline = true })
		}, []string{"101 caller-dial", "101 hangup/unspecified"}},
		"callee busy": {nil, func(s *Server) error {
			return errorsOf(s.ChangePhone("101", func(p *Phone) { p.Behaviour.Act = Answers }), s.SetOutside(far, Behaviour{Act: Busy}))
		}, []string{"101 caller-dial", "101 caller-ring", "101 caller-answer", "101 dial", "101 hangup/busy"}},
		"request states show": {[]string{"api_states_on_stream", "true", "omit_caller_ring", "true"}, func(s *Server) error {
			return s.ChangePhone("101", func(p *Phone) { p.Behaviour.Act = Rejects })
		}, []string{"101 start", "101 caller-dial", "101 hangup/reject", "101 end/reject"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, with(test.switches...))
			require.NoError(t, test.prepare(c.s))
			calls := c.open("/extensions/phone/calls")
			c.apiCall("498999998001", "global")
			require.Equal(t, test.events, calls.states(len(test.events)))
		})
	}
}

func errorsOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func TestPostStream(t *testing.T) {
	c := start(t)
	require.NoError(t, c.s.ChangePhone("101", func(p *Phone) { p.Behaviour.Act = Answers }))
	require.NoError(t, c.s.SetOutside(far, Behaviour{Act: Answers}))
	calls := c.open("/extensions/phone/calls")
	body := `{"caller":"101","callee":"498999998001","callee_context":"global"}`
	post := c.openWith(c.request("POST", "/extensions/phone/calls", body, "Accept", typeStream))
	first := post.event()
	require.Len(t, first, 3, "uuid, state and updated only")
	require.Equal(t, "start", first["state"])
	require.Equal(t, []string{"caller-dial", "caller-ring", "caller-answer", "dial", "ring", "answer", "end"}, post.states(7))
	post.ends()
	require.Equal(t, []string{"101 caller-dial", "101 caller-ring", "101 caller-answer", "101 dial", "101 ring", "101 answer"}, calls.states(6))
	require.NoError(t, c.s.HangUp("101"))
	require.Equal(t, []string{"101 hangup"}, calls.states(1))

	require.NoError(t, c.s.ChangePhone("101", func(p *Phone) { p.Behaviour.Act = Rejects }))
	post = c.openWith(c.request("POST", "/extensions/phone/calls", body, "Accept", typeStream))
	require.Equal(t, []string{"start", "caller-dial", "caller-ring", "end/reject"}, post.states(4))
	post.ends()
}

func TestCallerTimeout(t *testing.T) {
	c := start(t)
	calls := c.open("/extensions/phone/calls")
	require.Equal(t, 202, c.call("POST", "/extensions/phone/calls", `{"caller":"101","callee":"102","timeout":1}`, nil))
	require.Equal(t, []string{"101 caller-dial", "101 caller-ring", "101 hangup/timeout"}, calls.states(3))
}

func TestCancelScope(t *testing.T) {
	for scope, want := range map[string][4]int{ // while the caller rings, the callee rings, they talk, somebody else talks
		"setup":        {204, 204, 404, 404},
		"caller_phase": {204, 404, 404, 404},
		"any":          {204, 204, 204, 204},
	} {
		t.Run(scope, func(t *testing.T) {
			c := start(t, with("cancel_scope", scope))
			calls := c.open("/extensions/phone/calls")
			id := c.apiCall("498999998001", "global")
			calls.states(2)
			require.Equal(t, want[0], c.cancel(id))
			require.Equal(t, []string{"101 hangup/cancel"}, calls.states(1))

			begin := func(answered bool) string {
				id := c.apiCall("498999998001", "global")
				calls.states(2)
				require.NoError(t, c.s.Answer("101"))
				calls.states(3)
				if answered {
					require.NoError(t, c.s.CalleeAnswers(id))
					calls.states(1)
				}
				return id
			}
			id = begin(false)
			require.Equal(t, want[1], c.cancel(id))
			if want[1] == 404 {
				require.NoError(t, c.s.HangUp("101"))
			}
			require.Equal(t, []string{"101 hangup/cancel"}, calls.states(1))
			id = begin(true)
			require.Equal(t, want[2], c.cancel(id))
			if want[2] == 404 {
				require.NoError(t, c.s.HangUp("101"))
			}
			require.Equal(t, []string{"101 hangup"}, calls.states(1), "an answered call ends without error")
			foreign, err := c.s.RingInbound(Caller{Number: far}, "101")
			require.NoError(t, err)
			require.Equal(t, want[3], c.cancel(foreign))
		})
	}
}
