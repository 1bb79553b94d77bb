package archtest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// usesTexts tells whether any package reads the message files; before that, no message can be missed.
func usesTexts(m *Module) bool {
	for _, p := range m.Packages {
		if _, uses := p.Imports[ModulePath+"/assets/i18n"]; uses {
			return true
		}
	}
	return false
}

func TestCodeAndMessageFilesNameTheSameTexts(t *testing.T) {
	m, english := load(t), languages(t)["en"]
	if !usesTexts(m) {
		return
	}
	none(t, CheckKeys(m, append([]string{"app/client"}, visible...), english))
}

func TestMissingAndForgottenTextsAreSeen(t *testing.T) {
	messages, err := ParseMessages([]byte("quit = \"Quit\"\n[menu]\nrecent = \"Recent\"\nmute = \"Mute\"\n[reason]\nbusy = \"Busy\"\nlost = \"Lost\"\n"))
	require.NoError(t, err)
	m := source(t, "app/desk/menu.go", `package desk
var texts = []string{tr("menu.recent"), tr("menu.gone"), tr("reason." + code), open("menu.json"), "calls.changed"}
`)
	require.Equal(t, []string{
		`app/desk/menu.go:2 names "menu.gone", which no message has`,
		"menu.mute is named by no code",
		"quit is named by no code",
	}, CheckKeys(m, visible, messages))
}
