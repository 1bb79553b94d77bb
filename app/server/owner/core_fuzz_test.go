package owner

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/csta"
	"deskbell/app/pbx"
)

// FuzzCore lets bytes choose messages; what must always hold is checked after each.
func FuzzCore(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 0, 0, 2, 0, 0, 4, 5, 0, 3, 9, 9, 9})
	f.Add([]byte{20, 0, 0, 21, 16, 3, 17, 0, 0, 1, 2, 3, 33, 3, 200, 4, 90, 30, 55, 66, 12, 18, 19})
	f.Add([]byte("a ring, a hold, a transfer, a crash and a very late hang-up"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 600 {
			data = data[:600]
		}
		b := newBench(t, State{AliveUntil: time.Date(2026, 2, 3, 8, 0, 0, 0, time.UTC)})
		for len(data) >= 3 {
			b.do3(data[0], data[1], data[2])
			data = data[3:]
		}
		up(b)
		for id := range maps.Clone(b.core.pending) { // every request comes to an end
			b.do(replied{id: id, err: pbx.ErrUncertain})
		}
		b.pass(24 * time.Hour)
		require.Zero(t, b.core.live, "no ghost survives every expiry")
		require.Empty(t, b.core.calls, "nothing is remembered for ever")
		require.Empty(t, b.core.tokens)
		require.Empty(t, b.core.legs)
		require.Empty(t, b.core.recent)
		require.Len(t, b.core.attempts, len(b.core.asks))
	})
}

// do3 makes one message of three bytes.
func (b *bench) do3(kind, x, y byte) {
	devices := []csta.DeviceID{"101", "102", "103", "999"}
	device := devices[x%4]
	states := []csta.State{csta.Initiated, csta.Alerting, csta.Connected, csta.Hold, csta.Queued, csta.Fail, csta.Null, csta.Null, "humming"}
	lines := []csta.LineState{csta.LineUnknown, csta.LineOffline, csta.LineIdle, csta.LineRinging, csta.LineBusy}
	l := pbx.Leg{Key: pbx.LegKey{Call: fmt.Sprintf("c%d", y%5), Device: device}, State: states[int(y/5)%len(states)]}
	if x&4 != 0 {
		l.Direction = csta.Outgoing
	}
	if x&8 != 0 {
		l.Linkage = []string{fmt.Sprintf("t%d", x>>4&3), fmt.Sprintf("t%d", x>>6)}
	}
	if x&16 != 0 {
		l.Far.Number = fmt.Sprintf("+4989555%03d", y)
	}
	if x&32 != 0 {
		l.Key.Appearance = "ch"
	}
	if x&64 != 0 {
		l.FarState = states[int(x)%6]
	}
	snapshot := pbx.Snapshot{Device: device, Proof: []pbx.Proof{pbx.ProofCalls, pbx.ProofLine, pbx.ProofNone}[y%3], Line: lines[y%5], Since: b.now.Add(-time.Duration(y) * time.Second)}
	if y&128 != 0 {
		snapshot.Legs = []pbx.Leg{l}
	}
	id := fmt.Sprintf("k%d", y%4)
	switch kind % 16 {
	case 0, 1, 2, 3, 4:
		b.do(pbx.LegChanged{Leg: l, Stamp: pbx.Stamp{Received: b.now}})
	case 5:
		b.do(pbx.LinkUp{At: b.now})
	case 6:
		b.do(pbx.LinkDown{HeardUntil: b.now.Add(-time.Second)})
	case 7:
		b.do(pbx.LinkDown{Devices: []csta.DeviceID{device}})
	case 8:
		b.do(pbx.LinkUp{Devices: []csta.DeviceID{device}, At: b.now})
	case 9:
		b.do(pbx.SnapshotTaken{Snapshot: snapshot})
	case 10:
		b.do(checked{device: device, snapshot: snapshot, asked: b.now.Add(-time.Second)})
	case 11:
		b.do(pbx.LineChanged{Device: device, Line: lines[y%5]})
	case 12:
		b.pass(time.Duration(y) * time.Duration(y) * 100 * time.Millisecond)
	case 13:
		if _, known := b.core.attempt(id); !known {
			b.do(MakeCall{ID: id, Device: devices[x%3], Far: b.core.party(pbx.Party{Number: fmt.Sprintf("+4989555%03d", y)})})
		}
	case 14:
		r := replied{id: id, accepted: pbx.Accepted{Call: l.Key.Call}}
		if x&4 != 0 {
			r.err = pbx.ErrUncertain
		}
		b.do(r)
	case 15:
		b.do(pbx.AttemptFailed{Command: id, Call: l.Key.Call, Device: device, Cause: csta.CauseBusy})
	}
}
