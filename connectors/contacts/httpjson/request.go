package httpjson

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"deskbell/app/contact"
)

// errRedirect says that the CRM sent us elsewhere.
var errRedirect = errors.New("redirected to another host, which is not followed")

// ask gets one JSON answer; nil means "nothing there" (204 or 404). Errors name no address: it holds the number.
func (s *source) ask(ctx context.Context, target *url.URL) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(s.config.Timeout))
	defer cancel()
	request, err := s.request(ctx, target)
	if err != nil {
		return nil, err
	}
	response, err := s.http.Do(request)
	if err != nil {
		return nil, withoutAddress(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, s.config.MaxResponse+1))
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", withoutAddress(err))
	}
	return s.judge(response, body)
}

func (s *source) request(ctx context.Context, target *url.URL) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("%w: request", contact.ErrConfig)
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "Deskbell/"+s.env.Version)
	for name, value := range s.config.Headers {
		request.Header.Set(name, value)
	}
	return request, s.authorize(ctx, request)
}

func (s *source) authorize(ctx context.Context, request *http.Request) error {
	if s.config.Auth == "none" || s.config.Token == "" {
		return nil
	}
	token, err := s.env.Secrets.Secret(ctx, "token", "")
	if err != nil {
		return fmt.Errorf("%w: token: %w", contact.ErrConfig, err)
	}
	switch s.config.Auth {
	case "bearer":
		request.Header.Set("Authorization", "Bearer "+token)
	case "basic":
		request.SetBasicAuth(s.config.Username, token)
	default:
		request.Header.Set(s.config.Auth, token)
	}
	return nil
}

func (s *source) judge(response *http.Response, body []byte) ([]byte, error) {
	status := response.StatusCode
	switch {
	case status == http.StatusNoContent, status == http.StatusNotFound:
		return nil, nil
	case status == http.StatusUnauthorized:
		return nil, fmt.Errorf("%w (status 401)", contact.ErrSignIn)
	case status == http.StatusForbidden:
		return nil, fmt.Errorf("%w (status 403)", contact.ErrRights)
	case status == http.StatusTooManyRequests:
		return nil, &contact.LimitedError{After: retryAfter(response.Header.Get("Retry-After"))}
	case status != http.StatusOK:
		return nil, fmt.Errorf("unexpected status %d", status)
	case int64(len(body)) > s.config.MaxResponse:
		return nil, fmt.Errorf("%w: more than %d bytes", contact.ErrProtocol, s.config.MaxResponse)
	case !json.Valid(body):
		return nil, fmt.Errorf("%w: not JSON", contact.ErrProtocol)
	}
	return body, nil
}

// retryAfter reads seconds or a date (RFC 9110); anything else is zero.
func retryAfter(s string) time.Duration {
	if n, err := strconv.Atoi(s); err == nil && n >= 0 && n < 1<<20 {
		return time.Duration(n) * time.Second
	}
	if t, err := http.ParseTime(s); err == nil {
		return max(time.Until(t), 0)
	}
	return 0
}

// withoutAddress drops the address that net/http puts into its errors.
func withoutAddress(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// within makes a request below the base address of what a template gave. Values are encoded by the template; what would
// still leave the host is refused.
func (s *source) within(expanded string) (*url.URL, error) {
	target, err := url.Parse(s.base.String() + expanded)
	if err != nil || target.Host != s.base.Host || target.Scheme != s.base.Scheme || target.User != nil {
		return nil, fmt.Errorf("%w: the template leaves the CRM's address", contact.ErrConfig)
	}
	return target, nil
}
