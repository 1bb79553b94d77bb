package archtest

import (
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func load(t *testing.T) *Module {
	t.Helper()
	m, err := Load(".")
	require.NoError(t, err)
	require.Contains(t, m.Packages, "app/archtest", "the walk sees the module")
	return m
}

// none fails with each finding on a line of its own.
func none(t *testing.T, found []string) {
	t.Helper()
	for _, sentence := range found {
		t.Error(sentence)
	}
}

func TestArrowsHold(t *testing.T) {
	none(t, CheckArrows(load(t), Arrows, Reaches))
}

// TestLinkedPackages asks the go command for everything the programs link, third parties' imports included.
func TestLinkedPackages(t *testing.T) {
	m := load(t)
	for _, r := range Reaches {
		program := strings.TrimSuffix(r.From, "!")
		if m.Packages[program] == nil {
			continue
		}
		for _, goos := range []string{"linux", "windows"} {
			cmd := exec.Command("go", "list", "-deps", "./"+program)
			cmd.Dir = m.Root
			cmd.Env = append(os.Environ(), "GOOS="+goos)
			out, err := cmd.Output()
			require.NoError(t, err)
			for imported := range strings.FieldsSeq(string(out)) {
				path := imported
				if own, isOurs := ours(imported); isOurs {
					path = own
				}
				require.False(t, withinAny(path, r.Never), "%s links %s on %s: %s", program, imported, goos, r.Why)
			}
		}
	}
}

func TestTopLevelFolders(t *testing.T) {
	m := load(t)
	code := []string{"cmd", "app", "ui", "connectors", "assets"}
	other := []string{"docs", "packaging", "scripts", "build", "dist"}
	entries, err := os.ReadDir(m.Root)
	require.NoError(t, err)
	for _, entry := range entries {
		if entry.IsDir() && !strings.HasPrefix(entry.Name(), ".") {
			require.Contains(t, append(slices.Clone(code), other...), entry.Name(), "a new top-level folder")
		}
	}
	for path := range m.Packages {
		top, _, _ := strings.Cut(path, "/")
		require.Contains(t, append(slices.Clone(code), "scripts", "packaging"), top, "Go code outside the agreed folders")
	}
}

func TestEveryRuleNamesAFolderOfTheLayout(t *testing.T) {
	tops := []string{"cmd", "app", "ui", "connectors", "assets"}
	for _, a := range Arrows {
		top, _, _ := strings.Cut(strings.TrimSuffix(a.From, "!"), "/")
		require.Contains(t, tops, top)
		require.NotEmpty(t, a.Why)
	}
}

// synthetic makes a module out of file names and their imports.
func synthetic(t *testing.T, files map[string][]string) *Module {
	t.Helper()
	m := &Module{Fset: token.NewFileSet(), Packages: map[string]*Package{}}
	for path, imports := range files {
		name := filepath.Base(filepath.Dir(path))
		if strings.HasPrefix(path, "cmd/") {
			name = "main"
		}
		source := "package " + strings.ReplaceAll(name, "-", "") + "\n"
		for _, imported := range imports {
			source += "import _ \"" + imported + "\"\n"
		}
		parsed, err := parser.ParseFile(m.Fset, path, source, 0)
		require.NoError(t, err)
		m.AddFile(path, parsed)
	}
	return m
}

func TestTheCheckerSeesEachKindOfViolation(t *testing.T) {
	cases := map[string]struct {
		file     string
		imported string
	}{
		"csta knows nobody":                   {"app/csta/csta.go", "deskbell/app/number"},
		"csta is standard library only":       {"app/csta/csta.go", "github.com/google/uuid"},
		"number carries no metadata":          {"app/number/number.go", "github.com/nyaruka/phonenumbers"},
		"number does not know its plan":       {"app/number/number.go", "deskbell/app/number/plan"},
		"metadata has one place":              {"app/server/server.go", "github.com/nyaruka/phonenumbers"},
		"a contract knows no server":          {"app/pbx/pbx.go", "deskbell/app/server"},
		"a connector knows no other":          {"connectors/pbx/nfon/nfon.go", "deskbell/connectors/pbx/telepo"},
		"a connector knows no server":         {"connectors/pbx/nfon/nfon.go", "deskbell/app/server/hub"},
		"a connector knows no wire":           {"connectors/pbx/nfon/nfon.go", "deskbell/app/wire"},
		"a connector knows its contract only": {"connectors/pbx/nfon/nfon.go", "deskbell/app/contact"},
		"a connector has no windows":          {"connectors/contacts/csv/csv.go", "fyne.io/fyne/v2/widget"},
		"the server knows no vendor":          {"app/server/owner/owner.go", "deskbell/connectors/pbx/nfon"},
		"the server knows no tray":            {"app/server/hub/hub.go", "deskbell/app/desk/view"},
		"the tray's state knows no adapter":   {"app/desk/core.go", "deskbell/app/machine/sound"},
		"the tray's state knows no client":    {"app/desk/core.go", "deskbell/app/client"},
		"an adapter knows no server":          {"app/machine/sound/sound.go", "deskbell/app/server"},
		"a view knows no state":               {"ui/card/card.go", "deskbell/app/desk"},
		"a view knows no other view":          {"ui/card/card.go", "deskbell/ui/journal"},
		"the tray menu has no toolkit":        {"ui/tray/tray.go", "fyne.io/fyne/v2"},
		"no toolkit elsewhere":                {"app/rule/rule.go", "fyne.io/fyne/v2"},
		"the lab shares no types":             {"app/lab/nfon/nfon.go", "deskbell/app/csta"},
		"the lab is not part of the product":  {"app/server/server.go", "deskbell/app/lab"},
		"test helpers stay in tests":          {"app/server/server.go", "deskbell/app/pbx/pbxtest"},
		"nobody imports a program":            {"app/server/server.go", "deskbell/cmd/deskbelld"},
		"the tray talks to the server only":   {"cmd/deskbell/main.go", "deskbell/connectors"},
		"the server shows nothing":            {"cmd/deskbelld/main.go", "fyne.io/systray"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			m := synthetic(t, map[string][]string{c.file: {c.imported}})
			found := CheckArrows(m, Arrows, Reaches)
			require.NotEmpty(t, found)
			require.Contains(t, found[0], c.imported)
		})
	}
}

