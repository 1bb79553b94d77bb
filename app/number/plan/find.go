package plan

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/nyaruka/phonenumbers"

	"deskbell/app/number"
)

// Candidate is a number found in a running text.
type Candidate struct {
	// Text is the spelling in the text, Start and End its place in bytes.
	Text       string
	Start, End int
	Party      number.Party
	// Sure is false where the digits could be something else; a picker should ask.
	Sure bool
}

// maxSearch is how much of a text is searched, in bytes; maxCandidates how many numbers are told.
const (
	maxSearch     = 64 << 10
	maxCandidates = 50
)

// noNumber matches what looks like a number and is none: IBAN, ISBN, dates, times, prices, sizes, order numbers,
// addresses of machines.
var noNumber = regexp.MustCompile(`(?i)` + strings.Join([]string{
	`\b[a-z]{2}\d{2}(?: ?[0-9a-z]{4}){3,7}(?: ?[0-9a-z]{1,3})?\b`,
	`\bISBN(?:-1[03])?[: ]*[\d -]{9,16}[\dx]`,
	`\b97[89][- ]\d[- ]\d{2,6}[- ]\d{2,6}[- ]\d\b`,
	`\b\d{1,2}\.\s?\d{1,2}\.\s?(?:\d{4}|\d{2})\b`,
	`\b\d{4}-\d{2}-\d{2}\b`,
	`\b\d{1,2}/\d{1,2}/(?:\d{4}|\d{2})\b`,
	`\b\d{1,2}:\d{2}(?::\d{2})?\b`,
	`(?:[€$£]|\b(?:EUR|USD|CHF|GBP|Euro))\s?\d[\d.,']*`,
	`\b\d[\d.,']*(?:,-)?\s?(?:€|\$|£|(?:EUR|USD|CHF|GBP|Euro|Mio|Cent)\b)`,
	`\b\d[\d.,]*\s?[x×]\s?\d[\d.,]*(?:\s?[x×]\s?\d[\d.,]*)?(?:\s?(?:mm|cm|m|px|Zoll))?\b`,
	`\b\d[\d.,]*\s?(?:mm|cm|km|kg|mg|ml|MB|GB|TB|kWh|kW|Stk|Stück|Uhr|qm|m²|ppm|dpi|px)\b`,
	`\b\d[\d.,]*\s?%`,
	`\b(?:bestell|auftrags?|rechnungs?|kunden|artikel|vorgangs|ticket|vertrags|steuer|order|invoice|customer|article|item|case|serial|serien|konto|account|ref(?:erenz|erence)?|ust-?id|imei|ean|gtin|blz|hrb|plz)[- ]?(?:nummer|nr|number|no|id)?\b[.:# ]*[\w./-]*\d[\w./-]*(?: \d+)*`,
	`\b(?:\d{1,3}\.){3}\d{1,3}\b`,
	`\b\w{8}-\w{4}-\w{4}-\w{4}-\w{12}\b`,
}, "|"))

var looksLike = regexp.MustCompile(`(?i)(?:[+(\[]{1,2}|\b)\d(?:[\d ()/\[\].~_-]{0,30}\d)?(?:[ ,;/(-]*(?:dw|durchwahl|kl|klappe|nst|ext(?:ension)?|x)\b?[ .:=-]*\d{1,6}\b|;ext=\d{1,6})?`)

// FindNumbers finds the numbers of a text, in its order, for instance of a selection that is to be dialled. A text that
// is nothing but one number, extension or code gives exactly that.
func (p *Plan) FindNumbers(text string) []Candidate {
	full := len(text)
	text = shorten(text, maxSearch)
	if whole, ok := p.whole(text); ok {
		return []Candidate{whole}
	}
	clean, origin := cleanWithOrigin(text)
	masked := noNumber.ReplaceAllStringFunc(clean, func(m string) string { return strings.Repeat("\x00", len(m)) })
	var found []Candidate
	for _, m := range looksLike.FindAllStringIndex(masked, -1) {
		// A number that the limit cut in two would be somebody else's.
		if glued(masked, m) || m[1] == len(masked) && len(text) < full {
			continue
		}
		found = append(found, p.candidates(text, clean, origin, m)...)
		if len(found) >= maxCandidates {
			return found[:maxCandidates]
		}
	}
	return found
}

func (p *Plan) whole(text string) (Candidate, bool) {
	party := p.Normalize(text, HintNone)
	if len(text) > maxText || party.Kind == number.Unknown || party.Kind == number.Withheld || noNumber.MatchString(number.Clean(text)) {
		return Candidate{}, false
	}
	sure := party.Kind != number.External || p.sure(party.E164, takeApart(text))
	return Candidate{Text: text, End: len(text), Party: party, Sure: sure}, true
}

// candidates reads one run of digits, which may hold several numbers.
func (p *Plan) candidates(text, clean string, origin []int, m []int) []Candidate {
	var found []Candidate
	at := m[0]
	for _, part := range p.split(clean[m[0]:m[1]]) {
		start := at + strings.Index(clean[at:], part)
		at = start + len(part)
		party := p.Normalize(part, HintNone)
		if party.Kind != number.External {
			continue
		}
		c := Candidate{Start: origin[start], End: origin[at], Party: party, Sure: p.sure(party.E164, takeApart(part))}
		c.Text = strings.TrimRight(text[c.Start:c.End], " \t\r\n")
		c.End = c.Start + len(c.Text)
		found = append(found, c)
	}
	return found
}

// sure asks for a prefix that only phone numbers have, and for a number that the metadata knows.
func (p *Plan) sure(e number.E164, sp spelling) bool {
	n := parsed(e)
	marked := sp.plus || strings.HasPrefix(sp.digits, "00") || p.trunk != "" && strings.HasPrefix(sp.digits, p.trunk)
	return n != nil && (marked || p.trunk == "") && len(sp.digits) >= number.MaybeDigits && phonenumbers.IsValidNumber(n)
}

// glued tells a run of digits that is part of a word or a longer sign.
func glued(s string, m []int) bool {
	before, _ := utf8.DecodeLastRuneInString(s[:m[0]])
	after, _ := utf8.DecodeRuneInString(s[m[1]:])
	return isWord(before) || isWord(after) || strings.ContainsRune("#@=&%", before) || after == '@' || after == '%'
}

func isWord(r rune) bool {
	return r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r > 0xbf && r != utf8.RuneError
}

// cleanWithOrigin is number.Clean that remembers for each byte, and for the end, its place in the text. HTML entities
// stay: a selection is text, not markup.
func cleanWithOrigin(text string) (string, []int) {
	var b strings.Builder
	origin := make([]int, 0, len(text)+1)
	for i, r := range text {
		c, ok := number.CleanRune(r)
		if r == '\n' {
			c = ';'
		}
		if !ok {
			continue
		}
		for range utf8.RuneLen(c) {
			origin = append(origin, i)
		}
		b.WriteRune(c)
	}
	return b.String(), append(origin, len(text))
}
