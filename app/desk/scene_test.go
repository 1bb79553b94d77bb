package desk

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/csta"
	"deskbell/app/desk/text"
	"deskbell/app/desk/view"
	"deskbell/app/wire"
)

var update = flag.Bool("update", false, "write the transcripts anew; read the difference before you keep it")

// scene plays messages to a Core and writes down every effect. The transcript is compared with the one in testdata, so
// that a test sees everything that a message does, also what nobody thought of.
type scene struct {
	t     *testing.T
	core  *Core
	now   time.Time
	ids   int
	out   strings.Builder
	views bool // write published states too
	last  []Effect
}

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

type option func(*Config)

func withSettings(pairs ...string) option {
	return func(c *Config) {
		for i := 0; i < len(pairs); i += 2 {
			c.Settings[pairs[i]] = pairs[i+1]
		}
	}
}

func withoutAccount(c *Config) { c.Account = Account{} }

func german(c *Config) { c.Words = words("de") }

// plain stands for the cleaning of strangers' texts: here it takes away what the tests mark as hostile.
func plain(s string) string { return strings.NewReplacer("\x01", "", "\n", " ").Replace(s) }

func words(lang string) *text.Words {
	w, err := text.New(lang, plain)
	if err != nil {
		panic(err)
	}
	return w
}

func newScene(t *testing.T, opts ...option) *scene {
	s := &scene{t: t, now: noon}
	cfg := Config{
		Words: words("en"), Zone: time.UTC, Settings: map[string]string{},
		NewID:   func() string { s.ids++; return fmt.Sprintf("cmd-%d", s.ids) },
		Account: Account{Server: "https://cti.example", ServerName: "Example CTI", User: "anna", Name: "Anna Huber"},
	}
	for _, o := range opts {
		o(&cfg)
	}
	s.core = New(cfg)
	s.write("begin", s.core.Begin(s.now))
	t.Cleanup(s.compare)
	return s
}

// up brings the connection up and gives it a snapshot.
func (s *scene) up(change ...func(*wire.Snapshot)) {
	s.do(LinkUp{Hello: wire.HelloFromServer{Epoch: "e1", ServerName: "Example CTI", User: wire.User{ID: "anna", Name: "Anna Huber"}}})
	s.snapshot(change...)
}

func (s *scene) snapshot(change ...func(*wire.Snapshot)) {
	snap := wire.Snapshot{
		Systems: []wire.System{{ID: "nfon", Name: "NFON", Up: true}},
		Devices: []wire.Device{{System: "nfon", ID: "101", Number: "101", Name: "Anna Huber", Own: true, Services: csta.Of(csta.MakeCall, csta.ClearConnection)}},
	}
	for _, c := range change {
		c(&snap)
	}
	s.do(Told{Note: snap})
}

func (s *scene) tell(note any) []Effect       { return s.do(Told{Note: note}) }
func (s *scene) later(d time.Duration)        { s.now = s.now.Add(d) }
func (s *scene) press(key, id string)         { s.do(Pressed{Key: key, ID: id}) }
func (s *scene) ask(a view.Ask)               { s.do(Asked{Ticket: 7, Ask: a}) }
func (s *scene) lost(id uint64)               { s.do(Replied{ID: id, Lost: true}) }
func (s *scene) note(format string, a ...any) { fmt.Fprintf(&s.out, "\n# "+format+"\n", a...) }

func (s *scene) reply(id uint64, result any) {
	data, err := json.Marshal(result)
	require.NoError(s.t, err)
	s.do(Replied{ID: id, Result: data})
}

func (s *scene) refuse(id uint64, code int, reason *wire.Reason) {
	s.do(Replied{ID: id, Error: &wire.Error{Code: code, Message: "refused", Data: reason}})
}

// fire lets the time of a timer pass.
func (s *scene) fire(timer string, after time.Duration) {
	s.later(after)
	s.do(Fired{Timer: timer})
}

func (s *scene) do(m Message) []Effect {
	label := strings.TrimPrefix(fmt.Sprintf("%T", m), "desk.")
	switch m := m.(type) {
	case Told:
		label = strings.TrimPrefix(fmt.Sprintf("%T", m.Note), "wire.")
	case Replied:
		label = fmt.Sprintf("Replied %d", m.ID)
	case Pressed, NoticeGone, Chosen, Fired, PageOpened, TonePlayed, NoticeShown, Machine, LinkDown:
		label = fmt.Sprintf("%s %+v", label, m)
	case Asked:
		label = "Asked " + m.Ask.Verb
	}
	effects := s.core.Handle(m, s.now)
	s.write(label, effects)
	return effects
}

func (s *scene) write(label string, effects []Effect) {
	s.last = effects
	fmt.Fprintf(&s.out, "\n%s %s\n", s.now.Format("15:04:05"), label)
	for _, e := range effects {
		s.effect(e)
	}
}

