package plan

import (
	"strings"
	"unicode/utf8"

	"deskbell/app/number"
)

// maxRaw is how much of an untrusted text a Party keeps, in bytes.
const maxRaw = 128

// Normalize makes one number of any spelling comparable. It never fails: what it cannot read has Kind Unknown.
func (p *Plan) Normalize(raw string, hint Hint) number.Party {
	party := number.Party{Raw: cut(raw, maxRaw)}
	if number.IsWithheld(raw) {
		party.Kind = number.Withheld
		return party
	}
	p.classify(takeApart(raw), hint, &party)
	return party
}

func (p *Plan) classify(sp spelling, hint Hint, party *number.Party) {
	digits := sp.digits
	switch {
	case sp.code != "":
		party.Kind, party.Code = number.Service, cut(sp.code, maxRaw)
		return
	case sp.letters || digits == "":
		return
	}
	if code, ok := p.emergency(sp); ok {
		party.Kind, party.Code = number.Emergency, code
		return
	}
	if !sp.plus && len(digits) == 3 && p.isPublicService(digits) {
		party.Kind, party.Code = number.Service, digits
		return
	}
	if !sp.plus && sp.context == "" && p.isExtension(digits) {
		party.Kind, party.Extension = number.Internal, digits
		return
	}
	if code, ok := p.service(sp); ok {
		party.Kind, party.Code = number.Service, code
		return
	}
	if e, ok := p.read(sp, hint); ok {
		party.Kind, party.E164, party.PostDial = number.External, e, sp.postDial
	}
}

// service finds a public service code also behind the outside-line digit or the own country code.
func (p *Plan) service(sp spelling) (string, bool) {
	for _, d := range p.withoutPrefixes(sp) {
		if p.isPublicService(d) {
			return d, true
		}
	}
	return "", false
}

// E164 reads a number for comparison, as contact sources need it: nothing but an E.164 number counts.
func (p *Plan) E164(raw string) (number.E164, bool) {
	party := p.Normalize(raw, HintNone)
	return party.E164, party.Kind == number.External
}

// cut shortens s to at most n bytes of valid UTF-8.
func cut(s string, n int) string { return strings.ToValidUTF8(shorten(s, n), "?") }

// shorten shortens s to at most n bytes without splitting a character.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
