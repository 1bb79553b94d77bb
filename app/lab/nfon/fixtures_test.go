package nfon

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func fixture(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	return string(b)
}

// keys are the paths of all values in a JSON text, array indexes left out, without doubles.
func keys(t *testing.T, text string) []string {
	t.Helper()
	var v any
	require.NoError(t, json.Unmarshal([]byte(text), &v), text)
	found := map[string]bool{}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, below := range v {
				walk(path+"."+k, below)
			}
		case []any:
			for _, below := range v {
				walk(path+"[]", below)
			}
		default:
			found[path] = true
		}
	}
	walk("", v)
	return slices.Sorted(maps.Keys(found))
}

// order is the sequence of an object's keys in the text.
func order(t *testing.T, text string) []string {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	var list []string
	depth, key := 0, true
	for {
		tok, err := dec.Token()
		if err != nil {
			return list
		}
		switch tok := tok.(type) {
		case json.Delim:
			if tok == '{' {
				depth++
			} else if tok == '}' {
				depth--
			}
			key = true
		case string:
			if key && depth == 1 {
				list = append(list, tok)
			}
			key = !key
		default:
			key = true
		}
	}
}

func TestAnswersHaveTheShapeOfTheSamples(t *testing.T) {
	c := start(t, func(o *Options) {
		o.Phones = []Phone{
			{Extension: "101", Name: "Front desk", Presence: "available"},
			{Extension: "102", Name: "Ada Example", Presence: "dnd"},
		}
	})
	get := func(path string) string {
		status, _, body := c.do(c.request("GET", path, "", "Accept", typeJSON))
		require.Equal(t, 200, status)
		return body
	}
	t.Run("login", func(t *testing.T) {
		status, _, body := c.do(c.request("POST", "/login", fixture(t, "login_request.json"), "Content-Type", typeJSON))
		require.Equal(t, 200, status, "the sample's credentials are the default ones")
		require.Equal(t, keys(t, fixture(t, "login_reply.json")), keys(t, body))
	})
	t.Run("jwks", func(t *testing.T) {
		require.Equal(t, keys(t, fixture(t, "jwks.json")), keys(t, get("/.well-known/jwks.json")))
	})
	t.Run("data", func(t *testing.T) {
		require.JSONEq(t, fixture(t, "data.json"), get("/extensions/phone/data"), "these values need no clock, so all are equal")
	})
	t.Run("states", func(t *testing.T) {
		sample, real := fixture(t, "states.json"), get("/extensions/phone/states")
		require.Equal(t, keys(t, sample), keys(t, real))
	})
	t.Run("states stream", func(t *testing.T) {
		sample, _ := strings.CutPrefix(strings.TrimSpace(fixture(t, "states.sse")), "data: ")
		real := c.open("/extensions/phone/states").raw()
		require.Equal(t, keys(t, sample), keys(t, real))
		require.Equal(t, order(t, sample), order(t, real))
	})
	t.Run("error", func(t *testing.T) {
		status, _, body := c.do(c.request("GET", "/extensions/phone/calls", "", "Accept", typeJSON))
		require.Equal(t, 406, status)
		require.Equal(t, keys(t, fixture(t, "error.json")), keys(t, body))
	})
}

func TestCallsHaveTheShapeOfTheSamples(t *testing.T) {
	c := start(t)
	calls := c.open("/extensions/phone/calls")
	_, err := c.s.RingInbound(Caller{Number: "+4989555010"}, "101")
	require.NoError(t, err)

	first, _, _ := strings.Cut(fixture(t, "inbound_answered.sse"), "\n")
	sample, _ := strings.CutPrefix(first, "data: ")
	real := calls.raw()
	production := append(keys(t, sample), ".customer", ".updated")
	slices.Sort(production)
	require.Equal(t, production, keys(t, real))

	require.NoError(t, c.s.Set("omit_customer", "true"))
	require.NoError(t, c.s.Set("omit_updated", "true"))
	require.NoError(t, c.s.HangUp("101"))
	bare := append(keys(t, sample), ".error")
	slices.Sort(bare)
	require.Equal(t, bare, keys(t, calls.raw()), "as the sample, but for the rejection")
}

func TestOriginateHasTheShapeOfTheSample(t *testing.T) {
	c := start(t)
	status, head, body := c.do(c.request("POST", "/extensions/phone/calls", fixture(t, "originate_request.json"), "Accept", typeJSON))
	require.Equal(t, 202, status)
	require.NotEmpty(t, head.Get("X-Request-Id"))
	sample := fixture(t, "originate_reply.json")
	require.Equal(t, order(t, sample), order(t, body))

	var want, got map[string]any
	require.NoError(t, json.Unmarshal([]byte(sample), &want))
	require.NoError(t, json.Unmarshal([]byte(body), &got))
	for _, own := range []string{"uuid", "updated"} {
		require.IsType(t, want[own], got[own])
		want[own] = got[own]
	}
	require.Equal(t, want, got)
}
