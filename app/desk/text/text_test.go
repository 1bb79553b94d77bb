package text

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"deskbell/app/client"
	"deskbell/app/csta"
	"deskbell/app/pbx"
	"deskbell/app/wire"
)

func same(s string) string { return s }

func english(t *testing.T) *Words {
	w, err := New("en", same)
	require.NoError(t, err)
	return w
}

func raw(t *testing.T, lang string) map[string]string {
	m, err := Raw(lang)
	require.NoError(t, err)
	require.NotEmpty(t, m)
	return m
}

var placeholder = regexp.MustCompile(`\{\{\.(\w+)\}\}`)

func placeholders(s string) []string {
	var list []string
	for _, m := range placeholder.FindAllStringSubmatch(s, -1) {
		if !slices.Contains(list, m[1]) {
			list = append(list, m[1])
		}
	}
	slices.Sort(list)
	return list
}

func TestBothLanguagesSayTheSame(t *testing.T) {
	en, de := raw(t, "en"), raw(t, "de")
	for id, text := range en {
		require.Contains(t, de, id, "German lacks %s", id)
		require.NotEmpty(t, text, id)
		require.NotEmpty(t, de[id], id)
		require.Equal(t, placeholders(text), placeholders(de[id]), "placeholders of %s", id)
		require.NotContains(t, placeholder.ReplaceAllString(text, ""), "{{", "odd placeholder in %s", id)
		require.NotContains(t, placeholder.ReplaceAllString(de[id], ""), "{{", "odd placeholder in German %s", id)
	}
	require.Len(t, de, len(en), "German has texts that English lacks")
}

// forbidden are words of machines, which people should not have to read.
var forbidden = regexp.MustCompile(`(?i)\b(cti|connector|pbx|alerting|screen-?pop|pop-?up|toast|preview|token|enrol\w*|session|socket|websocket|reconnect\w*|` +
	`presence|dnd|blind|deflect|alternate|ignore|maybe|40[13]|http status|json-rpc|daemon)\b`)

func TestWordsAreForPeople(t *testing.T) {
	for _, lang := range Languages {
		for id, text := range raw(t, lang) {
			require.Empty(t, forbidden.FindString(text), "%s: %s: %q", lang, id, text)
		}
	}
	for id, text := range raw(t, "de") {
		require.NotRegexp(t, `\b(du|dein|deine|deinen|dir|dich)\b`, text, "%s is not with Sie", id)
	}
}

// TestEveryCannotNamesTheWayOut: what does not work is only half of a sentence.
func TestEveryCannotNamesTheWayOut(t *testing.T) {
	sentences := regexp.MustCompile(`[.;:?] `)
	for lang, cannot := range map[string]string{"en": `cannot|could not|does not|refuses`, "de": `kann nicht|kann \S+ nicht|nicht gespeichert|lehnt|verweigert`} {
		for id, text := range raw(t, lang) {
			group, _, _ := strings.Cut(id, ".")
			if !slices.Contains([]string{"reason", "cannot", "trouble", "why", "invitation", "customer", "dial", "cli"}, group) || group == "cli" && !strings.Contains(id, "failed") {
				continue
			}
			if regexp.MustCompile(cannot).MatchString(text) {
				require.Regexp(t, sentences, text, "%s: %s names no way out: %q", lang, id, text)
			}
		}
	}
}

// constants gives the values of string constants of a file whose names begin with a prefix.
func constants(t *testing.T, file, prefix string) []string {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	require.NoError(t, err)
	var list []string
	ast.Inspect(parsed, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(spec.Names[0].Name, prefix) || len(spec.Values) == 0 {
			return true
		}
		if lit, ok := spec.Values[0].(*ast.BasicLit); ok && lit.Kind == token.STRING {
			list = append(list, strings.Trim(lit.Value, `"`))
		}
		return true
	})
	require.NotEmpty(t, list, "%s* in %s", prefix, file)
	return list
}

