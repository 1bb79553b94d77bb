package httpjson

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"deskbell/app/contact"
	"deskbell/app/contact/contacttest"
	"deskbell/app/lab/crm"
	"deskbell/app/number"
	"deskbell/app/number/plan"
)

const peter = number.E164("+4989123456")

func munich(t testing.TB) *plan.Plan {
	t.Helper()
	p, err := plan.New(plan.Settings{Region: "DE", AreaCode: "89", OutsideLine: "0", ExtensionMin: 3, ExtensionMax: 3})
	require.NoError(t, err)
	return p
}

// vendor is a CRM that answers with a function and records what it was asked.
type vendor struct {
	*httptest.Server
	mu       sync.Mutex
	requests []*http.Request
}

func newVendor(t *testing.T, answer http.HandlerFunc) *vendor {
	t.Helper()
	v := &vendor{}
	v.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v.mu.Lock()
		v.requests = append(v.requests, r)
		v.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(v.Close)
	return v
}

func (v *vendor) asked() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	var all []string
	for _, r := range v.requests {
		all = append(all, r.URL.RequestURI())
	}
	slices.Sort(all)
	return all
}

func reply(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }
}

func open(t *testing.T, c Config, secrets contact.Secrets) contact.Source {
	t.Helper()
	s, err := c.Open(contacttest.Env(t, munich(t), secrets))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func lookup(t *testing.T, s contact.Source) ([]contact.Contact, error) {
	t.Helper()
	live, ok := s.(contact.Live)
	require.True(t, ok)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	return live.Lookup(ctx, peter)
}

func TestContractWithTheLab(t *testing.T) {
	contacttest.Run(t, func(t *testing.T) contacttest.Fixture {
		lab := crm.New(crm.Options{Token: "s3cret"})
		require.NoError(t, lab.Start())
		t.Cleanup(func() { require.NoError(t, lab.Close()) })
		tickets := map[string]int{}
		var known []contact.Contact
		for _, c := range crm.DefaultContacts() {
			one := contact.Contact{Name: strings.TrimSpace(c.Name), Company: c.Company, VIP: c.VIP, URL: lab.URL() + "/contacts/" + c.ID}
			for _, raw := range c.Phones {
				one.Numbers = append(one.Numbers, contact.Number{E164: munich(t).NormalizeAll(raw)[0].E164})
			}
			tickets[one.Name] = c.OpenTickets
			known = append(known, one)
		}
		fault := func(failure string) func(t *testing.T) {
			return func(t *testing.T) { require.NoError(t, lab.SetFault(crm.Lookup, crm.Fault{Failure: failure})) }
		}
		return contacttest.Fixture{
			Config: &Config{
				BaseURL: lab.URL(), Token: "file:/token", Lookup: "/api/contacts?phone={number}", Counts: "/api/contacts/{id}/tickets?status=open",
			},
			Secrets: contacttest.FixedSecrets{"token": "s3cret"}, Numbers: munich(t), Unknown: "+4989765432", Known: known, Tickets: tickets,
			Touched: func() int { return len(lab.Accesses("")) }, Break: fault(crm.ServerError), Mend: fault(crm.None),
		}
	})
}

func TestRequestsAndAnswers(t *testing.T) {
	v := newVendor(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/tickets"):
			_, _ = w.Write([]byte(`{"data":[{},{}]}`))
		default:
			_, _ = w.Write([]byte(`{"result":{"rows":[
				{"key":17,"who":{"full":"Peter Lang"},"firm":"Mueller GmbH","tel":"089 123456 / 0171 2345678","mob":["+49 171 1"],"star":"yes","area":"S\u00fcd & West"},
				{"key":18,"who":{"full":"Ada"},"tel":491712345678,"page":"/people/18","star":0},
				{"key":19,"who":{"full":"Evil"},"tel":"+4989 1234-0","page":"javascript:alert(1)"},
				{"who":{"full":"No id"}}, 7, null]}}`))
		}
	})
	s := open(t, Config{
		BaseURL: v.URL + "/crm/", Auth: "X-Api-Key", Token: "env:TOKEN", Headers: map[string]string{"X-App": "deskbell"},
		Lookup: "/search{?number}", List: "result.rows", ID: "key", Name: "who.full", Company: "firm", Phones: []string{"tel", "mob"}, VIP: "star",
		URL: "page", Page: "https://pages.example/c/{id}{?area}", Fields: map[string]string{"area": "area"}, Spellings: []string{"e164", "digits", "intl00", "national", "last8"},
		Counts: "/people/{id}/tickets", CountsPath: "data",
	}, contacttest.FixedSecrets{"token": "k3y"})
	cs, err := lookup(t, s)
	require.NoError(t, err)
	require.Equal(t, []string{
		"/crm/search?number=%2B4989123456", "/crm/search?number=004989123456", "/crm/search?number=089123456", "/crm/search?number=4989123456", "/crm/search?number=89123456",
	}, v.asked())
	require.Len(t, cs, 3, "each contact once")
	require.Equal(t, contact.Contact{
		ID: "17", Name: "Peter Lang", Company: "Mueller GmbH", VIP: true, URL: "https://pages.example/c/17?area=S%C3%BCd%20%26%20West", Fields: map[string]string{"area": "Süd & West"},
		Numbers: []contact.Number{{Raw: "089 123456 / 0171 2345678", Label: "tel"}, {Raw: "+49 171 1", Label: "mob"}},
	}, cs[0])
	require.Equal(t, v.URL+"/people/18", cs[1].URL)
	require.Equal(t, "491712345678", cs[1].Numbers[0].Raw)
	require.Empty(t, cs[2].URL)
	require.True(t, cs[2].Numbers[0].Head)
	r := v.requests[0]
	require.Equal(t, "k3y", r.Header.Get("X-Api-Key"))
	require.Equal(t, "deskbell", r.Header.Get("X-App"))
	require.Equal(t, "Deskbell/0.0.0", r.Header.Get("User-Agent"))

	counter, ok := s.(contact.Counter)
	require.True(t, ok)
	n, err := counter.Counts(t.Context(), contact.Contact{ID: "../17?x"})
	require.NoError(t, err)
	require.Equal(t, contact.Counts{OpenTickets: 2, Known: true}, n)
	require.Contains(t, v.asked(), "/crm/people/..%2F17%3Fx/tickets")
}

