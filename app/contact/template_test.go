package contact

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/yosida95/uritemplate/v3"
)

func TestTemplateValueIsUTF8(t *testing.T) {
	for _, tmpl := range []string{"{x}", "{?x}", "{+x}", "{#x}"} {
		template := uritemplate.MustNew(tmpl)
		for _, text := range []string{"Jörg Müller", "فاطمة الزهراء", "名前", "😀", "a/b?c&d=e", "100%", "+49 89", ""} {
			out, err := template.Expand(uritemplate.Values{"x": TemplateValue(text)})
			require.NoError(t, err)
			for _, r := range out {
				require.Less(t, r, rune(0x80))
			}
			if tmpl == "{x}" {
				back, err := url.PathUnescape(out)
				require.NoError(t, err)
				require.Equal(t, text, back)
			}
		}
	}
	out, err := uritemplate.MustNew("{x}").Expand(uritemplate.Values{"x": TemplateValue("\xff")})
	require.NoError(t, err, "text that is no UTF-8 is encoded too")
	require.Equal(t, "%FF", out)
}
