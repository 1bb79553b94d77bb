package control

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/lab/crm"
	"deskbell/app/lab/nfon"
	"deskbell/app/lab/record"
	"deskbell/app/lab/script"
	"deskbell/app/lab/words"
)

type bench struct {
	t *testing.T
	w script.World
	h http.Handler
}

func start(t *testing.T) *bench {
	t.Helper()
	log := record.New(0)
	w := script.World{Phones: nfon.New(nfon.Options{Log: log}), CRM: crm.New(crm.Options{Log: log}), Log: log}
	t.Cleanup(func() { require.NoError(t, w.Phones.Close()) })
	return &bench{t, w, Handler(Options{World: w, CRMURL: "http://127.0.0.1:1/"})}
}

func (b *bench) do(r *http.Request) *httptest.ResponseRecorder {
	r.Host = "127.0.0.1:8080"
	w := httptest.NewRecorder()
	b.h.ServeHTTP(w, r)
	return w
}

func (b *bench) post(path, body string) (int, map[string]any) {
	b.t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/control/"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := b.do(r)
	var reply map[string]any
	require.NoError(b.t, json.Unmarshal(w.Body.Bytes(), &reply))
	return w.Code, reply
}

func (b *bench) get(path string, into any) {
	b.t.Helper()
	w := b.do(httptest.NewRequest(http.MethodGet, path, nil))
	require.Equal(b.t, 200, w.Code)
	require.NoError(b.t, json.Unmarshal(w.Body.Bytes(), into))
}

func (b *bench) ok(path, body string) map[string]any {
	b.t.Helper()
	status, reply := b.post(path, body)
	require.Equal(b.t, 200, status, reply)
	require.Equal(b.t, true, reply["ok"])
	return reply
}

func TestCallAnswerHangUp(t *testing.T) {
	b := start(t)
	b.ok("call", `{"caller":"+49891234567","name":"Dr. A","callee":"101"}`)
	b.ok("answer", `{"extension":"101"}`)
	var phones []nfon.PhoneView
	b.get("/control/phones", &phones)
	require.Equal(t, "in-use", phones[0].Line)
	require.Equal(t, "Dr. A", phones[0].Calls[0].CallerName)
	b.ok("hangup", `{"extension":"101"}`)
	status, _ := b.post("hangup", `{"extension":"101"}`)
	require.Equal(t, 409, status, "there is no call any more")

	group := b.ok("call", `{"callee":"101, 102"}`)
	b.ok("hangup", `{"uuid":"`+group["uuid"].(string)+`","side":"caller"}`)
	out := b.ok("call", `{"caller":"101","callee":"+4930555012"}`)
	b.ok("answer", `{"uuid":"`+out["uuid"].(string)+`"}`)
	b.ok("hangup", `{"uuid":"`+out["uuid"].(string)+`"}`)
	var calls []nfon.CallView
	b.get("/control/calls", &calls)
	require.Equal(t, []string{"", "cancel", ""}, []string{calls[0].Cause, calls[1].Cause, calls[2].Cause})
}

func TestSettings(t *testing.T) {
	b := start(t)
	b.ok("switch", `{"name":"omit_ring","value":true}`)
	b.ok("switch", `{"name":"lose","value":["hangup"]}`)
	b.ok("switch", `{"name":"faults.states","value":{"status":500}}`)
	var sw nfon.Switches
	b.get("/control/switches", &sw)
	require.True(t, sw.OmitRing)
	require.Equal(t, []string{"hangup"}, sw.Lose)
	require.Equal(t, 500, sw.Faults["states"].Status)
	b.ok("switch", `{"name":"omit_ring","value":null}`)
	require.False(t, b.w.Phones.Switches().OmitRing)

	b.ok("crm", `{"endpoint":"lookup","delay":"2s","failure":"500"}`)
	require.Equal(t, crm.Fault{Delay: 2 * time.Second, Failure: "500"}, b.w.CRM.Faults()["lookup"])
	var faults map[string]crm.Fault
	b.get("/control/crm", &faults)
	require.Contains(t, faults, "lookup")

	b.ok("phone", `{"extension":"101","presence":"dnd","behaviour":"answer 1s","name":"A","offline":true}`)
	require.Equal(t, nfon.Phone{Extension: "101", Name: "A", Presence: "dnd", Offline: true, Behaviour: nfon.Behaviour{Act: nfon.Answers, After: time.Second}},
		b.w.Phones.Phones()[0].Phone)
	b.ok("outside", `{"number":"+4930555012","behaviour":"busy"}`)
	b.ok("script", `{"script":"withheld calls 102\n102 answers"}`)
}

