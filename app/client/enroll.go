package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"deskbell/app/about"
	"deskbell/app/wire"
)

// maxReply bounds what is read of an HTTP reply.
const maxReply = 64 << 10

// EnrollError says why an invitation did not work; Code is one of the invitation texts: "wrong", "used",
// "expired", "insecure", "unreachable", "certificate", "not_deskbell", "limited", "failed".
type EnrollError struct {
	Code string
	Err  error
}

// Error implements error.
func (e *EnrollError) Error() string { return fmt.Sprintf("invitation: %s: %v", e.Code, e.Err) }

// Unwrap gives the cause.
func (e *EnrollError) Unwrap() error { return e.Err }

// Enroller asks servers over HTTP, before there is a token.
type Enroller struct{ http *http.Client }

// NewEnroller makes an Enroller; o.TLS and o.Dial are used.
func NewEnroller(o Options) *Enroller {
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: o.TLS, DialContext: o.Dial, DisableKeepAlives: true,
		TLSHandshakeTimeout: handshakeLimit, ForceAttemptHTTP2: false,
	}
	return &Enroller{&http.Client{
		Transport: transport, Timeout: 10 * time.Second,
		// A redirect could carry the one-time code to another host.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Find asks a server who it is. It proves nothing: the name is for the question that the user answers.
func (e *Enroller) Find(ctx context.Context, server string) (wire.Info, error) {
	var info wire.Info
	err := e.do(ctx, http.MethodGet, server, wire.PathInfo, nil, &info)
	if err == nil && info.Name == "" {
		err = &EnrollError{"not_deskbell", errors.New("no name in the reply")}
	}
	return info, err
}

// Enroll turns a one-time code into a token for this device.
func (e *Enroller) Enroll(ctx context.Context, server, code, device string) (wire.EnrollReply, error) {
	var reply wire.EnrollReply
	err := e.do(ctx, http.MethodPost, server, wire.PathEnroll, wire.EnrollRequest{Code: code, Device: device}, &reply)
	if err == nil && reply.Token == "" {
		err = &EnrollError{"failed", errors.New("no token in the reply")}
	}
	return reply, err
}

func (e *Enroller) do(ctx context.Context, method, server, path string, body, result any) error {
	address, err := endpoint(server, path, false)
	if errors.Is(err, ErrInsecure) {
		return &EnrollError{"insecure", err}
	}
	if err != nil {
		return &EnrollError{"not_deskbell", err}
	}
	var content io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return &EnrollError{"failed", err}
		}
		content = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, address, content)
	if err != nil {
		return &EnrollError{"failed", err}
	}
	req.Header.Set("User-Agent", about.UserAgent())
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := e.http.Do(req)
	if err != nil {
		return &EnrollError{unreachableCode(err), err}
	}
	defer resp.Body.Close()
	return readReply(resp, method == http.MethodPost, result)
}

func unreachableCode(err error) string {
	if untrusted(err) {
		return "certificate"
	}
	return "unreachable"
}

func readReply(resp *http.Response, enrolling bool, result any) error {
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxReply+1))
	if err == nil && len(data) > maxReply {
		err = errors.New("reply is too long")
	}
	if resp.StatusCode != http.StatusOK {
		return &EnrollError{refusalCode(resp.StatusCode, data, enrolling), fmt.Errorf("status %d", resp.StatusCode)}
	}
	if err == nil {
		err = json.Unmarshal(data, result)
	}
	if err != nil {
		return &EnrollError{"not_deskbell", err}
	}
	return nil
}

// refusalCode reads the word of the reply's body, or makes do with the status.
func refusalCode(status int, body []byte, enrolling bool) string {
	var refusal struct {
		Error string `json:"error"`
	}
	if err := json.Unmarshal(body, &refusal); err != nil {
		refusal.Error = ""
	}
	known := map[string]string{"invitation_wrong": "wrong", "invitation_used": "used", "invitation_expired": "expired", "limited": "limited"}
	switch code := known[refusal.Error]; {
	case code != "":
		return code
	case status == http.StatusTooManyRequests:
		return "limited"
	case status >= 500:
		return "failed"
	case enrolling && status >= 400:
		return "wrong"
	}
	return "not_deskbell"
}
