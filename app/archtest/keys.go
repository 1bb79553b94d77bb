package archtest

import (
	"fmt"
	"go/token"
	"maps"
	"regexp"
	"slices"
	"strings"
)

var keyShape = regexp.MustCompile(`^[a-z][a-z0-9_]*\.[a-z0-9_]+$`)

// CheckKeys returns ids that the code of the given packages names and no message has, and messages that no code names.
// An id may be put together in code from a literal that ends in "." or "_" and a word of the protocol.
func CheckKeys(m *Module, packages []string, messages Messages) []string {
	groups := map[string]bool{}
	for id := range messages {
		if group, _, nested := strings.Cut(id, "."); nested {
			groups[group] = true
		}
	}
	var found []string
	named := map[string]bool{}
	eachFile(m, func(file *File) {
		if file.Test || !withinAny(file.Path, packages) {
			return
		}
		eachString(file, func(pos token.Pos, text string) {
			named[text] = true
			group, _, _ := strings.Cut(text, ".")
			if keyShape.MatchString(text) && groups[group] && messages[text] == nil && !isFileName(text) {
				found = append(found, fmt.Sprintf("%s names %q, which no message has", m.at(pos), text))
			}
		})
	})
	for _, id := range slices.Sorted(maps.Keys(messages)) {
		if !named[id] && !hasPrefixIn(named, id) {
			found = append(found, id+" is named by no code")
		}
	}
	return found
}

// hasPrefixIn tells whether some literal is the beginning of the id, up to a "." or "_".
func hasPrefixIn(named map[string]bool, id string) bool {
	for i, r := range id {
		if (r == '.' || r == '_') && named[id[:i+1]] && i > 0 {
			return true
		}
	}
	return false
}

// isFileName tells names of files and of protocol methods' kin apart from ids with the same beginning.
func isFileName(text string) bool {
	_, extension, _ := strings.Cut(text, ".")
	return slices.Contains([]string{"json", "toml", "sock", "log", "db", "csv", "png", "ico", "svg", "wav", "ogg", "mp3", "lock", "pem", "crt", "key"}, extension)
}
