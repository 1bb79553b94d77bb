// Package plan reads and shows phone numbers by the numbering plan of a tenant's region.
package plan

import (
	"errors"
	"fmt"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"deskbell/app/number"
)

// Settings describe where a tenant's telephones stand. Region is required, the rest may be empty.
type Settings struct {
	// Region is the ISO 3166 code of the country, for example "DE".
	Region string
	// AreaCode is the own area code without the leading zero, for example "89". Without it a number that lacks its area
	// code is no number.
	AreaCode string
	// OutsideLine is the digit dialled for an outside line, for example "0". Numbers are taken with or without it.
	OutsideLine string
	// ExtensionMin and ExtensionMax are the lengths of the own extensions in digits. Both zero: only IsExtension tells.
	ExtensionMin, ExtensionMax int
	// IsExtension tells exactly which extensions exist. It may be nil, and must be safe for concurrent use.
	IsExtension func(digits string) bool
	// Countries are ISO 3166 codes to which calls are ordinary; Region always is one of them.
	Countries []string
	// Cities makes Place name cities. The table costs about 14 MiB of memory and 160 ms in New (measured).
	Cities bool
}

// Plan reads and shows numbers for one tenant. It never changes and is safe for concurrent use.
type Plan struct {
	settings  Settings
	code      string          // country calling code of the region, "49"
	trunk     string          // national prefix, "0"; empty where there is none
	bareIsNat bool            // numbers with their area code are written without the national prefix (Brazil, USA)
	countries map[string]bool // ordinary countries
	answers   answers
	codes     threeDigits
}

// Validate reports all wrong settings at once, each starting with the key of the settings file.
func (s Settings) Validate() error {
	var errs []error
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	known := phonenumbers.GetSupportedRegions()
	if !known[strings.ToUpper(s.Region)] {
		add("region: %q, expected a country code such as DE", s.Region)
	}
	for _, c := range s.Countries {
		if !known[strings.ToUpper(c)] {
			add("countries: %q, expected country codes such as DE", c)
		}
	}
	if s.AreaCode != "" && (!allDigits(s.AreaCode) || len(s.AreaCode) > 6) {
		add("area_code: %q, expected up to 6 digits", s.AreaCode)
	}
	if s.OutsideLine != "" && (!allDigits(s.OutsideLine) || len(s.OutsideLine) > 3) {
		add("outside_line: %q, expected one to three digits", s.OutsideLine)
	}
	if s.ExtensionMin < 0 || s.ExtensionMax < s.ExtensionMin || s.ExtensionMax > 10 || s.ExtensionMin == 0 && s.ExtensionMax > 0 {
		add("extension_length: %d to %d, expected 1 to 10, the smaller first", s.ExtensionMin, s.ExtensionMax)
	}
	return errors.Join(errs...)
}

// New makes the plan of a tenant.
func New(s Settings) (*Plan, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	s.Region = strings.ToUpper(s.Region)
	p := &Plan{
		settings:  s,
		code:      fmt.Sprint(phonenumbers.GetCountryCodeForRegion(s.Region)),
		trunk:     phonenumbers.GetNddPrefixForRegion(s.Region, true),
		countries: map[string]bool{s.Region: true},
	}
	p.bareIsNat = p.writtenBare()
	// An area code is often written as it is dialled.
	if p.trunk != "" {
		p.settings.AreaCode = strings.TrimPrefix(s.AreaCode, p.trunk)
	}
	for _, c := range s.Countries {
		p.countries[strings.ToUpper(c)] = true
	}
	if s.Cities {
		p.Place("+12125551234", "en")
		p.Place("+4989123456", "de")
	}
	return p, nil
}

// writtenBare asks the metadata by examples how the region writes its numbers.
func (p *Plan) writtenBare() bool {
	for _, kind := range []phonenumbers.PhoneNumberType{phonenumbers.FIXED_LINE, phonenumbers.MOBILE} {
		example := phonenumbers.GetExampleNumberForType(p.settings.Region, kind)
		if example != nil && !strings.HasPrefix(number.OnlyDigits(phonenumbers.Format(example, phonenumbers.NATIONAL)), p.trunk) {
			return true
		}
	}
	return p.trunk == ""
}

// Region is the ISO 3166 code the plan was made for.
func (p *Plan) Region() string { return p.settings.Region }

func allDigits(s string) bool { return s != "" && number.OnlyDigits(s) == s }
