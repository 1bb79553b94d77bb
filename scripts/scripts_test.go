// Package scripts tests the shell scripts that make and CI call.
package scripts

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// machine is a pretended computer: only the named commands exist, and what they are asked is written down.
type machine struct {
	t    *testing.T
	bin  string
	asks string
}

func newMachine(t *testing.T, commands map[string]string) machine {
	t.Helper()
	m := machine{t: t, bin: t.TempDir(), asks: filepath.Join(t.TempDir(), "asked")}
	for _, name := range []string{"awk", "bash", "cat", "env", "grep", "mktemp", "rm", "sed", "sort", "tail"} {
		real, err := exec.LookPath(name)
		require.NoError(t, err)
		require.NoError(t, os.Symlink(real, filepath.Join(m.bin, name)))
	}
	for name, body := range commands {
		script := "#!/bin/sh\necho \"" + name + " $*\" >>" + m.asks + "\n" + body + "\n"
		require.NoError(t, os.WriteFile(filepath.Join(m.bin, name), []byte(script), 0o755))
	}
	return m
}

// deps runs scripts/deps there and returns what it printed and its exit code.
func (m machine) deps(environment []string, purposes ...string) (string, int) {
	m.t.Helper()
	cmd := exec.Command("./deps", purposes...)
	cmd.Env = append([]string{"PATH=" + m.bin}, environment...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		require.NoError(m.t, err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// asked returns the commands that were run, one a line.
func (m machine) asked() string {
	raw, err := os.ReadFile(m.asks)
	if !errors.Is(err, os.ErrNotExist) {
		require.NoError(m.t, err)
	}
	return string(raw)
}

const (
	allInstalled   = `shift 2; for p in "$@"; do echo "$p installed"; done`
	gccIsRemoved   = `shift 2; for p in "$@"; do [ $p = gcc ] && echo "gcc config-files" || echo "$p installed"; done`
	somebody, root = "echo 1000", "echo 0"
)

func TestNothingMissingDoesNothing(t *testing.T) {
	m := newMachine(t, map[string]string{"dpkg-query": allInstalled, "apt-get": "", "id": root})
	out, code := m.deps(nil, "build", "desktop", "sound", "windows")
	require.Zero(t, code)
	require.Empty(t, out)
	require.NotContains(t, m.asked(), "apt-get")
}

func TestRootInstallsWhatIsMissing(t *testing.T) {
	m := newMachine(t, map[string]string{"dpkg-query": gccIsRemoved, "apt-get": "", "id": root})
	out, code := m.deps(nil, "build")
	require.Zero(t, code, out)
	require.Regexp(t, `apt-get .*install -y --no-install-recommends gcc\n$`, m.asked())
}

func TestAnOldPackageListIsUpdatedOnce(t *testing.T) {
	marker := filepath.Join(t.TempDir(), "updated")
	aptGet := `case "$*" in *update) : >` + marker + `;; *) [ -e ` + marker + ` ];; esac`
	m := newMachine(t, map[string]string{"dpkg-query": gccIsRemoved, "apt-get": aptGet, "id": root})
	out, code := m.deps(nil, "build")
	require.Zero(t, code, out)
	require.Equal(t, 3, strings.Count(m.asked(), "apt-get"))
}

func TestAFailedInstallSaysWhy(t *testing.T) {
	m := newMachine(t, map[string]string{"dpkg-query": gccIsRemoved, "apt-get": "echo no space left; exit 100", "id": root})
	out, code := m.deps(nil, "build")
	require.Equal(t, 1, code)
	require.Contains(t, out, "no space left")
	require.Contains(t, out, "installing failed: gcc")
}

func TestNobodyToAskInstallsNothing(t *testing.T) {
	m := newMachine(t, map[string]string{"dpkg-query": gccIsRemoved, "apt-get": "", "id": somebody, "sudo": `exec "$@"`})
	out, code := m.deps(nil, "build")
	require.Equal(t, 1, code)
	require.Contains(t, out, "sudo apt-get install gcc")
	require.NotContains(t, m.asked(), "sudo")
}

func TestCIDoesNotAsk(t *testing.T) {
	m := newMachine(t, map[string]string{"dpkg-query": gccIsRemoved, "apt-get": "", "id": somebody, "sudo": ""})
	out, code := m.deps([]string{"CI=true"}, "build")
	require.Zero(t, code, out)
	require.Contains(t, m.asked(), "sudo -n env DEBIAN_FRONTEND=noninteractive apt-get")
}

func TestElsewhereItNamesWhatIsMissing(t *testing.T) {
	m := newMachine(t, map[string]string{"git": "", "make": "", "id": somebody})
	out, code := m.deps(nil, "build")
	require.Equal(t, 1, code)
	require.Contains(t, out, "Please install what provides: gcc\n")
}

func TestAnUnknownPurposeIsRefused(t *testing.T) {
	m := newMachine(t, map[string]string{"dpkg-query": allInstalled, "apt-get": "", "id": root})
	out, code := m.deps(nil, "kitchen")
	require.Equal(t, 2, code)
	require.Contains(t, out, "kitchen")
}

// ciRun runs .ci/run in a project whose make does as it is told, and returns what it printed and its exit code.
func ciRun(t *testing.T, makeBody string) (string, int) {
	t.Helper()
	project := t.TempDir()
	run, err := os.ReadFile(filepath.Join("..", ".ci", "run"))
	require.NoError(t, err)
	for path, text := range map[string]string{
		".ci/run":      string(run),
		"scripts/deps": "#!/bin/sh\n",
		"bin/make":     "#!/bin/sh\n" + makeBody + "\n",
	} {
		path = filepath.Join(project, path)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o755))
	}
	cmd := exec.Command("bash", filepath.Join(project, ".ci", "run"))
	cmd.Env = append(os.Environ(), "PATH="+filepath.Join(project, "bin")+":"+os.Getenv("PATH"), "DISPLAY=:99")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

func TestCIRunsEverySuiteInAClosedRoom(t *testing.T) {
	out, code := ciRun(t, `echo "$2 CI=$CI DISPLAY=$DISPLAY"; read -r line && echo "somebody typed"; exit 0`)
	require.Zero(t, code, out)
	for _, suite := range []string{"lint", "test", "test-windows", "test-real"} {
		require.Contains(t, out, suite+" CI=true DISPLAY=\n")
	}
	require.NotContains(t, out, "somebody typed")
	require.Contains(t, out, "\nsuites: 4 passed, 0 failed\n")
}

func TestOneFailedSuiteFailsCIAfterAllHaveRun(t *testing.T) {
	out, code := ciRun(t, `[ "$2" != lint ]`)
	require.Equal(t, 1, code)
	require.Regexp(t, `lint +\d+ s  FAILED\n`, out)
	require.Contains(t, out, "\nsuites: 3 passed, 1 failed\n")
}
