// Package i18n carries every text that people see, one message file per language.
package i18n

import "embed"

// Files holds active.en.toml and active.de.toml.
//
//go:embed *.toml
var Files embed.FS
