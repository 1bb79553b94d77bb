// Package about says what this program is called, which version it is and what it was built from.
package about

import "strings"

// These come from FyneApp.toml and the commit: make writes them into every program with the linker's -X. What stands
// here serves a plain "go build" or "go test". Name and ID are the same there, since the desktop knows the program by
// them; the version says openly that nobody gave one.
var (
	// Name is what people call the program.
	Name = "Deskbell"
	// ID is the reverse-domain name by which desktops, keyrings and settings know it.
	ID = "app.deskbell.Deskbell"
	// Version is the semantic version, without a leading v.
	Version = "0.0.0-dev"
	// Build counts the packages made of one version.
	Build = "0"
	// Commit is the short hash the program was built from, empty when that is not known.
	Commit = ""
)

// Line is what "PROGRAM --version" prints, without a newline: "deskbelld 0.1.0 (build 1, 8ffef38c1fde)".
func Line(program string) string {
	var b strings.Builder
	b.WriteString(program + " " + Version + " (build " + Build)
	if Commit != "" {
		b.WriteString(", " + Commit)
	}
	b.WriteString(")")
	return b.String()
}

// UserAgent names this program towards other servers: "Deskbell/0.1.0".
func UserAgent() string {
	return strings.ReplaceAll(Name, " ", "") + "/" + Version
}
