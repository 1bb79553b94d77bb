package number

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
)

func TestParseIsStrict(t *testing.T) {
	for _, good := range []string{"+4989123456", "+1234567", "+123456789012345"} {
		e, err := Parse(good)
		require.NoError(t, err)
		require.Equal(t, good, string(e))
		require.True(t, e.Valid())
	}
	for _, bad := range []string{
		"", "+", "4989123456", "004989123456", "+049123456", "+49 89 123456", "+123456", "+1234567890123456",
		"+49891234x6", "+49８９123456", "++4989123456", "+4989123456 ",
	} {
		e, err := Parse(bad)
		require.ErrorIs(t, err, ErrNotE164, bad)
		require.Empty(t, e)
		if bad != "" && bad != "+" {
			require.NotContains(t, err.Error(), bad)
		}
	}
}

func TestForms(t *testing.T) {
	e := E164("+4989123456")
	require.Equal(t, "4989123456", e.Digits())
	require.Equal(t, "004989123456", e.Intl00())
	require.Empty(t, E164("").Intl00())
	require.Empty(t, E164("").Digits())
}

func TestIsWithheld(t *testing.T) {
	for _, raw := range []string{
		"", " ", "\t", "\u200e", "anonymous", "Anonymous", "ANONYMOUS", "<anonymous>", "\"Anonymous\" ", "(private)",
		"sip:anonymous@anonymous.invalid", "<sip:anonymous@anonymous.invalid>", "anonymous@10.0.0.1", "Unavailable",
		"restricted", "unknown", "<unknown>", "Unknown Number", "Unbekannt", "unterdrückt", "Rufnummer unterdrückt",
		"null", "-", "--", "P", "O", "+266696687", "266696687", "00266696687", "+7378742833", "+86282452253", "tel:anonymous",
		"No Caller ID", "\"Peter\" <sip:anonymous@host>", "ａｎｏｎｙｍｏｕｓ", "&lt;anonymous&gt;",
	} {
		require.True(t, IsWithheld(raw), "%q", raw)
	}
	for _, raw := range []string{"101", "0", "+4989123456", "anonymouse", "Peter", "*21", "+26669668", "+2666966870", "+266 2212 3456"} {
		require.False(t, IsWithheld(raw), "%q", raw)
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"+49 89 123456": "+49 89 123456",
		"\u202a+49\u00a089\u2009123\u200b456\u202c": "+49 89 123456",
		"+４９（０）８９／１２":                               "+49(0)89/12",
		"٠٨٩١٢٣":                                    "089123",
		"۰۸۹":                                       "089",
		"𝟎𝟖𝟗":                                       "089",
		"089–12—34−56":                              "089-12-34-56",
		"089&nbsp;12&#8209;34&amp;":                 "089 12-34&",
		"＋49":                                       "+49",
		"*21*１#":                                    "*21*1#",
		"a\u00adb\r\n\tc":                           "ab   c",
		"\xff089":                                   "089",
	} {
		require.Equal(t, want, Clean(in), "%q", in)
	}
}

func TestDigitsOfEveryScript(t *testing.T) {
	for _, r := range []rune{'٠', '۰', '०', '০', '０', '𝟎', '𝟘', '𝟶', '߀', '๐'} {
		require.True(t, unicode.Is(unicode.Nd, r))
		for i := range rune(10) {
			require.Equal(t, string('0'+i), Clean(string(r+i)))
		}
	}
}

func TestIsHead(t *testing.T) {
	for raw, want := range map[string]bool{
		"+49 89 1234-0": true, "089/1234 - 0": true, "089 1234–0": true, "089 12340": false, "089 1234-01": false, "-0": false, "": false,
	} {
		require.Equal(t, want, IsHead(raw), raw)
	}
}

