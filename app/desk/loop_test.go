package desk

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/desk/view"
	"deskbell/app/wire"
)

// machine stands for all parts of a desktop and writes down what is asked of it.
type machine struct {
	mu    sync.Mutex
	did   []string
	loop  *Loop
	fail  error
	after func()        // runs when the Loop has ended
	hold  chan struct{} // Show waits for it, if there is one
	reply func(ctx context.Context, method string) (json.RawMessage, error)
}

func (m *machine) note(s string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.did = append(m.did, s)
}

func (m *machine) all() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]string(nil), m.did...)
}

func (m *machine) Show(n Notice) error {
	m.note("show " + n.Key + " " + n.Title)
	if m.hold != nil {
		<-m.hold
	}
	return m.fail
}
func (m *machine) Close(key string) error { m.note("close " + key); return m.fail }
func (m *machine) Play(t Tone)            { m.note("play " + t.Kind) }
func (m *machine) Stop()                  { m.note("stop") }
func (m *machine) Redial()                { m.note("redial") }
func (m *machine) Hurry(on bool)          { m.note(map[bool]string{true: "hurry", false: "no hurry"}[on]) }
func (m *machine) Update(t Tray)          { m.note("tray " + t.Icon) }
func (m *machine) SaveSeen(Seen) error    { m.note("seen"); return m.fail }

func (m *machine) SaveSetting(name, value string) error {
	m.note("setting " + name + "=" + value)
	return m.fail
}

func (m *machine) Open(_ context.Context, url string, _ []string) error {
	m.note("open " + url)
	return m.fail
}

func (m *machine) Request(ctx context.Context, method string, _ any) (json.RawMessage, error) {
	m.note("request " + method)
	return m.reply(ctx, method)
}

func (m *machine) Read(context.Context) (string, error) { m.note("read"); return "030 5550", m.fail }

func (m *machine) Copy(_ context.Context, text string) error { m.note("copy " + text); return m.fail }

func (m *machine) Find(context.Context, string) (string, error) { m.note("find"); return "CTI", m.fail }

func (m *machine) Enroll(context.Context, string, string) (Account, error) {
	m.note("enroll")
	return Account{Server: "https://new.example", ServerName: "CTI", Name: "Anna"}, m.fail
}

// Connect is as quick as can be: the new connection is up before it returns.
func (m *machine) Connect(Account) { m.note("connect"); m.loop.Post(LinkUp{}) }

func (m *machine) Forget(context.Context) error { m.note("forget"); return m.fail }

// troubles are the codes of what is wrong now.
func (m *machine) troubles() []string {
	codes := []string{}
	for _, tr := range m.loop.State().Troubles {
		codes = append(codes, tr.Code)
	}
	return codes
}

// withLoop runs a Loop in virtual time.
func withLoop(t *testing.T, test func(t *testing.T, m *machine), opts ...option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m := &machine{reply: func(context.Context, string) (json.RawMessage, error) { return json.RawMessage("{}"), nil }}
		cfg := Config{
			Words: words("en"), Zone: time.UTC, Settings: map[string]string{}, NewID: func() string { return "cmd-1" },
			Account: Account{Server: "https://cti.example"},
		}
		for _, o := range opts {
			o(&cfg)
		}
		m.loop = NewLoop(cfg, Parts{m, m, m, m, m, m, m, m}, slog.New(slog.NewTextHandler(t.Output(), nil)))
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { m.loop.Run(ctx) })
		synctest.Wait()
		test(t, m)
		cancel()
		running.Wait()
		if m.after != nil {
			m.after()
		}
	})
}

// do posts messages and waits until all that follows is done; it gives what was done.
func (m *machine) do(list ...Message) []string {
	m.mu.Lock()
	m.did = nil
	m.mu.Unlock()
	for _, msg := range list {
		m.loop.Post(msg)
	}
	synctest.Wait()
	return m.all()
}

var hello1 = LinkUp{Hello: wire.HelloFromServer{Epoch: "e1", User: wire.User{Name: "Anna"}}}

func TestLoopActs(t *testing.T) {
	withLoop(t, func(t *testing.T, m *machine) {
		require.Equal(t, []string{"tray disconnected"}, m.all())
		require.Equal(t, []string{"tray idle"}, m.do(hello1, Told{wire.Snapshot{}}))
		require.ElementsMatch(t, []string{"play external", "show call:c1 +49 30 1234567, Berlin", "hurry", "tray ringing"}, m.do(Told{incoming("c1")}))
		require.ElementsMatch(t, []string{"stop", "close call:c1", "no hurry", "tray idle"}, m.do(Told{incoming("c1", over)}))
		require.Contains(t, m.do(Chosen{"mute"}), "setting mute=true")
		require.Equal(t, []string{"redial"}, m.do(Woke{}))
		require.Contains(t, m.do(Told{entry("1", 1)}), "seen")
	})
}

