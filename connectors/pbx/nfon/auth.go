package nfon

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"deskbell/app/pbx"
)

// passwordAuth signs in with user name and password and renews the pair of tokens. One exchange runs at a time, however many
// ask; refused sign-ins are repeated slowly, so that no account is locked by us.
type passwordAuth struct {
	api      *api
	username string
	secrets  pbx.Secrets
	log      *slog.Logger

	mu          sync.Mutex
	running     chan struct{} // closed when the exchange that runs is over
	access      string
	refresh     string
	refreshed   bool // the access token came from a refresh
	issued      time.Time
	renewAt     time.Time
	strikes     int // tokens refused since one worked
	refusals    int
	refusedTill time.Time
	claims      claims
	// refusedPrint tells the password that was refused from another, without keeping it.
	refusedPrint fingerprint
}

// claims are the parts of the access token we read; it is not verified, since it only goes back to where it came from.
type claims struct {
	Customer         text    `json:"customer"`
	Exp              float64 `json:"exp"` // Unix seconds
	ExtendedPresence *bool   `json:"extended_presence"`
}

type tokenPair struct {
	Access  text `json:"access-token"`
	Refresh text `json:"refresh-token"`
}

// refusedError says that the sign-in was refused lately and when it is tried again.
type refusedError struct {
	retry time.Time
	err   error
}

func (e *refusedError) Error() string { return "sign-in refused" }
func (e *refusedError) Unwrap() error { return e.err }

var _ authenticator = (*passwordAuth)(nil)

// Token gives the present token, or gets one. While a refusal is fresh it fails at once.
func (p *passwordAuth) Token(ctx context.Context) (string, error) {
	for {
		p.mu.Lock()
		switch now := time.Now(); {
		case p.access != "" && now.Before(p.renewAt):
			token := p.access
			p.mu.Unlock()
			return token, nil
		case now.Before(p.refusedTill):
			err := &refusedError{retry: p.refusedTill, err: pbx.ErrSignIn}
			p.mu.Unlock()
			return "", err
		}
		if p.running == nil {
			p.running = make(chan struct{})
			refresh := p.refresh
			p.mu.Unlock()
			return p.exchange(ctx, refresh)
		}
		running := p.running
		p.mu.Unlock()
		select {
		case <-running:
		case <-ctx.Done():
			return "", fmt.Errorf("wait for sign-in: %w", ctx.Err())
		}
	}
}

// Invalidate drops a token that NFON refused. If it came fresh from a refresh, the refresh token is no good either; if it came
// from a sign-in after another token was refused, signing in does not help and is repeated ever more slowly. NFON took the
// password all the same, so the first pauses are short: it may be over in a moment, and calls may be under way.
func (p *passwordAuth) Invalidate(token string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if token == "" || token != p.access {
		return
	}
	p.access = ""
	p.strikes++
	switch {
	case p.refreshed && time.Since(p.issued) < youngToken:
		p.refresh = ""
	case p.refreshed:
	case p.strikes > 1:
		p.refuse(strikeDelay)
	}
}

// Accepted says that a request with the token worked.
func (p *passwordAuth) Accepted(token string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if token == p.access {
		p.strikes, p.refusals, p.refusedTill = 0, 0, time.Time{}
	}
}

// refuse begins a pause, each longer than the one before. The caller holds the lock.
func (p *passwordAuth) refuse(delay func(int) time.Duration) (retry time.Time) {
	p.refresh = ""
	if now := time.Now(); !now.Before(p.refusedTill) {
		p.refusedTill = now.Add(delay(p.refusals))
		p.refusals++
	}
	return p.refusedTill
}

func (p *passwordAuth) refused() (retry time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.refuse(slowDelay)
}

// paused reports whether signing in waits after a refusal.
func (p *passwordAuth) paused() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Now().Before(p.refusedTill)
}

// expires is when the present token ends by its own word; zero if it does not say.
func (p *passwordAuth) expires() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.access == "" || p.claims.Exp <= 0 || p.claims.Exp > 1e11 {
		return time.Time{}
	}
	return time.UnixMilli(int64(p.claims.Exp * 1000))
}

// known gives the K-Account the token speaks of and whether NFON gave the key its full rights.
func (p *passwordAuth) known() (customer string, limited bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return string(p.claims.Customer), p.claims.ExtendedPresence != nil && !*p.claims.ExtendedPresence
}

