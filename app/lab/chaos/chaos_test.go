//go:build kill

package chaos

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestMain builds the server program once, with its fail points.
func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "deskbell-kill")
		if err != nil {
			panic(err)
		}
		defer func() { _ = os.RemoveAll(dir) }()
		server = filepath.Join(dir, "deskbelld")
		build := exec.Command("go", "build", "-tags", "failpoint", "-o", server, "deskbell/cmd/deskbelld")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			panic(string(out))
		}
		return m.Run()
	}())
}

var server string

// TestKills kills a real server program during scripted calls. DESKBELL_KILLS sets how often in all (25).
func TestKills(t *testing.T) {
	kills := 25
	if text := os.Getenv("DESKBELL_KILLS"); text != "" {
		n, err := strconv.Atoi(text)
		require.NoError(t, err)
		kills = n
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(kills)*10*time.Second+time.Minute)
	defer cancel()
	report, err := Run(ctx, Options{Server: server, Dir: stageDir(t), Kills: kills, Seed: 1, Out: t.Output()})
	require.NoError(t, err)
	require.True(t, report.Clean(), report.Details)
	require.NotZero(t, report.Pages, "no page was opened in the whole run: nothing was proven of pops")
}

// stageDir is where the records go: DESKBELL_KILL_DIR keeps them for a look afterwards.
func stageDir(t *testing.T) string {
	if keep := os.Getenv("DESKBELL_KILL_DIR"); keep != "" {
		return keep
	}
	return filepath.Join(t.TempDir(), "stage")
}

// TestOracleSeesAServerThatForgets lets the server lose its log at each kill: such a run must not come out clean.
func TestOracleSeesAServerThatForgets(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	report, err := Run(ctx, Options{
		Server: server, Dir: filepath.Join(t.TempDir(), "stage"), Kills: len(Phases()), Seed: 1, Forget: true, Out: t.Output(),
	})
	require.NoError(t, err)
	require.False(t, report.Clean())
}
