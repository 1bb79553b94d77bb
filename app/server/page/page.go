// Package page builds the address that opens a customer: an RFC 6570 template filled with a call's and a contact's fields.
package page

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/yosida95/uritemplate/v3"

	"deskbell/app/contact"
	"deskbell/app/csta"
	"deskbell/app/number"
)

// Settings say what opens. Both may be used: a contact's own page is the better one if Prefer says so, else it serves where
// there is no template.
type Settings struct {
	// Template is an RFC 6570 template that begins with http(s)://host/; empty: only contacts' own pages open.
	Template string
	// PreferContact takes the contact's own page where it has one.
	PreferContact bool
}

// Fields lists the names a template may use; "contact.FIELD" and "call.data.FIELD" take any further word.
var Fields = []string{
	"number", "digits", "intl00", "national", "extension",
	"contact.id", "contact.source", "contact.name", "contact.company",
	"call.id", "call.system", "call.device", "call.direction", "call.queue", "call.called",
}

// Call is what a page may say of the call. Far is the other party.
type Call struct {
	ID        csta.CallID
	System    csta.SystemID
	Device    csta.DeviceID
	Direction csta.Direction
	Queue     string
	Called    string
	Far       number.Party
	National  string // Far as dialled within the country
	Data      map[string]string
}

// Builder builds pages. Immutable.
type Builder struct {
	settings Settings
	template *uritemplate.Template
	host     string
	needed   []string // without these there is no page
	optional []string // of these at least one, if none is needed
}

// limits of what a browser and a server take.
const (
	maxURL   = 4096
	maxValue = 512
)

var expression = regexp.MustCompile(`\{([+#./;?&]?)([^{}]*)\}`)

// New checks the settings. The error names the mistake, for the configuration's check.
func New(s Settings) (*Builder, error) {
	b := &Builder{settings: s}
	if s.Template == "" {
		return b, nil
	}
	t, err := uritemplate.New(s.Template)
	if err != nil {
		return nil, fmt.Errorf("not an RFC 6570 template: %w", err)
	}
	literal, _, _ := strings.Cut(s.Template, "{")
	u, err := url.Parse(literal)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return nil, errors.New("expected http:// or https:// and a host before the first field")
	}
	if u.Path == "" && u.RawQuery == "" && literal != s.Template {
		return nil, errors.New("expected a / between the host and the first field")
	}
	b.template, b.host = t, u.Host
	return b, b.readFields()
}

// readFields sorts the names: those of a query or fragment may be empty, all others make no sense without a value.
func (b *Builder) readFields() error {
	var unknown []string
	for _, m := range expression.FindAllStringSubmatch(b.settings.Template, -1) {
		for spec := range strings.SplitSeq(m[2], ",") {
			name, _, _ := strings.Cut(strings.TrimSuffix(spec, "*"), ":")
			if !known(name) {
				unknown = append(unknown, name)
			}
			if m[1] == "?" || m[1] == "&" || m[1] == "#" {
				b.optional = append(b.optional, name)
			} else {
				b.needed = append(b.needed, name)
			}
		}
	}
	if len(unknown) > 0 {
		return fmt.Errorf("unknown fields %s; there are %s, contact.FIELD and call.data.FIELD",
			strings.Join(unknown, ", "), strings.Join(Fields, ", "))
	}
	return nil
}

func known(name string) bool {
	return slices.Contains(Fields, name) || strings.HasPrefix(name, "contact.") || strings.HasPrefix(name, "call.data.")
}

// Errors of Build.
var (
	// ErrMissing: a field that the page needs has no value; a contact may still bring it.
	ErrMissing = errors.New("a field of the page has no value")
	// ErrSeveral: several contacts match, and the page needs one.
	ErrSeveral = errors.New("several contacts match")
	// ErrNone: nothing is configured to open.
	ErrNone = errors.New("no page is configured")
)

// Build gives the page of a call with this contact, which may be nil. several says that there was more than one to choose.
func (b *Builder) Build(c Call, match *contact.Contact, several bool) (string, error) {
	if b.takesOwn(match) {
		return b.ownPage(match.URL)
	}
	f := fields{&c, match}
	if err := b.can(f, several); err != nil {
		return "", err
	}
	values := uritemplate.Values{}
	for _, name := range slices.Concat(b.needed, b.optional) {
		if value := plain(f.get(name)); value != "" {
			values.Set(name, contact.TemplateValue(value))
		}
	}
	expanded, err := b.template.Expand(values)
	if err != nil {
		return "", fmt.Errorf("page: %w", err)
	}
	return expanded, b.check(expanded)
}

