package plan

import (
	"slices"
	"strings"
	"sync/atomic"

	"github.com/nyaruka/phonenumbers"
)

// moreEmergency holds emergency numbers that Google's metadata does not list as such for the region, from the national
// numbering plans (ARCEP; CNMC; ÖNORM list of RTR; BAKOM).
var moreEmergency = map[string][]string{
	"FR": {"15", "17", "18", "114", "115", "119", "191", "196", "197"},
	"ES": {"061", "062", "080", "085", "088", "091", "092"},
	"AT": {"140", "141"},
	"CH": {"1414", "1415"},
	"IT": {"114", "1530"},
}

// isEmergency tells whether digits, exactly as given, are an emergency number of the region.
func (p *Plan) isEmergency(digits string) bool {
	if len(digits) == 3 {
		return p.codes.get(digits, p.askCode)&codeEmergency != 0
	}
	return p.askEmergency(digits)
}

func (p *Plan) askEmergency(digits string) bool {
	return slices.Contains(moreEmergency[p.settings.Region], digits) ||
		len(digits) <= 6 && phonenumbers.IsEmergencyNumber(digits, p.settings.Region)
}

// threeDigits remembers what the metadata says of the codes 000 to 999, because every extension is one of them.
type threeDigits [1000]atomic.Uint32

const (
	codeAsked uint32 = 1 << iota
	codeEmergency
	codeService
)

func (t *threeDigits) get(digits string, ask func(string) uint32) uint32 {
	known := &t[int(digits[0]-'0')*100+int(digits[1]-'0')*10+int(digits[2]-'0')]
	if v := known.Load(); v != 0 {
		return v
	}
	v := ask(digits) | codeAsked
	known.Store(v)
	return v
}

func (p *Plan) askCode(digits string) uint32 {
	var v uint32
	if p.askEmergency(digits) {
		v |= codeEmergency
	}
	if p.askService(digits) {
		v |= codeService
	}
	return v
}

// emergency finds an emergency number also behind what people and systems put in front of it: the outside-line digit,
// the national prefix, the country code. A wrong "yes" costs a question, a wrong "no" could misroute a call for help.
func (p *Plan) emergency(sp spelling) (string, bool) {
	if len(sp.digits) > 12 {
		return "", false
	}
	for _, d := range p.withoutPrefixes(sp) {
		if p.isEmergency(d) {
			return d, true
		}
	}
	return "", false
}

func (p *Plan) withoutPrefixes(sp spelling) []string {
	forms := []string{sp.digits}
	for _, prefix := range []string{p.settings.OutsideLine, "00" + p.code, p.trunk} {
		if prefix == "" || sp.plus && prefix == p.settings.OutsideLine {
			continue
		}
		for _, f := range forms {
			if rest, ok := strings.CutPrefix(f, prefix); ok && !p.knownExtension(f) {
				forms = append(forms, rest)
			}
		}
	}
	if rest, ok := strings.CutPrefix(sp.digits, p.code); ok && sp.plus {
		forms = append(forms, rest, strings.TrimPrefix(rest, "0"))
	}
	return forms
}

// isPublicService tells whether digits are a public service code: three digits as 115 or 411, the European 116xxx, and
// directory enquiries 118xx. Google's list of short codes also has premium text-message numbers; those are left out,
// because they would hide extensions.
func (p *Plan) isPublicService(digits string) bool {
	switch {
	case len(digits) == 3:
		return p.codes.get(digits, p.askCode)&codeService != 0
	case strings.HasPrefix(digits, "116") && len(digits) == 6, isDirectory(digits):
		return p.askService(digits)
	}
	return false
}

func (p *Plan) askService(digits string) bool {
	if len(digits) == 3 {
		us := phonenumbers.IsNANPACountry(p.settings.Region)
		if us && digits[1:] != "11" && digits != "988" || !us && digits[0] != '1' {
			return false
		}
	}
	n, err := phonenumbers.Parse(digits, p.settings.Region)
	return err == nil && phonenumbers.IsValidShortNumberForRegion(n, p.settings.Region)
}

// isDirectory tells directory enquiries, which cost far more than an ordinary call.
func isDirectory(digits string) bool {
	return strings.HasPrefix(digits, "118") && len(digits) >= 5 && len(digits) <= 6
}

func (p *Plan) knownExtension(digits string) bool {
	return p.settings.IsExtension != nil && p.settings.IsExtension(digits)
}

// isExtension tells by exact knowledge or by length.
func (p *Plan) isExtension(digits string) bool {
	if p.knownExtension(digits) {
		return true
	}
	return p.settings.ExtensionMax > 0 && len(digits) >= p.settings.ExtensionMin && len(digits) <= p.settings.ExtensionMax
}
