package plan

import (
	"slices"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"deskbell/app/number"
)

// Hint says what the source of a number promises about its form. Sources break their promises, so it only orders the
// readings.
type Hint int

// The hints.
const (
	// HintNone is for what people type and CRMs store.
	HintNone Hint = iota
	// HintInternal is for a number that the telephone system calls internal (NFON: K-Account context).
	HintInternal
	// HintGlobal is for a number that the telephone system calls global: E.164 digits without plus.
	HintGlobal
)

// reading is one way to take digits as a number: text as phonenumbers.Parse wants it.
type reading struct {
	text string
	// weak readings count only if the number is valid by the metadata, because any digits would be possible.
	weak bool
	// written readings count only if the region writes the number with just these digits (Ireland's 1800 numbers).
	written bool
}

// read is best for the spelling, remembered: one call brings the same numbers several times, and reading costs more than
// everything else an event needs.
func (p *Plan) read(sp spelling, hint Hint) (number.E164, bool) {
	sp.postDial = ""
	key := question{sp, hint}
	e, ok := p.answers.get(key)
	if !ok {
		e = p.best(sp, hint)
		p.answers.put(key, e)
	}
	return e, e != ""
}

// best finds the best reading: the first that is valid, else the first that is possible. New, test and drama ranges are
// possible only.
func (p *Plan) best(sp spelling, hint Hint) number.E164 {
	var possible number.E164
	for _, r := range p.readings(sp, hint) {
		n, err := phonenumbers.Parse(r.text, p.settings.Region)
		if err != nil || phonenumbers.IsPossibleNumberWithReason(n) != phonenumbers.IS_POSSIBLE {
			continue
		}
		if r.written && number.OnlyDigits(phonenumbers.Format(n, phonenumbers.NATIONAL)) != r.text {
			continue
		}
		e := number.E164(phonenumbers.Format(n, phonenumbers.E164))
		switch {
		case !e.Valid():
		case phonenumbers.IsValidNumber(n):
			return e
		case possible == "" && !r.weak && stable(e):
			possible = e
		}
	}
	return possible
}

// stable tells that a number which is only possible reads back as itself; a run of zeros after the country code is none.
func stable(e number.E164) bool {
	n := parsed(e)
	return n != nil && phonenumbers.IsPossibleNumber(n) && phonenumbers.Format(n, phonenumbers.E164) == string(e)
}

func (p *Plan) readings(sp spelling, hint Hint) []reading {
	digits := sp.digits
	switch {
	case sp.plus && !strings.HasPrefix(digits, "0"):
		return p.optionalZero("+", digits, sp.withZero)
	case strings.HasPrefix(digits, "00") && sp.withZero != "":
		return p.optionalZero("+", digits[2:], sp.withZero[2:])
	}
	if sp.context != "" && !strings.HasPrefix(digits, "0") {
		return []reading{{text: sp.context + digits}}
	}
	rs := p.prefixed(digits)
	if out := p.settings.OutsideLine; out != "" && strings.HasPrefix(digits, out) {
		rest := digits[len(out):]
		rs = append(rs, p.prefixed(rest)...)
		if !p.special(digits) {
			rs = append(rs, p.local(rest)...)
		}
	}
	return append(rs, p.bare(digits, hint)...)
}

// optionalZero orders the two readings of "+49 (0) 89": the zero is dropped, except where the plan keeps it (Italy).
func (p *Plan) optionalZero(plus, without, with string) []reading {
	if with == "" {
		return []reading{{text: plus + without}}
	}
	rs := []reading{{text: plus + without}, {text: plus + with}}
	if strings.HasPrefix(without, "39") || strings.HasPrefix(without, "378") {
		rs[0], rs[1] = rs[1], rs[0]
	}
	return rs
}

// prefixed reads digits that say by their beginning what they are: international or national prefix.
func (p *Plan) prefixed(digits string) []reading {
	var rs []reading
	if strings.HasPrefix(digits, "00") {
		rs = append(rs, reading{text: "+" + digits[2:]})
	}
	if p.isNational(digits) {
		rs = append(rs, reading{text: digits})
	}
	return rs
}

// isNational tells digits that are complete inside the country. Where numbers are written without a national prefix, any
// could be; phonenumbers decides by the length.
func (p *Plan) isNational(digits string) bool {
	return digits != "" && (p.bareIsNat || strings.HasPrefix(digits, p.trunk))
}

// germanSpecial are the German ranges without a place: mobile, free, shared-cost and premium numbers.
var germanSpecial = []string{"015", "016", "017", "018", "019", "0137", "0138", "032", "0700", "0800", "0900"}

// special tells digits that are never "outside line, then a local number", even when too short or too long: dialling
// 0900 12345 must not become a call to a stranger in town.
func (p *Plan) special(digits string) bool {
	return p.settings.Region == "DE" && slices.ContainsFunc(germanSpecial, func(s string) bool { return strings.HasPrefix(digits, s) })
}

// bare reads digits without any prefix: within the own area, or E.164 digits that lost their plus.
func (p *Plan) bare(digits string, hint Hint) []reading {
	if digits == "" || digits[0] == '0' {
		return nil
	}
	local := append(p.local(digits), reading{text: digits, weak: true, written: true})
	e164 := []reading{{text: "+" + digits, weak: hint != HintGlobal}}
	if hint == HintNone {
		return append(local, e164...)
	}
	return append(e164, local...)
}

// local reads digits within the own area, if the length allows.
func (p *Plan) local(digits string) []reading {
	area := p.settings.AreaCode
	if area == "" || digits == "" || digits[0] == '0' || len(digits) < minLocal || len(area)+len(digits) > p.maxNational() {
		return nil
	}
	return []reading{{text: "+" + p.code + area + digits}}
}

// minLocal keeps digits that are a little too long for an extension from becoming a number.
const minLocal = 5

// maxNational is the longest national number in use. Germany's metadata allows 15 digits for old private networks; the
// Bundesnetzagentur's rules for area codes allow 11, and with more, E.164 digits without plus would be read as local.
func (p *Plan) maxNational() int {
	if p.settings.Region == "DE" {
		return 11
	}
	return 15 - len(p.code)
}
