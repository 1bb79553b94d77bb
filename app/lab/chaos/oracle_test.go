package chaos

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/lab/seat"
)

func at(second int) time.Time { return time.Date(2026, 1, 2, 3, 4, second, 0, time.UTC) }

func TestOracleSeesGhostsAndLostCalls(t *testing.T) {
	st := seat.State{Calls: map[string]seat.Call{"a": {Far: seat.Party{Number: "+491"}, State: "alerting"}}}
	ghosts, lost := Running(map[string]bool{"+492": true}, st)
	require.Equal(t, []string{"+491 (alerting)"}, ghosts)
	require.Equal(t, []string{"+492"}, lost)

	ghosts, lost = Running(map[string]bool{"+491": true}, st)
	require.Empty(t, ghosts)
	require.Empty(t, lost)
}

func TestOracleWantsEachCallInTheListOrInsideAGap(t *testing.T) {
	end := at(30)
	st := seat.State{
		Entries: map[string]seat.Entry{"e": {Far: seat.Party{Number: "+491"}}},
		Gaps:    map[string]seat.Gap{"g": {From: at(10), To: &end}},
	}
	listed := Witnessed{Number: "+491", Began: at(1), Ended: at(2)}
	inside := Witnessed{Number: "+492", Began: at(10), Ended: at(30)}
	require.Empty(t, Missing([]Witnessed{listed, inside}, st))

	for name, c := range map[string]Witnessed{
		"begins before the gap": {Number: "+493", Began: at(9), Ended: at(12)},
		"ends after the gap":    {Number: "+494", Began: at(12), Ended: at(31)},
		"still runs":            {Number: "+495", Began: at(12)},
		"was read":              {Number: "+496", Began: at(12), Ended: at(13), SurelyRead: true},
	} {
		require.Len(t, Missing([]Witnessed{c}, st), 1, name)
	}
}

func TestOracleCountsPages(t *testing.T) {
	require.Empty(t, Doubles(map[string]int{"/contacts/1": 1}))
	require.Equal(t, []string{"/contacts/1: 2 times"}, Doubles(map[string]int{"/contacts/1": 2}))
	require.False(t, Verdict{Double: []string{"x"}}.Clean())
	require.True(t, Verdict{}.Clean())
}
