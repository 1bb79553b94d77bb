package nfon

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSignIn(t *testing.T) {
	c := start(t)
	for name, body := range map[string]string{"no JSON": "{", "empty": "", "no password": `{"username":"K4711/api"}`} {
		status, _, text := c.do(c.request("POST", "/login", body))
		require.Equal(t, 400, status, name)
		require.Empty(t, text, "the vendor documents no body here")
	}
	status, _, text := c.do(c.request("POST", "/login", `{"username":"K4711/api","password":"wrong"}`))
	require.Equal(t, 401, status)
	require.Empty(t, text)
}

func TestAccessTokenIsASignedJWT(t *testing.T) {
	c := start(t)
	var set struct{ Keys []jwk }
	require.Equal(t, 200, c.call("GET", "/.well-known/jwks.json", "", &set))
	parts := strings.Split(c.token, ".")
	require.Len(t, parts, 3)
	decode := func(s string) []byte {
		b, err := base64.RawURLEncoding.DecodeString(s)
		require.NoError(t, err)
		return b
	}
	var header, body map[string]any
	require.NoError(t, json.Unmarshal(decode(parts[0]), &header))
	require.NoError(t, json.Unmarshal(decode(parts[1]), &body))
	require.Equal(t, map[string]any{"alg": "RS512", "kid": set.Keys[0].KeyID, "typ": "JWT"}, header)
	require.Regexp(t, "^[0-9a-f]{64}$", header["kid"])
	require.Equal(t, "K4711", body["customer"])
	require.Equal(t, true, body["extended_presence"])
	require.IsType(t, 0.0, body["exp"])

	key := &rsa.PublicKey{N: new(big.Int).SetBytes(decode(set.Keys[0].Modulus)), E: int(new(big.Int).SetBytes(decode(set.Keys[0].Exponent)).Int64())}
	sum := sha512.Sum512([]byte(parts[0] + "." + parts[1]))
	require.NoError(t, rsa.VerifyPKCS1v15(key, crypto.SHA512, sum[:], decode(parts[2])))
}

func TestRefresh(t *testing.T) {
	c := start(t)
	pair := c.login()
	refresh := func(token string, into any) int {
		return c.call("PUT", "/login", "", into, "Authorization", "Bearer "+token)
	}
	var next tokenPair
	require.Equal(t, 200, refresh(pair.Refresh, &next))
	require.NotEqual(t, pair, next)
	require.Equal(t, 401, refresh(pair.Refresh, nil), "a refresh token works once")
	require.Equal(t, 401, refresh(next.Access, nil), "an access token is no refresh token")
	require.NoError(t, c.s.Set("refresh_reuse", "true"))
	require.Equal(t, 200, refresh(next.Refresh, nil))
	require.Equal(t, 200, refresh(next.Refresh, nil))

	c.token = next.Refresh
	require.Equal(t, 401, c.call("GET", "/extensions/phone/data", "", nil), "a refresh token opens nothing")
}

func TestTokensDie(t *testing.T) {
	c := start(t)
	c.s.RevokeTokens()
	require.Equal(t, 401, c.call("GET", "/extensions/phone/data", "", nil))
	c.token = c.login().Access
	require.Equal(t, 200, c.call("GET", "/extensions/phone/data", "", nil))

	require.NoError(t, c.s.Set("token_lifetime", "1ms"))
	c.token = c.login().Access
	require.Eventually(t, func() bool { return c.call("GET", "/extensions/phone/data", "", nil) == 401 }, limit, 50*time.Millisecond)
}

func TestStreamsOnExpiry(t *testing.T) {
	c := start(t, with("token_lifetime", "1ms", "stream_on_expiry", "close"))
	c.open("/extensions/phone/calls").ends()
	await(c, func(f StreamFact) bool { return f.Action == "close" && f.Reason == "token expired" })

	require.NoError(t, c.s.Set("stream_on_expiry", "keep"))
	c.token = c.login().Access
	kept := c.open("/extensions/phone/calls")
	require.Eventually(t, func() bool { return c.call("GET", "/extensions/phone/data", "", nil) == 401 }, limit, 50*time.Millisecond)
	_, err := c.s.RingInbound(Caller{Number: "+4989555010"}, "101")
	require.NoError(t, err)
	require.Equal(t, []string{"101 ring"}, kept.states(1))
}