func TestEveryCodeHasWords(t *testing.T) {
	w := english(t)
	for prefix, id := range map[string]string{"Reason": "reason.", "Result": "result."} {
		for _, code := range constants(t, map[string]string{"Reason": "../../wire/reason.go", "Result": "../../wire/state.go"}[prefix], prefix) {
			require.True(t, w.Has(id+code), "no text for %s%s", id, code)
		}
	}
	for _, code := range append(constants(t, "../../pbx/message.go", "Trouble"), "log_full", "contacts_source", "notices", "sound", "tone_file",
		"output", "browser", "tray", "display", "keyring", "settings", "storage") {
		require.True(t, w.Has("trouble."+code), "no text for trouble %s", code)
	}
	for _, code := range append(constants(t, "../../client/client.go", "Why"), "no_secret") {
		require.True(t, w.Has("why."+code), "no text for why %s", code)
	}
	for bit := csta.Service(1); bit.String()[0] != 'S' || !strings.HasPrefix(bit.String(), "Service("); bit <<= 1 {
		require.True(t, w.Has("cannot."+bit.String()), "no text for a system without %s", bit)
	}
	require.Equal(t, "unreachable", client.WhyUnreachable)
	require.Equal(t, pbx.TroubleSignIn, pbx.TroubleCode("sign_in"))
}

// TestEveryTextIsUsed finds texts that nothing says, and ids that have no text.
func TestEveryTextIsUsed(t *testing.T) {
	source := ""
	for _, pattern := range []string{"*.go", "../*.go", "../../../cmd/deskbell/*.go"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, f := range files {
			if !strings.HasSuffix(f, "_test.go") {
				data, err := os.ReadFile(f)
				require.NoError(t, err)
				source += string(data)
			}
		}
	}
	coded := []string{"reason.", "result.", "trouble.", "why.", "cannot.", "invitation.", "customer."}
	en := raw(t, "en")
	for id := range en {
		byCode := slices.ContainsFunc(coded, func(p string) bool { return strings.HasPrefix(id, p) })
		require.True(t, byCode || strings.Contains(source, `"`+id+`"`), "nothing says %s", id)
	}
	for _, m := range regexp.MustCompile(`(?:Say|Count)\("([a-z_.]+)"`).FindAllStringSubmatch(source, -1) {
		if !strings.HasSuffix(m[1], ".") {
			require.Contains(t, en, m[1], "said, but there is no text")
		}
	}
}

// TestNoHardCodedText: what the desk shows comes from the message files. Sentences in its code would be seen in one
// language only.
func TestNoHardCodedText(t *testing.T) {
	files, err := filepath.Glob("../*.go")
	require.NoError(t, err)
	allowed := regexp.MustCompile(`errors\.New|fmt\.Errorf|log\(|\.log\.|l\.log|Log\{|//|InvitationError`)
	sentence := regexp.MustCompile(`"[^"]*[a-zäöü]+ [a-zäöü]+[^"]*"`)
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		data, err := os.ReadFile(f)
		require.NoError(t, err)
		for n, line := range strings.Split(string(data), "\n") {
			if !allowed.MatchString(line) {
				require.Empty(t, sentence.FindString(line), "%s:%d", f, n+1)
			}
		}
	}
}

func TestChoose(t *testing.T) {
	for locale, want := range map[string]string{
		"": "en", "C": "en", "C.UTF-8": "en", "de": "de", "de_DE.UTF-8": "de", "DE-at": "de", "de_CH@euro": "de", "fr_FR": "en", "deu": "en", "en_GB": "en",
	} {
		require.Equal(t, want, Choose(locale), locale)
	}
	w, err := New("de_AT.UTF-8", same)
	require.NoError(t, err)
	require.Equal(t, "de", w.Language())
	require.Equal(t, "Bereit", w.Say("ready"))
	require.Equal(t, "en", english(t).Language())
}

