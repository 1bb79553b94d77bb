package contact

import "github.com/yosida95/uritemplate/v3"

// TemplateValue makes a text a value of an RFC 6570 template. Every value that may hold more than ASCII goes through here:
// the library (v3.0.2) writes such a character as its code point instead of its UTF-8 bytes ("%FC" for ü, which reads as
// broken text), so it gets each byte as a character of its own.
func TemplateValue(s string) uritemplate.Value {
	characters := make([]rune, len(s))
	for i := range len(s) {
		characters[i] = rune(s[i])
	}
	return uritemplate.String(string(characters))
}
