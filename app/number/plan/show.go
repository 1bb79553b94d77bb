package plan

import (
	"strings"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"deskbell/app/number"
)

// National shows a number as it is written within its country, "089 123456". A form that would read back as another
// number (the library's form of Argentine mobile numbers) is not shown; the international one is.
func (p *Plan) National(e number.E164) string {
	n := parsed(e)
	if n == nil {
		return string(e)
	}
	shown := phonenumbers.Format(n, phonenumbers.NATIONAL)
	again, err := phonenumbers.Parse(shown, phonenumbers.GetRegionCodeForNumber(n))
	if phonenumbers.IsValidNumber(n) && (err != nil || phonenumbers.Format(again, phonenumbers.E164) != string(e)) {
		return p.International(e)
	}
	return shown
}

// International shows a number as it is written abroad, "+49 89 123456".
func (p *Plan) International(e number.E164) string {
	n := parsed(e)
	if n == nil {
		return string(e)
	}
	return phonenumbers.Format(n, phonenumbers.INTERNATIONAL)
}

// NationalDigits are what a telephone of the region dials for a number of the region, "089123456". For another
// country's number and where it is unknown they are empty.
func (p *Plan) NationalDigits(e number.E164) string {
	n := parsed(e)
	if n == nil || !strings.HasPrefix(string(e), "+"+p.code) {
		return ""
	}
	return p.trunkFor() + phonenumbers.GetNationalSignificantNumber(n)
}

// trunkFor leaves out North America's 1: people there write ten digits.
func (p *Plan) trunkFor() string {
	if phonenumbers.IsNANPACountry(p.settings.Region) {
		return ""
	}
	return p.trunk
}

// Show is how a party's number is shown to the tenant's people: national within the own country, else international;
// extensions and codes as they are. A withheld number and an unreadable text give "".
func (p *Plan) Show(party number.Party) string {
	switch party.Kind {
	case number.External:
		if strings.HasPrefix(string(party.E164), "+"+p.code) && p.Country(party.E164) == p.settings.Region {
			return p.National(party.E164)
		}
		return p.International(party.E164)
	case number.Internal:
		return party.Extension
	case number.Service, number.Emergency:
		return party.Code
	case number.Unknown, number.Withheld:
		return ""
	}
	return ""
}

// Country is the ISO 3166 code of a number's country. Numbers that are only possible count to the main country of their
// calling code; numbers of no country (satellites, +800) give "".
func (p *Plan) Country(e number.E164) string {
	n := parsed(e)
	if n == nil {
		return ""
	}
	region := phonenumbers.GetRegionCodeForNumber(n)
	if region == "" {
		region = phonenumbers.GetRegionCodeForCountryCode(int(n.GetCountryCode()))
	}
	if region == "001" || region == "ZZ" {
		return ""
	}
	return region
}

// Place says where a number belongs, in the language lang ("de", "en"): the city where the settings ask for cities and
// the number has one, else the name of the country; empty if there is none, and for the own country, which goes without saying.
func (p *Plan) Place(e number.E164, lang string) string {
	n := parsed(e)
	if n == nil {
		return ""
	}
	if p.settings.Cities && phonenumbers.GetLengthOfGeographicalAreaCode(n) > 0 {
		if city, err := phonenumbers.GetGeocodingForNumber(n, lang); err == nil && city != "" {
			return city
		}
	}
	country := p.Country(e)
	if country == p.settings.Region {
		return ""
	}
	return countryName(country, lang)
}

func countryName(country, lang string) string {
	region, err := language.ParseRegion(country)
	if err != nil {
		return ""
	}
	tag, err := language.Parse(lang)
	if err != nil {
		tag = language.English
	}
	if names := display.Regions(tag); names != nil {
		return names.Name(region)
	}
	return display.Regions(language.English).Name(region)
}

func parsed(e number.E164) *phonenumbers.PhoneNumber {
	if !e.Valid() {
		return nil
	}
	n, err := phonenumbers.Parse(string(e), "")
	if err != nil {
		return nil
	}
	return n
}
