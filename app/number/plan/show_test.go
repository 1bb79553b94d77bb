package plan

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"deskbell/app/number"
)

func TestShow(t *testing.T) {
	p := newPlan(t, munich())
	require.Equal(t, "089 123456", p.National("+4989123456"))
	require.Equal(t, "+49 89 123456", p.International("+4989123456"))
	require.Equal(t, "089123456", p.NationalDigits("+4989123456"))
	require.Equal(t, "", p.NationalDigits("+12125551234"))
	require.Equal(t, "2125551234", newPlan(t, Settings{Region: "US"}).NationalDigits("+12125551234"))
	require.Equal(t, "0612345678", newPlan(t, Settings{Region: "IT"}).NationalDigits("+390612345678"))
	require.Equal(t, "garbage", p.National("garbage"))
	require.Equal(t, "", p.Show(number.Party{Kind: number.Withheld}))
	require.Equal(t, "+1 212-555-1234", p.Show(p.Normalize("+12125551234", HintNone)))
}

func TestPlace(t *testing.T) {
	p := newPlan(t, munich())
	require.Equal(t, "Österreich", p.Place("+4315555555", "de"))
	require.Equal(t, "Austria", p.Place("+4315555555", "en"))
	require.Equal(t, "Austria", p.Place("+4315555555", "no such language"))
	require.Equal(t, "", p.Place("+491712345678", "de"), "the own country goes without saying")
	require.Equal(t, "", p.Place("+870773123456", "de"))
	require.Equal(t, "", p.Place("garbage", "de"))
	require.Equal(t, "", p.Place("", "de"))

	s := munich()
	s.Cities = true
	p = newPlan(t, s)
	require.Equal(t, "München", p.Place("+4989123456", "de"))
	require.Equal(t, "Munich", p.Place("+4989123456", "en"))
	require.Equal(t, "", p.Place("+491712345678", "de"))
}

func TestCountry(t *testing.T) {
	p := newPlan(t, munich())
	for e, want := range map[number.E164]string{
		"+4989123456": "DE", "+49123456": "DE", "+12125551234": "US", "+14165551234": "CA", "+870773123456": "", "+80012345678": "", "x": "",
	} {
		require.Equal(t, want, p.Country(e), e)
	}
}

// TestParseOfFormatIsIdentity takes example and random numbers of every country: however we show a number, reading it
// gives the same number again.
func TestParseOfFormatIsIdentity(t *testing.T) {
	p := newPlan(t, munich())
	random := rand.New(rand.NewPCG(1, 2))
	count := 0
	for region := range phonenumbers.GetSupportedRegions() {
		home := newPlan(t, Settings{Region: region})
		for _, e := range examples(region, random) {
			count++
			for _, shown := range []string{string(e), p.International(e), e.Intl00(), "tel:" + string(e), "0" + e.Intl00()} {
				require.Equal(t, string(e), short(p.Normalize(shown, HintNone)), shown)
			}
			require.Equal(t, string(e), short(p.Normalize(e.Digits(), HintGlobal)), "global %s", e)
			if home.Country(e) == region {
				assert.Equal(t, string(e), short(home.Normalize(home.National(e), HintNone)), "%s %s", region, home.National(e))
			}
		}
	}
	require.Greater(t, count, 1000)
}

func examples(region string, random *rand.Rand) []number.E164 {
	var es []number.E164
	for _, kind := range []phonenumbers.PhoneNumberType{phonenumbers.FIXED_LINE, phonenumbers.MOBILE, phonenumbers.TOLL_FREE} {
		n := phonenumbers.GetExampleNumberForType(region, kind)
		if n == nil {
			continue
		}
		for range 3 {
			e := number.E164(phonenumbers.Format(n, phonenumbers.E164))
			digits := []byte(e)
			for i := len(digits) - 3; i < len(digits); i++ {
				digits[i] = byte('0' + random.IntN(10))
			}
			es = append(es, e)
			if m := parsed(number.E164(digits)); m != nil && phonenumbers.IsValidNumber(m) {
				es = append(es, number.E164(digits))
			}
		}
	}
	return es
}

// TestNormalizeIsStable reads its own result again.
func FuzzNormalize(f *testing.F) {
	p := newPlan(f, munich())
	for _, s := range []string{"+49 (0) 89 / 1234-56", "tel:%2B49;ext=1;phone-context=+4", "*21*1#", "\"x\" <sip:1@h>", "0112", "\u202a٠٨٩\xff", "089 1234-0 DW 5"} {
		f.Add(s, 0)
	}
	f.Fuzz(func(t *testing.T, s string, hint int) {
		party := p.Normalize(s, Hint(hint%3))
		require.LessOrEqual(t, len(party.Raw), maxRaw)
		switch party.Kind {
		case number.External:
			require.True(t, party.E164.Valid())
			again := p.Normalize(string(party.E164), HintNone)
			require.Equal(t, party.Key(), again.Key())
		case number.Internal:
			require.Equal(t, party.Extension, number.OnlyDigits(party.Extension))
		default:
			require.Empty(t, party.E164)
		}
		if d, err := p.Dial(s); err == nil {
			require.NotEmpty(t, d.Send)
			require.Empty(t, strings.Trim(d.Send, "+*#0123456789"))
			require.NotEmpty(t, d.Display)
		}
	})
}
