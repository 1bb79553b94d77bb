package plan

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"deskbell/app/number"
)

func TestBoundsOfSettings(t *testing.T) {
	for _, c := range []struct {
		settings Settings
		wrong    bool
	}{
		{Settings{AreaCode: "123456"}, false}, {Settings{AreaCode: "1234567"}, true}, {Settings{AreaCode: " 89"}, true},
		{Settings{OutsideLine: "000"}, false}, {Settings{OutsideLine: "0000"}, true}, {Settings{OutsideLine: "x"}, true},
		{Settings{ExtensionMin: 1, ExtensionMax: 10}, false}, {Settings{ExtensionMin: 1, ExtensionMax: 11}, true},
		{Settings{ExtensionMin: 3, ExtensionMax: 3}, false}, {Settings{ExtensionMin: 3, ExtensionMax: 2}, true},
		{Settings{ExtensionMin: 0, ExtensionMax: 3}, true}, {Settings{ExtensionMin: -1}, true}, {Settings{Countries: []string{"at", "CH"}}, false},
	} {
		c.settings.Region = "DE"
		require.Equal(t, c.wrong, c.settings.Validate() != nil, "%+v", c.settings)
	}
}

func TestBoundsOfExtensions(t *testing.T) {
	p := newPlan(t, Settings{Region: "DE", AreaCode: "89", ExtensionMin: 2, ExtensionMax: 4})
	for _, r := range []row{{"7", "?"}, {"77", "x77"}, {"777", "x777"}, {"7777", "x7777"}, {"77777", "+498977777"}} {
		require.Equal(t, r.want, short(p.Normalize(r.raw, HintNone)), r.raw)
	}
}

func TestCodesByRegion(t *testing.T) {
	for _, c := range []struct{ region, raw, want string }{
		{"US", "711", "c711"}, {"US", "311", "c311"}, {"US", "101", "x101"}, {"US", "100", "x100"}, {"US", "987", "x987"}, {"US", "112", "e112"},
		{"CH", "200", "x200"}, {"CH", "999", "x999"}, {"CH", "147", "c147"}, {"CH", "101", "x101"},
		{"DE", "118000", "c118000"}, {"DE", "11880", "c11880"}, {"DE", "1188", "?"}, {"DE", "116116", "c116116"}, {"DE", "11611", "?"}, {"DE", "115", "c115"},
		{"DE", "1150", "?"}, {"DE", "114", "x114"}, {"GB", "998", "x998"}, {"GB", "999", "e999"}, {"FR", "115", "e115"}, {"FR", "116", "x116"},
		{"IT", "1530", "e1530"}, {"IT", "1531", "?"},
	} {
		p := newPlan(t, Settings{Region: c.region, ExtensionMin: 3, ExtensionMax: 3})
		require.Equal(t, c.want, short(p.Normalize(c.raw, HintNone)), "%s %s", c.region, c.raw)
	}
}

func TestEmergencyBehindEveryPrefix(t *testing.T) {
	p := newPlan(t, munich())
	for _, raw := range []string{"112", "0112", "00112", "+49112", "+490112", "0049112", "00490112", "00049112", "0 0049 0 112", "+49 (0) 112", "112;ext=1", "112,,1", "<tel:112>", "sip:112@host"} {
		require.Equal(t, "e112", short(p.Normalize(raw, HintNone)), raw)
	}
	for _, raw := range []string{"1120", "0112112", "089112", "+43112", "1112", "+1112", "112112"} {
		require.NotEqual(t, "e112", short(p.Normalize(raw, HintNone)), raw)
	}
}

