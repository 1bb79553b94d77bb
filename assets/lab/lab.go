// Package lab carries the texts of the lab's pages, one message file per language.
package lab

import "embed"

// Files holds active.en.toml and active.de.toml.
//
//go:embed *.toml
var Files embed.FS