// Can says whether Build would give a page, at a fraction of its price; hostile values are only found out by Build.
func (b *Builder) Can(c Call, match *contact.Contact, several bool) error {
	if b.takesOwn(match) {
		_, err := b.ownPage(match.URL)
		return err
	}
	return b.can(fields{&c, match}, several)
}

// takesOwn tells whether the contact's own page is the one to open.
func (b *Builder) takesOwn(match *contact.Contact) bool {
	return match != nil && match.URL != "" && (b.template == nil || b.settings.PreferContact)
}

func (b *Builder) can(f fields, several bool) error {
	if b.template == nil {
		return b.noTemplate(f.match, several)
	}
	return b.enough(f, several)
}

func (b *Builder) noTemplate(match *contact.Contact, several bool) error {
	switch {
	case several && match == nil:
		return ErrSeveral
	case match == nil:
		return ErrMissing
	}
	return ErrNone
}

// NeedsContact reports whether facts of a contact could change the page.
func (b *Builder) NeedsContact() bool {
	if b.template == nil || b.settings.PreferContact {
		return true
	}
	return slices.ContainsFunc(slices.Concat(b.needed, b.optional), func(n string) bool { return strings.HasPrefix(n, "contact.") })
}

func (b *Builder) enough(f fields, several bool) error {
	for _, name := range b.needed {
		if f.get(name) == "" {
			if several && strings.HasPrefix(name, "contact.") {
				return ErrSeveral
			}
			return ErrMissing
		}
	}
	some := func(name string) bool { return f.get(name) != "" }
	if len(b.needed) == 0 && len(b.optional) > 0 && !slices.ContainsFunc(b.optional, some) {
		return ErrMissing
	}
	return nil
}

// check makes sure that no value has led the page elsewhere.
func (b *Builder) check(page string) error {
	u, err := url.Parse(page)
	switch {
	case err != nil:
		return errors.New("page: the values make no address")
	case len(page) > maxURL:
		return errors.New("page: the address is too long")
	case u.Host != b.host || u.Scheme != "http" && u.Scheme != "https":
		return errors.New("page: the values lead elsewhere")
	}
	return nil
}

// ownPage takes a contact's own address, which comes from outside.
func (b *Builder) ownPage(address string) (string, error) {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || len(address) > maxURL {
		return "", ErrNone
	}
	return u.String(), nil
}

// fields are the values a template may use; match may be nil.
type fields struct {
	call  *Call
	match *contact.Contact
}

// get gives the value of a field as it came; nothing for a field that has none.
func (f fields) get(name string) string {
	if field, ok := strings.CutPrefix(name, "call.data."); ok {
		return f.call.Data[field]
	}
	if field, ok := strings.CutPrefix(name, "contact."); ok {
		return f.contact(field)
	}
	if f.call.Far.Extension != "" { // an internal call's number is its extension
		switch name {
		case "number", "digits", "national":
			return f.call.Far.Extension
		}
	}
	switch name {
	case "number":
		return string(f.call.Far.E164)
	case "digits":
		return f.call.Far.E164.Digits()
	case "intl00":
		return f.call.Far.E164.Intl00()
	case "national":
		return f.call.National
	case "extension":
		return f.call.Far.Extension
	case "call.id":
		return string(f.call.ID)
	case "call.system":
		return string(f.call.System)
	case "call.device":
		return string(f.call.Device)
	case "call.direction":
		return string(f.call.Direction)
	case "call.queue":
		return f.call.Queue
	case "call.called":
		return f.call.Called
	}
	return ""
}

func (f fields) contact(field string) string {
	if f.match == nil {
		return ""
	}
	switch field {
	case "id":
		return f.match.ID
	case "source":
		return f.match.Source
	case "name":
		return f.match.Name
	case "company":
		return f.match.Company
	}
	return f.match.Fields[field]
}

// plain cuts a value and takes out what no address should carry; the template encodes the rest.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, s)
	if runes := []rune(s); len(runes) > maxValue {
		s = string(runes[:maxValue])
	}
	return strings.TrimSpace(s)
}