func TestErrors(t *testing.T) {
	c := start(t)
	const calls = "/extensions/phone/calls"
	post := func(body string) func() (int, http.Header, string) {
		return func() (int, http.Header, string) { return c.do(c.request("POST", calls, body, "Accept", typeJSON)) }
	}
	get := func(method, path, accept string) func() (int, http.Header, string) {
		return func() (int, http.Header, string) { return c.do(c.request(method, path, "", "Accept", accept)) }
	}
	long := strings.Repeat("9", 200)
	for name, test := range map[string]struct {
		status int
		do     func() (int, http.Header, string)
	}{
		"calls as JSON":       {406, get("GET", calls, typeJSON)},
		"calls as anything":   {406, get("GET", calls, "*/*")},
		"no such path":        {404, get("GET", "/nothing", typeJSON)},
		"malformed uuid":      {400, get("DELETE", calls+"/17", typeJSON)},
		"unknown uuid":        {404, get("DELETE", calls+"/983lv4b8-0000-4000-8000-000000000000", typeJSON)},
		"no body":             {400, post("")},
		"no caller":           {400, post(`{"callee":"102"}`)},
		"no callee":           {400, post(`{"caller":"101"}`)},
		"callee with plus":    {400, post(`{"caller":"101","callee":"+4989555010","callee_context":"global"}`)},
		"callee with 00":      {400, post(`{"caller":"101","callee":"004989555010","callee_context":"global"}`)},
		"00 as extension":     {400, post(`{"caller":"101","callee":"004989555010"}`)},
		"callee is a word":    {400, post(`{"caller":"101","callee":"abc"}`)},
		"callee is endless":   {400, post(`{"caller":"101","callee":"` + long + `","callee_context":"global"}`)},
		"unknown context":     {400, post(`{"caller":"101","callee":"102","callee_context":"K1"}`)},
		"timeout too long":    {400, post(`{"caller":"101","callee":"102","timeout":121}`)},
		"timeout zero":        {400, post(`{"caller":"101","callee":"102","timeout":0}`)},
		"foreign extension":   {403, post(`{"caller":"101","callee":"102","extension":"999"}`)},
		"caller is not known": {403, post(`{"caller":"999","callee":"102"}`)},
	} {
		status, head, body := test.do()
		require.Equal(t, test.status, status, name)
		require.NotEmpty(t, head.Get("X-Request-Id"), name)
		var envelope map[string]string
		require.NoError(t, json.Unmarshal([]byte(body), &envelope), name)
		require.NotEmpty(t, envelope["error"], name)
	}
	c.token = "x.y.z"
	status, _, body := get("GET", "/extensions/phone/states", typeJSON)()
	require.Equal(t, 401, status)
	require.Empty(t, body)
}

func TestLicenceAndUnauthorized(t *testing.T) {
	c := start(t, with("licence_missing", "true"))
	require.Equal(t, 200, c.call("GET", "/extensions/phone/data", "", nil))
	require.Equal(t, 403, c.call("GET", "/extensions/phone/states", "", nil))
	require.Equal(t, 403, c.call("GET", "/extensions/phone/calls", "", nil, "Accept", typeStream))
	require.Equal(t, 403, c.call("POST", "/extensions/phone/calls", "{}", nil))
	require.NoError(t, c.s.Set("unauthorized", "true"))
	require.Equal(t, 401, c.call("GET", "/extensions/phone/states", "", nil))
	require.Equal(t, 401, c.call("POST", "/login", `{"username":"K4711/api","password":"s3cret"}`, nil))
}

func TestUserAgent(t *testing.T) {
	c := start(t, with("require_ua", "true"))
	require.Equal(t, 200, c.call("GET", "/extensions/phone/data", "", nil))
	require.Equal(t, 200, c.call("GET", "/extensions/phone/data", "", nil, "User-Agent", "x/1 (k4711)"), "the account compares without case")
	for _, ua := range []string{"", "Go-http-client/1.1", "x/1 (K9)", "x (K4711)"} {
		require.Equal(t, 400, c.call("GET", "/extensions/phone/data", "", nil, "User-Agent", ua), ua)
	}
	require.NoError(t, c.s.Set("require_ua", "false"))
	require.Equal(t, 200, c.call("GET", "/extensions/phone/data", "", nil, "User-Agent", "curl/8"))
	last := c.s.Requests(epData)[6]
	require.Equal(t, "curl/8", last.UserAgent)
	require.Equal(t, 200, last.Status)
}

func TestFaults(t *testing.T) {
	c := start(t)
	require.NoError(t, c.s.Set("faults.data", `{"status":500,"times":2}`))
	for _, want := range []int{500, 500, 200} {
		require.Equal(t, want, c.call("GET", "/extensions/phone/data", "", nil))
	}
	require.NoError(t, c.s.Set("faults.data.status", "429"))
	require.NoError(t, c.s.Set("faults.data.times", "1"))
	_, head, _ := c.do(c.request("GET", "/extensions/phone/data", ""))
	require.NotEmpty(t, head.Get("Retry-After"))

	require.NoError(t, c.s.Set("faults.states.redirect", "http://192.0.2.1/elsewhere"))
	status, head, _ := c.do(c.request("GET", "/extensions/phone/states", "", "Accept", typeJSON))
	require.Equal(t, 302, status)
	require.Equal(t, "http://192.0.2.1/elsewhere", head.Get("Location"))

	require.NoError(t, c.s.Set("faults", `{"*":{"reset":true}}`))
	_, err := http.DefaultTransport.RoundTrip(c.request("GET", "/extensions/phone/data", ""))
	require.Error(t, err)
	require.Zero(t, c.s.Requests(epData)[4].Status)

	require.Error(t, c.s.Set("faults.nothing.status", "500"))
	require.Error(t, c.s.Set("faults.data.status", "7"))
	require.Error(t, c.s.Set("no_such_switch", "1"))
	require.Error(t, c.s.Set("cancel_scope", "everything"))
}

func TestCloseDoesNotWaitForADelay(t *testing.T) {
	c := start(t, with("faults.data.delay", "1h"))
	done := make(chan error, 1)
	r := c.request("GET", "/extensions/phone/data", "")
	go func() {
		res, err := http.DefaultTransport.RoundTrip(r)
		if err == nil {
			_ = res.Body.Close()
		}
		done <- err
	}()
	require.Eventually(t, func() bool {
		c.s.mu.Lock()
		defer c.s.mu.Unlock()
		return c.s.faultsMet[epData] == 1
	}, limit, time.Millisecond)
	require.NoError(t, c.s.Close())
	select {
	case err := <-done:
		require.Error(t, err)
	case <-time.After(limit):
		require.FailNow(t, "the request still hangs")
	}
}