func TestMaybeSame(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"+4989123456", "089123456", true},
		{"+4989123456", "89 123456", true},
		{"+4989123456", "123456", false},
		{"+49891234567", "1234567", true},
		{"+49891234567", "+4311234567", false},
		{"+12125551234", "(212) 555-1234", true},
		{"+4989123456", "+4989123456", true},
		{"", "", false},
		{"0000000", "0000000", false},
		{"anonymous", "anonymous", false},
	} {
		require.Equal(t, c.want, MaybeSame(c.a, c.b), "%v", c)
		require.Equal(t, c.want, MaybeSame(c.b, c.a), "%v", c)
	}
	require.True(t, Same("+4989123456", "+4989123456"))
	require.False(t, Same("+4989123456", "+4989123457"))
	require.False(t, Same("", ""))
	require.False(t, Same("x", "x"))
}

func TestPartyKeys(t *testing.T) {
	ext := Party{Kind: Internal, Extension: "101", Raw: "101"}
	out := Party{Kind: External, E164: "+4989123456", Raw: "089123456"}
	code := Party{Kind: Service, Code: "101"}
	require.True(t, out.Same(Party{Kind: External, E164: "+4989123456", Raw: "004989123456"}))
	require.True(t, ext.Same(Party{Kind: Internal, Extension: "101"}))
	require.False(t, ext.Same(code))
	require.False(t, ext.Same(out))
	require.False(t, Party{Kind: Withheld}.Same(Party{Kind: Withheld}))
	require.False(t, Party{Raw: "x"}.Same(Party{Raw: "x"}))
	require.Equal(t, "", Party{Kind: "future"}.Key())
	require.True(t, Party{Kind: Emergency, Code: "112"}.Same(Party{Kind: Emergency, Code: "112"}))

	require.True(t, out.Lookup())
	for _, p := range []Party{ext, code, {Kind: Withheld}, {}, {Kind: External}, {Kind: Emergency, Code: "112"}} {
		require.False(t, p.Lookup(), "%v", p)
	}
}

func TestPartyOnTheWire(t *testing.T) {
	b, err := json.Marshal(Party{Raw: "089123456", E164: "+4989123456", PostDial: "12", Kind: External})
	require.NoError(t, err)
	require.JSONEq(t, `{"raw":"089123456","e164":"+4989123456","postDial":"12","kind":"external"}`, string(b))
	b, err = json.Marshal(Party{})
	require.NoError(t, err)
	require.Equal(t, "{}", string(b))
}

func TestLogsAreMasked(t *testing.T) {
	for _, format := range []string{"json", "text"} {
		var out bytes.Buffer
		var h slog.Handler = slog.NewJSONHandler(&out, nil)
		if format == "text" {
			h = slog.NewTextHandler(&out, nil)
		}
		log := slog.New(h)
		log.Info("x", "n", E164("+4989123456"), "short", E164("+4989"), "odd", E164("+49891x"), "none", E164(""))
		log.Info("x", "p", Party{Raw: "089 123456", E164: "+4989123456", Kind: External, PostDial: "4711"})
		log.Info("x", "p", Party{Raw: "*21*089123456#", Code: "*21*089123456#", Kind: Service})
		log.Info("x", "p", Party{Raw: "089123456"}, "i", Party{Kind: Internal, Extension: "101"}, "e", Party{Kind: Emergency, Code: "112"})
		text := out.String()
		for _, secret := range []string{"123456", "4711", "9123", "+49"} {
			require.NotContains(t, text, secret)
		}
		for _, shown := range []string{"…56", "external", "internal", "101", "112", "*21…", "unknown"} {
			require.Contains(t, text, shown)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("\u202a+49\u00a089\u2009123\u200b456\u202c")
	f.Add("&nbsp;089–12&#x2011;34")
	f.Add("\xff\xfe\x00")
	f.Fuzz(func(t *testing.T, s string) {
		c := Clean(s)
		if !strings.Contains(c, "&") {
			require.Equal(t, c, Clean(c))
		}
		for _, r := range c {
			require.False(t, unicode.Is(unicode.Nd, r) && r > '9')
			require.False(t, unicode.IsControl(r))
			require.False(t, unicode.Is(unicode.Cf, r))
		}
		_ = IsWithheld(s)
		if e, err := Parse(c); err == nil {
			require.Equal(t, "+"+OnlyDigits(c), string(e))
		}
	})
}
