// Package words speaks the languages of the lab's pages.
package words

import (
	"fmt"
	"sync"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"github.com/pelletier/go-toml/v2"
	"golang.org/x/text/language"

	texts "deskbell/assets/lab"
)

var matcher = language.NewMatcher([]language.Tag{language.English, language.German})

// bundle is read once. The files are embedded and held by a test, so they cannot fail at run time.
var bundle = sync.OnceValue(func() *i18n.Bundle {
	b := i18n.NewBundle(language.English)
	b.RegisterUnmarshalFunc("toml", toml.Unmarshal)
	for _, name := range []string{"active.en.toml", "active.de.toml"} {
		if _, err := b.LoadMessageFileFS(texts.Files, name); err != nil {
			panic(fmt.Sprintf("lab texts %s: %v", name, err))
		}
	}
	return b
})

// Speaker gives texts in one language.
type Speaker struct {
	name      string
	localizer *i18n.Localizer
}

// For picks the best language for an Accept-Language header; English when nothing fits.
func For(acceptLanguage string) Speaker {
	tags, _, _ := language.ParseAcceptLanguage(acceptLanguage) // an unreadable header asks for nothing
	name := "en"
	if _, index, _ := matcher.Match(tags...); index == 1 {
		name = "de"
	}
	return Speaker{name: name, localizer: i18n.NewLocalizer(bundle(), name)}
}

// Language is "en" or "de".
func (s Speaker) Language() string { return s.name }

// Text is the message with this id; an unknown id shows itself, so that it is found.
func (s Speaker) Text(id string) string {
	text, err := s.localizer.Localize(&i18n.LocalizeConfig{MessageID: id})
	if err != nil {
		return id
	}
	return text
}

// Say is Text with values put into its placeholders, given as name and value in turn.
func (s Speaker) Say(id string, pairs ...string) string {
	data := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		data[pairs[i]] = pairs[i+1]
	}
	text, err := s.localizer.Localize(&i18n.LocalizeConfig{MessageID: id, TemplateData: data})
	if err != nil {
		return id
	}
	return text
}

// All are all messages of the language, for the page's script.
func (s Speaker) All() (map[string]string, error) {
	b, err := texts.Files.ReadFile("active." + s.name + ".toml")
	if err != nil {
		return nil, fmt.Errorf("read lab texts: %w", err)
	}
	all := map[string]string{}
	if err := toml.Unmarshal(b, &all); err != nil {
		return nil, fmt.Errorf("read lab texts: %w", err)
	}
	return all, nil
}
