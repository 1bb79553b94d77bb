package httpjson

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/tidwall/gjson"
	"github.com/yosida95/uritemplate/v3"

	"deskbell/app/contact"
	"deskbell/app/number"
)

// maxHits is how many contacts of one answer are looked at; maxText how much of a value is kept, in bytes.
const (
	maxHits = 50
	maxText = 1000
)

type source struct {
	config               Config
	env                  contact.Env
	base                 *url.URL
	http                 *http.Client
	lookup, counts, page *uritemplate.Template
}

var (
	_ contact.Live    = (*source)(nil)
	_ contact.Counter = (*source)(nil)
)

// Close lets idle connections go.
func (s *source) Close() error {
	s.http.CloseIdleConnections()
	return nil
}

// Lookup tries the spellings at the same time and returns all contacts found, each once. It fails only if no spelling
// got an answer.
func (s *source) Lookup(ctx context.Context, e number.E164) ([]contact.Contact, error) {
	targets, err := s.targets(e)
	if err != nil || len(targets) == 0 {
		return nil, err
	}
	found, errs := make([][]contact.Contact, len(targets)), make([]error, len(targets))
	var asking sync.WaitGroup
	for i, target := range targets {
		asking.Go(func() { found[i], errs[i] = s.lookupOne(ctx, target) })
	}
	asking.Wait()
	var all []contact.Contact
	seen := map[string]bool{}
	answered := false
	for i, cs := range found {
		answered = answered || errs[i] == nil
		for _, c := range cs {
			if !seen[c.ID] {
				seen[c.ID] = true
				all = append(all, c)
			}
		}
	}
	if !answered {
		return nil, errs[0]
	}
	return all, nil
}

func (s *source) lookupOne(ctx context.Context, target *url.URL) ([]contact.Contact, error) {
	body, err := s.ask(ctx, target)
	if err != nil || body == nil {
		return nil, err
	}
	return s.contacts(gjson.ParseBytes(body))
}

// targets are the requests for a number, one for each spelling that makes a difference.
func (s *source) targets(e number.E164) ([]*url.URL, error) {
	forms := s.forms(e)
	var targets []*url.URL
	seen := map[string]bool{}
	for _, spelling := range s.config.Spellings {
		if forms[spelling] == "" {
			continue
		}
		values := uritemplate.Values{}
		for name, form := range forms {
			values.Set(name, contact.TemplateValue(form))
		}
		values.Set("number", contact.TemplateValue(forms[spelling]))
		expanded, err := s.lookup.Expand(values)
		if err != nil {
			return nil, fmt.Errorf("%w: lookup", contact.ErrConfig)
		}
		if seen[expanded] {
			continue
		}
		seen[expanded] = true
		target, err := s.within(expanded)
		if err != nil {
			return nil, err
		}
		targets = append(targets, target)
	}
	return targets, nil
}

func (s *source) forms(e number.E164) map[string]string {
	d := e.Digits()
	return map[string]string{
		e164: string(e), digits: d, intl00: e.Intl00(), national: s.env.Numbers.NationalDigits(e), last8: d[max(len(d)-8, 0):],
	}
}

// contacts reads the answer to a lookup.
func (s *source) contacts(answer gjson.Result) ([]contact.Contact, error) {
	if s.config.List != "" {
		answer = answer.Get(s.config.List)
	}
	var items []gjson.Result
	switch {
	case answer.IsArray():
		items = answer.Array()
	case answer.IsObject():
		items = []gjson.Result{answer}
	case !answer.Exists() || answer.Type == gjson.Null:
	default:
		return nil, fmt.Errorf("%w: no list of contacts at %q", contact.ErrProtocol, s.config.List)
	}
	var found []contact.Contact
	for _, item := range items[:min(len(items), maxHits)] {
		if c, ok := s.contact(item); ok {
			found = append(found, c)
		}
	}
	if len(found) == 0 && len(items) > 0 {
		return nil, fmt.Errorf("%w: no contact has an id and a name or company where the settings say", contact.ErrProtocol)
	}
	return found, nil
}

