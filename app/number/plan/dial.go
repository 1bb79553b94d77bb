package plan

import (
	"errors"
	"regexp"
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers"

	"deskbell/app/number"
)

// Class says how careful the program must be before it dials.
type Class string

// The classes.
const (
	// Ordinary is an outside number of the tenant's countries at an ordinary price.
	Ordinary Class = "ordinary"
	// Internal is an extension.
	Internal Class = "internal"
	// Emergency never comes from a link or program, and dials at once when typed by hand.
	Emergency Class = "emergency"
	// Premium costs more than an ordinary call: always ask.
	Premium Class = "premium"
	// StarCode changes the telephone's or line's settings: always ask.
	StarCode Class = "star code"
	// Service is a public service code such as 115 or 116117.
	Service Class = "service"
	// Foreign is outside the tenant's countries, or of no country at all (satellites).
	Foreign Class = "foreign"
)

// Dialable is a text that can be dialled.
type Dialable struct {
	Class Class `json:"class"`
	// Party is the text made comparable.
	Party number.Party `json:"party"`
	// Send is what goes to the telephone system: an E.164 number with plus, an extension, or a code. A connector that
	// wants another form makes it from Party.
	Send string `json:"send"`
	// Display is how the number is shown.
	Display string `json:"display"`
	// Country is the ISO 3166 code of an outside number, empty if it has none.
	Country string `json:"country,omitempty"`
}

// Why a text cannot be dialled. Compare with errors.Is; the words for the user are made elsewhere.
var (
	ErrEmpty     = errors.New("nothing to dial")
	ErrLetters   = errors.New("letters are not dialled")
	ErrTooLong   = errors.New("too many digits for a phone number")
	ErrTooShort  = errors.New("too few digits for a phone number")
	ErrNotNumber = errors.New("not a phone number here")
	ErrSeveral   = errors.New("more than one number")
)

// maxDialDigits is the most that can be a number with every prefix: 15 digits, international and outside-line prefix.
const maxDialDigits = 20

// Dial reads what somebody wants to dial, typed or from a link, and says how careful to be. Letters are not turned into
// digits: a typing error must not call a stranger.
func (p *Plan) Dial(typed string) (Dialable, error) {
	if err := refuse(typed); err != nil {
		return Dialable{}, err
	}
	party := p.Normalize(typed, HintNone)
	d := Dialable{Party: party, Display: p.Show(party)}
	switch party.Kind {
	case number.External:
		d.Send, d.Country, d.Class = string(party.E164), p.Country(party.E164), p.classOf(party.E164)
	case number.Internal:
		d.Send, d.Class = party.Extension, Internal
	case number.Emergency:
		d.Send, d.Class = party.Code, Emergency
	case number.Service:
		d.Send, d.Class = party.Code, codeClass(party.Code)
	case number.Unknown, number.Withheld:
		return Dialable{}, p.whyNot(typed)
	}
	return d, nil
}

// refuse answers the texts that need no reading.
func refuse(typed string) error {
	if len(typed) > maxText {
		if !strings.ContainsFunc(typed, unicode.IsLetter) {
			return ErrTooLong
		}
		return ErrNotNumber
	}
	s := number.Clean(typed)
	sp := takeApart(typed)
	switch {
	case len(sp.code) > 0 && len(sp.code) <= maxCode:
		return nil
	case len(sp.code) > 0:
		return ErrTooLong
	case sp.letters && severalPlus.MatchString(s):
		return ErrSeveral
	case sp.letters && strings.ContainsFunc(s, unicode.IsLetter):
		return ErrLetters
	case sp.letters:
		return ErrNotNumber
	case sp.digits == "":
		return ErrEmpty
	case len(sp.digits) > maxDialDigits:
		return ErrTooLong
	}
	return nil
}

// maxCode allows "*21*" with the longest number and "#".
const maxCode = 32

var severalPlus = regexp.MustCompile(`\+[^+]*\d[^+]*[+,;]|\d{4,} *[,;] *\d{4,}`)

// whyNot says why digits are no number of the plan.
func (p *Plan) whyNot(typed string) error {
	sp := takeApart(typed)
	n, err := phonenumbers.Parse(firstText(p.readings(sp, HintNone), sp.digits), p.settings.Region)
	switch {
	case number.IsWithheld(typed):
		return ErrNotNumber
	case errors.Is(err, phonenumbers.ErrNumTooLong):
		return ErrTooLong
	case len(sp.digits) < 5 || errors.Is(err, phonenumbers.ErrTooShortNSN) || errors.Is(err, phonenumbers.ErrTooShortAfterIDD):
		return ErrTooShort
	case err != nil:
		return ErrNotNumber
	}
	switch phonenumbers.IsPossibleNumberWithReason(n) {
	case phonenumbers.TOO_LONG:
		return ErrTooLong
	case phonenumbers.TOO_SHORT:
		return ErrTooShort
	default:
		return ErrNotNumber
	}
}

func firstText(rs []reading, otherwise string) string {
	if len(rs) > 0 {
		return rs[0].text
	}
	return otherwise
}

func (p *Plan) classOf(e number.E164) Class {
	n := parsed(e)
	if n == nil {
		return Foreign
	}
	switch phonenumbers.GetNumberType(n) {
	case phonenumbers.PREMIUM_RATE, phonenumbers.SHARED_COST:
		return Premium
	default:
	}
	if p.countries[p.Country(e)] || phonenumbers.GetNumberType(n) == phonenumbers.TOLL_FREE && n.GetCountryCode() == 800 {
		return p.premiumByPrefix(e)
	}
	return Foreign
}

// premiumByPrefix catches German premium ranges whose numbers are only possible by the metadata: a wrong length must not
// make a call look cheap.
func (p *Plan) premiumByPrefix(e number.E164) Class {
	for _, prefix := range []string{"+49900", "+49137", "+49180", "+49138", "+49190"} {
		if strings.HasPrefix(string(e), prefix) {
			return Premium
		}
	}
	return Ordinary
}

func codeClass(code string) Class {
	switch {
	case strings.ContainsAny(code, "*#"):
		return StarCode
	case isDirectory(code):
		return Premium
	}
	return Service
}
