package desk

import (
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"deskbell/app/wire"
)

func TestValidSetting(t *testing.T) {
	good := map[string][]string{
		"mute": {"true", "false"}, "knock": {"true"}, "missed": {"false"}, "volume": {"0", "55", "100"}, "announce": {"all", "external", "none"},
		"output": {"", "Desk"}, "tone_vip": {"", "/a.ogg", `C:\a.ogg`}, "tone_internal": {"/i"}, "tone_external": {"/e"}, "schemes": {"callx zoom"},
		"language": {"de"}, "ca_file": {"/ca.pem"},
	}
	bad := map[string][]string{
		"mute": {"", "yes", "TRUE", "1"}, "knock": {"1"}, "missed": {""}, "volume": {"-1", "101", "loud", ""}, "announce": {"", "some"},
		"output": {"a\nb", "a\x00b", strings.Repeat("x", 4097)}, "tone_vip": {"//host/share", `\\host\share`, "a\n"}, "tone_internal": {"//h"},
		"tone_external": {`\\h`}, "unknown": {"", "1"},
	}
	for name, values := range good {
		for _, v := range values {
			require.True(t, ValidSetting(name, v), "%s=%q", name, v)
		}
	}
	for name, values := range bad {
		for _, v := range values {
			require.False(t, ValidSetting(name, v), "%s=%q", name, v)
		}
	}
	require.True(t, ValidSetting("output", strings.Repeat("x", 4096)))
	for name, value := range builtin {
		require.True(t, ValidSetting(name, value), name)
	}
}

func TestSettingsLayers(t *testing.T) {
	s := newSettings(map[string]string{"volume": "30", "mute": "nonsense", "schemes": "Zoom callx"})
	require.Equal(t, "30", s.get("volume"))
	require.Equal(t, "false", s.get("mute"))
	s.server = wire.Settings{
		Defaults: map[string]string{"volume": "10", "knock": "false", "announce": "nonsense", "schemes": "evil", "ca_file": "/evil"},
		Locks:    map[string]string{"volume": "x", "ca_file": "/evil", "schemes": "evil"},
	}
	require.Equal(t, "30", s.get("volume"), "a lock that makes no sense does not count")
	require.Equal(t, "false", s.get("knock"))
	require.Equal(t, "all", s.get("announce"))
	require.Equal(t, []string{"zoom", "callx"}, s.schemes(), "a server never decides what this computer opens")
	require.Equal(t, "", s.get("ca_file"))
	require.False(t, s.locked("schemes"))
	require.False(t, s.locked("volume"))
	require.False(t, s.locked("mute"))
	s.server.Locks["volume"] = "90"
	require.True(t, s.locked("volume"))
	require.Equal(t, 90, s.volume())
	require.Equal(t, Tone{Kind: "knock", Volume: 90}, s.tone("knock", false))
}

// TestHostileTextIsHarmless marks every text that a stranger chooses and looks for the mark in all that is shown.
func TestHostileTextIsHarmless(t *testing.T) {
	s := newScene(t)
	evil := func(what string) string { return "\x01" + what + "\x01" }
	far := wire.Party{Kind: wire.PartyExternal, Number: "+4930", Display: evil("display"), Name: evil("name"), Place: evil("place")}
	var all []Effect
	tell := func(notes ...any) {
		for _, n := range notes {
			all = append(all, s.core.Handle(Told{Note: n}, noon)...)
		}
	}
	all = append(all, s.core.Handle(LinkUp{Hello: wire.HelloFromServer{Epoch: "e", ServerName: evil("server"), User: wire.User{Name: evil("user")}}}, noon)...)
	tell(wire.Snapshot{
		Systems: []wire.System{{ID: "nfon", Name: evil("system")}}, Devices: []wire.Device{{System: "nfon", ID: "101", Name: evil("device")}},
		Lines:    []wire.Line{{System: "nfon", Device: "101", Presence: evil("presence")}},
		Settings: wire.Settings{Locks: map[string]string{"mute": "true"}, LockedBy: evil("admin")},
	})
	call := incoming("c1", func(w *wire.Call) {
		w.Far, w.Queue, w.Called, w.Original, w.CanPop = far, evil("queue"), &far, &far, true
		w.Facts = &wire.Facts{Trouble: evil("source")}
		w.Denied = map[string]wire.Reason{"AnswerCall": {Code: wire.ReasonAnswerAtPhone, Args: map[string]string{"system": evil("arg")}}}
	})
	tell(call)
	call.Facts = &wire.Facts{Matches: []wire.Match{{ID: "1", Name: evil("contact"), Company: evil("company")}}}
	tell(call)
	call.Facts = &wire.Facts{Matches: []wire.Match{{ID: "1", Name: evil("a"), Company: evil("b"), Exact: true}, {ID: "2", Name: evil("c"), Exact: true}}}
	tell(call)
	all = append(all, s.core.Handle(Pressed{Key: "call:c1", ID: "open"}, noon)...)
	tell(attemptNote("accepted", func(a *wire.Attempt) { a.ToName = evil("to") }), attemptNote("accepted", func(a *wire.Attempt) { a.ID, a.ToName, a.To = "x", "", far }))
	tell(entry("1", 1, func(e *wire.Entry) { e.Name, e.Company, e.Far = evil("entry"), evil("firm"), far }))
	tell(wire.Trouble{ID: "t", Active: true, Code: "config", Source: evil("src"), Detail: evil("detail")})
	tell(wire.Pop{ID: "p", Call: "c1", State: "claimed"})
	all = append(all, s.core.Handle(Fired{Timer: "pop:p"}, noon)...)
	all = append(all, s.core.Handle(ServerFound{Name: evil("x")}, noon)...)
	require.NotEmpty(t, only[ShowNotice](all))
	for _, e := range all {
		if _, isRequest := e.(Request); !isRequest {
			require.NotContains(t, visible(reflect.ValueOf(e)), "\x01", "%T %+v", e, e)
		}
	}
	s.out.Reset()
}

// visible joins all strings within a value.
func visible(v reflect.Value) string {
	switch v.Kind() {
	case reflect.String:
		return v.String() + "\n"
	case reflect.Struct:
		var b strings.Builder
		for i := range v.NumField() {
			b.WriteString(visible(v.Field(i)))
		}
		return b.String()
	case reflect.Slice:
		var b strings.Builder
		for i := range v.Len() {
			b.WriteString(visible(v.Index(i)))
		}
		return b.String()
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			return visible(v.Elem())
		}
	}
	return ""
}