func TestTheCheckerFollowsChains(t *testing.T) {
	m := synthetic(t, map[string][]string{
		"cmd/deskbell/main.go":   {"deskbell/app/client"},
		"app/client/client.go":   {"deskbell/app/desk"},
		"app/desk/store.go":      {"modernc.org/sqlite"},
		"app/desk/store_test.go": {"deskbell/app/lab/nfon"},
	})
	found := CheckArrows(m, Arrows, Reaches)
	require.Len(t, found, 1, "test files are free: %v", found)
	require.Contains(t, found[0], "deskbell/cmd/deskbell → deskbell/app/client → deskbell/app/desk → modernc.org/sqlite")
}

func TestWhatTheLayoutAllowsPasses(t *testing.T) {
	m := synthetic(t, map[string][]string{
		"app/pbx/pbx.go":                   {"deskbell/app/csta", "deskbell/app/number"},
		"connectors/pbx/nfon/nfon.go":      {"deskbell/app/pbx", "deskbell/app/csta", "deskbell/connectors/pbx/nfon/sse"},
		"connectors/connectors.go":         {"deskbell/app/pbx", "deskbell/connectors/pbx/nfon"},
		"app/server/owner/owner.go":        {"deskbell/app/pbx", "deskbell/app/csta"},
		"app/pbx/pbxtest/scripted.go":      {"deskbell/app/pbx", "github.com/stretchr/testify/require"},
		"app/server/owner/owner_test.go":   {"deskbell/app/pbx/pbxtest"},
		"app/desk/core.go":                 {"deskbell/app/wire", "deskbell/app/desk/view"},
		"ui/card/card.go":                  {"fyne.io/fyne/v2", "deskbell/app/desk/view", "deskbell/ui/widgets"},
		"cmd/deskbell-window/main.go":      {"fyne.io/fyne/v2/app"},
		"cmd/deskbell-lab/main.go":         {"deskbell/app/lab/nfon"},
		"connectors/pbx/nfon/nfon_test.go": {"deskbell/app/lab/nfon", "deskbell/app/pbx/pbxtest"},
		"app/number/plan/plan.go":          {"deskbell/app/number", "github.com/nyaruka/phonenumbers"},
		"cmd/deskbelld/main.go":            {"deskbell/app/server", "deskbell/connectors", "modernc.org/sqlite"},
	})
	require.Empty(t, CheckArrows(m, Arrows, Reaches))
}
