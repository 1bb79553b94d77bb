package csta

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryServiceHasAName(t *testing.T) {
	require.Equal(t, Service(1)<<len(serviceNames), lastService, "a service without a name, or a name without a service")
	for bit := Service(1); bit < lastService; bit <<= 1 {
		got, ok := ParseService(bit.String())
		require.True(t, ok)
		require.Equal(t, bit, got)
	}
}

func TestServicesTravelAsNames(t *testing.T) {
	set := Of(MakeCall, HoldCall).With(ClearConnection).Without(HoldCall)
	data, err := json.Marshal(set)
	require.NoError(t, err)
	require.JSONEq(t, `["MakeCall","ClearConnection"]`, string(data))

	var back Services
	require.NoError(t, json.Unmarshal([]byte(`["MakeCall","FromTheFuture","ClearConnection"]`), &back))
	require.Equal(t, set, back)
	require.Error(t, json.Unmarshal([]byte(`"MakeCall"`), &back))

	empty, err := json.Marshal(Services(0))
	require.NoError(t, err)
	require.Equal(t, "[]", string(empty))
}

func TestStates(t *testing.T) {
	require.False(t, StateUnknown.Live())
	require.False(t, Null.Live())
	require.False(t, State("humming").Known())
	for _, s := range []State{Initiated, Alerting, Connected, Hold, Queued, Fail} {
		require.True(t, s.Live(), s)
	}
	require.True(t, Talking(Connected, Connected))
	require.False(t, Talking(Connected, Alerting))
	require.True(t, Ringing(Incoming, Alerting))
	require.False(t, Ringing(Outgoing, Alerting))
}