func (p *passwordAuth) exchange(ctx context.Context, refresh string) (string, error) {
	defer func() {
		p.mu.Lock()
		close(p.running)
		p.running = nil
		p.mu.Unlock()
	}()
	if refresh != "" {
		pair, err := p.call(ctx, request{method: http.MethodPut, path: pathLogin, accept: typeJSON, bearer: refresh})
		if err == nil {
			return p.keep(pair, true), nil
		}
		p.log.Info("token could not be renewed, signing in", "error", err)
	}
	pair, err := p.signIn(ctx)
	if err != nil {
		return "", err
	}
	return p.keep(pair, false), nil
}

func (p *passwordAuth) signIn(ctx context.Context) (tokenPair, error) {
	password, err := p.secrets.Secret(ctx, "password", "")
	if err != nil {
		return tokenPair{}, &configError{fmt.Errorf("password: %w", err)}
	}
	body := map[string]string{"username": p.username, "password": password}
	pair, err := p.call(ctx, request{method: http.MethodPost, path: pathLogin, accept: typeJSON, body: body, noAuth: true})
	var status *statusError
	if errors.As(err, &status) && (status.status == http.StatusUnauthorized || status.status == http.StatusBadRequest) {
		p.mu.Lock()
		p.refusedPrint = printOf(password)
		p.mu.Unlock()
		return pair, &refusedError{retry: p.refused(), err: fmt.Errorf("%w: %w", pbx.ErrSignIn, err)}
	}
	return pair, err
}

func (p *passwordAuth) call(ctx context.Context, r request) (tokenPair, error) {
	ctx, cancel := context.WithTimeout(ctx, timeSmall) // for each: a refresh that hangs leaves time to sign in
	defer cancel()
	resp, err := p.api.send(ctx, r)
	if err != nil {
		return tokenPair{}, err
	}
	defer resp.Body.Close()
	var pair tokenPair
	data, err := io.ReadAll(io.LimitReader(resp.Body, limitSmall))
	if err != nil {
		return pair, fmt.Errorf("read %s: %w", r.path, err)
	}
	if err := json.Unmarshal(data, &pair); err != nil {
		return pair, &protocolError{op: r.path, id: requestID(resp), err: jsonProblem(err)}
	}
	if pair.Access == "" || strings.ContainsAny(string(pair.Access+pair.Refresh), "\r\n\x00") {
		return pair, &protocolError{op: r.path, id: requestID(resp), err: errors.New("no access token")}
	}
	return pair, nil
}

func (p *passwordAuth) keep(pair tokenPair, refreshed bool) string {
	c := readClaims(string(pair.Access))
	p.mu.Lock()
	defer p.mu.Unlock()
	first := p.access == "" && p.claims == (claims{})
	p.access, p.refresh, p.refreshed, p.claims = string(pair.Access), string(pair.Refresh), refreshed, c
	p.issued = time.Now()
	p.renewAt = time.Now().Add(usable(c, time.Now()))
	if first && c.ExtendedPresence != nil && !*c.ExtendedPresence {
		p.log.Warn("the NFON key lacks extended_presence: some functions may be missing")
	}
	return p.access
}

// usable is how long a new token serves: until shortly before its end if that makes sense by our clock, else four minutes.
func usable(c claims, now time.Time) time.Duration {
	seconds := c.Exp - float64(now.UnixMilli())/1000
	if c.Exp <= 0 || seconds <= 0 || seconds > 24*60*60 {
		return tokenLife
	}
	life := time.Duration(seconds) * time.Second
	return life - min(tokenMargin, life/5)
}

func readClaims(token string) claims {
	var c claims
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return c
	}
	data, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil || json.Unmarshal(data, &c) != nil {
		return claims{}
	}
	return c
}

// fingerprint is a keyed hash of a password.
type fingerprint [sha256.Size]byte

var printKey = func() []byte {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // documented never to fail
	return key
}()

func printOf(password string) (f fingerprint) {
	mac := hmac.New(sha256.New, printKey)
	mac.Write([]byte(password))
	copy(f[:], mac.Sum(nil))
	return f
}

// newPassword reports whether the refused password was replaced meanwhile, and ends the pause if so: who mends the settings
// need not wait for the next slow try.
func (p *passwordAuth) newPassword(ctx context.Context) bool {
	p.mu.Lock()
	old := p.refusedPrint
	p.mu.Unlock()
	if old == (fingerprint{}) {
		return false
	}
	password, err := p.secrets.Secret(ctx, "password", "")
	if err != nil || printOf(password) == old {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refusedPrint, p.refusedTill, p.refusals, p.strikes = fingerprint{}, time.Time{}, 0, 0
	return true
}
