package pbxtest

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"deskbell/app/csta"
	"deskbell/app/number"
	"deskbell/app/pbx"
	"deskbell/app/server/eventlog"
	"deskbell/app/server/owner"
)

// Run tests a connector against the contract: through the real owner and the real log, with a vendor that a script moves.
func Run(t *testing.T, f Factory) {
	t.Helper()
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			vendor, traits := f(t)
			if traits.Virtual {
				synctest.Test(t, func(t *testing.T) { start(t, vendor, traits).play(s.play) })
				return
			}
			start(t, vendor, traits).play(s.play)
		})
	}
}

// world is one test: a vendor, its connector, and an owner that listens.
type world struct {
	*testing.T
	vendor    Vendor
	traits    Traits
	connector pbx.Connector
	owner     *owner.Owner
	log       *eventlog.Log
	a, b      csta.DeviceID
	stop      func()
	plain     int // plain calls made so far

	mu      sync.Mutex
	updates []owner.Update
	news    chan struct{} // closed and made anew with each update
}

// limit bounds each wait, in virtual or real time.
const limit = 30 * time.Second

func start(t *testing.T, vendor Vendor, traits Traits) *world {
	t.Helper()
	require.GreaterOrEqual(t, len(traits.Devices), 2, "a vendor for this test has two devices")
	w := &world{T: t, vendor: vendor, traits: traits, a: traits.Devices[0], b: traits.Devices[1], news: make(chan struct{})}
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	var err error
	w.log, err = eventlog.Open(t.Context(), filepath.Join(t.TempDir(), "log.db"), eventlog.Options{Logger: log})
	require.NoError(t, err)
	w.connector, err = vendor.Open(pbx.Env{
		System: "pbx", Log: log, HTTP: &http.Client{}, Secrets: Secrets{}, Store: NewStore(), Inbox: NewInbox(), Version: "test",
	})
	require.NoError(t, err)
	w.owner, err = owner.New(owner.Params{
		Tenant: "default", System: "pbx", Connector: w.connector, Plan: plain{}, Log: w.log, Logger: log,
		Epoch: uuid.Must(uuid.NewV7()).String(), Publish: w.publish,
	})
	require.NoError(t, err)
	w.owner.SetDevices(traits.Devices)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.owner.Run(ctx) }()
	w.stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			require.NoError(t, err)
		case <-time.After(limit):
			require.Fail(t, "the connector does not end with its context")
		}
		require.NoError(t, w.log.Close())
	})
	return w
}

// play runs a scenario and then looks whether all that was told holds together.
func (w *world) play(scenario func(*world)) {
	defer w.stop()
	w.await("the link is up", w.linked)
	scenario(w)
	w.stop()
	w.coherent()
}

// linked reports whether news of all devices of the test flows.
func (w *world) linked(v owner.View) bool {
	return v.LinkedTo(w.a) && v.LinkedTo(w.b)
}

func (w *world) publish(u owner.Update) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.updates = append(w.updates, u)
	close(w.news)
	w.news = make(chan struct{})
}

// await waits until the view is as it should be.
func (w *world) await(what string, ok func(owner.View) bool) owner.View {
	w.Helper()
	return w.awaitFor(limit, what, ok)
}

func (w *world) awaitFor(d time.Duration, what string, ok func(owner.View) bool) owner.View {
	w.Helper()
	timeout := time.NewTimer(d)
	defer timeout.Stop()
	for {
		w.mu.Lock()
		news := w.news
		w.mu.Unlock()
		v := w.owner.View()
		if ok(v) {
			return v
		}
		select {
		case <-news:
		case <-timeout.C:
			require.Failf(w.T, "not within the limit", "%s\n%s", what, describe(v))
		}
	}
}

func describe(v owner.View) string {
	text := fmt.Sprintf("linked %v, %d calls\n", v.Linked, len(v.Calls))
	for _, c := range v.Calls {
		for _, l := range c.Legs {
			text += fmt.Sprintf("%s %v #%d: %s/%s %s cause %q unsure %v ended %v\n", c.ID, l.Key, l.Incarnation, l.State, l.FarState, l.Direction, l.Cause, l.Unsure, !l.Live())
		}
	}
	for _, a := range v.Attempts {
		text += fmt.Sprintf("attempt %s: %s cause %q reason %q\n", a.ID, a.State, a.Cause, a.Reason)
	}
	return text
}

// coherent checks what holds for any connector and any script: numbers without gaps, each call update complete, everything
// that belongs there in the log, and the sum of all updates equal to the view.
func (w *world) coherent() {
	w.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, u := range w.updates {
		require.Equal(w.T, uint64(i+1), u.Seq, "numbers have no gaps")
		require.False(w.T, u.Unstored, "stored before told")
		if u.Call != nil {
			require.NotEmpty(w.T, u.Call.Legs)
			for _, l := range u.Call.Legs {
				require.Equal(w.T, u.Call.ID, l.ID.CallID)
				require.Equal(w.T, l.Live(), l.State != csta.Null)
				require.True(w.T, !l.Live() || !l.Expires.IsZero(), "every living leg has an end")
			}
		}
	}
}

// leg finds the newest leg of a device.
func leg(v owner.View, d csta.DeviceID) (owner.Leg, owner.Call, bool) {
	var found owner.Leg
	var of owner.Call
	ok := false
	for _, c := range v.Calls {
		for _, l := range c.Legs {
			if l.Key.Device == d && (!ok || !l.Began.Before(found.Began)) {
				found, of, ok = l, c, true
			}
		}
	}
	return found, of, ok
}

// legIs makes a condition about the newest leg of a device.
func legIs(d csta.DeviceID, ok func(owner.Leg) bool) func(owner.View) bool {
	return func(v owner.View) bool {
		l, _, found := leg(v, d)
		return found && ok(l)
	}
}

func noLiveLegs(v owner.View) bool {
	for _, c := range v.Calls {
		if c.Live() {
			return false
		}
	}
	return true
}

// plain is a plan that takes numbers with a plus as global and the rest as extensions.
type plain struct{}

func (plain) Normalize(raw string, _ pbx.Scope) number.Party {
	if e, err := number.Parse(raw); err == nil {
		return number.Party{Raw: raw, E164: e, Kind: number.External}
	}
	if number.IsWithheld(raw) {
		return number.Party{Kind: number.Withheld}
	}
	return number.Party{Raw: raw, Extension: raw, Kind: number.Internal}
}
