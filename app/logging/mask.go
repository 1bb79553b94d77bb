package logging

import (
	"log/slog"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Number is a phone number in any spelling. The log shows at most its last two digits.
type Number string

// String returns the masked form, so that fmt cannot leak the number either.
func (n Number) String() string { return MaskNumber(string(n)) }

// LogValue implements slog.LogValuer.
func (n Number) LogValue() slog.Value { return slog.StringValue(n.String()) }

// MarshalText masks the number where a handler encodes a value as JSON.
func (n Number) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// MaskNumber keeps the last two of six or more digits; of fewer it keeps none, because little would be hidden.
func MaskNumber(s string) string {
	if s == "" {
		return ""
	}
	digits := make([]rune, 0, len(s))
	for _, r := range s {
		if unicode.IsDigit(r) {
			digits = append(digits, r)
		}
	}
	if len(digits) < 6 {
		return "…"
	}
	return "…" + string(digits[len(digits)-2:])
}

// Name is a person's or company's name. The log shows its first letter.
type Name string

// String returns the masked form.
func (n Name) String() string {
	if n == "" {
		return ""
	}
	if first, _ := utf8.DecodeRuneInString(string(n)); unicode.IsLetter(first) {
		return string(first) + "…"
	}
	return "…"
}

// LogValue implements slog.LogValuer.
func (n Name) LogValue() slog.Value { return slog.StringValue(n.String()) }

// MarshalText masks the name where a handler encodes a value as JSON.
func (n Name) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// Secret is a password, token or key. The log shows only whether there is one.
type Secret string

// String returns "[secret]", or nothing for an empty secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "[secret]"
}

// GoString keeps %#v from printing the secret.
func (s Secret) GoString() string { return `logging.Secret("` + s.String() + `")` }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText masks the secret where a handler encodes a value as JSON.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// URL is an address that may carry numbers, names or tokens. The log shows scheme and host.
type URL string

// String returns scheme://host/… , or the scheme alone for links such as tel:.
func (u URL) String() string {
	if u == "" {
		return ""
	}
	p, err := url.Parse(string(u))
	switch {
	case err != nil:
		return "…"
	case p.Host != "":
		scheme := p.Scheme
		if scheme != "" {
			scheme += ":"
		}
		return scheme + "//" + p.Host + "/…"
	case p.Scheme != "":
		return p.Scheme + ":…"
	}
	return "…"
}

// LogValue implements slog.LogValuer.
func (u URL) LogValue() slog.Value { return slog.StringValue(u.String()) }

// MarshalText masks the address where a handler encodes a value as JSON.
func (u URL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// Words that look like numbers but identify something are matched first, so that they stay whole: ids, times, hex sums.
var spelled = regexp.MustCompile(`\b\w{8}-\w{4}-\w{4}-\w{4}-\w{12}\b` +
	`|\b\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d(:\d\d)?([.,]\d+)?` +
	`|\b[0-9a-fA-F]*[a-fA-F][0-9a-fA-F]{15,}\b|\b[0-9a-fA-F]{15,}[a-fA-F][0-9a-fA-F]*\b` +
	`|(?:\+|%2[Bb])?\p{Nd}(?:(?:%20|[\p{Zs}()/‐-―−-]){0,3}\p{Nd}){6,}`)

// MaskText hides everything in a text that could be a phone number: seven or more digits, also with blanks, brackets,
// slashes or dashes between them. Ids in UUID form, times and hexadecimal sums stay.
func MaskText(s string) string {
	if countDigits(s) < 7 {
		return s
	}
	return spelled.ReplaceAllStringFunc(s, func(m string) string {
		if isIdentifier(m) {
			return m
		}
		return MaskNumber(m)
	})
}

var uuidShape = regexp.MustCompile(`^\w{8}-\w{4}-\w{4}-\w{4}-\w{12}$`)

func isIdentifier(m string) bool {
	if strings.ContainsRune(m, ':') || uuidShape.MatchString(m) {
		return true
	}
	m = strings.TrimPrefix(strings.TrimPrefix(m, "%2B"), "%2b")
	return strings.ContainsFunc(m, unicode.IsLetter)
}

func countDigits(s string) int {
	n := 0
	for _, r := range s {
		if unicode.IsDigit(r) {
			n++
		}
	}
	return n
}
