package words

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBothLanguagesHaveAllTexts(t *testing.T) {
	en, err := For("en").All()
	require.NoError(t, err)
	de, err := For("de").All()
	require.NoError(t, err)
	require.Equal(t, slices.Sorted(maps.Keys(en)), slices.Sorted(maps.Keys(de)))
	for id := range en {
		require.NotEmpty(t, For("en").Text(id), id)
		require.NotEmpty(t, For("de").Text(id), id)
	}
}

func TestLanguageOfTheReader(t *testing.T) {
	for header, want := range map[string]string{
		"": "en", "de": "de", "de-AT,de;q=0.9,en;q=0.8": "de", "en-GB,de;q=0.5": "en", "fr": "en", ";;;": "en",
	} {
		require.Equal(t, want, For(header).Language(), header)
	}
	require.Equal(t, "Auflegen", For("de-CH").Text("hangup"))
	require.Equal(t, "no_such_text", For("de").Text("no_such_text"))
}
