package main

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// within are works that a module carries in its source without a licence file of their own.
var within = map[string]string{
	"github.com/gen2brain/malgo": "contains miniaudio by David Reid (Unlicense or MIT-0)",
	"modernc.org/sqlite":         "contains SQLite, translated to Go (public domain)",
	"modernc.org/libc":           "contains musl libc, translated to Go (MIT)",
}

const rule = "--------------------------------------------------------------------------------"

// notice writes the file: first the list, then each distinct text once with the components it belongs to.
func notice(components []component) ([]byte, error) {
	var problems []error
	var list bytes.Buffer
	for _, c := range components {
		names, err := licencesOf(c)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		fmt.Fprintf(&list, "%s: %s\n", title(c), strings.Join(names, ", "))
		if more := within[c.Path]; more != "" {
			fmt.Fprintf(&list, "    %s\n", more)
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "Deskbell's programs contain the following works of others, under the licences named.\nThis list is made by \"make licences\" from what the programs link.\n\n%s\n", list.Bytes())
	for _, text := range distinct(components) {
		fmt.Fprintf(&out, "%s\n%s\n%s\n\n%s\n\n", rule, strings.Join(text.owners, "\n"), rule, text.text)
	}
	return append(bytes.TrimRight(out.Bytes(), "\n"), '\n'), nil
}

func title(c component) string {
	return strings.TrimSpace(c.Path + " " + c.Version)
}

// licencesOf names a component's licences. One without any licence text is an error.
func licencesOf(c component) ([]string, error) {
	var names []string
	for _, text := range c.Texts {
		if isNotice(text.Name) {
			continue
		}
		found, err := classify(text.Text)
		if err != nil {
			return nil, fmt.Errorf("%s, %s: %w", title(c), text.Name, err)
		}
		names = append(names, found...)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s has no licence file", title(c))
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// owned is one text with all components that carry it.
type owned struct {
	text   string
	owners []string
}

// distinct gathers equal texts, in the order in which they first appear.
func distinct(components []component) []*owned {
	var all []*owned
	byText := map[string]*owned{}
	for _, c := range components {
		for _, text := range c.Texts {
			o := byText[text.Text]
			if o == nil {
				o = &owned{text: text.Text}
				byText[text.Text] = o
				all = append(all, o)
			}
			o.owners = append(o.owners, c.Path+" ("+text.Name+")")
		}
	}
	return all
}