func TestLoopEndsCleanly(t *testing.T) {
	withLoop(t, func(t *testing.T, m *machine) {
		m.do(hello1, Told{wire.Snapshot{}}, Told{incoming("c1")})
		m.after = func() {
			require.Equal(t, []string{"stop", "close call:c1"}, m.all()[len(m.all())-2:])
			m.loop.Post(Woke{})
			_, err := m.loop.Ask(t.Context(), view.Ask{Verb: view.AskShow})
			require.ErrorIs(t, err, ErrEnded)
		}
	})
}

func TestLoopQuits(t *testing.T) {
	withLoop(t, func(t *testing.T, m *machine) {
		answer, err := m.loop.Ask(t.Context(), view.Ask{Verb: view.AskQuit})
		require.NoError(t, err)
		require.Equal(t, view.Answer{Text: "Done."}, answer)
		synctest.Wait()
		require.Contains(t, m.all(), "stop")
	})
}

func TestLoopOpensAndReports(t *testing.T) {
	for err, want := range map[error]string{nil: "", ErrNoBrowser: "No browser could", ErrScheme: "address of a kind", errors.New("else"): "No browser could"} {
		withLoop(t, func(t *testing.T, m *machine) {
			m.reply = func(_ context.Context, method string) (json.RawMessage, error) {
				if method == wire.MethodPopClaim {
					return json.RawMessage(`{"granted":true,"url":"https://crm/7"}`), nil
				}
				return json.RawMessage("{}"), nil
			}
			m.do(hello1, Told{wire.Snapshot{}})
			m.fail = err
			did := m.do(Told{wire.Pop{ID: "p1", Call: "c1", State: "offered"}})
			require.Subset(t, did, []string{"request pop.claim", "open https://crm/7", "request pop.report"})
			troubles := ""
			if len(m.loop.core.shown) > 0 {
				troubles = m.loop.core.shown[0].Body
			}
			require.Contains(t, troubles, want)
			require.Equal(t, err == nil, len(m.loop.core.missedPops()) == 0)
		})
	}
}

func TestLoopReplies(t *testing.T) {
	refusal := &wire.Error{Code: wire.CodeNumber, Message: "no", Data: &wire.Reason{Code: wire.ReasonNumberInvalid}}
	cases := []struct {
		err  error
		want string
	}{
		{refusal, wire.ReasonNumberInvalid},
		{errors.New("connection lost"), wire.ReasonUncertain},
	}
	for _, c := range cases {
		withLoop(t, func(t *testing.T, m *machine) {
			m.do(hello1, Told{wire.Snapshot{}})
			m.reply = func(context.Context, string) (json.RawMessage, error) { return nil, c.err }
			answer, err := m.loop.Ask(t.Context(), view.Ask{Verb: view.AskDial, Number: "abc"})
			require.NoError(t, err)
			require.Equal(t, c.want, answer.Code)
		})
	}
}

