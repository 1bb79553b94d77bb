package config

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"deskbell/app/desk"
)

func TestResolve(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "101")
	require.NoError(t, os.WriteFile(file, []byte("hunter2\r\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "empty"), []byte("\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "large"), bytes.Repeat([]byte("x"), maxSecret+1), 0o600))
	t.Setenv("DESKBELL_TEST_SECRET_101", "hunter3")
	for _, s := range []struct {
		secret  Secret
		subject string
		want    string
	}{
		{Secret{File: file}, "", "hunter2"},
		{Secret{File: filepath.Join(dir, "{subject}")}, "101", "hunter2"},
		{Secret{Env: "DESKBELL_TEST_SECRET_{subject}"}, "101", "hunter3"},
	} {
		got, err := s.secret.Resolve(t.Context(), s.subject)
		require.NoError(t, err)
		require.Equal(t, s.want, got)
	}
	for _, s := range []struct {
		secret  Secret
		subject string
		want    string
	}{
		{Secret{}, "", "is not set"},
		{Secret{File: filepath.Join(dir, "none")}, "", "none"},
		{Secret{File: filepath.Join(dir, "empty")}, "", "is empty"},
		{Secret{File: filepath.Join(dir, "large")}, "", "more than"},
		{Secret{Env: "DESKBELL_TEST_NOT_SET"}, "", "not set"},
		{Secret{File: filepath.Join(dir, "{subject}")}, "../101", "cannot stand"},
		{Secret{File: filepath.Join(dir, "{subject}")}, "", "cannot stand"},
		{Secret{File: filepath.Join(dir, "{subject}")}, "a/b", "cannot stand"},
		{Secret{File: filepath.Join(dir, "{subject}")}, "a..b", "cannot stand"},
	} {
		_, err := s.secret.Resolve(t.Context(), s.subject)
		require.ErrorIs(t, err, ErrSecret)
		require.ErrorContains(t, err, s.want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Secret{File: file}.Resolve(ctx, "")
	require.ErrorIs(t, err, context.Canceled)
	_, err = Secrets{}.Secret(t.Context(), "password", "")
	require.ErrorIs(t, err, ErrSecret)
}

func TestParseSecretAndLog(t *testing.T) {
	for text, want := range map[string]Secret{"file:/x": {File: "/x"}, "env:X": {Env: "X"}} {
		got, ok := ParseSecret(text)
		require.True(t, ok)
		require.Equal(t, want, got)
		require.Equal(t, text, got.String())
	}
	for _, text := range []string{"", "file:", "env:", "hunter2", "FILE:/x"} {
		_, ok := ParseSecret(text)
		require.False(t, ok, text)
	}
	require.Empty(t, Secret{}.String())
	var out bytes.Buffer
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "s", Secret{File: "/x"})
	require.Contains(t, out.String(), "file:/x")
}

func TestSimilar(t *testing.T) {
	known := []string{"listen", "tls_cert", "name", "data_dir", "extension_length"}
	for word, want := range map[string]string{
		"lissten": "listen", "Listen": "listen", "tls_crt": "tls_cert", "extension": "extension_length", "nmae": "name", "id": "", "password": "", "": "", //nolint:misspell // on purpose
	} {
		require.Equal(t, want, similar(word, known), word)
	}
}

// TestSettingsAreTheTrays holds the list of settings against the tray's own.
func TestSettingsAreTheTrays(t *testing.T) {
	serverOwn := []string{"open_customer", "open_outgoing", "open_internal"}
	samples := []string{"", "true", "false", "0", "100", "101", "-1", "loud", "all", "external", "none", "//host/x", `\\host\x`, "/x.wav", "de", "a\nb", strings.Repeat("x", 5000)}
	for name, setting := range settingValues {
		if strings.Contains(strings.Join(serverOwn, " "), name) {
			continue
		}
		agreed := 0
		for _, sample := range samples {
			if setting.valid(sample) {
				require.True(t, desk.ValidSetting(name, sample), "the tray refuses %s = %q", name, sample)
				agreed++
			}
		}
		require.Positive(t, agreed, name)
	}
	for _, name := range localSettings {
		require.True(t, desk.ValidSetting(name, ""), name)
		require.NotContains(t, settingValues, name)
	}
}
