package number

import (
	"html"
	"strings"
	"unicode"
)

// Clean undoes what is only spelling: HTML entities, digits of other scripts, full-width characters, the many blanks and
// dashes, and invisible marks. The result has ASCII digits, '+', '-', ' ' and otherwise the text as it was. Idempotent
// except for nested HTML entities, which are not a spelling of anything.
func Clean(s string) string {
	if isPlain(s) {
		return strings.TrimSpace(s)
	}
	if strings.ContainsRune(s, '&') {
		s = html.UnescapeString(s)
	}
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range s {
		if c, keep := CleanRune(r); keep {
			b.WriteRune(c)
		}
	}
	return strings.TrimSpace(b.String())
}

// isPlain tells that there is nothing to undo, the usual case on the way of a call.
func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c >= 0x7f || c < ' ' || c == '&' {
			return false
		}
	}
	return true
}

// CleanRune is Clean for one character; false means that the character is no content. For callers that must keep
// positions in the original text.
func CleanRune(r rune) (rune, bool) {
	switch {
	case r < 0x7f && r >= ' ':
		return r, true
	case r == unicode.ReplacementChar, unicode.Is(unicode.Cf, r), unicode.Is(unicode.Mn, r):
		return 0, false
	case unicode.IsSpace(r), unicode.Is(unicode.Z, r), unicode.IsControl(r), r == '\u2800', r == '\u3164':
		return ' ', true
	case unicode.Is(unicode.Nd, r):
		return '0' + digitValue(r), true
	case unicode.Is(unicode.Pd, r), strings.ContainsRune("\u2212\u2043\u2796\u30fc\u02d7", r):
		return '-', true
	case r >= '！' && r <= '～':
		return r - '！' + '!', true
	case strings.ContainsRune("⁺₊➕", r):
		return '+', true
	case strings.ContainsRune("∕⁄⧸", r):
		return '/', true
	}
	return r, true
}

// digitValue relies on Unicode's promise that decimal digits come in runs of ten from zero to nine.
func digitValue(r rune) rune {
	for _, t := range unicode.Nd.R16 {
		if r >= rune(t.Lo) && r <= rune(t.Hi) {
			return (r - rune(t.Lo)) % 10
		}
	}
	for _, t := range unicode.Nd.R32 {
		if r >= rune(t.Lo) && r <= rune(t.Hi) {
			return (r - rune(t.Lo)) % 10
		}
	}
	return 0
}

// OnlyDigits keeps the ASCII digits of s.
func OnlyDigits(s string) string {
	if isDigits(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
}

// IsHead tells whether a spelling names a switchboard: it ends in "-0", so that the direct-dial numbers of the same company
// begin with its other digits.
func IsHead(raw string) bool {
	s := strings.ReplaceAll(Clean(raw), " ", "")
	before, found := strings.CutSuffix(s, "-0")
	return found && OnlyDigits(before) != ""
}
