// Package httpjson asks a CRM that speaks HTTP and JSON, by declarations instead of code.
package httpjson

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/yosida95/uritemplate/v3"

	"deskbell/app/contact"
)

// Config is the part of the settings file for one CRM. Paths into answers are gjson paths
// (https://github.com/tidwall/gjson/blob/master/SYNTAX.md), requests are URI templates of RFC 6570.
type Config struct {
	// BaseURL is the CRM's address; nothing else is ever asked. https, or http on this machine.
	BaseURL string `toml:"base_url"`
	// Auth is how the token is sent: "bearer" (default), "basic" (with Username), "none", or the name of a header.
	Auth     string `toml:"auth"`
	Username string `toml:"username"`
	// Token is a reference to a secret, read by whoever serves contact.Secrets.
	Token string `toml:"token"`
	// Headers are sent with every request.
	Headers map[string]string `toml:"headers"`

	// Lookup is the request by number, below BaseURL. Variables: number (each of Spellings in turn), e164, digits, intl00,
	// national, last8.
	Lookup string `toml:"lookup"`
	// Spellings are the forms of the number that are tried: e164 (default), digits, intl00, national, last8.
	Spellings []string `toml:"spellings"`
	// List is the path to the list of contacts; empty: the answer itself, a list or one contact.
	List string `toml:"list"`
	// The paths within a contact. Defaults: id, name, company, phones, vip, url.
	ID      string `toml:"id"`
	Name    string `toml:"name"`
	Company string `toml:"company"`
	// Phones are paths to a number, a list of numbers, or a text with several. Default: phones, phone, mobile.
	Phones []string `toml:"phones"`
	VIP    string   `toml:"vip"`
	URL    string   `toml:"url"`
	// Page is the template of the record page where the answer has none. Variables: id, name, company, and Fields.
	Page string `toml:"page"`
	// Fields maps a name for action URLs to a path.
	Fields map[string]string `toml:"fields"`

	// Counts is the request for open tickets; empty: the CRM has none. Variables: id and Fields.
	Counts string `toml:"counts"`
	// CountsPath is the path to the number, or to a list that is counted. Default: total.
	CountsPath string `toml:"counts_path"`

	// Timeout of one request; default 5s.
	Timeout Duration `toml:"timeout"`
	// MaxResponse is the largest answer in bytes; default 1 MiB.
	MaxResponse int64 `toml:"max_response"`
}

// Duration is a time.Duration written as in "5s".
type Duration time.Duration

// UnmarshalText reads "5s", "500ms" and the like.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("duration: %w", err)
	}
	*d = Duration(v)
	return nil
}

// MarshalText writes the duration as UnmarshalText reads it.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// The forms of a number.
const (
	e164     = "e164"
	digits   = "digits"
	intl00   = "intl00"
	national = "national"
	last8    = "last8"
)

var spellings = []string{e164, digits, intl00, national, last8}

func (c *Config) withDefaults() Config {
	full := *c
	full.BaseURL = strings.TrimRight(full.BaseURL, "/")
	full.Auth = cmp.Or(full.Auth, "bearer")
	full.ID, full.Name, full.Company = cmp.Or(full.ID, "id"), cmp.Or(full.Name, "name"), cmp.Or(full.Company, "company")
	full.VIP, full.URL = cmp.Or(full.VIP, "vip"), cmp.Or(full.URL, "url")
	full.CountsPath = cmp.Or(full.CountsPath, "total")
	full.Timeout = cmp.Or(full.Timeout, Duration(5*time.Second))
	full.MaxResponse = cmp.Or(full.MaxResponse, 1<<20)
	if len(full.Spellings) == 0 {
		full.Spellings = []string{e164}
	}
	if len(full.Phones) == 0 {
		full.Phones = []string{"phones", "phone", "mobile"}
	}
	return full
}