func TestNonsenseIsRefused(t *testing.T) {
	b := start(t)
	for path, bodies := range map[string][]string{
		"call":    {``, `{"colour":"red"}`, `{"callee":"999"}`, `{"caller":"+4","callee":"101"}`, `{"caller":"101","callee":"abc"}`},
		"answer":  {`{"extension":"999"}`},
		"hangup":  {`{"uuid":"x","side":"left"}`},
		"switch":  {`{"name":"x","value":1}`, `{"name":"cancel_scope"}`, `{"name":"cancel_scope","value":"x"}`},
		"crm":     {`{"endpoint":"x"}`, `{"endpoint":"lookup","delay":"soon"}`},
		"phone":   {`{"extension":"101","behaviour":"sing"}`},
		"outside": {`{"number":"0","behaviour":"busy"}`},
		"script":  {`{"script":"dance"}`},
	} {
		for _, body := range bodies {
			status, reply := b.post(path, body)
			require.Equal(t, 400, status, body)
			require.NotEmpty(t, reply["error"])
		}
	}
}

func TestForeignPagesAreKeptOut(t *testing.T) {
	b := start(t)
	for name, change := range map[string]func(*http.Request){
		"another origin": func(r *http.Request) { r.Header.Set("Origin", "http://evil.example") },
		"null origin":    func(r *http.Request) { r.Header.Set("Origin", "null") },
		"another name":   func(r *http.Request) { r.Host = "evil.example" },
		"a form":         func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") },
		"no type":        func(r *http.Request) { r.Header.Del("Content-Type") },
	} {
		r := httptest.NewRequest(http.MethodPost, "/control/call", strings.NewReader(`{"callee":"101"}`))
		r.Host = "localhost:8080"
		r.Header.Set("Content-Type", "application/json")
		change(r)
		w := httptest.NewRecorder()
		b.h.ServeHTTP(w, r)
		require.Contains(t, []int{403, 415}, w.Code, name)
	}
	require.Empty(t, b.w.Phones.Calls())
}

func TestStateWaitsForNews(t *testing.T) {
	b := start(t)
	type reply struct {
		Seq  uint64
		News []map[string]any
	}
	var first reply
	b.get("/control/state?after=", &first)
	require.Empty(t, first.News)
	got := make(chan reply, 1)
	go func() {
		var next reply
		w := b.do(httptest.NewRequest(http.MethodGet, "/control/state?after=0", nil))
		_ = json.Unmarshal(w.Body.Bytes(), &next)
		got <- next
	}()
	b.ok("call", `{"caller":"+49891234567","callee":"101"}`)
	select {
	case next := <-got:
		require.Equal(t, "call", next.News[0]["kind"])
		require.Equal(t, "+49891234567", next.News[0]["caller"])
	case <-time.After(10 * time.Second):
		require.FailNow(t, "no news")
	}
	var restarted reply
	b.get("/control/state?after=100000", &restarted)
	require.NotEmpty(t, restarted.News, "a page that knew the lab before is told everything")
}

func TestPageIsEscapedAndSpeaksTwoLanguages(t *testing.T) {
	b := start(t)
	b.w.CRM.SetContacts([]crm.Contact{{ID: "1", Name: `"><script>x</script>`, Phones: []string{"+4912345"}}})
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Accept-Language", "de")
	body := b.do(r).Body.String()
	require.Contains(t, body, "Klingeln lassen")
	require.NotContains(t, body, "<script>x")
	require.NotContains(t, body, "ZgotmplZ")
	require.Contains(t, b.do(httptest.NewRequest(http.MethodGet, "/", nil)).Body.String(), "Ring me")
	for path, kind := range map[string]string{"/page.js": "text/javascript", "/page.css": "text/css"} {
		w := b.do(httptest.NewRequest(http.MethodGet, path, nil))
		require.Contains(t, w.Header().Get("Content-Type"), kind)
	}
}

// TestPageKnowsItsTexts finds every text id in the page's files among the messages.
func TestPageKnowsItsTexts(t *testing.T) {
	all, err := words.For("en").All()
	require.NoError(t, err)
	literal := regexp.MustCompile(`(?:say\(|\{\{t )"([a-z_]+)"`)
	listed := regexp.MustCompile(`"((?:log|cause|state|line|crm|cancel)_[a-z_]+[a-z])"`)
	for _, file := range []string{pageHTML, string(pageJS)} {
		for _, pattern := range []*regexp.Regexp{literal, listed} {
			for _, m := range pattern.FindAllStringSubmatch(file, -1) {
				if !strings.HasSuffix(m[1], "_") {
					require.Contains(t, all, m[1])
				}
			}
		}
	}
	for _, p := range picks(crm.DefaultContacts()) {
		require.Contains(t, all, "pick_"+p.ID)
	}
}
