package logging

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMaskTypes(t *testing.T) {
	for _, c := range []struct {
		name string
		v    slog.LogValuer
		want string
	}{
		{"number", Number("+49 89 1234 56"), "…56"},
		{"short number shows nothing", Number("101"), "…"},
		{"arabic digits", Number("٠٨٩١٢٣٤٥٦"), "…٥٦"},
		{"empty number", Number(""), ""},
		{"words instead of a number", Number("anonymous"), "…"},
		{"name", Name("Peter Lang"), "P…"},
		{"name with a mark first", Name("\u202egnaL"), "…"},
		{"empty name", Name(""), ""},
		{"secret", Secret("hunter2"), "[secret]"},
		{"empty secret", Secret(""), ""},
		{"url", URL("https://crm.example/p/7?phone=%2B498912345"), "https://crm.example/…"},
		{"url with a password", URL("https://u:p@crm.example:8443/x"), "https://crm.example:8443/…"},
		{"tel link", URL("tel:+498912345"), "tel:…"},
		{"broken url", URL("http://[::1"), "…"},
		{"path only", URL("/contacts/4989123456"), "…"},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, c.v.LogValue().String())
			require.Equal(t, c.want, fmt.Sprint(c.v))
			b, err := json.Marshal(c.v)
			require.NoError(t, err)
			var s string
			require.NoError(t, json.Unmarshal(b, &s))
			require.Equal(t, c.want, s)
		})
	}
	require.NotContains(t, fmt.Sprintf("%#v", struct{ S Secret }{"hunter2"}), "hunter2")
}

func TestMaskText(t *testing.T) {
	for in, want := range map[string]string{
		"call from +4989123456":                                  "call from …56",
		"GET /contacts?phone=%2B4989123456 failed":               "GET /contacts?phone=…56 failed",
		"tel:089/12 34-56":                                       "tel:…56",
		"+49 (0) 89 / 1234–56 busy":                              "…56 busy",
		"K4711x4989123456":                                       "K4711x…56",
		"leg 7f3a0000-8a77-4b1c-9e55-0f6a2b7c8d90 of 101":        "leg 7f3a0000-8a77-4b1c-9e55-0f6a2b7c8d90 of 101",
		"leg 01234567-1234-1234-1234-123456789012":               "leg 01234567-1234-1234-1234-123456789012",
		"at 2026-02-03T09:15:22.954969226+01:00":                 "at 2026-02-03T09:15:22.954969226+01:00",
		"request 0af7651916cd43dd8448eb211c80319c":               "request 0af7651916cd43dd8448eb211c80319c",
		"dial tcp 192.168.100.200:5060: connect refused":         "dial tcp 192.168.100.200:5060: connect refused",
		"extension 101 rings":                                    "extension 101 rings",
		"a 4989123456, b 4989123478, leg abcdefab1234567890abcd": "a …56, b …78, leg abcdefab1234567890abcd",
	} {
		require.Equal(t, want, MaskText(in), in)
	}
}

// TestRawNumberNeverShows tries every road into the log with one number, a name of a secret and both handlers.
func TestRawNumberNeverShows(t *testing.T) {
	type nested struct {
		Caller string
		Token  Secret
	}
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			var out bytes.Buffer
			log, err := New(&out, Options{Level: "debug", Format: format})
			require.NoError(t, err)

			wrapped := fmt.Errorf("lookup +4989123456: %w", errors.New("no route to 089 123456"))
			log.Info("ringing 4989123456", "caller", Number("+4989123456"))
			log.Warn("failed", "error", wrapped)
			log.Debug("any", "value", nested{"+4989123456", "hunter2"}, "list", []string{"089123456"})
			log.With("peer", "+4989123456").WithGroup("leg").Info("state", "callee", "0049 89 123456")
			log.Info("grouped", slog.Group("call", slog.String("caller", "(089) 123456"), slog.Any("p", &nested{})))
			log.Info("sign-in", "password", "hunter2", "access_token", "hunter2", "Authorization", "Bearer hunter2")
			log.Info("lazy", "value", lazy("+4989123456"))

			text := out.String()
			for _, raw := range []string{"4989123456", "89 123456", "089123456", "(089) 123456", "hunter2", "123456"} {
				require.NotContains(t, text, raw)
			}
			require.Contains(t, text, "…56")
			require.Contains(t, text, "[secret]")
		})
	}
}

type lazy string

func (l lazy) LogValue() slog.Value { return slog.StringValue(string(l)) }

func TestLevelsAndOptions(t *testing.T) {
	var out bytes.Buffer
	log, err := New(&out, Options{Level: "WARN"})
	require.NoError(t, err)
	log.Info("quiet")
	log.Warn("loud", "count", 4989123456, "ok", true)
	require.NotContains(t, out.String(), "quiet")
	require.Contains(t, out.String(), "count=4989123456", "counts are numbers of another kind")

	_, err = New(io.Discard, Options{Level: "loud", Format: "xml"})
	require.ErrorIs(t, err, ErrOption)
	require.ErrorContains(t, err, `level "loud"`)
	require.ErrorContains(t, err, `format "xml"`)
}

func TestOpenAppendsToAPrivateFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deskbelld.log")
	for range 2 {
		log, closer, err := Open(Options{File: path, Format: "json"})
		require.NoError(t, err)
		log.Info("line")
		require.NoError(t, closer.Close())
	}
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, 2, bytes.Count(b, []byte("\n")))
	if runtime.GOOS != "windows" {
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}

	_, _, err = Open(Options{File: filepath.Join(path, "below", "a", "file")})
	require.ErrorContains(t, err, "open log file")
	_, _, err = Open(Options{File: path, Level: "loud"})
	require.ErrorIs(t, err, ErrOption)
	log, closer, err := Open(Options{})
	require.NoError(t, err)
	require.NotNil(t, log)
	require.NoError(t, closer.Close())
}

func FuzzMaskText(f *testing.F) {
	f.Add("call from +4989123456")
	f.Add("%2B49 89 12-34/56\x00\u202e")
	f.Fuzz(func(t *testing.T, s string) {
		once := MaskText("x +4989123456 " + s)
		require.NotContains(t, once, "4989123456")
	})
}
