package server

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/csta"
	"deskbell/app/pbx"
)

// TestNothingIsLostOrDoubledBetweenSnapshotAndStream lets sessions come and ask for snapshots while calls go on: what each of
// them sees of a call is an end of its story, without a step left out or told twice.
func TestNothingIsLostOrDoubledBetweenSnapshotAndStream(t *testing.T) {
	b := start(t)
	token := b.user("anna", own("101")...)
	const rounds, each = 20, 15
	events := 0
	for round := range rounds {
		var calls sync.WaitGroup
		calls.Go(func() {
			for i := range each {
				b.story(fmt.Sprint("v", round, "-", i), "4989999999")
				time.Sleep(time.Millisecond) // spreads them over the time in which the session comes
			}
			b.story(fmt.Sprint("last", round), fmt.Sprint(49895550000+round))
		})
		events += follow(t, b, token, fmt.Sprint("+", 49895550000+round))
		calls.Wait()
	}
	require.NotZero(t, events)
}

// story is a call from begin to end.
func (b *bench) story(call, from string) {
	b.phones.ring(call, "101", from)
	b.phones.answer(call, "101")
	b.phones.end(call, "101", csta.CauseNormalClearing)
}

// follow connects, asks for a second snapshot, and follows the calls until that of a caller is over.
func follow(t *testing.T, b *bench, token, last string) (events int) {
	steps := map[string]int{"alerting": 1, "connected": 2, "null": 3}
	at := map[string]int{}
	over := false
	take := func(snap object) {
		clear(at)
		for _, x := range snap["calls"].([]any) {
			at[x.(object)["id"].(string)] = steps[x.(object)["state"].(string)]
		}
		for _, x := range snap["entries"].([]any) {
			over = over || ended(x.(object), last)
		}
	}
	c, snap := b.connect(token)
	take(snap)
	c.write(object{"jsonrpc": "2.0", "id": "again", "method": "snapshot"})
	for !over {
		m := await(t, c.notes)
		p, _ := m["params"].(object)
		switch m["method"] {
		case "snapshot":
			take(p)
		case "entry": // the call was over before this session began
			over = ended(p, last)
		case "call":
			id, step := p["id"].(string), steps[p["state"].(string)]
			require.Equal(t, at[id]+1, step, "call %s: %v", id, p)
			at[id] = step
			if step == 3 {
				delete(at, id)
				over = party(p)["number"] == last
			}
			events++
		}
	}
	require.NoError(t, c.conn.Close())
	return events
}

// ended tells whether a line of the call list is the caller's call, over.
func ended(entry object, caller string) bool {
	return party(entry)["number"] == caller && entry["result"] == "answered"
}

func TestLinesAreThinnedAndTheNewestCounts(t *testing.T) {
	b := start(t)
	c, _ := b.connect(b.user("anna", own("101")...))
	line := func(s csta.LineState, p pbx.Presence) {
		b.phones.now.Tell(pbx.LineChanged{Device: "101", Line: s, Presence: p, Stamp: pbx.Stamp{Received: time.Now()}})
	}
	for range 200 {
		line(csta.LineIdle, pbx.PresenceAway)
		line(csta.LineIdle, pbx.PresenceAvailable)
	}
	line(csta.LineIdle, pbx.PresenceDND)
	told := 0
	c.noteWhere("line", func(l object) bool { told++; return l["presence"] == "dnd" })
	require.LessOrEqual(t, told, 20, "of 401 states")
}

func TestAStopIsTold(t *testing.T) {
	b := start(t)
	c, _ := b.connect(b.user("anna", own("101")...))
	b.stop()
	require.Equal(t, 4002, c.closed())
}
