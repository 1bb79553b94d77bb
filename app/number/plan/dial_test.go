package plan

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDial(t *testing.T) {
	p := newPlan(t, munich())
	for _, c := range []struct {
		typed   string
		class   Class
		send    string
		display string
	}{
		{"089 123456", Ordinary, "+4989123456", "089 123456"},
		{"0 089 123456", Ordinary, "+4989123456", "089 123456"},
		{"123456", Ordinary, "+4989123456", "089 123456"},
		{"+49 (0) 89 123456", Ordinary, "+4989123456", "089 123456"},
		{"tel:+49-89-123456", Ordinary, "+4989123456", "089 123456"},
		{"callto:089123456", Ordinary, "+4989123456", "089 123456"},
		{"0800 1234567", Ordinary, "+498001234567", "0800 1234567"},
		{"+43 1 5555555", Ordinary, "+4315555555", "+43 1 5555555"},
		{"+41 44 123 45 67", Ordinary, "+41441234567", "+41 44 123 45 67"},
		{"101", Internal, "101", "101"},
		{"tel:101", Internal, "101", "101"},
		{"112", Emergency, "112", "112"},
		{"1 1 2", Emergency, "112", "112"},
		{"0112", Emergency, "112", "112"},
		{"tel:110", Emergency, "110", "110"},
		{"+49 112", Emergency, "112", "112"},
		{"１１２", Emergency, "112", "112"},
		{"0900 1 234567", Premium, "+499001234567", "0900 1 234567"},
		{"0 0900 1 234567", Premium, "+499001234567", "0900 1 234567"},
		{"0900 12345", Premium, "+4990012345", "0900 1 2345"},
		{"0137 1234567", Premium, "+491371234567", "0137 1 234567"},
		{"0180 5 123456", Premium, "+491805123456", "0180 5 123456"},
		{"11833", Premium, "11833", "11833"},
		{"+1 900 234 5678", Premium, "+19002345678", "+1 900-234-5678"},
		{"*21*089123456#", StarCode, "*21*089123456#", "*21*089123456#"},
		{"#31#089123456", StarCode, "#31#089123456", "#31#089123456"},
		{"tel:*21%23", StarCode, "*21#", "*21#"},
		{"115", Service, "115", "115"},
		{"116117", Service, "116117", "116117"},
		{"+1 212 555 1234", Foreign, "+12125551234", "+1 212-555-1234"},
		{"+44 20 7946 0123", Foreign, "+442079460123", "+44 20 7946 0123"},
		{"+870 773 123456", Foreign, "+870773123456", "+870 773 123 456"},
		{"+882 13 300655", Foreign, "+88213300655", "+882 13 30 0655"},
		{"+800 1234 5678", Ordinary, "+80012345678", "+800 1234 5678"},
	} {
		d, err := p.Dial(c.typed)
		if !assert.NoError(t, err, "%q", c.typed) {
			continue
		}
		assert.Equal(t, c.class, d.Class, "%q", c.typed)
		assert.Equal(t, c.send, d.Send, "%q", c.typed)
		assert.Equal(t, c.display, d.Display, "%q", c.typed)
	}
}

func TestDialRefuses(t *testing.T) {
	p := newPlan(t, munich())
	for typed, want := range map[string]error{
		"":                                ErrEmpty,
		"   ":                             ErrEmpty,
		"\u200e\u202a":                    ErrEmpty,
		"tel:":                            ErrEmpty,
		"-":                               ErrEmpty,
		"+":                               ErrEmpty,
		"abc":                             ErrLetters,
		"0800 FLOWERS":                    ErrLetters,
		"089 12345a":                      ErrLetters,
		"anonymous":                       ErrLetters,
		"tel:peter":                       ErrLetters,
		"https://crm.example":             ErrLetters,
		strings.Repeat("1", 200):          ErrTooLong,
		strings.Repeat("1", 100_000):      ErrTooLong,
		strings.Repeat("*1", 50):          ErrTooLong,
		"+49 89 123456789012345":          ErrTooLong,
		"+4989" + strings.Repeat("1", 14): ErrTooLong,
		strings.Repeat("x", 100_000):      ErrNotNumber,
		"12":                              ErrTooShort,
		"1234":                            ErrTooShort,
		"00":                              ErrTooShort,
		"+49":                             ErrTooShort,
		"+1 212 555":                      ErrTooShort,
		"+999 1234567":                    ErrNotNumber,
		"089 123456 + 089 123457;":        ErrSeveral,
		"+49 89 123456, +49 89 123457":    ErrSeveral,
		"12?34":                           ErrNotNumber,
		"+266696687":                      ErrNotNumber,
	} {
		_, err := p.Dial(typed)
		shown := typed[:min(len(typed), 40)]
		assert.ErrorIs(t, err, want, "%q", shown)
	}
}

func TestEmergencyOfTheRegionOnly(t *testing.T) {
	us := newPlan(t, Settings{Region: "US", OutsideLine: "9", ExtensionMin: 3, ExtensionMax: 4})
	for typed, want := range map[string]Class{"911": Emergency, "9911": Emergency, "9-911": Emergency, "110": Internal, "101": Internal} {
		d, err := us.Dial(typed)
		require.NoError(t, err)
		require.Equal(t, want, d.Class, typed)
	}
	known := newPlan(t, Settings{Region: "US", OutsideLine: "9", IsExtension: func(d string) bool { return d == "9911" }})
	d, err := known.Dial("9911")
	require.NoError(t, err)
	require.Equal(t, Internal, d.Class, "an extension that exists is not an outside line and 911")
}

func TestSettings(t *testing.T) {
	_, err := New(Settings{Region: "XX", AreaCode: "8a", OutsideLine: "#", ExtensionMin: 4, ExtensionMax: 3, Countries: []string{"YY"}})
	for _, part := range []string{`region: "XX"`, `countries: "YY"`, `area_code: "8a"`, `outside_line: "#"`, "extension_length: 4 to 3"} {
		require.ErrorContains(t, err, part)
	}
	_, err = New(Settings{})
	require.Error(t, err)
	require.Equal(t, "DE", newPlan(t, Settings{Region: "de"}).Region())
}
