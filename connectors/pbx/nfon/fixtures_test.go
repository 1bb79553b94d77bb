package nfon

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"deskbell/app/csta"
	"deskbell/app/pbx"
)

// fixture is a sample body as the interface's papers print it, byte for byte.
func fixture(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	return string(data)
}

func TestTheSamplesOfThePapers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		f.data, f.states = fixture(t, "data.json"), fixture(t, "states.json")
		f.lines.first = fixture(t, "states-stream.txt")
		f.handle(post, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusAccepted)
			w.Write([]byte(fixture(t, "makecall-reply.json")))
		})
		l := start(t, f, nil)
		list := l.sink.take()
		require.Equal(t, []pbx.Device{{ID: "101", Number: "101", Name: "Front desk"}, {ID: "102", Number: "102", Name: "Ada Example"}}, told[pbx.Devices](list)[0].List)
		require.Equal(t, csta.LineBusy, told[pbx.SnapshotTaken](list)[1].Snapshot.Line)
		require.Contains(t, told[pbx.LineChanged](list), pbx.LineChanged{
			Device: "101", Line: csta.LineRinging, Presence: pbx.PresenceAvailable, Stamp: told[pbx.LineChanged](list)[indexOfRinging(list)].Stamp,
		})

		got, err := l.c.MakeCall(l.ctx, pbx.MakeCallRequest{Command: pbx.Command{ID: "c1", Device: "101"}, To: pbx.Destination{E164: "+4989555020"}, Prompt: 25e9})
		require.NoError(t, err)
		require.Equal(t, "3c1d5f0e-8a77-4b1c-9e55-0f6a2b7c8d90", got.Call)
		require.JSONEq(t, fixture(t, "makecall-request.json"), f.requests(post)[0].body)
	})
}

func indexOfRinging(list []pbx.Message) int {
	for i, m := range told[pbx.LineChanged](list) {
		if m.Line == csta.LineRinging {
			return i
		}
	}
	return 0
}

func TestTheSampleOfSigningIn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		f.handle("POST /login", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(fixture(t, "login-reply.json"))) })
		start(t, f, nil)
		head, body, _ := strings.Cut(fixture(t, "login-request.txt"), "\n\n")
		sent := f.requests("POST /login")[0]
		require.JSONEq(t, body, sent.body)
		require.Contains(t, head, "Accept: "+sent.accept)
		require.Equal(t, "eyJhbGciOiJSUzUxMiIs...", f.requests("GET")[0].bearer, "a token without readable claims serves too")
	})
}

// TestTheSampleOfTheStream sends the papers' inbound sample. Its shortened events stand for whole ones.
func TestTheSampleOfTheStream(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := start(t, newFake(t), nil)
		lines := strings.Split(strings.TrimSpace(fixture(t, "calls-stream.txt")), "\n")
		for _, line := range lines {
			line = strings.ReplaceAll(line, ",...", `,"direction":"inbound","extension":"101","updated":"2020-09-25T14:00:09:00+02:00"`)
			l.calls.write(line + "\n\n")
		}
		require.Equal(t, []string{
			"101 alerting<connected global +4989555010", "101 connected<connected global +4989555010", "101 null<null global +4989555010 normalClearing",
		}, l.legs())
	})
}