func (c Config) with(change func(*Config)) Config {
	change(&c)
	return c
}

func simple(v *vendor) Config {
	return Config{BaseURL: v.URL, Lookup: "/api/contacts{?number}", Counts: "/api/contacts/{id}/tickets"}
}

func TestAuthentication(t *testing.T) {
	v := newVendor(t, reply(`[]`))
	secrets := contacttest.FixedSecrets{"token": "k3y"}
	for _, c := range []struct {
		config Config
		want   string
	}{
		{Config{Token: "x"}, "Bearer k3y"},
		{Config{Auth: "basic", Username: "api", Token: "x"}, "Basic YXBpOmszeQ=="},
		{Config{Auth: "none", Token: "x"}, ""},
		{Config{}, ""},
	} {
		c.config.BaseURL, c.config.Lookup = v.URL, "/{number}"
		_, err := lookup(t, open(t, c.config, secrets))
		require.NoError(t, err)
		require.Equal(t, c.want, v.requests[len(v.requests)-1].Header.Get("Authorization"))
	}
	_, err := lookup(t, open(t, Config{BaseURL: v.URL, Lookup: "/{number}", Token: "x"}, nil))
	require.ErrorIs(t, err, contact.ErrConfig, "the secret is not there")
}

func TestAnswersThatAreErrors(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   error
		text   string
	}{
		"401":       {status(401, ""), contact.ErrSignIn, ""},
		"403":       {status(403, ""), contact.ErrRights, ""},
		"429":       {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Retry-After", "7"); w.WriteHeader(429) }, contact.ErrLimited, "7s"},
		"500":       {status(500, "boom +4989123456"), nil, "status 500"},
		"no json":   {reply(`<html>`), contact.ErrProtocol, ""},
		"cut json":  {reply(`[{"id":"17","na`), contact.ErrProtocol, ""},
		"too large": {reply(`["` + strings.Repeat("x", 5000) + `"]`), contact.ErrProtocol, "more than"},
		"a text":    {reply(`"sorry"`), contact.ErrProtocol, ""},
		"no ids":    {reply(`[{"name":"A"}]`), contact.ErrProtocol, ""},
		"very deep": {reply(strings.Repeat("[", 2000) + strings.Repeat("]", 2000)), contact.ErrProtocol, ""},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://192.0.2.1/x", http.StatusFound)
		}, errRedirect, ""},
		"no answer":  {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, nil, "EOF"},
		"never ends": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, context.DeadlineExceeded, ""},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVendor(t, c.answer)
			_, err := lookup(t, open(t, simple(v).with(func(c *Config) { c.MaxResponse = 4096; c.Timeout = Duration(500 * time.Millisecond) }), nil))
			require.Error(t, err)
			if c.want != nil {
				require.ErrorIs(t, err, c.want)
			}
			require.ErrorContains(t, err, c.text)
			require.NotContains(t, err.Error(), "123456", "no number in errors")
			require.NotContains(t, err.Error(), v.URL)
		})
	}
}

