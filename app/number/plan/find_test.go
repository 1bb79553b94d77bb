package plan

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNormalizeAll(t *testing.T) {
	p := newPlan(t, munich())
	for field, want := range map[string]string{
		"089 123456":                           "+4989123456",
		"089/123456":                           "+4989123456",
		"089 / 123456":                         "+4989123456",
		"+49 89 / 123456":                      "+4989123456",
		"0049/89/123456":                       "+4989123456",
		"089 123456 / 0171 2345678":            "+4989123456 +491712345678",
		"089/123456 / 0171/2345678":            "+4989123456 +491712345678",
		"089/123456/0171/2345678":              "+4989123456 +491712345678",
		"089 123456, 0171 2345678":             "+4989123456 +491712345678",
		"089 123456; 0171 2345678":             "+4989123456 +491712345678",
		"089 123456 oder 0171 2345678":         "+4989123456 +491712345678",
		"+49 89 123456 or +1 212 555 1234":     "+4989123456 +12125551234",
		"089 123456\n0171 2345678":             "+4989123456 +491712345678",
		"089 1234-56/57":                       "+4989123456 +4989123457",
		"089 1234-56/-57":                      "+4989123456 +4989123457",
		"089 123456/57":                        "+4989123456 +4989123457",
		"040 234567, 234568":                   "+4940234567 +4940234568",
		"tel:+4989123456;ext=12":               "+4989123456,12",
		"089123456,,12":                        "+4989123456,12",
		"089 123456 ext 12; 0171 2345678":      "+4989123456,12 +491712345678",
		"Tel. 089 123456, Mobil: 0171 2345678": "+4989123456 +491712345678",
		"n/a":                                  "",
		"":                                     "",
		"siehe Zentrale":                       "",
		"089 123456 / siehe oben":              "+4989123456",
		"101":                                  "x101",
		"tel:+4989123456;ext=12;phone-context=x.de": "+4989123456,12",
	} {
		var got []string
		for _, party := range p.NormalizeAll(field) {
			got = append(got, short(party))
		}
		assert.Equal(t, want, strings.Join(got, " "), "%q", field)
	}
	require.LessOrEqual(t, len(p.NormalizeAll(strings.Repeat("089 123456;", 100))), maxSeveral)
	require.Empty(t, p.NormalizeAll(strings.Repeat("089 123456;", 1000)))
}

func TestFindNumbers(t *testing.T) {
	p := newPlan(t, munich())
	for text, want := range map[string]string{
		"Bitte rufen Sie 089 123456 an.":                 "+4989123456",
		"Tel. +49 (0) 89 / 123456, Fax +49 89 123457":    "+4989123456 +4989123457",
		"erreichbar unter 0171/2345678 oder 089 1234-56": "+491712345678 +4989123456",
		"Peter Lang\n089 123456\n0171 2345678":           "+4989123456 +491712345678",
		"am 12.11.2026 um 14:30 Uhr":                     "",
		"2026-11-12 und 11/12/2026":                      "",
		"1.234,56 € oder EUR 12.345,00 oder 1234567 EUR": "",
		"210 x 297 mm, 1920x1080":                        "",
		"ISBN 978-3-16-148410-0":                         "",
		"978-3-16-148410-0":                              "",
		"IBAN DE89 3704 0044 0532 0130 00":               "",
		"Bestellnummer 0891234567, Auftrag 089-123456":   "",
		"Rechnungs-Nr. 2026/0891234":                     "",
		"Order no. 4989123456":                           "",
		"server 192.168.100.200":                         "",
		"id 7f3a0000-8a77-4b1c-9e55-0f6a2b7c8d90":        "",
		"K4711x089123456":                                "",
		"Der Umsatz stieg um 1234567 auf 7654321":        "+49891234567? +49897654321?",
		"089 123456 DW 78":                               "+498912345678",
		"101":                                            "x101",
		"112":                                            "e112",
		"*21#":                                           "c*21#",
		"+49 89 123456 <tel:+4989123456>":                "+4989123456",
		"\u202a+49\u00a089\u2009123456\u202c bitte":      "+4989123456",
		"nichts": "",
		"":       "",
		"Kunde 089 999981 23, dann 030 23125 123 (Drama, München)": "+498999998123 +493023125123",
	} {
		var got []string
		for _, c := range p.FindNumbers(text) {
			s := short(c.Party)
			if !c.Sure {
				s += "?"
			}
			got = append(got, s)
			require.Equal(t, c.Text, text[c.Start:c.End])
		}
		assert.Equal(t, want, strings.Join(got, " "), "%q", text)
	}
	require.Len(t, p.FindNumbers(strings.Repeat("089 123456\n", 20_000)), maxCandidates)
}

func FuzzFindNumbers(f *testing.F) {
	p := newPlan(f, munich())
	f.Add("Tel. +49 (0) 89 / 123456, Fax +49 89 123457\n0171/2345678 oder 089 1234-56/57")
	f.Add("\u202a+49\u00a089&nbsp;12,,3;ext=1/2\xff")
	f.Fuzz(func(t *testing.T, s string) {
		last := 0
		for _, c := range p.FindNumbers(s) {
			require.LessOrEqual(t, last, c.Start)
			require.Equal(t, c.Text, s[c.Start:c.End])
			last = c.End
		}
		for _, party := range p.NormalizeAll(s) {
			require.NotEmpty(t, party.Key())
		}
	})
}
