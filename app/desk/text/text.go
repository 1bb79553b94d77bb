// Package text turns codes into sentences for people, in their language.
package text

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"github.com/pelletier/go-toml/v2"
	"golang.org/x/text/language"

	files "deskbell/assets/i18n"
)

// Languages are the languages there are texts in; the first is used where none fits.
var Languages = []string{"en", "de"}

// Words says things in one language. It is immutable and may be shared.
type Words struct {
	language string
	loc      *i18n.Localizer
	clean    func(string) string
}

// New loads the texts of a language ("de", "de_DE.UTF-8", "de-AT"; anything unknown means English). Every value that is
// put into a sentence goes through clean first, because most of them come from strangers.
func New(lang string, clean func(string) string) (*Words, error) {
	bundle := i18n.NewBundle(language.English)
	bundle.RegisterUnmarshalFunc("toml", toml.Unmarshal)
	lang = Choose(lang)
	for _, l := range []string{Languages[0], lang} {
		name := "active." + l + ".toml"
		data, err := files.Files.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("texts: %w", err)
		}
		if _, err := bundle.ParseMessageFileBytes(data, name); err != nil {
			return nil, fmt.Errorf("texts: %s: %w", name, err)
		}
	}
	return &Words{language: lang, loc: i18n.NewLocalizer(bundle, lang), clean: clean}, nil
}

// Choose gives the language to use for a locale name of an environment or a setting.
func Choose(locale string) string {
	locale, _, _ = strings.Cut(strings.ToLower(locale), ".")
	base, _, _ := strings.Cut(strings.ReplaceAll(locale, "_", "-"), "-")
	for _, l := range Languages {
		if base == l {
			return l
		}
	}
	return Languages[0]
}

// Language is the language chosen.
func (w *Words) Language() string { return w.language }

// Clean makes a stranger's text harmless to show.
func (w *Words) Clean(s string) string { return w.clean(s) }

// Say gives the sentence of an id; pairs are names and values of its placeholders. An id without a text gives the id, so
// that the mistake is seen; a test keeps that from happening.
func (w *Words) Say(id string, pairs ...string) string {
	return w.localize(&i18n.LocalizeConfig{MessageID: id, TemplateData: w.data(pairs)})
}

// Count is Say for a number of things: it chooses singular or plural and sets the placeholder count.
func (w *Words) Count(id string, n int) string {
	return w.localize(&i18n.LocalizeConfig{
		MessageID:    id,
		PluralCount:  n,
		TemplateData: map[string]string{"count": strconv.Itoa(n)},
	})
}

func (w *Words) data(pairs []string) map[string]string {
	data := make(map[string]string, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		data[pairs[i]] = w.clean(pairs[i+1])
	}
	return data
}

func (w *Words) localize(c *i18n.LocalizeConfig) string {
	s, err := w.loc.Localize(c)
	if err != nil || s == "" {
		return c.MessageID
	}
	return s
}

// Has reports whether there is a text for an id.
func (w *Words) Has(id string) bool {
	_, err := w.loc.Localize(&i18n.LocalizeConfig{MessageID: id, PluralCount: 2})
	return err == nil
}

// Raw gives the message files' ids and texts of one language, plural forms joined, for tests of completeness.
func Raw(lang string) (map[string]string, error) {
	name := "active." + lang + ".toml"
	data, err := files.Files.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("texts: %w", err)
	}
	file, err := i18n.ParseMessageFileBytes(data, name, map[string]i18n.UnmarshalFunc{"toml": toml.Unmarshal, "json": json.Unmarshal})
	if err != nil {
		return nil, fmt.Errorf("texts: %s: %w", name, err)
	}
	all := make(map[string]string, len(file.Messages))
	for _, m := range file.Messages {
		all[m.ID] = strings.TrimSpace(m.One + " " + m.Other)
	}
	return all, nil
}
