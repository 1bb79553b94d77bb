package owner_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"deskbell/app/csta"
	"deskbell/app/pbx"
	"deskbell/app/server/eventlog"
	"deskbell/app/server/owner"
)

// BenchmarkEvents measures the heart at 2,000 events a second on 10,000 devices: from the connector's Tell to Publish, each
// event stored in between. allocs/op and ns/op are of the whole, the pauses of the pace included.
func BenchmarkEvents(b *testing.B) {
	const perSecond, devices = 2000, 10_000
	log, err := eventlog.Open(b.Context(), filepath.Join(b.TempDir(), "log.db"), eventlog.Options{})
	require.NoError(b, err)
	p := newPuppet()
	told := make(map[string]time.Time, b.N)
	took := make([]time.Duration, 0, b.N)
	var mu sync.Mutex
	o, err := owner.New(owner.Params{
		Tenant: "default", System: "pbx", Connector: p, Plan: e164Plan{}, Log: log, Epoch: uuid.NewString(),
		Publish: func(u owner.Update) {
			if u.Call == nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, time.Since(told[u.Vendor]))
			delete(told, u.Vendor)
		},
	})
	require.NoError(b, err)
	var watched []csta.DeviceID
	for i := range devices {
		watched = append(watched, csta.DeviceID(fmt.Sprintf("%05d", i)))
	}
	o.SetDevices(watched)
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- o.Run(ctx) }()
	sink := <-p.sink
	sink.Tell(pbx.LinkUp{At: time.Now()})

	states := []csta.State{csta.Alerting, csta.Connected, csta.Hold, csta.Null}
	b.ReportAllocs()
	b.ResetTimer()
	start := time.Now()
	for i := range b.N {
		time.Sleep(time.Until(start.Add(time.Duration(i) * time.Second / perSecond)))
		call, name := i/4, fmt.Sprint(i)
		now := time.Now()
		mu.Lock()
		told[name] = now
		mu.Unlock()
		sink.Tell(pbx.LegChanged{
			Leg: pbx.Leg{
				Key: pbx.LegKey{Call: fmt.Sprint(call), Device: watched[call%devices]}, State: states[i%4], Direction: csta.Incoming,
				Far: pbx.Party{Number: "+4989555010", Name: "Ada Example"}, Called: pbx.Party{Number: "+49895550101"},
			},
			Stamp: pbx.Stamp{Received: now, Vendor: name},
		})
	}
	cancel()
	require.NoError(b, <-ended)
	b.StopTimer()
	require.NoError(b, log.Close())
	require.Len(b, took, b.N, "each event is told once")
	slices.Sort(took)
	for _, q := range []struct {
		name string
		at   float64
	}{{"p50-µs", 0.5}, {"p99-µs", 0.99}} {
		b.ReportMetric(float64(took[int(q.at*float64(len(took)-1))].Microseconds()), q.name)
	}
}
