package plan

import (
	"net/url"
	"regexp"
	"strings"

	"deskbell/app/number"
)

// spelling is a text taken apart, before any numbering plan is asked.
type spelling struct {
	plus     bool   // international form
	digits   string // all digits without plus and without an optional zero
	withZero string // the digits with the optional zero of "+49 (0) 89", else empty
	code     string // star or hash code, complete
	postDial string // digits to be dialled after the answer
	context  string // global phone-context of RFC 3966, "+49"; a domain as context says nothing to us
	letters  bool   // something that is no number spelling was in it
}

// maxText is the longest text that is looked at; a number with every ornament has fewer characters.
const maxText = 512

var (
	scheme     = regexp.MustCompile(`(?i)^(?:tel|callto|sips?|fax|phone):(?://)?`)
	inBrackets = regexp.MustCompile(`^[^<>]*<([^<>]+)>.*$`)
	uriParam   = regexp.MustCompile(`(?i);(ext|phone-context|postd)=([^;]*)`)
	label      = regexp.MustCompile(`(?i)^(?:tel(?:efon|ephone|efono|éfono|\.)?|fon|ph(?:one)?|mobil(?:e|telefon)?|mob|handy|natel|cell|telefax|fax|büro|office|work|zentrale|[tmf])[ .:]*[.: ][ ]*`)
	remark     = regexp.MustCompile(`\(\s*[\p{L} .]{2,}\)`)
	postDial   = regexp.MustCompile(`(?i)[ ,;./(-]*(?:(?:ext(?:ension|n)?|int(?:erno|ern)?|poste|toestel|wew(?:n)?|linka|ramal|anexo|доб|x)[ .:=#]*|[#][ ]*|(?:内線|內線|转|轉|分机|分機|내선)[ :]*|(?:, *){2,}|[pw])(\d{1,7})[ )]*$`)
	directDial = regexp.MustCompile(`(?i)(-\s*0)?[ ,;./(-]*\b(?:dw|durchwahl|klappe|kl|nst|nebenstelle)\b[ .:=-]*(\d{1,6})[ )]*$`)
	optional   = regexp.MustCompile(`[(\[]\s*(0\d?)\s*[)\]]`)
	starCode   = regexp.MustCompile(`^[*#][0-9*# .()/-]*$|^[0-9]{0,4}\*[0-9*#]*#?$`)
	ornament   = regexp.MustCompile(`^[\d +()\[\]/.~·•'_:-]*$`)
)

// takeApart reads the spelling of one number.
func takeApart(raw string) spelling {
	if len(raw) > maxText {
		return spelling{letters: true}
	}
	var sp spelling
	s := number.Clean(raw)
	if isPlain(s) {
		sp.readDigits(s)
		return sp
	}
	s = sp.unwrap(s)
	if starCode.MatchString(s) {
		sp.code = keep(s, "0123456789*#")
		return sp
	}
	s = remark.ReplaceAllString(label.ReplaceAllString(s, ""), "")
	s = sp.cutTail(s)
	if !ornament.MatchString(s) {
		sp.letters = true
	}
	sp.readDigits(strings.TrimSpace(s))
	return sp
}

// isPlain tells that there is nothing but digits and their usual ornaments, as in nearly every number of a call.
func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && strings.IndexByte("+ -/.()", c) < 0 {
			return false
		}
	}
	return true
}

// unwrap takes a number out of a link or SIP address and remembers the parameters that belong to it.
func (sp *spelling) unwrap(s string) string {
	if m := inBrackets.FindStringSubmatch(s); m != nil {
		s = m[1]
	}
	if !scheme.MatchString(s) {
		return s
	}
	s = scheme.ReplaceAllString(s, "")
	if plain, err := url.PathUnescape(s); err == nil {
		s = number.Clean(plain)
	}
	s, _, _ = strings.Cut(s, "?")
	s, _, _ = strings.Cut(s, "@")
	for _, m := range uriParam.FindAllStringSubmatch(s, -1) {
		switch {
		case !strings.EqualFold(m[1], "phone-context"):
			sp.postDial = number.OnlyDigits(m[2])
		case strings.HasPrefix(m[2], "+"):
			sp.context = "+" + number.OnlyDigits(m[2])
		}
	}
	s, _, _ = strings.Cut(s, ";")
	return s
}

// cutTail takes an inner extension off the end, and joins a direct-dial number to its head number.
func (sp *spelling) cutTail(s string) string {
	if m := directDial.FindStringSubmatchIndex(s); m != nil {
		return s[:m[0]] + "-" + s[m[4]:m[5]]
	}
	m := postDial.FindStringSubmatchIndex(s)
	if m == nil || len(number.OnlyDigits(s[:m[0]])) < 3 {
		return s
	}
	sp.postDial = s[m[2]:m[3]]
	return s[:m[0]]
}

func (sp *spelling) readDigits(s string) {
	head, rest, found := strings.Cut(s, "+")
	if found {
		// What stands before the plus can only be an outside-line digit or a bracket.
		if strings.Contains(strings.TrimLeft(rest, "+"), "+") || len(number.OnlyDigits(head)) > 1 {
			sp.letters = true
			return
		}
		s, sp.plus = strings.TrimLeft(rest, "+"), true
	}
	sp.digits = number.OnlyDigits(s)
	if !strings.ContainsAny(s, "([") {
		return
	}
	m := optional.FindStringIndex(s)
	if m == nil || m[0] == 0 || number.OnlyDigits(s[:m[0]]) == "" {
		return
	}
	// A bracketed zero follows a country code, also where plus or 00 were forgotten.
	if !sp.plus && !strings.HasPrefix(sp.digits, "0") {
		sp.plus = true
	}
	sp.withZero = sp.digits
	sp.digits = number.OnlyDigits(s[:m[0]] + s[m[1]:])
}

func keep(s, chars string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(chars, r) {
			return r
		}
		return -1
	}, s)
}
