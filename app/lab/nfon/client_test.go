package nfon

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/lab/record"
)

// limit is how long a test waits for something that must come.
const limit = 10 * time.Second

const agent = "labtest/1.0 (K4711)"

// client is a bare HTTP client of the API; it knows nothing but its text.
type client struct {
	t     *testing.T
	s     *Server
	token string
}

func start(t *testing.T, change ...func(*Options)) *client {
	t.Helper()
	sw := Defaults()
	sw.SetupDelay = 0
	o := Options{Switches: &sw, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))}
	for _, f := range change {
		f(&o)
	}
	require.NoError(t, o.Validate())
	s := New(o)
	require.NoError(t, s.Start())
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	c := &client{t: t, s: s}
	c.token = c.login().Access
	return c
}

// with sets switches by name for start.
func with(pairs ...string) func(*Options) {
	return func(o *Options) {
		sw := *o.Switches
		for i := 0; i < len(pairs); i += 2 {
			var err error
			if sw, err = sw.With(pairs[i], pairs[i+1]); err != nil {
				panic(err)
			}
		}
		o.Switches = &sw
	}
}

func (c *client) login() tokenPair {
	c.t.Helper()
	user, password := c.s.Credentials()
	body, err := json.Marshal(map[string]string{"username": user, "password": password})
	require.NoError(c.t, err)
	var pair tokenPair
	require.Equal(c.t, 200, c.call("POST", "/login", string(body), &pair))
	return pair
}

func (c *client) request(method, path, body string, header ...string) *http.Request {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.s.URL()+path, strings.NewReader(body))
	require.NoError(c.t, err)
	r.Header.Set("User-Agent", agent)
	r.Header.Set("Authorization", "Bearer "+c.token)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

// do sends a request and returns status, headers and body.
func (c *client) do(r *http.Request) (int, http.Header, string) {
	c.t.Helper()
	res, err := http.DefaultTransport.RoundTrip(r)
	require.NoError(c.t, err)
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	require.NoError(c.t, err)
	return res.StatusCode, res.Header, string(b)
}

// call sends JSON and decodes the reply when into is given.
func (c *client) call(method, path, body string, into any, header ...string) int {
	c.t.Helper()
	status, _, text := c.do(c.request(method, path, body, append([]string{"Accept", typeJSON}, header...)...))
	if into != nil {
		require.NoError(c.t, json.Unmarshal([]byte(text), into), text)
	}
	return status
}

// feed is an open event stream.
type feed struct {
	t     *testing.T
	lines chan string
	end   context.CancelFunc
}

func (c *client) open(path string, header ...string) *feed {
	c.t.Helper()
	return c.openWith(c.request("GET", path, "", append([]string{"Accept", typeStream}, header...)...))
}

func (c *client) openWith(r *http.Request) *feed {
	c.t.Helper()
	ctx, cancel := context.WithCancel(c.t.Context())
	res, err := http.DefaultTransport.RoundTrip(r.WithContext(ctx))
	require.NoError(c.t, err)
	require.Equal(c.t, 200, res.StatusCode)
	require.Contains(c.t, res.Header.Get("Content-Type"), typeStream)
	f := &feed{t: c.t, lines: make(chan string, 1000), end: cancel}
	c.t.Cleanup(cancel)
	go func() {
		defer close(f.lines)
		defer func() { _ = res.Body.Close() }()
		sc := bufio.NewScanner(res.Body)
		sc.Buffer(nil, 4<<20)
		sc.Split(scanRawLines)
		for sc.Scan() {
			f.lines <- sc.Text()
		}
	}()
	return f
}

// scanRawLines keeps a carriage return, so that a test sees it.
func scanRawLines(data []byte, atEOF bool) (int, []byte, error) {
	if i := strings.IndexByte(string(data), '\n'); i >= 0 {
		return i + 1, data[:i], nil
	}
	if atEOF && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}

// line returns the next line, or fails after the limit. ok is false at the end of the stream.
func (f *feed) line() (text string, ok bool) {
	f.t.Helper()
	select {
	case l, ok := <-f.lines:
		return l, ok
	case <-time.After(limit):
		require.FailNow(f.t, "the stream says nothing")
		return "", false
	}
}

// raw returns the next data line's payload.
func (f *feed) raw() string {
	f.t.Helper()
	for {
		l, ok := f.line()
		require.True(f.t, ok, "stream ended")
		if data, found := strings.CutPrefix(l, "data:"); found {
			return strings.TrimSpace(data)
		}
	}
}

type object map[string]any

// event returns the next event as a plain object.
func (f *feed) event() object {
	f.t.Helper()
	var o object
	text := f.raw()
	require.NoError(f.t, json.Unmarshal([]byte(text), &o), text)
	return o
}

// states reads n events and writes them as "101 ring", "101 hangup/cancel".
func (f *feed) states(n int) []string {
	f.t.Helper()
	var list []string
	for range n {
		e := f.event()
		text, _ := e["state"].(string)
		if ext, ok := e["extension"].(string); ok {
			text = ext + " " + text
		}
		if cause, ok := e["error"].(string); ok {
			text += "/" + cause
		}
		list = append(list, text)
	}
	return list
}

// ends waits for the end of the stream.
func (f *feed) ends() {
	f.t.Helper()
	for {
		if _, ok := f.line(); !ok {
			return
		}
	}
}

// await waits for a recorded fact of the kind that fits.
func await[T any](c *client, fits func(T) bool) T {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), limit)
	defer cancel()
	v, err := record.Await(ctx, c.s.Log(), 0, fits)
	require.NoError(c.t, err)
	return v
}
