// Package csv reads contacts from a text file with columns, as every CRM and spreadsheet can write it.
package csv

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"deskbell/app/contact"
)

// Config is the part of the settings file for one CSV file.
type Config struct {
	// Path of the file, absolute.
	Path string `toml:"path"`
	// Separator is ",", ";", "tab" or "|"; empty: found out from the heading.
	Separator string `toml:"separator"`
	// Encoding is "utf-8", "windows-1252" or "utf-16"; empty: found out, also field by field.
	Encoding string `toml:"encoding"`
	// Columns names the columns; empty ones are found by the usual English and German headings.
	Columns Columns `toml:"columns"`
	// Every is how often the file is checked for changes; default 2s.
	Every Duration `toml:"every"`
}

// Columns are headings as the file writes them; case and blanks do not matter.
type Columns struct {
	ID        string   `toml:"id"`
	Name      string   `toml:"name"`
	FirstName string   `toml:"first_name"`
	LastName  string   `toml:"last_name"`
	Company   string   `toml:"company"`
	Phones    []string `toml:"phones"`
	VIP       string   `toml:"vip"`
	URL       string   `toml:"url"`
	// Fields maps a name for action URLs to a heading.
	Fields map[string]string `toml:"fields"`
}

// Duration is a time.Duration written as in "2s".
type Duration time.Duration

// UnmarshalText reads "2s", "1m" and the like.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("duration: %w", err)
	}
	*d = Duration(v)
	return nil
}

// MarshalText writes the duration as UnmarshalText reads it.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

const defaultEvery = 2 * time.Second

var separators = map[string]rune{"": 0, ",": ',', ";": ';', "tab": '\t', "\t": '\t', "|": '|'}

// Validate reports all mistakes at once. It does not touch the file.
func (c *Config) Validate() error {
	var errs []error
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	switch {
	case c.Path == "":
		add("path: is missing (the CSV file)")
	case !filepath.IsAbs(c.Path):
		add("path: %q, expected an absolute path", c.Path)
	}
	if _, ok := separators[c.Separator]; !ok {
		add("separator: %q, expected \",\", \";\", \"tab\" or \"|\"", c.Separator)
	}
	if _, ok := encodings[c.Encoding]; !ok {
		add("encoding: %q, expected utf-8, windows-1252 or utf-16", c.Encoding)
	}
	if c.Every != 0 && time.Duration(c.Every) < time.Second {
		add("every: %s, expected at least 1s", time.Duration(c.Every))
	}
	if (c.Columns.FirstName == "") != (c.Columns.LastName == "") && c.Columns.Name == "" {
		add("columns: first_name and last_name belong together")
	}
	return errors.Join(errs...)
}

// Open makes the source; the file is read by Watch.
func (c *Config) Open(env contact.Env) (contact.Source, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return &source{config: *c, env: env, every: cmp.Or(time.Duration(c.Every), defaultEvery)}, nil
}