func (s *source) contact(item gjson.Result) (contact.Contact, bool) {
	c := contact.Contact{
		ID: value(item, s.config.ID), Name: value(item, s.config.Name), Company: value(item, s.config.Company),
		VIP: yes(item.Get(s.config.VIP)),
	}
	if c.ID == "" || c.Name == "" && c.Company == "" {
		return c, false
	}
	for name, path := range s.config.Fields {
		if v := value(item, path); v != "" {
			if c.Fields == nil {
				c.Fields = map[string]string{}
			}
			c.Fields[name] = v
		}
	}
	for _, path := range s.config.Phones {
		for _, raw := range texts(item.Get(path)) {
			c.Numbers = append(c.Numbers, contact.Number{Raw: raw, Label: path, Head: number.IsHead(raw)})
		}
	}
	c.URL = s.recordPage(item, c)
	return c, true
}

// recordPage is the answer's own address or the template's; only http and https get out of here.
func (s *source) recordPage(item gjson.Result, c contact.Contact) string {
	address := value(item, s.config.URL)
	if address == "" && s.page != nil {
		expanded, err := s.page.Expand(s.variables(c))
		if err != nil {
			return ""
		}
		address = expanded
	}
	if address == "" {
		return ""
	}
	u, err := s.base.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return u.String()
}

func (s *source) variables(c contact.Contact) uritemplate.Values {
	values := uritemplate.Values{}
	for name, v := range c.Fields {
		values.Set(name, contact.TemplateValue(v))
	}
	values.Set("id", contact.TemplateValue(c.ID))
	values.Set("name", contact.TemplateValue(c.Name))
	values.Set("company", contact.TemplateValue(c.Company))
	return values
}

// Counts asks for the open tickets of a contact.
func (s *source) Counts(ctx context.Context, c contact.Contact) (contact.Counts, error) {
	expanded, err := s.counts.Expand(s.variables(c))
	if err != nil {
		return contact.Counts{}, fmt.Errorf("%w: counts", contact.ErrConfig)
	}
	target, err := s.within(expanded)
	if err != nil {
		return contact.Counts{}, err
	}
	body, err := s.ask(ctx, target)
	if err != nil || body == nil {
		return contact.Counts{}, err
	}
	switch total := gjson.GetBytes(body, s.config.CountsPath); {
	case total.IsArray():
		return contact.Counts{OpenTickets: len(total.Array()), Known: true}, nil
	case total.Type == gjson.Number && total.Num >= 0 && total.Num < 1e9:
		return contact.Counts{OpenTickets: int(total.Num), Known: true}, nil
	}
	return contact.Counts{}, fmt.Errorf("%w: no count at %q", contact.ErrProtocol, s.config.CountsPath)
}

// value is a text or number at a path; objects and lists are none.
func value(item gjson.Result, path string) string {
	v := item.Get(path)
	if v.Type != gjson.String && v.Type != gjson.Number {
		return ""
	}
	return clean(v.String())
}

func texts(v gjson.Result) []string {
	var all []string
	for _, one := range v.Array() {
		if s := clean(one.String()); s != "" && (one.Type == gjson.String || one.Type == gjson.Number) {
			all = append(all, s)
		}
		if len(all) == maxHits {
			break
		}
	}
	return all
}

func clean(s string) string {
	s = strings.TrimSpace(strings.ReplaceAll(s, "\x00", ""))
	if len(s) > maxText {
		s = s[:maxText]
	}
	return strings.ToValidUTF8(s, "")
}

func yes(v gjson.Result) bool {
	switch v.Type {
	case gjson.True:
		return true
	case gjson.Number:
		return v.Num != 0
	case gjson.String:
		switch strings.ToLower(v.Str) {
		case "1", "true", "yes", "ja", "vip", "y", "x":
			return true
		}
	default:
	}
	return false
}
