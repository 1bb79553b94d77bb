package owner_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/csta"
	"deskbell/app/number"
	"deskbell/app/pbx"
	"deskbell/app/server/owner"
)

// memoryLog is a log whose disk the test holds in its hands.
type memoryLog struct {
	mu     sync.Mutex
	stored []owner.Update
	held   []func() // commits that wait for the disk
	stuck  bool
	health error
	alive  time.Time
}

func (l *memoryLog) Append(updates []owner.Update, done func(error)) {
	l.mu.Lock()
	commit := func() {
		l.stored = append(l.stored, updates...)
		go done(nil)
	}
	if l.stuck {
		l.held = append(l.held, commit)
	} else {
		commit()
	}
	l.mu.Unlock()
}

func (l *memoryLog) Alive(_ string, _ csta.SystemID, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.alive = at
}

func (l *memoryLog) Health() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.health
}

func (l *memoryLog) set(stuck bool, health error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stuck, l.health = stuck, health
	if !stuck {
		for _, commit := range l.held {
			commit()
		}
		l.held = nil
	}
}

// puppet is a connector the test moves by hand.
type puppet struct {
	sink     chan pbx.Sink
	made     atomic.Int64
	cleared  atomic.Int64
	makeCall func(ctx context.Context, r pbx.MakeCallRequest) (pbx.Accepted, error)
	fail     chan error
}

func newPuppet() *puppet {
	return &puppet{sink: make(chan pbx.Sink, 1), fail: make(chan error, 1)}
}

func (p *puppet) Run(ctx context.Context, sink pbx.Sink) error {
	p.sink <- sink
	select {
	case <-ctx.Done():
		return nil
	case err := <-p.fail:
		return err
	}
}
func (p *puppet) MonitorStart(csta.DeviceID) error { return nil }
func (p *puppet) MonitorStop(csta.DeviceID) error  { return nil }
func (p *puppet) Services(csta.DeviceID) csta.Services {
	return csta.Of(csta.MakeCall, csta.ClearConnection)
}

func (p *puppet) Snapshot(_ context.Context, d csta.DeviceID) (pbx.Snapshot, error) {
	return pbx.Snapshot{Device: d, Proof: pbx.ProofNone}, nil
}

func (p *puppet) MakeCall(ctx context.Context, r pbx.MakeCallRequest) (pbx.Accepted, error) {
	p.made.Add(1)
	if p.makeCall != nil {
		return p.makeCall(ctx, r)
	}
	return pbx.Accepted{Call: "c-" + r.ID}, nil
}

func (p *puppet) ClearConnection(context.Context, pbx.Command) error {
	p.cleared.Add(1)
	return nil
}

// rig is a running owner with a puppet and a memory log.
type rig struct {
	*testing.T
	*owner.Owner
	puppet *puppet
	log    *memoryLog
	sink   pbx.Sink
	mu     sync.Mutex
	told   []owner.Update
	stop   func() error
}

func newRig(t *testing.T, from owner.State) *rig {
	t.Helper()
	r := &rig{T: t, puppet: newPuppet(), log: &memoryLog{}}
	o, err := owner.New(owner.Params{
		Tenant: "default", System: "pbx", Connector: r.puppet, Plan: e164Plan{}, Log: r.log, Epoch: "e1", Restore: from,
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Publish: func(u owner.Update) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.told = append(r.told, u)
		},
	})
	require.NoError(t, err)
	r.Owner = o
	o.SetDevices([]csta.DeviceID{"101"})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- o.Run(ctx) }()
	r.sink = <-r.puppet.sink
	r.stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	r.sink.Tell(pbx.LinkUp{At: time.Now()})
	synctest.Wait()
	return r
}

func (r *rig) ring(call string) {
	r.sink.Tell(pbx.LegChanged{Leg: pbx.Leg{
		Key: pbx.LegKey{Call: call, Device: "101"}, State: csta.Alerting, Direction: csta.Incoming, Far: pbx.Party{Number: "+4989555010"},
		PermittedSaid: true, Permitted: csta.Of(csta.ClearConnection),
	}, Stamp: pbx.Stamp{Received: time.Now()}})
}

func (r *rig) last() owner.Update {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.told[len(r.told)-1]
}

