package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/lab"
)

func execute(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd := root()
	cmd.SetArgs(args)
	cmd.SetOut(&out)
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "story.lab")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestRunPlaysAScript(t *testing.T) {
	out, err := execute(t, "run", "--set", "cancel_scope=any", write(t, "withheld calls 101\n101 answers\nexpect 101 in-use"))
	require.NoError(t, err)
	var ready lab.Ready
	require.NoError(t, json.Unmarshal([]byte(out), &ready))
	require.NotEmpty(t, ready.NFON)

	_, err = execute(t, "run", write(t, "wait 1ms\n101 answers"))
	require.ErrorContains(t, err, "line 2, column 1")
	_, err = execute(t, "run", write(t, "dance"))
	require.ErrorContains(t, err, "line 1, column 1")
	_, err = execute(t, "run", "--set", "colour=red", write(t, ""))
	require.ErrorContains(t, err, "colour")
	_, err = execute(t, "run", "no-such-file")
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestServeUntilInterrupted(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state.json")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, w := io.Pipe()
	cmd := root()
	cmd.SetArgs([]string{"serve", "--state-file", state, "--script", write(t, "withheld calls 102")})
	cmd.SetOut(w)
	ended := make(chan error, 1)
	go func() { ended <- cmd.ExecuteContext(ctx) }()
	line, err := bufio.NewReader(r).ReadString('\n')
	require.NoError(t, err)
	var ready lab.Ready
	require.NoError(t, json.Unmarshal([]byte(line), &ready))
	require.FileExists(t, state)
	res, err := http.Get(ready.Control + "/control/phones")
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	cancel()
	select {
	case err := <-ended:
		require.NoError(t, err)
	case <-time.After(10 * time.Second):
		require.FailNow(t, "serve does not end")
	}
	require.NoFileExists(t, state)
}

func TestLoadPrintsASummary(t *testing.T) {
	stamps := filepath.Join(t.TempDir(), "stamps")
	out, err := execute(t, "load", "--wait-streams", "0", "--extensions", "50", "--rate", "500", "--duration", "100ms", "--timestamps", stamps)
	require.NoError(t, err)
	dec := json.NewDecoder(bytes.NewBufferString(out))
	var ready, summary map[string]any
	require.NoError(t, dec.Decode(&ready))
	require.NoError(t, dec.Decode(&summary))
	b, err := os.ReadFile(stamps)
	require.NoError(t, err)
	require.EqualValues(t, bytes.Count(b, []byte("\n")), summary["events"])

	_, err = execute(t, "load", "--wait-streams", "1", "--wait-for", "1ms", "--extensions", "50")
	require.ErrorContains(t, err, "0 of 1 calls streams")
}
