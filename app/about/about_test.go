package about_test

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
	"github.com/stretchr/testify/require"

	"deskbell/app/about"
)

// fyneApp is the part of FyneApp.toml that programs carry.
type fyneApp struct {
	Details struct {
		Icon, Name, ID, Version string
		Build                   int
	}
}

func readFyneApp(t *testing.T) fyneApp {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "FyneApp.toml"))
	require.NoError(t, err)
	var app fyneApp
	require.NoError(t, toml.Unmarshal(raw, &app))
	return app
}

func TestAPlainBuildKnowsItsNameAndID(t *testing.T) {
	app := readFyneApp(t)
	require.Equal(t, app.Details.Name, about.Name)
	require.Equal(t, app.Details.ID, about.ID)
}

// build makes a program the way make does and returns its path.
func build(t *testing.T, source string) string {
	t.Helper()
	ldflags, err := exec.Command("../../scripts/appinfo", "ldflags").Output()
	require.NoError(t, err)
	program := filepath.Join(t.TempDir(), "program")
	out, err := exec.Command("go", "build", "-ldflags", string(ldflags), "-o", program, source).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return program
}

func TestABuildCarriesFyneApp(t *testing.T) {
	app := readFyneApp(t)
	out, err := exec.Command(build(t, "./testdata/shows")).CombinedOutput()
	require.NoError(t, err, "%s", out)
	wanted := app.Details.Name + "\n" + app.Details.ID + "\nshows " + app.Details.Version + " (build " + strconv.Itoa(app.Details.Build)
	require.Contains(t, string(out), wanted)
}

// TestEveryProgramSaysItsVersion asks each program under cmd, as a person who reports a fault is asked to.
func TestEveryProgramSaysItsVersion(t *testing.T) {
	app := readFyneApp(t)
	out, err := exec.Command("go", "list", "-f", "{{if eq .Name \"main\"}}{{.ImportPath}}{{end}}", "deskbell/cmd/...").Output()
	require.NoError(t, err)
	for source := range strings.FieldsSeq(string(out)) {
		t.Run(path.Base(source), func(t *testing.T) {
			out, err := exec.Command(build(t, source), "--version").CombinedOutput()
			require.NoError(t, err, "%s", out)
			require.Contains(t, string(out), app.Details.Version+" (build "+strconv.Itoa(app.Details.Build))
		})
	}
}

func TestAppinfoReadsFyneAppAsTOMLDoes(t *testing.T) {
	app := readFyneApp(t)
	for key, wanted := range map[string]string{
		"Name": app.Details.Name, "ID": app.Details.ID, "Version": app.Details.Version,
		"Build": strconv.Itoa(app.Details.Build), "Icon": app.Details.Icon,
	} {
		out, err := exec.Command("../../scripts/appinfo", key).Output()
		require.NoError(t, err)
		require.Equal(t, wanted+"\n", string(out))
	}
	require.Error(t, exec.Command("../../scripts/appinfo", "Colour").Run(), "an unknown key is an error")
}

func TestLine(t *testing.T) {
	commit, version, build := about.Commit, about.Version, about.Build
	t.Cleanup(func() { about.Commit, about.Version, about.Build = commit, version, build })
	about.Version, about.Build, about.Commit = "1.2.3", "4", ""
	require.Equal(t, "deskbelld 1.2.3 (build 4)", about.Line("deskbelld"))
	about.Commit = "8ffef38c1fde"
	require.Equal(t, "deskbelld 1.2.3 (build 4, 8ffef38c1fde)", about.Line("deskbelld"))
	require.Equal(t, "Deskbell/1.2.3", about.UserAgent())
}