// Validate reports all mistakes at once. It does not touch the network.
func (c *Config) Validate() error {
	full := c.withDefaults()
	errs := []error{checkBase(full.BaseURL), full.checkAuth()}
	add := func(wrong bool, format string, args ...any) {
		if wrong {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	add(full.Lookup == "", "lookup: is missing (the request by number, as in \"/api/contacts{?phone}\")")
	add(full.Lookup != "" && !strings.HasPrefix(full.Lookup, "/"), "lookup: expected a path that begins with /")
	add(full.Counts != "" && !strings.HasPrefix(full.Counts, "/"), "counts: expected a path that begins with /")
	fields := append([]string{"id", "name", "company"}, keys(full.Fields)...)
	errs = append(errs,
		checkTemplate("lookup", full.Lookup, append([]string{"number"}, spellings...), true),
		checkTemplate("counts", full.Counts, fields, false),
		checkTemplate("page", full.Page, fields, false))
	for _, s := range full.Spellings {
		add(!slices.Contains(spellings, s), "spellings: %q, expected %s", s, strings.Join(spellings, ", "))
	}
	for name, value := range full.Headers {
		add(!headerName.MatchString(name) || !headerValue.MatchString(value), "headers.%s: is no HTTP header", name)
		add(isSecret(name) || strings.HasPrefix(value, "file:") || strings.HasPrefix(value, "env:"), "headers.%s: a secret goes into token, with auth as its header", name)
	}
	add(full.Timeout < Duration(100*time.Millisecond) || full.Timeout > Duration(time.Minute), "timeout: expected 100ms to 1m")
	add(full.MaxResponse < 1024 || full.MaxResponse > 64<<20, "max_response: expected 1024 to 67108864 bytes")
	return errors.Join(errs...)
}

// isSecret tells headers that carry one: in headers it would stand in the settings in clear.
func isSecret(header string) bool {
	name := strings.ToLower(header)
	return name == "cookie" || strings.Contains(name, "authorization") || strings.Contains(name, "token") || strings.Contains(name, "api-key")
}

func (c *Config) checkAuth() error {
	switch {
	case c.Auth == "none":
		return nil
	case c.Auth != "bearer" && c.Auth != "basic" && !headerName.MatchString(c.Auth):
		return fmt.Errorf("auth: %q, expected bearer, basic, none or the name of a header", c.Auth)
	case c.Auth == "basic" && c.Username == "":
		return errors.New("username: is missing (auth is basic)")
	case c.Auth != "bearer" && c.Token == "":
		return errors.New("token: is missing (a reference to a secret)")
	}
	return nil
}

// A header's name and value by RFC 9110.
var (
	headerName  = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")
	headerValue = regexp.MustCompile(`^[\t\x20-\x7e]*$`)
)

// checkBase refuses to send tokens and numbers in clear over a network.
func checkBase(base string) error {
	u, err := url.Parse(base)
	switch {
	case base == "":
		return errors.New("base_url: is missing (the address of the CRM)")
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return errors.New("base_url: expected https://host…")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return errors.New("base_url: expected no user, query or fragment")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return errors.New("base_url: expected https; http is for this machine only")
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func checkTemplate(key, template string, known []string, needed bool) error {
	if template == "" {
		return nil
	}
	t, err := uritemplate.New(template)
	if err != nil {
		return fmt.Errorf("%s: is no URI template: %w", key, err)
	}
	var errs []error
	for _, name := range t.Varnames() {
		if !slices.Contains(known, name) {
			errs = append(errs, fmt.Errorf("%s: %q is not known, expected %s", key, name, strings.Join(known, ", ")))
		}
	}
	if needed && len(t.Varnames()) == 0 {
		errs = append(errs, fmt.Errorf("%s: holds no number, as in {number}", key))
	}
	return errors.Join(errs...)
}

func keys(m map[string]string) []string {
	var all []string
	for k := range m {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}

// Open makes the source; nothing is asked before the first lookup.
func (c *Config) Open(env contact.Env) (contact.Source, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	full := c.withDefaults()
	base, err := url.Parse(full.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("base_url: %w", err)
	}
	s := &source{config: full, env: env, base: base, http: client(env.HTTP, base)}
	for template, to := range map[string]**uritemplate.Template{full.Lookup: &s.lookup, full.Counts: &s.counts, full.Page: &s.page} {
		if template == "" {
			continue
		}
		if *to, err = uritemplate.New(template); err != nil {
			return nil, fmt.Errorf("template: %w", err)
		}
	}
	if full.Counts == "" {
		// The ability to count must not show where it is not there.
		return struct{ contact.Live }{s}, nil
	}
	return s, nil
}

// client asks the CRM's own host only: a redirect must not carry a token or a customer's number elsewhere.
func client(from *http.Client, base *url.URL) *http.Client {
	c := http.Client{}
	if from != nil {
		c = *from
	}
	c.Jar = nil
	c.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		if r.URL.Host != base.Host || r.URL.Scheme != base.Scheme || len(via) > 3 {
			return errRedirect
		}
		return nil
	}
	return &c
}