func (s *scene) effect(e Effect) {
	name := strings.TrimPrefix(fmt.Sprintf("%T", e), "desk.")
	switch e := e.(type) {
	case ShowNotice:
		n := e.Notice
		fmt.Fprintf(&s.out, "  %s %s urgency=%d stay=%v\n    %s\n", name, n.Key, n.Urgency, n.Stay, n.Title)
		for _, l := range strings.Split(n.Body, "\n") {
			fmt.Fprintf(&s.out, "    | %s\n", l)
		}
		for _, b := range n.Buttons {
			fmt.Fprintf(&s.out, "    [%s] %s\n", b.ID, b.Label)
		}
	case SetTray:
		fmt.Fprintf(&s.out, "  %s %s missed=%d %q\n", name, e.Tray.Icon, e.Tray.Missed, e.Tray.Tooltip)
		s.menu(e.Tray.Menu, "    ")
	case Publish:
		if s.views {
			data, err := json.MarshalIndent(e.State, "    ", "  ")
			require.NoError(s.t, err)
			fmt.Fprintf(&s.out, "  %s\n    %s\n", name, data)
		}
	case Request:
		data, err := json.Marshal(e.Params)
		require.NoError(s.t, err)
		fmt.Fprintf(&s.out, "  %s %d %s %s\n", name, e.ID, e.Method, data)
	default:
		fmt.Fprintf(&s.out, "  %s %+v\n", name, e)
	}
}

func (s *scene) menu(items []MenuItem, indent string) {
	for _, m := range items {
		line := m.Label
		if m.Label == "" {
			line = "----"
		}
		if m.ID != "" {
			line += " <" + m.ID + ">"
		}
		if m.Disabled {
			line += " (off)"
		}
		if m.Check {
			line += fmt.Sprintf(" [%v]", m.Checked)
		}
		fmt.Fprintf(&s.out, "%s%s\n", indent, line)
		s.menu(m.Items, indent+"  ")
	}
}

func (s *scene) compare() {
	if s.t.Failed() || s.out.Len() == 0 {
		return
	}
	path := filepath.Join("testdata", strings.ReplaceAll(s.t.Name(), "/", "-")+".txt")
	got := strings.TrimLeft(s.out.String(), "\n")
	if *update {
		require.NoError(s.t, os.WriteFile(path, []byte(got), 0o644))
		return
	}
	want, err := os.ReadFile(path)
	require.NoError(s.t, err)
	require.Equal(s.t, string(want), got, "the transcript differs from %s", path)
}

// only gives the effects of one type.
func only[T Effect](effects []Effect) []T {
	var list []T
	for _, e := range effects {
		if e, ok := e.(T); ok {
			list = append(list, e)
		}
	}
	return list
}

// incoming is a call that rings at one's own phone.
func incoming(id string, change ...func(*wire.Call)) wire.Call {
	w := wire.Call{
		ID: csta.CallID(id), System: "nfon", Device: "101", Own: true, Event: csta.DeliveredEvent, Direction: csta.Incoming,
		State: csta.Alerting, FarState: csta.Connected, Ring: wire.RingExternal,
		Far:    wire.Party{Kind: wire.PartyExternal, Number: "+49301234567", Display: "+49 30 1234567", Place: "Berlin"},
		Facts:  &wire.Facts{Stage: wire.StageNumber},
		Denied: map[string]wire.Reason{"AnswerCall": {Code: wire.ReasonAnswerAtPhone}, "ClearConnection": {Code: wire.ReasonRejectAtPhone}},
	}
	for _, c := range change {
		c(&w)
	}
	return w
}

// outgoing is a call that was dialled from here; its own phone rings first.
func outgoing(id, attempt string, change ...func(*wire.Call)) wire.Call {
	w := incoming(id, func(w *wire.Call) {
		w.Direction, w.Event, w.Attempt, w.Ring = csta.Outgoing, csta.ServiceInitiatedEvent, attempt, ""
		w.State, w.FarState, w.Facts, w.Denied = csta.Initiated, csta.StateUnknown, nil, nil
		w.Permitted = csta.Of(csta.ClearConnection)
	})
	for _, c := range change {
		c(&w)
	}
	return w
}

func state(own, far csta.State) func(*wire.Call) {
	return func(w *wire.Call) { w.State, w.FarState = own, far }
}

func over(w *wire.Call) { w.State = csta.Null }

func match(name, company string) wire.Match {
	return wire.Match{ID: "m-" + name, Name: name, Company: company, Exact: true, Source: "CRM"}
}

func facts(stage wire.FactsStage, matches ...wire.Match) func(*wire.Call) {
	return func(w *wire.Call) { w.Facts = &wire.Facts{Stage: stage, Matches: matches} }
}

func number(n int) *int { return &n }
