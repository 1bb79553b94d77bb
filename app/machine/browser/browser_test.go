package browser

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOnlyListedSchemesPass(t *testing.T) {
	for _, ok := range []string{"http://crm.example/c/1", "https://crm.example/?q=%2B4989&x=a%20b#top", "HTTPS://crm.example/", "salesforce1://sObject/1", "https://crm.example/ü"} {
		require.NoError(t, Check(ok, []string{"Salesforce1"}), ok)
	}
	for _, bad := range []string{"salesforce1://x", "tel:+4989", "ftp://host/", "mailto:a@b.example", "ms-msdt:/id"} {
		require.ErrorIs(t, Check(bad, nil), ErrScheme, bad)
	}
	for _, dangerous := range []string{"javascript:alert(1)", "JavaScript:x", "file:///etc/passwd", "data:text/html,x"} {
		require.ErrorIs(t, Check(dangerous, []string{"javascript", "file", "data"}), ErrScheme, dangerous)
	}
}

func TestUnusableLinksAreRefused(t *testing.T) {
	for _, bad := range []string{"", "crm.example", "--version", "-h", "https:", "https://", "https:crm", "http://a b/", "https://x/\nfoo",
		"https://x/\x00", "https://x/\u0085", "https://x/\"&calc", "https://x/\xff", "://", "https://[::1", "https://x/" + strings.Repeat("a", 9000)} {
		require.ErrorIs(t, Check(bad, nil), ErrURL, "%q", bad)
	}
}

func FuzzCheck(f *testing.F) {
	for _, s := range []string{"https://crm.example/c?n=%2B49", "javascript:1", "-x", "tel:1", "https://x/\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, link string) {
		if Check(link, []string{"app"}) != nil {
			return
		}
		lower := strings.ToLower(link)
		require.True(t, strings.HasPrefix(lower, "http://") || strings.HasPrefix(lower, "https://") || strings.HasPrefix(lower, "app:"))
		require.NotContains(t, link, "\n")
	})
}
