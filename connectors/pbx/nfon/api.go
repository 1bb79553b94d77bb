package nfon

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"sync/atomic"
	"time"

	"deskbell/app/pbx"
)

const (
	pathLogin  = "/login"
	pathData   = "/extensions/phone/data"
	pathStates = "/extensions/phone/states"
	pathCalls  = "/extensions/phone/calls"

	typeJSON   = "application/json"
	typeStream = "text/event-stream"

	limitSmall = 64 << 10 // sign-in, errors, one call
	limitList  = 32 << 20 // lists of extensions and states: some 200 bytes each

	timeSmall = 15 * time.Second
	timeList  = 30 * time.Second
)

// authenticator gives access tokens. NFON has announced another way to sign in; only this changes then.
type authenticator interface {
	// Token gives a token that should be valid for some seconds at least. Its errors wrap pbx.ErrSignIn when NFON refused.
	Token(ctx context.Context) (string, error)
	// Invalidate says that NFON refused the token, Accepted that it did not. Both do nothing if there is a newer one already.
	Invalidate(token string)
	Accepted(token string)
}

// api sends requests: the headers every request needs, limits, one more try after a 401, and the request id for the log.
type api struct {
	base      string
	userAgent string
	http      *http.Client
	log       *slog.Logger
	auth      authenticator
}

// request describes one call of the interface.
type request struct {
	method string
	path   string
	accept string
	body   any    // sent as JSON unless nil
	bearer string // used instead of the access token
	noAuth bool
}

// statusError is an answer other than success.
type statusError struct {
	op         string
	status     int
	requestID  string
	retryAfter time.Duration
}

func (e *statusError) Error() string {
	return fmt.Sprintf("%s answered %d %s", e.op, e.status, http.StatusText(e.status))
}

// sentError is a connection lost after a request that changes something may have reached NFON.
type sentError struct{ err error }

func (e *sentError) Error() string { return e.err.Error() }
func (e *sentError) Unwrap() error { return e.err }

func newAPI(c Config, env pbx.Env) *api {
	return &api{
		base:      c.BaseURL,
		userAgent: fmt.Sprintf("Deskbell/%s (%s)", env.Version, c.Account),
		http:      newHTTPClient(env.HTTP),
		log:       env.Log,
	}
}

// newHTTPClient takes over the base client's transport without its overall time limit, which would cut streams.
func newHTTPClient(base *http.Client) *http.Client {
	var rt http.RoundTripper
	if base != nil {
		rt = base.Transport
	}
	if rt == nil {
		rt = http.DefaultTransport
	}
	if t, ok := rt.(*http.Transport); ok {
		rt = hardened(t.Clone())
	}
	return &http.Client{Transport: rt, CheckRedirect: checkRedirect}
}

func hardened(t *http.Transport) *http.Transport {
	if t.TLSClientConfig == nil {
		t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	t.TLSClientConfig.MinVersion = max(t.TLSClientConfig.MinVersion, tls.VersionTLS12)
	if t.DialContext == nil {
		// Keep-alive probes find a dead peer under a stream on which nothing is said all night.
		alive := net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 15 * time.Second, Count: 4}
		t.DialContext = (&net.Dialer{Timeout: 10 * time.Second, KeepAliveConfig: alive}).DialContext
	}
	t.TLSHandshakeTimeout = 10 * time.Second
	t.ResponseHeaderTimeout = 30 * time.Second
	t.DisableCompression = true // a packed stream would wait in the packer's buffer
	if t.HTTP2 == nil {
		t.HTTP2 = &http.HTTP2Config{}
	}
	t.HTTP2.SendPingTimeout, t.HTTP2.PingTimeout = 30*time.Second, 15*time.Second
	return t
}

// checkRedirect lets only a GET go on, and only to the same host: a token must not travel elsewhere.
func checkRedirect(next *http.Request, via []*http.Request) error {
	first := via[0]
	if len(via) > 3 || first.Method != http.MethodGet || next.URL.Host != first.URL.Host || next.URL.Scheme != first.URL.Scheme {
		return http.ErrUseLastResponse
	}
	return nil
}

