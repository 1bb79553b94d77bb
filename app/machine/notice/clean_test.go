package notice

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestCleanKeepsOneHarmlessLine(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"plain", "Dr. Annegret von Hohenstein", "Dr. Annegret von Hohenstein"},
		{"umlauts and emoji", "Jürgen Groß 👍🏽", "Jürgen Groß 👍🏽"},
		{"family emoji keeps its joiners", "👩‍👧", "👩‍👧"},
		{"markup stays text", "<b>&x</b>", "<b>&x</b>"},
		{"newlines", "a\r\n\n b\tc\u2028d\x00e", "a b c d e"},
		{"edges", "  \n x \t", "x"},
		{"escape sequence", "\x1b[31mred\x7f", "[31mred"},
		{"right-to-left override", "gpj.\u202Eexe", "gpj.exe"},
		{"marks and isolates", "a\u200Eb\u200Fc\u2066d\u2069e\u061Cf", "abcdef"},
		{"zero width", "a\u200Bb\u2060c\uFEFFd\u00ADe", "abcde"},
		{"tag characters", "a\U000E0041b", "ab"},
		{"broken UTF-8", "a\xffb", "a\uFFFDb"},
		{"Arabic is isolated", "محمد", "\u2068محمد\u2069"},
		{"Hebrew beside digits", "דנה 12", "\u2068דנה 12\u2069"},
		{"an accent of its own", "e\u0301", "e\u0301"},
		{"stacked accents", "e" + strings.Repeat("\u0301", 50), "e" + strings.Repeat("\u0301", maxMarks)},
		{"accent without letter", "\u0301x", "x"},
		{"nothing", "\u202E\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, Clean(c.in, 40)) })
	}
}

func TestCleanCutsWithAnEllipsis(t *testing.T) {
	require.Equal(t, "abcd…", Clean("abcdefgh", 5))
	require.Equal(t, "abcde", Clean("abcde", 5))
	require.Equal(t, "abc…", Clean("abc efgh", 5), "no space before the ellipsis")
	require.Equal(t, "…", Clean("abc", 1))
	require.Equal(t, "", Clean("", 5))
	require.LessOrEqual(t, utf8.RuneCountInString(Clean(strings.Repeat("x", 10_000), 300)), 300)
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"Li", "<b>&x</b>", "محمد \u202e", "e\u0301\u0301", "a\xffb\n", "\u2068\u2069"} {
		f.Add(s, 10)
	}
	f.Fuzz(func(t *testing.T, s string, limit int) {
		limit %= 64
		if limit <= 0 {
			return
		}
		got := Clean(s, limit)
		require.True(t, utf8.ValidString(got))
		body := strings.TrimSuffix(strings.TrimPrefix(got, string(firstStrongIsolate)), string(popIsolate))
		require.LessOrEqual(t, utf8.RuneCountInString(body), limit)
		require.NotContains(t, body, "\n")
		require.Equal(t, got, plain(got, false), "what Clean lets through, the last guard lets through")
		require.Equal(t, body, strings.TrimSpace(body))
	})
}

func TestPlainKeepsOurOwnLineBreaksAndIsolates(t *testing.T) {
	require.Equal(t, "a\nb \u2068c\u2069", plain("a\nb\r\u2068c\u2069\u202E", true))
	require.Equal(t, "a b", plain("a\nb", false))
}
