package config

import (
	"slices"
	"strconv"
	"strings"
)

// settingValues are the settings that the server can give defaults for and lock, with a check of the value and the words
// for what is expected. The tray's own list is the same but for those that decide what a computer opens and trusts.
var settingValues = map[string]struct {
	valid    func(string) bool
	expected string
}{
	"open_customer": {oneOf("never", "ringing", "answered"), "never, ringing or answered"},
	"open_outgoing": {oneOf("true", "false"), "true or false"},
	"open_internal": {oneOf("true", "false"), "true or false"},
	"mute":          {oneOf("true", "false"), "true or false"},
	"volume":        {percent, "0 to 100"},
	"output":        {plainText, "the name of a sound output"},
	"tone_external": {localPath, "a path on the user's computer, or empty for the built-in tone"},
	"tone_internal": {localPath, "a path on the user's computer, or empty for the built-in tone"},
	"tone_vip":      {localPath, "a path on the user's computer, or empty for the built-in tone"},
	"knock":         {oneOf("true", "false"), "true or false"},
	"announce":      {oneOf("all", "external", "none"), "all, external or none"},
	"missed":        {oneOf("true", "false"), "true or false"},
	"language":      {oneOf("", "de", "en"), "de, en, or empty for the computer's language"},
}

// localSettings are the tray's settings that a server never decides.
var localSettings = []string{"schemes", "ca_file"}

func oneOf(words ...string) func(string) bool {
	return func(s string) bool { return slices.Contains(words, s) }
}

func percent(s string) bool {
	n, err := strconv.Atoi(s)
	return err == nil && n >= 0 && n <= 100
}

func plainText(s string) bool { return len(s) <= 4096 && !strings.ContainsAny(s, "\x00\n") }

// localPath refuses network paths: they would hand the user's sign-in to whoever runs that server.
func localPath(s string) bool {
	return plainText(s) && !strings.HasPrefix(s, "//") && !strings.HasPrefix(s, `\\`)
}

func (s Settings) validate(ps *Problems, section string) {
	for _, name := range sortedKeys(s) {
		key := join(section, name)
		known, ok := settingValues[name]
		switch {
		case slices.Contains(localSettings, name):
			ps.add(key, "cannot be set by a server, only on the computer itself")
		case !ok:
			decoder{ps}.unknown(key, name, sortedKeys(settingValues))
		case !known.valid(s[name]):
			ps.add(key, "%q, expected %s", s[name], known.expected)
		}
	}
}

// SettingNames lists the settings that defaults and locks may have.
func SettingNames() []string { return sortedKeys(settingValues) }