func status(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = w.Write([]byte(body))
	}
}

func TestAnswersThatAreNoHit(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"empty list": reply(`[]`), "null": reply(`null`), "204": status(204, ""), "404": status(404, `{"error":"no"}`),
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, simple(newVendor(t, answer)), nil)
			cs, err := lookup(t, s)
			require.NoError(t, err)
			require.Empty(t, cs)
		})
	}
}

func TestOneSpellingMayFail(t *testing.T) {
	v := newVendor(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Query().Get("number"), "+") {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		_, _ = w.Write([]byte(`{"id":"7","name":"One","phone":"089 123456"}`))
	})
	cs, err := lookup(t, open(t, simple(v).with(func(c *Config) { c.Spellings = []string{"e164", "digits"} }), nil))
	require.NoError(t, err)
	require.Len(t, cs, 1, "a single contact instead of a list")
}

func TestRedirectWithinTheHost(t *testing.T) {
	v := newVendor(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/contacts" {
			http.Redirect(w, r, "/new"+"?"+r.URL.RawQuery, http.StatusMovedPermanently)
			return
		}
		_, _ = w.Write([]byte(`[{"id":"7","name":"One"}]`))
	})
	cs, err := lookup(t, open(t, simple(v), nil))
	require.NoError(t, err)
	require.Len(t, cs, 1)
}

func TestManyHitsAndLongTexts(t *testing.T) {
	var rows []map[string]any
	for i := range 200 {
		rows = append(rows, map[string]any{"id": fmt.Sprint(i), "name": strings.Repeat("ä", 2000), "vip": true})
	}
	body, err := json.Marshal(rows)
	require.NoError(t, err)
	cs, err := lookup(t, open(t, simple(newVendor(t, reply(string(body)))), nil))
	require.NoError(t, err)
	require.Len(t, cs, maxHits)
	require.LessOrEqual(t, len(cs[0].Name), maxText)
}

func TestCounts(t *testing.T) {
	for body, want := range map[string]int{`{"total":3}`: 3, `{"total":0}`: 0, `{"total":[1,2]}`: 2} {
		s := open(t, simple(newVendor(t, reply(body))), nil)
		n, err := s.(contact.Counter).Counts(t.Context(), contact.Contact{ID: "1"})
		require.NoError(t, err)
		require.Equal(t, contact.Counts{OpenTickets: want, Known: true}, n)
	}
	for _, body := range []string{`{}`, `{"total":"3"}`, `{"total":-1}`, `{"total":1e99}`, `[]`} {
		s := open(t, simple(newVendor(t, reply(body))), nil)
		_, err := s.(contact.Counter).Counts(t.Context(), contact.Contact{ID: "1"})
		require.ErrorIs(t, err, contact.ErrProtocol)
	}
	s := open(t, simple(newVendor(t, status(404, ""))), nil)
	n, err := s.(contact.Counter).Counts(t.Context(), contact.Contact{ID: "1"})
	require.NoError(t, err)
	require.False(t, n.Known)
	_, counts := open(t, simple(newVendor(t, reply(`[]`))).with(func(c *Config) { c.Counts = "" }), nil).(contact.Counter)
	require.False(t, counts, "without a request for counts there is no such ability")
}

