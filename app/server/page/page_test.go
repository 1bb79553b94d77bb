package page

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"deskbell/app/contact"
	"deskbell/app/number"
)

var peter = &contact.Contact{
	Source: "crm", ID: "7/../8?x", Name: `<b>&"Peter"</b>` + "\n\u202e", Company: "Läng & Söhne", URL: "https://crm.example/p/7?q=1",
	Fields: map[string]string{"area": "south", "name": "not this one"},
}

var aCall = Call{
	ID: "c1", System: "munich", Device: "101", Direction: "incoming", Queue: "Sales", Called: "+4989555",
	Far: number.Party{Kind: number.External, E164: "+4989123456"}, National: "089123456", Data: map[string]string{"uuid": "a b"},
}

func TestSettings(t *testing.T) {
	for template, wrong := range map[string]string{
		"":                                  "",
		"https://crm.example/{number}":      "",
		"http://127.0.0.1:8080/x{?digits}":  "",
		"https://crm.example":               "",
		"https://crm.example/{contact.any}": "",
		"https://{contact.name}/x":          "a host before the first field",
		"https://crm.example{number}":       "a / between",
		"{number}":                          "http:// or https://",
		"javascript:alert({number})":        "http:// or https://",
		"file:///etc/{number}":              "http:// or https://",
		"https://user:secret@crm/{number}":  "http:// or https://",
		"https://crm.example/{numbr}":       "unknown fields numbr",
		"https://crm.example/{number":       "RFC 6570",
	} {
		_, err := New(Settings{Template: template})
		if wrong == "" {
			require.NoError(t, err, template)
		} else {
			require.ErrorContains(t, err, wrong, template)
		}
	}
}

func TestBuild(t *testing.T) {
	for template, want := range map[string]string{
		"https://crm.example/c/{number}":                  "https://crm.example/c/%2B4989123456",
		"https://crm.example/{digits}/{intl00}":           "https://crm.example/4989123456/004989123456",
		"https://crm.example/{national}":                  "https://crm.example/089123456",
		"https://crm.example/s{?number,extension}":        "https://crm.example/s?number=%2B4989123456",
		"https://crm.example/{contact.id}":                "https://crm.example/7%2F..%2F8%3Fx",
		"https://crm.example/s{?contact.name}":            "https://crm.example/s?contact.name=%3Cb%3E%26%22Peter%22%3C%2Fb%3E",
		"https://crm.example/s{?contact.area}":            "https://crm.example/s?contact.area=south",
		"https://crm.example/s{?contact.company}":         "https://crm.example/s?contact.company=L%C3%A4ng%20%26%20S%C3%B6hne",
		"https://crm.example/{call.id}/{call.queue}":      "https://crm.example/c1/Sales",
		"https://crm.example/s{?call.data.uuid}":          "https://crm.example/s?call.data.uuid=a%20b",
		"https://crm.example/s{?call.called,call.device}": "https://crm.example/s?call.called=%2B4989555&call.device=101",
	} {
		b, err := New(Settings{Template: template})
		require.NoError(t, err)
		got, err := b.Build(aCall, peter, false)
		require.NoError(t, err, template)
		require.Equal(t, want, got)
	}
}

func TestMissingFields(t *testing.T) {
	build := func(template string, c Call, m *contact.Contact, several bool) error {
		b, err := New(Settings{Template: template})
		require.NoError(t, err)
		_, err = b.Build(c, m, several)
		return err
	}
	require.ErrorIs(t, build("https://crm.example/{contact.id}", aCall, nil, false), ErrMissing)
	require.ErrorIs(t, build("https://crm.example/{contact.id}", aCall, nil, true), ErrSeveral)
	require.NoError(t, build("https://crm.example/s{?number,contact.id}", aCall, nil, true), "the number alone makes a page")
	require.ErrorIs(t, build("https://crm.example/s{?number}", Call{}, nil, false), ErrMissing)
	require.NoError(t, build("https://crm.example/", Call{}, nil, false), "a page without fields")
	require.ErrorIs(t, build("", aCall, nil, false), ErrMissing)
	require.ErrorIs(t, build("", aCall, nil, true), ErrSeveral)
	require.ErrorIs(t, build("", aCall, &contact.Contact{}, false), ErrNone)
}

func TestOwnPages(t *testing.T) {
	b, err := New(Settings{Template: "https://crm.example/{number}"})
	require.NoError(t, err)
	got, err := b.Build(aCall, peter, false)
	require.NoError(t, err)
	require.Equal(t, "https://crm.example/%2B4989123456", got)
	require.False(t, b.NeedsContact())

	b, err = New(Settings{Template: "https://crm.example/{number}", PreferContact: true})
	require.NoError(t, err)
	got, err = b.Build(aCall, peter, false)
	require.NoError(t, err)
	require.Equal(t, peter.URL, got)
	require.True(t, b.NeedsContact())
	got, err = b.Build(aCall, &contact.Contact{}, false)
	require.NoError(t, err)
	require.Equal(t, "https://crm.example/%2B4989123456", got, "no page of its own: the template")

	b, err = New(Settings{})
	require.NoError(t, err)
	for _, hostile := range []string{"javascript:alert(1)", "file:///etc/passwd", "//crm.example", "https://u:p@crm.example/", "https:", strings.Repeat("https://x/", 1000)} {
		_, err = b.Build(aCall, &contact.Contact{URL: hostile}, false)
		require.ErrorIs(t, err, ErrNone, hostile)
	}
}

func TestAnInternalCallsNumberIsItsExtension(t *testing.T) {
	b, err := New(Settings{Template: "https://crm.example/{extension}/{number}"})
	require.NoError(t, err)
	got, err := b.Build(Call{Far: number.Party{Kind: number.Internal, Extension: "102"}}, nil, false)
	require.NoError(t, err)
	require.Equal(t, "https://crm.example/102/102", got)
}

// FuzzHostileValues: whatever a caller or a CRM writes, the page stays where the settings put it.
func FuzzHostileValues(f *testing.F) {
	f.Add("/../../x", "https://evil.example/", "@evil.example")
	f.Add("?a=b#c", "\r\nLocation: x", "\u202e\x00")
	f.Add("//evil.example", "%2e%2e", strings.Repeat("x", 5000))
	templates := []*Builder{}
	for _, template := range []string{
		"https://crm.example/c/{contact.id}/{contact.name}{?contact.company}", "https://crm.example/{+contact.id}{#contact.name}",
		"https://crm.example/x{.contact.id}{/contact.name}{;contact.company}{&number}",
	} {
		b, err := New(Settings{Template: template})
		if err != nil {
			f.Fatal(err)
		}
		templates = append(templates, b)
	}
	f.Fuzz(func(t *testing.T, id, name, company string) {
		for _, b := range templates {
			got, err := b.Build(aCall, &contact.Contact{ID: id, Name: name, Company: company}, false)
			if err != nil {
				continue
			}
			u, err := url.Parse(got)
			require.NoError(t, err)
			require.Equal(t, "https", u.Scheme)
			require.Equal(t, "crm.example", u.Host)
			require.Nil(t, u.User)
			require.NotContains(t, got, "\n")
			require.NotContains(t, got, " ")
		}
	})
}
