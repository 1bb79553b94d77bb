// Package number holds phone numbers as values: E.164, the party of a call, comparison. It knows no numbering plan.
package number

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// E164 is a number in the international form of ITU-T E.164: a plus sign and 7 to 15 digits, the first not zero.
// The empty value means "no such number". Values made by Parse are valid; others are asked by Valid.
type E164 string

// ErrNotE164 is wrapped by the errors of Parse.
var ErrNotE164 = errors.New("not an E.164 number")

const (
	minDigits = 7
	maxDigits = 15
)

// Parse takes the strict form only, "+" and digits. Every other spelling is the business of number/plan.
// The error does not repeat the number.
func Parse(s string) (E164, error) {
	e := E164(s)
	if !e.Valid() {
		return "", fmt.Errorf("%w: expected + and %d to %d digits", ErrNotE164, minDigits, maxDigits)
	}
	return e, nil
}

// Valid tells whether e has the strict form.
func (e E164) Valid() bool {
	if len(e) < minDigits+1 || len(e) > maxDigits+1 || e[0] != '+' || e[1] == '0' {
		return false
	}
	return isDigits(string(e[1:]))
}

// Digits returns the number without the plus sign, as NFON's "global" context and many CRMs want it.
func (e E164) Digits() string { return strings.TrimPrefix(string(e), "+") }

// Intl00 returns the number with 00 in place of the plus sign, or nothing for the empty number.
func (e E164) Intl00() string {
	if e == "" {
		return ""
	}
	return "00" + e.Digits()
}

// LogValue masks the number in logs: its last two digits stay.
func (e E164) LogValue() slog.Value { return slog.StringValue(masked(string(e))) }

func masked(s string) string {
	switch {
	case s == "":
		return ""
	case len(s) < 6:
		return "…"
	}
	tail := s[len(s)-2:]
	if !isDigits(tail) {
		return "…"
	}
	return "…" + tail
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