var dialPeter = owner.MakeCall{
	ID: "k1", Device: "101", To: pbx.Destination{E164: "+4930111222"}, Far: owner.Party{Number: number.Party{E164: "+4930111222", Kind: number.External}},
}

func TestOneCommandIsDoneOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, owner.State{})
		r.puppet.makeCall = func(ctx context.Context, q pbx.MakeCallRequest) (pbx.Accepted, error) {
			time.Sleep(time.Second)
			return pbx.Accepted{Call: "c"}, ctx.Err()
		}
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				a, err := r.MakeCall(t.Context(), dialPeter)
				require.NoError(t, err)
				require.Equal(t, owner.AttemptAccepted, a.State)
			})
		}
		impatient, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		_, err := r.MakeCall(impatient, dialPeter)
		cancel()
		require.ErrorIs(t, err, context.DeadlineExceeded, "who asks may leave; the call is made all the same")
		all.Wait()
		_, err = r.MakeCall(t.Context(), dialPeter)
		require.NoError(t, err)
		require.Equal(t, int64(1), r.puppet.made.Load())
		stored := r.log.stored
		require.NoError(t, r.stop())

		attempts := r.View().Attempts
		require.Len(t, attempts, 1)
		require.Equal(t, owner.AttemptAsked, stored[len(stored)-2].Attempt.State, "stored before it was sent")
		again := newRig(t, owner.State{Epoch: "e0", Attempts: attempts})
		a, err := again.MakeCall(t.Context(), dialPeter)
		require.NoError(t, err)
		require.True(t, a.Uncertain)
		require.Zero(t, again.puppet.made.Load(), "nor again after a restart")
		require.NoError(t, again.stop())
	})
}

func TestNothingIsSentBeforeItIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, owner.State{})
		r.log.set(true, nil)
		asked := time.Now()
		var sent time.Duration
		r.puppet.makeCall = func(context.Context, pbx.MakeCallRequest) (pbx.Accepted, error) {
			sent = time.Since(asked)
			return pbx.Accepted{Call: "c"}, nil
		}
		_, err := r.MakeCall(t.Context(), dialPeter)
		require.NoError(t, err)
		require.Equal(t, 250*time.Millisecond, sent, "it waited for the disk as long as an update may")
		r.log.set(false, nil)
		require.NoError(t, r.stop())
	})
}

func TestFullDiskSilencesNoRing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, owner.State{})
		r.log.set(true, errors.New("disk full"))
		rang := time.Now()
		r.ring("c1")
		time.Sleep(250 * time.Millisecond)
		synctest.Wait()
		v := r.View()
		require.Len(t, v.Calls, 1)
		require.Equal(t, owner.TroubleLogFull, v.Troubles[0].Code)
		r.mu.Lock()
		require.True(t, r.told[1].Unstored)
		r.mu.Unlock()

		r.ring("c2")
		synctest.Wait()
		require.Len(t, r.View().Calls, 2, "a log known to be in trouble is not waited for")
		require.Equal(t, 250*time.Millisecond, time.Since(rang))
		require.True(t, r.last().Unstored)

		r.log.set(false, nil)
		synctest.Wait()
		require.Empty(t, r.View().Troubles, "over by itself")
		require.Empty(t, r.log.held)
		r.ring("c3")
		synctest.Wait()
		require.False(t, r.last().Unstored)
		require.NoError(t, r.stop())
		for i, u := range r.told {
			require.Equal(t, uint64(i+1), u.Seq)
		}
	})
}

func TestRefusedUncertainAndLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, owner.State{})
		for i, c := range []struct {
			err    error
			is     error
			state  owner.AttemptState
			reason string
			unsure bool
		}{
			{pbx.ErrLicence, pbx.ErrLicence, owner.AttemptFailed, "system_licence", false},
			{fmt.Errorf("POST: %w", pbx.ErrDestination), pbx.ErrDestination, owner.AttemptFailed, "number_invalid", false},
			{pbx.ErrUncertain, pbx.ErrUncertain, owner.AttemptAsked, "", true},
			{errors.New("strange"), nil, owner.AttemptFailed, "system_refused", false},
		} {
			r.puppet.makeCall = func(context.Context, pbx.MakeCallRequest) (pbx.Accepted, error) { return pbx.Accepted{}, c.err }
			m := dialPeter
			m.ID = fmt.Sprintf("k%d", i)
			a, err := r.MakeCall(t.Context(), m)
			require.Error(t, err)
			if c.is != nil {
				require.ErrorIs(t, err, c.is)
			}
			require.Equal(t, []any{c.state, c.reason, c.unsure}, []any{a.State, a.Reason, a.Uncertain})
		}
		r.puppet.makeCall = func(ctx context.Context, _ pbx.MakeCallRequest) (pbx.Accepted, error) {
			<-ctx.Done()
			return pbx.Accepted{}, ctx.Err()
		}
		m := dialPeter
		m.ID = "hangs"
		a, err := r.MakeCall(t.Context(), m)
		require.ErrorIs(t, err, pbx.ErrUncertain, "a request cut off may have been carried out")
		require.True(t, a.Uncertain)
		r.sink.Tell(pbx.LinkDown{})
		synctest.Wait()
		m.ID = "down"
		_, err = r.MakeCall(t.Context(), m)
		require.ErrorIs(t, err, pbx.ErrDown)
		m.Device = "999"
		_, err = r.MakeCall(t.Context(), m)
		require.ErrorIs(t, err, pbx.ErrDown, "nobody watches it")
		require.NoError(t, r.stop())
		_, err = r.MakeCall(t.Context(), m)
		require.ErrorIs(t, err, owner.ErrStopped)
		require.ErrorIs(t, r.Do(t.Context(), owner.Verb{ID: "v", Service: csta.ClearConnection, Call: "c", Device: "101"}), pbx.ErrDown)
	})
}

func TestVerbs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, owner.State{})
		r.ring("c1")
		synctest.Wait()
		id := r.View().Calls[0].ID
		verb := owner.Verb{ID: "v1", Service: csta.ClearConnection, Call: id, Device: "101"}
		require.NoError(t, r.Do(t.Context(), verb))
		require.NoError(t, r.Do(t.Context(), verb))
		require.Equal(t, int64(1), r.puppet.cleared.Load())
		verb.ID, verb.Service = "v2", csta.AnswerCall
		require.ErrorIs(t, r.Do(t.Context(), verb), pbx.ErrCannot)
		r.sink.Tell(pbx.LegChanged{Leg: pbx.Leg{Key: pbx.LegKey{Call: "c1", Device: "101"}, State: csta.Connected}})
		verb.ID, verb.Service = "v3", csta.ClearConnection
		require.ErrorIs(t, r.Do(t.Context(), verb), pbx.ErrNotNow, "what was permitted while it rang is not any more")
		verb.ID, verb.Device = "v4", "102"
		require.ErrorIs(t, r.Do(t.Context(), verb), pbx.ErrGone)
		require.NoError(t, r.stop())
	})
}

func TestConnectorGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, owner.State{})
		r.ring("c1")
		r.puppet.fail <- fmt.Errorf("no such host: %w", pbx.ErrSignIn)
		synctest.Wait()
		v := r.View()
		require.False(t, v.Linked)
		require.Equal(t, pbx.TroubleSignIn, v.Troubles[0].Code)
		require.True(t, v.Calls[0].Legs[0].Unsure)
		require.ErrorIs(t, r.stop(), pbx.ErrSignIn)
	})
}

func TestAliveMarkIsAtMostOneASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, owner.State{})
		first := r.log.alive
		require.False(t, first.IsZero())
		time.Sleep(500 * time.Millisecond)
		r.sink.Tell(pbx.Heard{At: time.Now()})
		synctest.Wait()
		require.Equal(t, first, r.log.alive)
		time.Sleep(500 * time.Millisecond)
		r.sink.Tell(pbx.Heard{At: time.Now()})
		synctest.Wait()
		require.Equal(t, time.Second, r.log.alive.Sub(first))
		r.sink.Tell(pbx.LinkDown{})
		time.Sleep(2 * time.Second)
		r.sink.Tell(pbx.Heard{At: time.Now()})
		synctest.Wait()
		require.Equal(t, time.Second, r.log.alive.Sub(first), "nothing is heard while the link is down")
		require.NoError(t, r.stop())
	})
}