// do sends a request with a token. A 401 proves that nothing was done, so the request is sent again with a new one: first
// from a refresh, then from a sign-in, since a refresh may hand out a token that is no better.
func (a *api) do(ctx context.Context, r request) (*http.Response, error) {
	if r.noAuth || r.bearer != "" {
		return a.send(ctx, r)
	}
	for try := 1; ; try++ {
		token, err := a.auth.Token(ctx)
		if err != nil {
			return nil, err
		}
		r.bearer = token
		resp, err := a.send(ctx, r)
		if refused := new(statusError); !errors.As(err, &refused) || refused.status != http.StatusUnauthorized {
			if err == nil {
				a.auth.Accepted(token)
			}
			return resp, err
		}
		a.auth.Invalidate(token)
		if try == 3 {
			return nil, fmt.Errorf("%w: %w", pbx.ErrSignIn, err)
		}
	}
}

// send does one exchange. Any status but 2xx is a *statusError; the caller closes the body of a good answer.
func (a *api) send(ctx context.Context, r request) (*http.Response, error) {
	var sent atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { sent.Store(true) }})
	req, err := a.build(ctx, r)
	if err != nil {
		return nil, err
	}
	op := r.method + " " + operation(r.path)
	resp, err := a.http.Do(req)
	if err != nil {
		err = fmt.Errorf("%s: %w", op, withoutURL(err))
		if sent.Load() && r.path != pathLogin && r.method != http.MethodGet {
			err = &sentError{err}
		}
		return nil, err
	}
	id := requestID(resp)
	if resp.StatusCode/100 == 2 {
		a.log.Debug("nfon answered", "op", op, "status", resp.StatusCode, "request_id", id)
		return resp, nil
	}
	defer resp.Body.Close()
	a.logRefusal(resp, op, id)
	return nil, &statusError{op: op, status: resp.StatusCode, requestID: id, retryAfter: retryAfter(resp)}
}

func (a *api) build(ctx context.Context, r request) (*http.Request, error) {
	var body io.Reader
	if r.body != nil {
		data, err := json.Marshal(r.body)
		if err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
		body = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, a.base+r.path, body)
	if err != nil {
		return nil, fmt.Errorf("build request: %w", err)
	}
	req.Header.Set("Accept", r.accept)
	req.Header.Set("User-Agent", a.userAgent)
	if r.body != nil {
		req.Header.Set("Content-Type", typeJSON)
	}
	if r.bearer != "" {
		req.Header.Set("Authorization", "Bearer "+r.bearer)
	}
	return req, nil
}

// logRefusal logs what NFON says about an error. The text goes to the log only, which masks numbers, and not to people.
func (a *api) logRefusal(resp *http.Response, op, id string) {
	var envelope struct {
		Error text `json:"error"`
	}
	data, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10)) // the status says enough where this fails
	_ = json.Unmarshal(data, &envelope)                     // a 401 has no body at all
	a.log.Warn("nfon refused a request", "op", op, "status", resp.StatusCode, "request_id", id, "answer", cut(string(envelope.Error), 200))
}

// getJSON reads one JSON document of at most limit bytes.
func (a *api) getJSON(ctx context.Context, r request, limit int64, into any) (requestIDOfAnswer string, err error) {
	resp, err := a.do(ctx, r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	id := requestID(resp)
	data, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return id, fmt.Errorf("read %s: %w", operation(r.path), err)
	}
	if int64(len(data)) > limit {
		return id, &protocolError{op: operation(r.path), id: id, err: errors.New("the answer is too long")}
	}
	if err := json.Unmarshal(data, into); err != nil {
		return id, &protocolError{op: operation(r.path), id: id, err: jsonProblem(err)}
	}
	return id, nil
}

// protocolError is an answer that makes no sense.
type protocolError struct {
	op, id string
	err    error
}

func (e *protocolError) Error() string {
	return fmt.Sprintf("%s: cannot be understood (request %s): %v", e.op, e.id, e.err)
}
func (e *protocolError) Unwrap() error { return e.err }

func requestID(resp *http.Response) string { return cut(resp.Header.Get("X-Request-Id"), 100) }

// retryAfter reads the header in its form of seconds; NFON documents no limit of requests at all.
func retryAfter(resp *http.Response) time.Duration {
	n, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	if err != nil || n < 0 {
		return 0
	}
	return min(time.Duration(n)*time.Second, 15*time.Minute)
}
