package nfon

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	simulated "deskbell/app/lab/nfon"
	"deskbell/app/pbx/pbxtest"

	"deskbell/app/csta"
	"deskbell/app/pbx"
)

// TestContract is the test that every connector passes, against the simulated NFON.
func TestContract(t *testing.T) {
	pbxtest.Run(t, func(t *testing.T) (pbxtest.Vendor, pbxtest.Traits) {
		return &scripted{t: t, calls: map[string]string{}}, pbxtest.Traits{
			Devices: []csta.DeviceID{"101", "102"}, Rejects: true, Reasons: true, Outage: time.Minute, Virtual: true,
		}
	})
}

// scripted moves the simulated NFON as the contract test wants.
type scripted struct {
	t     *testing.T
	nfon  *simulated.Server
	calls map[string]string // names of the script to uuids
}

const contractCallee = "+4930111222"

func (v *scripted) Open(env pbx.Env) (pbx.Connector, error) {
	v.nfon = simulated.New(simulated.Options{})
	for name, value := range map[string]string{"number_form": "plus", "cancel_scope": "any"} {
		require.NoError(v.t, v.nfon.Set(name, value))
	}
	ln := &listener{conns: make(chan net.Conn), done: make(chan struct{})}
	server := &http.Server{Handler: v.nfon.Handler(), ReadHeaderTimeout: time.Hour, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	served := make(chan struct{})
	go func() { server.Serve(ln); close(served) }()
	user, secret := v.nfon.Credentials()
	env.HTTP = &http.Client{Transport: &http.Transport{DialContext: ln.dial, DisableKeepAlives: true}}
	env.Secrets = password(secret)
	config := &Config{BaseURL: "http://127.0.0.1/v1", Account: v.nfon.Account(), Username: user, Password: "env:NFON"}
	opened, err := config.Open(env)
	require.NoError(v.t, err)
	return &closing{opened.(*connector), func() { server.Close(); ln.Close(); <-served; v.nfon.Close() }}, nil
}

// closing ends the simulated NFON with the run: the contract test has no other moment within virtual time.
type closing struct {
	*connector
	done func()
}

func (c *closing) Run(ctx context.Context, sink pbx.Sink) error {
	defer c.done()
	return c.connector.Run(ctx, sink)
}

func (v *scripted) Act(a pbxtest.Act) {
	device := string(a.Device)
	var err error
	switch a.Kind {
	case pbxtest.Ring:
		v.calls[a.Call], err = v.nfon.RingInbound(simulated.Caller{Number: a.Number}, device)
	case pbxtest.PickUp: // with what the far end does: a busy one is busy at once
	case pbxtest.Answer, pbxtest.FarRings:
		v.eventually(func() error { return v.nfon.Answer(device) })
	case pbxtest.Reject:
		err = v.nfon.Reject(device)
	case pbxtest.GiveUp:
		err = v.nfon.CallerHangsUp(v.calls[a.Call])
	case pbxtest.RingOut:
		err = v.nfon.RingsOut(v.calls[a.Call])
	case pbxtest.HangUp:
		err = v.nfon.HangUp(device)
	case pbxtest.NoPickUp:
		v.eventually(func() error { return v.nfon.RingsOut(v.latest()) })
	case pbxtest.FarAnswers:
		v.eventually(func() error { return v.nfon.CalleeAnswers(v.latest()) })
	case pbxtest.FarBusy:
		require.NoError(v.t, v.nfon.SetOutside(contractCallee, simulated.Behaviour{Act: simulated.Busy}))
		v.eventually(func() error { return v.nfon.Answer(device) })
	case pbxtest.Cut:
		v.nfon.DropStreams(24 * time.Hour)
	case pbxtest.Heal:
		v.nfon.DropStreams(0)
	case pbxtest.Refuse:
		err = v.nfon.Set("faults.originate", `{"status":403,"times":1}`)
	case pbxtest.Again, pbxtest.Stale:
		v.t.Fatalf("%s is not in this vendor's traits", a.Kind)
	}
	require.NoError(v.t, err, a.Kind)
}

// latest is the uuid of the call that began last.
func (v *scripted) latest() string {
	calls := v.nfon.Calls()
	require.NotEmpty(v.t, calls)
	return calls[len(calls)-1].UUID
}

// eventually waits for a telephone that does not ring yet.
func (v *scripted) eventually(do func() error) {
	require.Eventually(v.t, func() bool { return do() == nil }, 10*time.Second, 10*time.Millisecond)
}