func TestLoopGivesUpOnSlowReplies(t *testing.T) {
	withLoop(t, func(t *testing.T, m *machine) {
		m.do(hello1, Told{wire.Snapshot{}})
		m.reply = func(ctx context.Context, _ string) (json.RawMessage, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		began := time.Now()
		answer, err := m.loop.Ask(t.Context(), view.Ask{Verb: view.AskDial, Number: "1"})
		require.NoError(t, err)
		require.Equal(t, wire.ReasonUncertain, answer.Code)
		require.Equal(t, requestLimit+redialLimit, time.Since(began))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = m.loop.Ask(ctx, view.Ask{Verb: view.AskDial, Number: "1"})
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestLoopBoundsWhatRunsAtOnce(t *testing.T) {
	withLoop(t, func(t *testing.T, m *machine) {
		m.do(hello1, Told{wire.Snapshot{}})
		m.reply = func(ctx context.Context, _ string) (json.RawMessage, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		var list []Message
		for i := range maxJobs + 5 {
			list = append(list, Asked{Ticket: uint64(i + 100), Ask: view.Ask{Verb: view.AskDial, Number: "1"}})
		}
		require.Len(t, m.do(list...), maxJobs)
		require.Len(t, m.loop.core.stale, 5)
	})
}

func TestLoopTimers(t *testing.T) {
	withLoop(t, func(t *testing.T, m *machine) {
		m.do(hello1, Told{wire.Snapshot{}}, Told{incoming("c1")}, LinkDown{Why: "unreachable"})
		time.Sleep(awayLimit - 1)
		synctest.Wait()
		require.NotContains(t, m.all(), "stop")
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		require.Contains(t, m.all(), "stop")
		require.Contains(t, m.all(), "show connection No connection")
		m.do(hello1)
		m.do(LinkDown{Why: "unreachable"}, hello1)
		time.Sleep(time.Hour)
		synctest.Wait()
		require.NotContains(t, m.all(), "show connection No connection")
	})
}

func TestLoopNeverShowsWhatIsOver(t *testing.T) {
	withLoop(t, func(t *testing.T, m *machine) {
		m.hold = make(chan struct{})
		m.do(hello1, Told{wire.Snapshot{}}, Told{incoming("c1")})
		did := m.do(Told{incoming("c2")}, Told{incoming("c2", over)}, Told{incoming("c1", over)})
		require.NotContains(t, did, "show call:c2 +49 30 1234567, Berlin")
		close(m.hold)
		synctest.Wait()
		require.NotContains(t, m.all(), "show call:c2 +49 30 1234567, Berlin")
		require.Contains(t, m.all(), "close call:c1")
	})
}

func TestLoopTellsTrouble(t *testing.T) {
	withLoop(t, func(t *testing.T, m *machine) {
		m.do(hello1, Told{wire.Snapshot{}})
		m.fail = errors.New("disk full")
		m.do(Chosen{"mute"}, Told{entry("1", 1)})
		require.ElementsMatch(t, []string{"storage", "notices"}, m.troubles())
		m.fail = nil
		m.do(Chosen{"mute"}, Told{entry("2", 2)})
		require.Empty(t, m.loop.State().Troubles)
	})
}

func TestLoopInvitations(t *testing.T) {
	enroll := view.Ask{Verb: view.AskEnroll, Invitation: invitation}
	ask := func(t *testing.T, m *machine, a view.Ask) view.Answer {
		answer, err := m.loop.Ask(t.Context(), a)
		require.NoError(t, err)
		return answer
	}
	withLoop(t, func(t *testing.T, m *machine) {
		m.fail = &InvitationError{Code: "wrong", Err: errors.New("404")}
		require.Equal(t, "invitation_wrong", ask(t, m, enroll).Code)
		m.fail = errors.New("surprise")
		require.Equal(t, "invitation_failed", ask(t, m, enroll).Code)
		m.fail = nil
		require.Equal(t, view.Answer{Text: "This computer is connected with CTI as Anna."}, ask(t, m, enroll))
		synctest.Wait()
		require.Equal(t, "CTI", m.loop.State().Server)
		require.Equal(t, view.LinkUp, m.loop.State().Link)
		require.True(t, ask(t, m, view.Ask{Verb: view.AskSignOut}).OK())
		synctest.Wait()
		require.Subset(t, m.all(), []string{"find", "enroll", "connect", "forget"})
		m.fail = errors.New("disk")
		ask(t, m, view.Ask{Verb: view.AskSignOut})
		synctest.Wait()
		require.Contains(t, m.troubles(), "storage")
	}, withoutAccount)
	require.Equal(t, "invitation: wrong", (&InvitationError{Code: "wrong"}).Error())
	require.ErrorIs(t, &InvitationError{Err: ErrScheme}, ErrScheme)
}

func TestLoopClipboard(t *testing.T) {
	withLoop(t, func(t *testing.T, m *machine) {
		m.do(hello1, Told{wire.Snapshot{}}, Told{wire.Trouble{ID: "t", Active: true, Code: "config", Detail: "d", Since: noon}})
		require.Contains(t, m.do(Pressed{"trouble:t", "copy"}), "copy The telephone system cannot work as it is set up. Tell your administrator.\nconfig\nd\n2026-03-02 12:00:00 UTC")
		require.Subset(t, m.do(Chosen{"clipboard"}), []string{"read", "request number.check"})
		m.fail = ErrScheme
		require.Contains(t, m.do(Chosen{"clipboard"}, Pressed{"trouble:t", "copy"}), "show said:1 Not done")
	})
}

func TestLoopIsWatched(t *testing.T) {
	withLoop(t, func(t *testing.T, m *machine) {
		changed, stop := m.loop.Watch()
		other, stopOther := m.loop.Watch()
		m.do(hello1, Told{wire.Snapshot{}}, Told{incoming("c1")})
		<-changed
		<-other
		stopOther()
		require.Equal(t, "ringing", m.loop.State().Icon)
		m.do(Told{incoming("c1", over)})
		<-changed
		stop()
		m.do(Told{incoming("c2")})
		require.Empty(t, changed)
		require.Empty(t, other)
	})
}

func TestLaneKeepsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLane()
		var did []string
		for _, k := range []string{"a", "b", "a", "c"} {
			l.put(k, func() { did = append(did, k) })
		}
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { l.run(ctx) })
		synctest.Wait()
		require.Equal(t, []string{"a", "b", "c"}, did)
		l.put("d", func() { did = append(did, "d") })
		synctest.Wait()
		require.Equal(t, []string{"a", "b", "c", "d"}, did)
		cancel()
		running.Wait()
	})
}

func TestAccountIsMaskedInLogs(t *testing.T) {
	require.Equal(t, "https://cti.example", Account{Server: "https://cti.example", Name: "Anna"}.LogValue().String())
}
