package seat

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStateNoticesAMissingNumber(t *testing.T) {
	st := newState()
	st.apply("hello", json.RawMessage(`{"epoch":"e1"}`))
	st.apply("snapshot", json.RawMessage(`{"seq":7,"calls":[{"id":"c1","device":"101","state":"alerting"}],"pops":[{"id":"p1","state":"offered"},{"id":"p2","state":"offered"}]}`))
	require.True(t, st.Connected)
	require.Len(t, st.Calls, 1)
	require.Len(t, st.openOffers(), 2)

	st.apply("call", json.RawMessage(`{"seq":8,"id":"c1","device":"101","state":"null"}`))
	require.Empty(t, st.Calls)
	require.Empty(t, st.Faults)

	st.apply("gap", json.RawMessage(`{"seq":10,"id":"g1","from":"2026-01-01T00:00:00Z"}`))
	require.Equal(t, []string{"gap: number 10 after 8"}, st.Faults)

	st.apply("snapshot", json.RawMessage(`{"seq":1}`))
	require.Empty(t, st.Gaps, "a snapshot replaces what was known")
	require.Equal(t, 2, st.Snapshots)
}
