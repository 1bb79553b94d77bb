package notice

import (
	"context"
	"encoding/xml"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestToastEscapesWhatItCarries(t *testing.T) {
	text, err := toastXML(Notice{Key: `call"<1>`, Title: `<b>&x</b> ]]>`, Body: "a\nb", Urgency: Critical, Silent: true,
		Actions: []Action{{"open", `Open "customer"`}, {DefaultAction, "Show"}}}, 7)
	require.NoError(t, err)
	var back struct {
		Launch   string   `xml:"launch,attr"`
		Scenario string   `xml:"scenario,attr"`
		Text     []string `xml:"visual>binding>text"`
		Actions  []struct {
			Content   string `xml:"content,attr"`
			Arguments string `xml:"arguments,attr"`
		} `xml:"actions>action"`
	}
	require.NoError(t, xml.Unmarshal([]byte(text), &back))
	require.Equal(t, []string{"<b>&x</b> ]]>", "a\nb"}, back.Text)
	require.Equal(t, `7|default|call"<1>`, back.Launch)
	require.Equal(t, "incomingCall", back.Scenario)
	require.Len(t, back.Actions, 1)
	require.Equal(t, `7|open|call"<1>`, back.Actions[0].Arguments)
}

func TestLastResortCarriesNothingThatPowerShellExpands(t *testing.T) {
	got := harmless("$(calc) `n \"@\n$env:X ]]>")
	for _, bad := range []string{"$", "`", `"`, "\n", "]]>"} {
		require.NotContains(t, got, bad)
	}
}

func TestOnlyTheNewestToastOfAKeyCounts(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	n := &Notifier{log: slog.New(slog.DiscardHandler), events: make(chan Event, 4), up: map[string]uint64{"a|b": 2}}
	defer cancel()
	for _, args := range []string{"1|open|a|b", "x|open|a|b", "2|open", "", "2|open|other"} {
		n.activated(args)
	}
	require.Empty(t, n.events)
	n.activated("2|open|a|b")
	require.Equal(t, Event{Key: "a|b", Action: "open"}, <-n.events)
	require.NoError(t, n.Close(ctx, "a|b"))
	require.Equal(t, Event{Key: "a|b", Closed: true, Reason: ReasonClosed}, <-n.events)
	n.activated("2|open|a|b")
	require.Empty(t, n.events)
}
