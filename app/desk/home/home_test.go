package home

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"deskbell/app/csta"
	"deskbell/app/desk"
)

func env(pairs map[string]string) func(string) string {
	return func(name string) string { return pairs[name] }
}

func open(t *testing.T) (*Home, string) {
	dir := filepath.Join(t.TempDir(), "home")
	h, err := Open(env(map[string]string{"DESKBELL_HOME": dir}))
	require.NoError(t, err)
	return h, dir
}

func TestFolders(t *testing.T) {
	h, dir := open(t)
	root, own := h.Own()
	require.Equal(t, dir, root)
	require.True(t, own)
	require.Equal(t, filepath.Join(dir, "run"), h.Run())
	require.Equal(t, dir, h.Secrets())
	info, err := os.Stat(dir)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())

	user := t.TempDir()
	t.Setenv("HOME", user)
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(user, "c"))
	h, err = Open(env(map[string]string{"XDG_STATE_HOME": filepath.Join(user, "s")}))
	require.NoError(t, err)
	require.Equal(t, &Home{config: filepath.Join(user, "c", "deskbell"), state: filepath.Join(user, "s", "deskbell")}, h)
	require.Equal(t, "", h.Run())
	_, own = h.Own()
	require.False(t, own)
	h, err = Open(env(map[string]string{"XDG_STATE_HOME": "relative"}))
	require.NoError(t, err)
	require.Equal(t, filepath.Join(user, ".local", "state", "deskbell"), h.state)
	require.Equal(t, "linux", runtime.GOOS)

	file := filepath.Join(user, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err = Open(env(map[string]string{"DESKBELL_HOME": filepath.Join(file, "x")}))
	require.Error(t, err)
}

func TestAccountAndToken(t *testing.T) {
	h, dir := open(t)
	a, err := h.Account()
	require.NoError(t, err)
	require.Zero(t, a)
	token, err := h.Token()
	require.NoError(t, err)
	require.Empty(t, token)

	want := desk.Account{Server: "https://cti.example", ServerName: "Example", User: "anna", Name: "Anna Huber", Device: "desk"}
	require.NoError(t, h.SaveAccount(want))
	require.NoError(t, h.SaveToken("secret"))
	got, err := h.Account()
	require.NoError(t, err)
	require.Equal(t, want, got)
	token, err = h.Token()
	require.NoError(t, err)
	require.Equal(t, "secret", token)
	for _, name := range []string{accountFile, tokenFile} {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), name)
	}
	data, err := os.ReadFile(filepath.Join(dir, accountFile))
	require.NoError(t, err)
	require.NotContains(t, string(data), "secret")

	for range 2 {
		require.NoError(t, h.ForgetAccount())
		require.NoError(t, h.ForgetToken())
	}
	a, err = h.Account()
	require.NoError(t, err)
	require.Zero(t, a)
	require.NoError(t, os.WriteFile(filepath.Join(dir, accountFile), []byte("{"), 0o600))
	_, err = h.Account()
	require.ErrorContains(t, err, accountFile)
}

