//go:build desktop && linux

package desktop

import (
	"bytes"
	"encoding/json"
	"html"
	"net/url"
	"os"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"deskbell/app/desk/view"
	"deskbell/app/lab"
	"deskbell/app/lab/crm"
	"deskbell/app/lab/nfon"
	"deskbell/app/machine/desktoptest"
)

// What callers and customers choose to be called is shown as text and does nothing.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	names := map[string]string{
		"+493055501": `<b>&x</b>`,
		"+493055502": `"double" 'single' \ back`,
		"+493055503": "two\nlines\r\nand\ttabs\x00\x1b[31m",
		"+493055504": "\u202eforwards\u202c\u200f\u2066x",
		"+493055505": strings.Repeat("long name ", 1024),
		"+493055506": "z" + strings.Repeat("\u0335", 200) + "algo",
		"+493055507": "فاطمة الزهراء",
		"+493055508": "{{.Name}} %s %n $(reboot) ;`id`",
	}
	var contacts []crm.Contact
	for number, name := range names {
		contacts = append(contacts, crm.Contact{ID: number[1:], Name: name, Company: name, Phones: []string{number}})
	}
	b := open(t, options{lab: lab.Options{Contacts: contacts}})
	for number, name := range names {
		b.next()
		uuid := b.ring(number)
		toast := b.toast("all is known", func(n desktoptest.NoticeCall) bool {
			return len(labels(n)) == 2 && !strings.Contains(n.Body, "Looking for open tickets…")
		})
		require.NotContains(t, toast.Title, "\n")
		title := harmless(t, toast.Title)
		lines := strings.Split(toast.Body, "\n")
		require.Len(t, lines, 4, "%q", toast.Body)
		require.Equal(t, "Calling", lines[0])
		require.Equal(t, "Answer on your phone", lines[3])
		require.NotContains(t, toast.Body, "<", "markup")
		harmless(t, html.UnescapeString(lines[1]))
		if number == "+493055501" {
			require.Equal(t, name, title, "shown as it is")
			require.Equal(t, "&lt;b&gt;&amp;x&lt;/b&gt;", lines[1])
		}
		b.picture("hostile-" + number[len(number)-1:])
		s := b.state("ringing", func(s view.State) bool { return len(s.Calls) == 1 && s.Calls[0].Title == title })
		harmless(t, s.Sentence)
		b.menuShows("Calling: " + title + "\n")
		require.NoError(t, b.lab().Answer("101"))
		b.closed(toast)
		require.Equal(t, "/contacts/"+number[1:], b.page(number[1:]).Path)
		out, _ := b.run("calls")
		for line := range strings.Lines(out) {
			harmless(t, strings.TrimSuffix(line, "\n"))
		}
		require.NoError(t, b.lab().CallerHangsUp(uuid))
		b.quiet()
		require.NotContains(t, b.logged(), name)
	}
}

// harmless says that a line of text can do nothing but be read, and gives it.
func harmless(t *testing.T, s string) string {
	t.Helper()
	require.True(t, utf8.ValidString(s), "%q", s)
	require.LessOrEqual(t, utf8.RuneCountInString(s), 200, "%q", s)
	open := 0
	for _, r := range s {
		switch r {
		case '\u2068':
			open++
		case '\u2069':
			open--
		default:
			require.False(t, unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r), "%q in %q", r, s)
		}
		require.GreaterOrEqual(t, open, 0)
	}
	require.Zero(t, open, "directions end with the line: %q", s)
	return s
}

// An address with what a customer is called in it stays one address, and one argument.
func TestHostileNamesInAddresses(t *testing.T) {
	t.Parallel()
	const name = "\"><script>alert(1)</script> & \u202e' $(reboot) ü"
	b := open(t, options{
		lab: lab.Options{Contacts: []crm.Contact{{ID: "x/../../admin?a=b&c", Name: name, Phones: []string{customerNumber}}}},
		config: func(text string) string {
			return strings.Replace(strings.Replace(text, "/contacts/{contact.id}", "/contacts/18{?number,contact.name}#{contact.name}", 1),
				"prefer_contact = true", "prefer_contact = false", 1)
		},
	})
	uuid := b.ring(customerNumber)
	b.toast("the name", func(n desktoptest.NoticeCall) bool { return strings.Contains(n.Title, "script") })
	require.NoError(t, b.lab().Answer("101"))
	b.page("18")
	history, err := os.ReadFile(b.history())
	require.NoError(t, err)
	var args []string
	require.NoError(t, json.Unmarshal(bytes.ReplaceAll(history, []byte(`" "`), []byte(`","`)), &args))
	require.Len(t, args, 1)
	page, err := url.Parse(args[0])
	require.NoError(t, err)
	require.Equal(t, "/contacts/18", page.Path)
	require.Equal(t, customerNumber, page.Query().Get("number"))
	require.Contains(t, page.Query().Get("contact.name"), `"><script>alert(1)</script> &`)
	require.Len(t, page.Query(), 2)
	require.NotContains(t, args[0], "<")
	require.NotContains(t, args[0], "$(")
	require.NoError(t, b.lab().CallerHangsUp(uuid))
	b.quiet()
}

func TestWithheldNumber(t *testing.T) {
	t.Parallel()
	b := open(t, options{})
	uuid, err := b.lab().RingInbound(nfon.Caller{Withheld: true}, "101")
	require.NoError(t, err)
	toast := b.announced()
	require.Equal(t, "Number withheld", toast.Title)
	require.NoError(t, b.lab().CallerHangsUp(uuid))
	b.closed(toast)
	missed := b.titled("Missed call: Number withheld")
	require.Equal(t, []string{"Show"}, labels(missed), "there is nobody to call back")
}
