package desk

import (
	"slices"
	"strconv"
	"strings"

	"deskbell/app/wire"
)

// The names of settings, as in the user's settings file and in a server's defaults and locks.
const (
	SettingMute         = "mute"          // "true", "false": no tone at all
	SettingVolume       = "volume"        // 0 to 100
	SettingOutput       = "output"        // sound output by name; empty: the system's choice
	SettingToneExternal = "tone_external" // path of a WAV, OGG or MP3 file; empty: built-in
	SettingToneInternal = "tone_internal"
	SettingToneVIP      = "tone_vip"
	SettingKnock        = "knock"    // "true", "false": one soft knock for a further call while talking
	SettingAnnounce     = "announce" // "all", "external", "none": which incoming calls get a notice
	SettingMissed       = "missed"   // "true", "false": a notice for missed calls
	SettingSchemes      = "schemes"  // blank-separated: what may be opened beside http and https
	SettingLanguage     = "language" // "de", "en"; empty: the system's
	SettingCAFile       = "ca_file"  // further trusted certificates for the server, PEM
)

// builtin says what holds when nobody chose anything; it also lists all settings.
var builtin = map[string]string{
	SettingMute: "false", SettingVolume: "70", SettingOutput: "", SettingToneExternal: "", SettingToneInternal: "",
	SettingToneVIP: "", SettingKnock: "true", SettingAnnounce: "all", SettingMissed: "true", SettingSchemes: "",
	SettingLanguage: "", SettingCAFile: "",
}

// localOnly are settings that a server's defaults and locks never reach, because they decide what this computer opens
// and whom it trusts.
var localOnly = []string{SettingSchemes, SettingCAFile}

// ValidSetting reports whether a setting exists and may have that value.
func ValidSetting(name, value string) bool {
	if _, known := builtin[name]; !known {
		return false
	}
	switch name {
	case SettingMute, SettingKnock, SettingMissed:
		return value == "true" || value == "false"
	case SettingVolume:
		n, err := strconv.Atoi(value)
		return err == nil && n >= 0 && n <= 100
	case SettingAnnounce:
		return slices.Contains([]string{"all", "external", "none"}, value)
	case SettingToneExternal, SettingToneInternal, SettingToneVIP:
		// A network path would hand the user's sign-in to whoever runs that server.
		if strings.HasPrefix(value, "//") || strings.HasPrefix(value, `\\`) {
			return false
		}
	}
	return len(value) <= 4096 && !strings.ContainsAny(value, "\x00\n")
}

// settings are the user's choices under the server's defaults and locks.
type settings struct {
	user   map[string]string
	server wire.Settings
}

func newSettings(user map[string]string) settings {
	s := settings{user: map[string]string{}}
	for name, value := range user {
		if ValidSetting(name, value) {
			s.user[name] = value
		}
	}
	return s
}

// get gives what holds: a lock wins over the user, the user over a default, a default over what is built in.
func (s settings) get(name string) string {
	layers := []map[string]string{s.server.Locks, s.user, s.server.Defaults}
	if slices.Contains(localOnly, name) {
		layers = []map[string]string{s.user}
	}
	for _, layer := range layers {
		if value, ok := layer[name]; ok && ValidSetting(name, value) {
			return value
		}
	}
	return builtin[name]
}

func (s settings) locked(name string) bool {
	value, ok := s.server.Locks[name]
	return ok && ValidSetting(name, value) && !slices.Contains(localOnly, name)
}

func (s settings) muted() bool { return s.get(SettingMute) == "true" }
func (s settings) knock() bool { return s.get(SettingKnock) == "true" }

func (s settings) volume() int {
	n, err := strconv.Atoi(s.get(SettingVolume))
	if err != nil {
		return 0
	}
	return n
}

func (s settings) schemes() []string { return strings.Fields(strings.ToLower(s.get(SettingSchemes))) }

// tone gives the tone of a kind with the user's file, output and volume. A knock is always the built-in one.
func (s settings) tone(kind string, loop bool) Tone {
	t := Tone{Kind: kind, Output: s.get(SettingOutput), Volume: s.volume(), Loop: loop}
	switch kind {
	case string(wire.RingInternal):
		t.File = s.get(SettingToneInternal)
	case string(wire.RingVIP):
		t.File = s.get(SettingToneVIP)
	case string(wire.RingExternal):
		t.File = s.get(SettingToneExternal)
	}
	return t
}

// announces reports whether a call of that ring kind gets a notice.
func (s settings) announces(kind string) bool {
	switch s.get(SettingAnnounce) {
	case "none":
		return false
	case "external":
		return kind != string(wire.RingInternal)
	}
	return true
}
