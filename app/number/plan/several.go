package plan

import (
	"regexp"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"deskbell/app/number"
)

// maxSeveral is how many numbers of one field are looked at.
const maxSeveral = 20

var (
	between   = regexp.MustCompile(`(?i)\s*(?:[/,;|\n]|\b(?:oder|or|und|and|ou|o|bzw\.?)\b)\s*`)
	areaStart = regexp.MustCompile(`^\D*[+(0]`)
	uriTail   = regexp.MustCompile(`(?i)^\s*(?:ext|phone-context|isub|postd)=|^\s*,|^\s*ext`)
)

// NormalizeAll reads a contact's field that may hold several numbers, "089 123456 / 0171 2345678 oder 089 1234-56/57".
// Texts between them that are no number are left out; an empty result means that there was none at all.
func (p *Plan) NormalizeAll(field string) []number.Party {
	if len(field) > 4*maxText {
		return nil
	}
	var found []number.Party
	for _, part := range p.split(number.Clean(strings.ReplaceAll(field, "\n", ";"))) {
		party := p.Normalize(p.completed(part, found), HintNone)
		if party.Kind == number.Unknown || party.Kind == number.Withheld {
			continue
		}
		if found = append(found, party); len(found) == maxSeveral {
			break
		}
	}
	return found
}

// split cuts a field at its separators, except where a separator is part of one number's spelling.
func (p *Plan) split(s string) []string {
	var parts []string
	start, from := 0, 0
	for {
		m := between.FindStringIndex(s[from:])
		if m == nil {
			return append(parts, s[start:])
		}
		left, sep, right := s[start:from+m[0]], strings.TrimSpace(s[from+m[0]:from+m[1]]), s[from+m[1]:]
		from += m[1]
		if p.joins(left, sep, right) {
			continue
		}
		parts = append(parts, left)
		start = from
	}
}

// joins tells that a separator belongs to a number: the German slash after the area code, the semicolon of a tel link,
// the two commas of a pause.
func (p *Plan) joins(left, sep, right string) bool {
	switch sep {
	case ";":
		return uriTail.MatchString(right)
	case ",":
		return strings.HasPrefix(right, ",") || strings.HasSuffix(strings.TrimSpace(left), ",") || uriTail.MatchString(right)
	case "/":
		digits := number.OnlyDigits(left)
		next := number.OnlyDigits(firstField(right))
		if strings.HasPrefix(strings.TrimSpace(right), "+") || strings.HasPrefix(next, "00") {
			return false
		}
		// An ending after a direct-dial number is an alternative, not a continuation.
		if alternative(left, next) {
			return false
		}
		if len(digits) <= areaCodeDigits {
			return areaStart.MatchString(left)
		}
		return next != "" && len(next) < minLocal && !strings.HasPrefix(next, "0")
	}
	return false
}

// areaCodeDigits is the longest that can stand before the slash without being a number: "0049 89".
const areaCodeDigits = 6

func firstField(s string) string {
	if m := between.FindStringIndex(s); m != nil {
		return s[:m[0]]
	}
	return s
}

// alternative tells the second of "1234-56/57": as many digits as the direct-dial ending, or at most two.
func alternative(left, next string) bool {
	if len(number.OnlyDigits(left)) <= areaCodeDigits || next == "" {
		return false
	}
	_, ending, found := cutLast(left, "-")
	return len(next) <= 2 || found && len(number.OnlyDigits(ending)) == len(next) && len(next) < minLocal
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// completed gives a further number what it shares with the one before it: the head of an alternative ending, or the
// area code.
func (p *Plan) completed(part string, before []number.Party) string {
	digits := number.OnlyDigits(part)
	if len(before) == 0 || digits == "" || strings.Contains(part, "+") || digits[0] == '0' || !onlyNumber(part) {
		return part
	}
	last := before[len(before)-1]
	if last.Kind != number.External {
		return part
	}
	if len(digits) < minLocal {
		head := string(last.E164)
		return head[:len(head)-len(digits)] + digits
	}
	if area := areaOf(last.E164); area != "" && len(digits) <= 9 {
		return area + digits
	}
	return part
}

func onlyNumber(s string) bool { return ornament.MatchString(strings.TrimSpace(s)) }

// areaOf is a number's country and area code, "+4989", where the numbering plan has area codes.
func areaOf(e number.E164) string {
	n := parsed(e)
	if n == nil {
		return ""
	}
	length := phonenumbers.GetLengthOfGeographicalAreaCode(n)
	national := phonenumbers.GetNationalSignificantNumber(n)
	if length == 0 || length > len(national) {
		return ""
	}
	return strings.TrimSuffix(string(e), national[length:])
}