func TestSay(t *testing.T) {
	w, err := New("en", func(s string) string { return strings.ToUpper(s) })
	require.NoError(t, err)
	require.Equal(t, "Calling {{.NAME}} <B>", w.Say("call.dialing", "name", "{{.name}} <b>"))
	require.Equal(t, "X", w.Clean("x"))
	require.Equal(t, "nothing.here", w.Say("nothing.here"))
	require.Equal(t, "1 missed call", w.Count("missed_count", 1))
	require.Equal(t, "2 missed calls", w.Count("missed_count", 2))
	require.Equal(t, "0 missed calls", w.Count("missed_count", 0))
	require.True(t, w.Has("ready"))
	require.False(t, w.Has("nothing.here"))
	_, err = Raw("fr")
	require.Error(t, err)
}

func TestReason(t *testing.T) {
	w := english(t)
	args := func(pairs ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return m
	}
	cases := []struct {
		r    wire.Reason
		want string
	}{
		{wire.Reason{Code: wire.ReasonSystemCannot, Args: args("system", "NFON", "service", "HoldCall")}, "NFON cannot hold calls. Use the Hold key on your phone."},
		{wire.Reason{Code: wire.ReasonSystemCannot, Args: args("system", "NFON", "service", "Dance")}, "NFON cannot do this from the computer. Use your phone."},
		{wire.Reason{Code: wire.ReasonSystemCannot}, "The telephone system cannot do this from the computer. Use your phone."},
		{wire.Reason{Code: wire.ReasonConfirmCountry, Args: args("number", "+1 212", "country", "US")}, "+1 212 is a number in another country (US). Call it?"},
		{wire.Reason{Code: wire.ReasonDown, Args: args("system", "NFON")}, "No connection to NFON. Use your phone."},
		{wire.Reason{Code: wire.ReasonDown}, "No connection. Use your phone."},
		{wire.Reason{Code: "from_the_future"}, "It did not work. Use your phone."},
		{wire.Reason{}, "It did not work. Use your phone."},
	}
	for _, c := range cases {
		require.Equal(t, c.want, w.Reason(c.r))
	}
}

func TestError(t *testing.T) {
	w := english(t)
	require.Equal(t, "There is no number. Type one.", w.Error(&wire.Error{Data: &wire.Reason{Code: wire.ReasonNumberEmpty}}))
	for code, reason := range map[int]string{
		wire.CodeNotPermitted: "not_yours", wire.CodeNotNow: "not_now", wire.CodeGone: "call_over", wire.CodeNumber: "number_invalid",
		wire.CodeDown: "no_connection", wire.CodeUncertain: "uncertain", wire.CodeLimited: "limited", wire.CodeInternal: "failed", 7: "failed",
	} {
		require.Equal(t, w.Say("reason."+reason), w.Error(&wire.Error{Code: code}), "%d", code)
		require.Equal(t, w.Say("reason."+reason), w.Error(&wire.Error{Code: code, Data: &wire.Reason{}}))
	}
	require.Equal(t, "The telephone system refused. Use your phone.", w.Error(&wire.Error{Code: wire.CodeRefused}))
}

func TestCodes(t *testing.T) {
	w := english(t)
	require.Equal(t, "NFON refuses the sign-in. Tell your administrator.", w.Trouble("sign_in", "NFON"))
	require.Equal(t, "The telephone system has trouble. Tell your administrator.", w.Trouble("", ""))
	require.Equal(t, "CRM has trouble. Tell your administrator.", w.Trouble("new", "CRM"))
	require.Equal(t, "The settings file was unreadable. It was kept as /x, and the defaults hold.", w.Trouble("settings", "/x"))
	require.Equal(t, w.Say("why.revoked"), w.Why("revoked"))
	require.Equal(t, "No connection. Trying again…", w.Why("new"))
	require.Equal(t, "No connection. Trying again…", w.Why(""))
	require.Equal(t, w.Say("invitation.wrong"), w.Invitation("wrong"))
	require.Equal(t, w.Say("invitation.failed"), w.Invitation("new"))
	require.Equal(t, w.Say("invitation.failed"), w.Invitation(""))
	require.Equal(t, "busy", w.Result(wire.ResultBusy))
	require.Equal(t, "ended (no details received)", w.Result("new"))
	require.Equal(t, "ended (no details received)", w.Result(""))
}