func TestValidate(t *testing.T) {
	err := (&Config{
		BaseURL: "http://crm.example", Auth: "a b", Lookup: "api{?nmber}", Counts: "/x{", Page: "{secret}", Spellings: []string{"morse"},
		Headers: map[string]string{"X\n": "a", "Y": "b\r\n", "Authorization": "x", "Z": "env:TOKEN"}, Timeout: 1, MaxResponse: 1,
	}).Validate()
	for _, key := range []string{
		"base_url: expected https", "auth:", "lookup: expected a path", `lookup: "nmber"`, "counts:", `page: "secret"`, `spellings: "morse"`, "headers.X", "headers.Y", "headers.Authorization", "headers.Z", "timeout:", "max_response:",
	} {
		require.ErrorContains(t, err, key)
	}
	err = (&Config{}).Validate()
	require.ErrorContains(t, err, "base_url: is missing")
	require.ErrorContains(t, err, "lookup: is missing")
	for base, wrong := range map[string]bool{
		"https://crm.example": false, "http://127.0.0.1:8080": false, "http://[::1]:1": false, "http://localhost": false, "ftp://x": true,
		"https://u:p@x": true, "https://x?y": true, "https://": true, "http://localhost.evil.example": true, "http://10.0.0.1": true,
	} {
		require.Equal(t, wrong, (&Config{BaseURL: base, Lookup: "/{number}"}).Validate() != nil, base)
	}
	require.ErrorContains(t, (&Config{BaseURL: "https://x", Lookup: "/all"}).Validate(), "holds no number")
	require.ErrorContains(t, (&Config{BaseURL: "https://x", Lookup: "/{number}", Auth: "basic"}).Validate(), "username:")
	_, err = (&Config{}).Open(contact.Env{})
	require.Error(t, err)
}

func TestTheTemplateCannotLeaveTheHost(t *testing.T) {
	base, err := url.Parse("https://crm.example")
	require.NoError(t, err)
	s := &source{base: base}
	for _, expanded := range []string{".evil.example/x", "@evil.example/x", ":8080/x", "%zz"} {
		_, err := s.within(expanded)
		require.ErrorIs(t, err, contact.ErrConfig, expanded)
	}
	u, err := s.within("//evil.example/x")
	require.NoError(t, err)
	require.Equal(t, "crm.example", u.Host)
}

func TestRetryAfter(t *testing.T) {
	require.Equal(t, 7*time.Second, retryAfter("7"))
	require.Zero(t, retryAfter("-1"))
	require.Zero(t, retryAfter("soon"))
	require.InDelta(t, time.Minute, retryAfter(time.Now().Add(time.Minute).UTC().Format(http.TimeFormat)), float64(2*time.Second))
	require.Zero(t, retryAfter(time.Now().Add(-time.Minute).UTC().Format(http.TimeFormat)))
}

func FuzzContacts(f *testing.F) {
	f.Add(`[{"id":"17","name":"A","phones":["089 1"],"vip":true,"url":"/x"}]`)
	f.Add(`{"id":1,"name":{},"phones":[[{}]],"url":"//x"}`)
	base, err := url.Parse("https://crm.example")
	require.NoError(f, err)
	s := &source{config: (&Config{}).withDefaults(), base: base}
	f.Fuzz(func(t *testing.T, body string) {
		if !json.Valid([]byte(body)) {
			return
		}
		cs, err := s.contacts(gjson.Parse(body))
		if err != nil {
			require.ErrorIs(t, err, contact.ErrProtocol)
		}
		for _, c := range cs {
			require.NotEmpty(t, c.ID)
			require.True(t, c.URL == "" || strings.HasPrefix(c.URL, "http"))
		}
	})
}