func TestSeen(t *testing.T) {
	h, dir := open(t)
	s, err := h.Seen()
	require.NoError(t, err)
	require.Zero(t, s)
	want := desk.Seen{Missed: []csta.CallID{"1"}, Gaps: []string{"g"}}
	require.NoError(t, h.SaveSeen(want))
	s, err = h.Seen()
	require.NoError(t, err)
	require.Equal(t, want, s)
	left, err := filepath.Glob(filepath.Join(dir, ".*"))
	require.NoError(t, err)
	require.Empty(t, left, "half-written files")
	require.NoError(t, os.WriteFile(filepath.Join(dir, seenFile), []byte(strings.Repeat(" ", maxFile+1)), 0o600))
	_, err = h.Seen()
	require.ErrorContains(t, err, "sensible size")
	require.NoError(t, os.Remove(filepath.Join(dir, seenFile)))
	require.NoError(t, os.Mkdir(filepath.Join(dir, seenFile), 0o700))
	_, err = h.Seen()
	require.ErrorContains(t, err, "not a file")
	require.Error(t, h.SaveSeen(want))
	left, err = filepath.Glob(filepath.Join(dir, ".*"))
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestSettings(t *testing.T) {
	h, dir := open(t)
	path := filepath.Join(dir, settingsFile)
	got, odd, aside, err := h.Settings()
	require.NoError(t, err)
	require.Empty(t, got)
	require.Empty(t, odd)
	require.Empty(t, aside)

	require.NoError(t, os.WriteFile(path, []byte("volume = 30\nmute = true\noutput = \"Desk\"\nknock = \"false\"\nfuture = 1.5\nannounce = [1]\n"), 0o600))
	got, odd, aside, err = h.Settings()
	require.NoError(t, err)
	require.Equal(t, map[string]string{"volume": "30", "mute": "true", "output": "Desk", "knock": "false"}, got)
	require.ElementsMatch(t, []string{"future", "announce"}, odd)
	require.Empty(t, aside)

	require.NoError(t, h.SaveSetting("mute", "false"))
	require.NoError(t, h.SaveSetting("volume", "55"))
	require.NoError(t, h.SaveSetting("output", "1a"))
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	for _, line := range []string{"mute = false\n", "volume = 55\n", "output = '1a'\n", "future = 1.5\n"} {
		require.Contains(t, string(data), line)
	}
}

func TestBrokenSettingsAreKeptAside(t *testing.T) {
	h, dir := open(t)
	path := filepath.Join(dir, settingsFile)
	for _, want := range []string{".broken-1", ".broken-2"} {
		require.NoError(t, os.WriteFile(path, []byte("volume = = 3"), 0o600))
		require.Error(t, h.SaveSetting("mute", "true"), "what cannot be read is not overwritten")
		got, _, aside, err := h.Settings()
		require.Error(t, err)
		require.Equal(t, map[string]string{}, got)
		require.Equal(t, path+want, aside)
		data, err := os.ReadFile(aside)
		require.NoError(t, err)
		require.Equal(t, "volume = = 3", string(data))
		_, err = os.Stat(path)
		require.ErrorIs(t, err, os.ErrNotExist)
	}
	for n := range 100 {
		require.NoError(t, os.WriteFile(path+".broken-"+strconv.Itoa(n), nil, 0o600))
	}
	require.NoError(t, os.WriteFile(path, []byte("="), 0o600))
	_, _, aside, err := h.Settings()
	require.ErrorContains(t, err, "too many broken files")
	require.Equal(t, path, aside)
}

func TestLogBeginsAnewWhenItIsFull(t *testing.T) {
	h, dir := open(t)
	l, err := h.OpenLog()
	require.NoError(t, err)
	l.limit = 10
	for _, line := range []string{"one\n", "two\n", "three\n", "a very long line\n", "x\n"} {
		n, err := l.Write([]byte(line))
		require.NoError(t, err)
		require.Equal(t, len(line), n)
	}
	require.NoError(t, l.Close())
	require.NoError(t, l.Close())
	_, err = l.Write([]byte("x"))
	require.Error(t, err)
	now, err := os.ReadFile(filepath.Join(dir, logFile))
	require.NoError(t, err)
	require.Equal(t, "x\n", string(now))
	before, err := os.ReadFile(filepath.Join(dir, logFile+".1"))
	require.NoError(t, err)
	require.Equal(t, "a very long line\n", string(before))

	l, err = h.OpenLog()
	require.NoError(t, err)
	require.Equal(t, int64(2), l.size)
	require.NoError(t, l.Close())
	info, err := os.Stat(filepath.Join(dir, logFile))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.NoError(t, os.Remove(filepath.Join(dir, logFile)))
	require.NoError(t, os.Mkdir(filepath.Join(dir, logFile), 0o700))
	_, err = h.OpenLog()
	require.Error(t, err)
}

func TestPeekingLeavesABrokenFileWhereItIs(t *testing.T) {
	dir := t.TempDir()
	h, err := Open(func(name string) string { return map[string]string{"DESKBELL_HOME": dir}[name] })
	require.NoError(t, err)
	path := filepath.Join(dir, "settings.toml")
	require.NoError(t, os.WriteFile(path, []byte("volume = = 3\n"), 0o600))
	settings, _, err := h.PeekSettings()
	require.Error(t, err)
	require.Empty(t, settings)
	require.FileExists(t, path)
	_, _, aside, err := h.Settings()
	require.Error(t, err)
	require.FileExists(t, aside)
	require.NoFileExists(t, path)
}
