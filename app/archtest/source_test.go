package archtest

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryPackageSaysItsJob(t *testing.T) {
	none(t, CheckPackageComments(load(t)))
}

func TestNoTestIsSkipped(t *testing.T) {
	none(t, CheckSkips(load(t)))
}

func TestNothingIsLeftUnfinished(t *testing.T) {
	none(t, CheckUnfinished(load(t)))
}

func TestVendorsStayInTheirConnectors(t *testing.T) {
	none(t, CheckVendors(load(t)))
}

// visible are the packages whose texts people see.
var visible = []string{"app/desk", "app/machine", "app/localapi", "ui", "cmd/deskbell", "cmd/deskbell-window"}

func TestVisibleTextsComeFromTheMessageFiles(t *testing.T) {
	none(t, CheckHardCoded(load(t), visible))
}

// languages reads the message files; the tests below hold for every pair of them.
func languages(t *testing.T) map[string]Messages {
	t.Helper()
	all := map[string]Messages{}
	files, err := filepath.Glob(filepath.Join(load(t).Root, "assets", "i18n", "active.*.toml"))
	require.NoError(t, err)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		messages, err := ParseMessages(raw)
		require.NoError(t, err, file)
		base := filepath.Base(file)
		all[base[len("active."):len(base)-len(".toml")]] = messages
	}
	return all
}

func TestLanguagesHaveTheSameMessages(t *testing.T) {
	all := languages(t)
	for language, messages := range all {
		none(t, CheckMessages(messages))
		none(t, CompareLanguages("en", all["en"], language, messages))
	}
}

func TestNoWordOfTheTradeIsShown(t *testing.T) {
	for language, messages := range languages(t) {
		require.Contains(t, Forbidden, language, "a new language needs its own list")
		none(t, CheckWords(language, messages))
	}
}

// source makes a module of one file.
func source(t *testing.T, path, text string) *Module {
	t.Helper()
	m := &Module{Fset: token.NewFileSet(), Packages: map[string]*Package{}}
	parsed, err := parser.ParseFile(m.Fset, path, text, parser.ParseComments)
	require.NoError(t, err)
	m.AddFile(path, parsed)
	return m
}

func TestPackageCommentsAreChecked(t *testing.T) {
	for text, problem := range map[string]string{
		"package desk":                                   "no package comment",
		"// Keeps state.\npackage desk":                  "does not start",
		"// Package desk keeps\n// state.\npackage desk": "no whole sentence",
	} {
		found := CheckPackageComments(source(t, "app/desk/desk.go", text))
		require.Len(t, found, 1)
		require.Contains(t, found[0], problem)
	}
	require.Empty(t, CheckPackageComments(source(t, "app/desk/desk.go", "// Package desk keeps state.\npackage desk")))
	require.Empty(t, CheckPackageComments(source(t, "cmd/x/main.go", "// Command x runs.\npackage main")))
}

func TestSkipsAndUnfinishedCodeAreSeen(t *testing.T) {
	m := source(t, "app/desk/desk_test.go", "package desk\nfunc f(t T) { t.Ski"+"p(\"x\") } // TO"+"DO: more\n")
	require.Equal(t, []string{"app/desk/desk_test.go:2 skips a test"}, CheckSkips(m))
	require.Len(t, CheckUnfinished(m), 1)
}

func TestVendorsAreSeen(t *testing.T) {
	code := "package server\nfunc f() { if name == \"nfon\" { startTelepo() } } // as NFON does\n"
	require.Len(t, CheckVendors(source(t, "app/server/server.go", code)), 2, "a text and a name; comments are free")
	require.Empty(t, CheckVendors(source(t, "connectors/pbx/nfon/nfon.go", code)))
}

func TestHardCodedTextsAreSeen(t *testing.T) {
	code := `package desk
func f() {
	_ = Note{Title: "Missed call", Body: tr("missed.body"), Label: "×", Tooltip: x + " is calling you"}
	n.Text = "Silence"
	menu.AddMenuItem("Quit", "")
	log.Info("a call is ringing")
}
`
	found := CheckHardCoded(source(t, "app/desk/note.go", code), visible)
	require.Len(t, found, 4, "%v", found)
	require.Empty(t, CheckHardCoded(source(t, "app/server/note.go", code), visible))
}

func TestMessageFilesAreCompared(t *testing.T) {
	en, err := ParseMessages([]byte(`
[missed]
description = "shown in the tray, HTTP"
one = "{{.Count}} missed call"
other = "{{.Count}} missed calls"

[call.from]
other = "{{.Name}} is calling"

[quit]
other = "Quit"
`))
	require.NoError(t, err)
	de, err := ParseMessages([]byte(`
quit = "Beenden"
missed = { one = "{{.Anzahl}} verpasst", other = "{{.Count}} verpasst" }
call = { from = "{{ .Nom }} ruft an", to = "An {{.Name}}" }
`))
	require.NoError(t, err)
	require.Equal(t, []string{
		"call.from has [.Name] in en and [.Nom] in de",
		"call.to is missing in en",
	}, CompareLanguages("en", en, "de", de))
	require.Equal(t, []string{`missed knows .Anzahl only in the form "one"`}, CheckMessages(de))
	require.Empty(t, CheckMessages(en))
}

func TestForbiddenWordsAreSeen(t *testing.T) {
	words := func(language, text string) []string {
		return CheckWords(language, Messages{"id": {"other": text}})
	}
	require.NotEmpty(t, words("en", "The PBX is gone"))
	require.NotEmpty(t, words("en", "Error 403"))
	require.NotEmpty(t, words("en", "Screen-pop failed"))
	require.NotEmpty(t, words("de", "Ihre Präsenz"))
	require.NotEmpty(t, words("de", "Wähle deine Nummer"))
	require.Empty(t, words("en", "A popular number: {{.Token}} … call 14030"))
	require.Empty(t, words("de", "Die Telefonanlage meldet sich nicht. Neuer Versuch…"))
}
