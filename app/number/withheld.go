package number

import "strings"

// IsWithheld tells whether a text stands for a hidden or unavailable number. Telephone systems say so in many ways:
// nothing at all, a word in some language, a SIP address of RFC 3323, one letter as TAPI and analogue lines send it, or
// a word typed on the keypad and sent as if it were a number (266696687 spells ANONYMOUS).
func IsWithheld(raw string) bool {
	s := strings.ToLower(Clean(raw))
	if _, address, found := strings.Cut(s, "<"); found {
		s = address
	}
	s = strings.Trim(s, "<>\"'()[] ")
	s = strings.TrimPrefix(strings.TrimPrefix(s, "sips:"), "sip:")
	s = strings.TrimPrefix(s, "tel:")
	if at := strings.IndexByte(s, '@'); at >= 0 {
		s = s[:at]
	}
	s = strings.Trim(s, "<>\"'()[] -_.")
	return withheldWords[s] || withheldKeypad[strings.TrimPrefix(strings.TrimPrefix(s, "+"), "00")] && len(s) >= 9
}

// withheldWords are lower case, without brackets and quotes.
var withheldWords = set(
	"", "anonymous", "anonym", "anonyme", "anónimo", "anonimo", "anonymous caller", "unavailable", "restricted", "unknown",
	"unknown number", "unknown caller", "private", "private number", "private caller", "privat", "privé", "privado",
	"withheld", "number withheld", "blocked", "hidden", "not available", "no number", "no caller id", "nocallerid",
	"no cli", "out of area", "payphone", "unbekannt", "unterdrückt", "nummer unterdrückt", "rufnummer unterdrückt",
	"keine rufnummer", "inconnu", "numéro masqué", "masqué", "desconocido", "oculto", "sconosciuto", "privato", "onbekend",
	"null", "nil", "none", "undefined", "n/a", "p", "o",
)

var withheldKeypad = set(
	"266696687",   // ANONYMOUS
	"7378742833",  // RESTRICTED
	"86282452253", // UNAVAILABLE
)

func set(words ...string) map[string]bool {
	m := make(map[string]bool, len(words))
	for _, w := range words {
		m[w] = true
	}
	return m
}