func TestBoundsOfTexts(t *testing.T) {
	p := newPlan(t, munich())
	text := strings.Repeat("x", maxSearch-10) + " 089 123456"
	require.Empty(t, p.FindNumbers(text), "a number behind the limit is not found")
	require.Len(t, p.FindNumbers(text[20:]), 1)
	require.Len(t, p.Normalize(strings.Repeat("x", 1000), HintNone).Raw, maxRaw)
	require.Len(t, p.Normalize(strings.Repeat("ä", 1000), HintNone).Raw, maxRaw)
	require.Equal(t, number.Unknown, p.Normalize(strings.Repeat(" ", maxText)+"089123456", HintNone).Kind)
	require.Equal(t, number.External, p.Normalize(strings.Repeat(" ", maxText-9)+"089123456", HintNone).Kind)
	require.Len(t, p.NormalizeAll(strings.Repeat("089 123456;", maxSeveral)), maxSeveral)
}

func TestE164(t *testing.T) {
	p := newPlan(t, munich())
	e, ok := p.E164("089 123456")
	require.True(t, ok)
	require.Equal(t, number.E164("+4989123456"), e)
	for _, raw := range []string{"101", "112", "", "abc", "*21#"} {
		_, ok := p.E164(raw)
		require.False(t, ok, raw)
	}
}

func TestAlternativeEndings(t *testing.T) {
	p := newPlan(t, munich())
	for field, want := range map[string]string{
		"089 1234-567/568":            "+49891234567 +49891234568",
		"089 1234-567/8":              "+49891234567 +49891234568",
		"089 1234-567, 568":           "+49891234567 +49891234568",
		"089 1234567/68/69":           "+49891234567 +49891234568 +49891234569",
		"+49 89 1234567, 030 1234567": "+49891234567 +49301234567",
		"0171 2345678 / 2345679":      "+491712345678 +49892345679",
		"040/234567/234568":           "+4940234567 +4940234568",
	} {
		var got []string
		for _, party := range p.NormalizeAll(field) {
			got = append(got, short(party))
		}
		require.Equal(t, want, strings.Join(got, " "), field)
	}
}

func TestEveryThreeDigitCodeIsRemembered(t *testing.T) {
	p := newPlan(t, Settings{Region: "GB", ExtensionMin: 3, ExtensionMax: 3})
	for range 2 {
		for i := range 1000 {
			digits := fmt.Sprintf("%03d", i)
			want := "x" + digits
			switch {
			case p.askEmergency(digits):
				want = "e" + digits
			case p.askService(digits):
				want = "c" + digits
			}
			// A zero before a code reads as that code, which is no matter of remembering.
			if digits[0] != '0' {
				require.Equal(t, want, short(p.Normalize(digits, HintNone)), digits)
			}
		}
	}
}

func TestAnswersAreFoundAgain(t *testing.T) {
	p := newPlan(t, munich())
	q := question{spelling: spelling{digits: "089123456"}}
	_, ok := p.answers.get(q)
	require.False(t, ok)
	p.Normalize("089/123456", HintNone)
	e, ok := p.answers.get(q)
	require.True(t, ok)
	require.Equal(t, number.E164("+4989123456"), e)
}

func TestCommasAndLinksInFields(t *testing.T) {
	p := newPlan(t, munich())
	for field, want := range map[string]string{
		"tel:123456;phone-context=+4930":       "+4930123456",
		"tel:123456;phone-context=example.com": "+4989123456",
		"tel:089123456;phone-context=+1":       "+4989123456",
		"089 123456 , ,12":                     "+4989123456,12",
		"089 123456,,12,0171 2345678":          "+4989123456,12 +491712345678",
		"089 123456, ext 12":                   "+4989123456,12",
		"089 123456/0049 171 2345678":          "+4989123456 +491712345678",
		"089 123456/+49 171 2345678":           "+4989123456 +491712345678",
		"089 1234/5678":                        "+498912345678",
		"089 12345/67890":                      "+498912345 +498967890",
	} {
		var got []string
		for _, party := range p.NormalizeAll(field) {
			got = append(got, short(party))
		}
		assert.Equal(t, want, strings.Join(got, " "), field)
	}
}
