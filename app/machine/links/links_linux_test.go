package links

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWithoutTakesOnlyOurName(t *testing.T) {
	require.Equal(t, "[Default Applications]\ntext/html=firefox.desktop\nx-scheme-handler/callto=linphone.desktop;\n[Added Associations]\n",
		without("[Default Applications]\ntext/html=firefox.desktop\nx-scheme-handler/tel="+FileName+"\n"+
			"x-scheme-handler/callto="+FileName+";linphone.desktop;\n[Added Associations]\n"))
}
