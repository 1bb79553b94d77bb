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
	stop := make(chan struct{})
	var calls sync.WaitGroup
	calls.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Millisecond): // hundreds of calls a second at one telephone are enough
			}
			call := fmt.Sprint("v", i)
			b.phones.ring(call, "101", "4989999999")
			b.phones.answer(call, "101")
			b.phones.end(call, "101", csta.CauseNormalClearing)
		}
	})
	story := map[string]int{"alerting": 1, "connected": 2, "null": 3}
	events := 0
	for range 30 {
		c, snap := b.connect(token)
		at := map[string]int{}
		take := func(snap object) {
			clear(at)
			for _, x := range snap["calls"].([]any) {
				at[x.(object)["id"].(string)] = story[x.(object)["state"].(string)]
			}
		}
		take(snap)
		c.write(object{"jsonrpc": "2.0", "id": "again", "method": "snapshot"})
		for seen := 0; seen < 40; {
			m, open := <-c.notes
			require.True(t, open)
			p, _ := m["params"].(object)
			switch m["method"] {
			case "snapshot":
				take(p)
			case "call":
				id, step := p["id"].(string), story[p["state"].(string)]
				require.Equal(t, at[id]+1, step, "call %s: %v", id, p)
				at[id] = step
				if step == 3 {
					delete(at, id)
				}
				seen++
				events++
			}
		}
		require.NoError(t, c.conn.Close())
	}
	close(stop)
	calls.Wait()
	require.GreaterOrEqual(t, events, 30*40)
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
