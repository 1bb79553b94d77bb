package number

import "log/slog"

// Kind says what a party's number is, and so whether it may be looked up, called back or shown with a country.
type Kind string

// The kinds. Unknown enum values of another version are treated as Unknown.
const (
	// Unknown is a text that is no number we can call or look up; Raw shows it.
	Unknown Kind = ""
	// External has an E.164 number.
	External Kind = "external"
	// Internal is an extension of the own tenant.
	Internal Kind = "internal"
	// Service is a feature, short or public service code: shown and dialled as it is, never looked up.
	Service Kind = "service"
	// Emergency is an emergency number of the tenant's region.
	Emergency Kind = "emergency"
	// Withheld is a caller who hides the number: one value, never looked up.
	Withheld Kind = "withheld"
)

// Party is one side of a call as a telephone system named it, made comparable. It is a value; copies are cheap.
type Party struct {
	// Raw is what the telephone system or the user gave, cut to a sane length; untrusted text.
	Raw string `json:"raw,omitempty"`
	// E164 is set for External.
	E164 E164 `json:"e164,omitempty"`
	// Extension is set for Internal.
	Extension string `json:"extension,omitempty"`
	// Code is set for Service and Emergency: the digits, stars and hashes to dial.
	Code string `json:"code,omitempty"`
	// PostDial holds digits to be dialled after the answer (";ext=12"). They are no part of the E.164.
	PostDial string `json:"postDial,omitempty"`
	// Kind says which of the fields counts.
	Kind Kind `json:"kind,omitempty"`
}

// Key is the same for two spellings of one number and different for two numbers, across all kinds.
// It is empty for Withheld and Unknown: two hidden callers are not the same caller.
func (p Party) Key() string {
	switch p.Kind {
	case External:
		return string(p.E164)
	case Internal:
		return "ext:" + p.Extension
	case Service, Emergency:
		return "code:" + p.Code
	case Unknown, Withheld:
		return ""
	}
	return ""
}

// Lookup tells whether contact sources may be asked for this party: only numbers from outside.
func (p Party) Lookup() bool { return p.Kind == External && p.E164.Valid() }

// Same tells whether two parties are known to be the same number.
func (p Party) Same(q Party) bool {
	k := p.Key()
	return k != "" && k == q.Key()
}

// LogValue shows the kind, an extension or code in the clear and of everything else at most the last two digits.
func (p Party) LogValue() slog.Value {
	kind := string(p.Kind)
	if p.Kind == Unknown {
		kind = "unknown"
	}
	attrs := []slog.Attr{slog.String("kind", kind)}
	switch p.Kind {
	case External:
		attrs = append(attrs, slog.Any("e164", p.E164))
	case Internal:
		attrs = append(attrs, slog.String("extension", p.Extension))
	case Emergency:
		attrs = append(attrs, slog.String("code", p.Code))
	case Service:
		attrs = append(attrs, slog.String("code", maskedCode(p.Code)))
	case Unknown, Withheld:
	}
	return slog.GroupValue(attrs...)
}

// maskedCode keeps short codes; a longer one such as *21*089123456# carries somebody's number.
func maskedCode(code string) string {
	if len(code) <= 6 {
		return code
	}
	return code[:3] + "…"
}
