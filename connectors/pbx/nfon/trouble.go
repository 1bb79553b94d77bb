package nfon

import (
	"context"
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"deskbell/app/pbx"
)

// configError is a mistake that only a person can mend.
type configError struct{ err error }

func (e *configError) Error() string { return e.err.Error() }
func (e *configError) Unwrap() error { return e.err }

// feed names what has trouble. Calls come first: without them nothing rings.
type feed int

const (
	feedCalls feed = iota
	feedStates
	feedData
	feedCount
)

var feedNames = [feedCount]string{"calls", "line states", "extensions"}

// diagnose says what kind of trouble an error is, and whether trying again soon is useless or even harmful.
func diagnose(err error) (code pbx.TroubleCode, slow bool) {
	var status *statusError
	var protocol *protocolError
	var config *configError
	var certificate *tls.CertificateVerificationError
	var refused *refusedError
	switch {
	case errors.Is(err, pbx.ErrSignIn):
		return pbx.TroubleSignIn, errors.As(err, &refused) // a token alone is refused: see strikeDelay
	case errors.As(err, &config):
		return pbx.TroubleConfig, false
	case errors.As(err, &certificate):
		return pbx.TroubleCertificate, false
	case errors.As(err, &protocol):
		return pbx.TroubleProtocol, false
	case errors.As(err, &status):
		return diagnoseStatus(status.status)
	}
	return pbx.TroubleUnreachable, false
}

func diagnoseStatus(status int) (code pbx.TroubleCode, slow bool) {
	switch {
	case status == http.StatusUnauthorized:
		return pbx.TroubleSignIn, false
	case status == http.StatusForbidden:
		return pbx.TroubleLicence, true
	case status == http.StatusTooManyRequests:
		return pbx.TroubleLimited, false
	case status == http.StatusNotFound:
		return pbx.TroubleConfig, false // the base address is wrong
	case status >= 500:
		return pbx.TroubleUnreachable, false
	}
	return pbx.TroubleProtocol, false
}

// commandError turns an error into what the caller of a command decides on.
func commandError(err error) error {
	var sent *sentError
	var status *statusError
	switch {
	case err == nil, errors.Is(err, pbx.ErrSignIn):
		return err
	case errors.As(err, &sent):
		return errors.Join(pbx.ErrUncertain, err)
	case errors.As(err, &status):
		return errors.Join(refusal(status.status), err)
	}
	return errors.Join(pbx.ErrDown, err)
}

func refusal(status int) error {
	switch status {
	case http.StatusForbidden:
		return pbx.ErrLicence
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		return pbx.ErrUncertain // somebody in between gave up waiting
	}
	return pbx.ErrRefused
}

// slowDelay is the pause after the n-th refusal (from 0): 1, 2, 4, 8, 15 minutes.
func slowDelay(n int) time.Duration {
	return min(time.Minute<<min(n, 4), 15*time.Minute)
}

// strikeDelay is the pause after tokens were refused though signing in worked: for half a minute no longer than calls may wait
// for us, then as after a refused sign-in.
func strikeDelay(n int) time.Duration {
	const quick = 6
	if n < quick {
		return min(2*time.Second<<n, runningMost)
	}
	return slowDelay(n - quick)
}

const (
	promptDelay = 100 * time.Millisecond // after a stream that was closed in order
	firstDelay  = time.Second
	lastDelay   = time.Minute
	runningMost = 5 * time.Second // the longest pause while calls are known to run
	stableAfter = time.Minute
)

// redial counts failures in a row and says how long to wait before the next try.
type redial struct {
	failures int
	refusals int
}

// stable says how long a connection lasted; a minute of it forgets earlier failures.
func (r *redial) stable(lasted time.Duration) {
	if lasted >= stableAfter {
		*r = redial{}
	}
}

// after gives the pause after err; nil is a stream that ended in order.
func (r *redial) after(err error) time.Duration {
	var refused *refusedError
	var status *statusError
	if errors.As(err, &refused) {
		return max(time.Until(refused.retry), firstDelay)
	}
	if _, slow := diagnose(err); err != nil && slow {
		r.refusals++
		return jitter(slowDelay(r.refusals - 1))
	}
	r.failures++
	delay := jitter(min(firstDelay<<min(r.failures-1, 6), lastDelay))
	if errors.As(err, &status) && status.retryAfter > delay {
		return status.retryAfter
	}
	return delay
}

// jitter keeps many servers from coming back at the same moment: between half and all of d.
func jitter(d time.Duration) time.Duration {
	return d/2 + rand.N(d/2+1)
}

// sleep waits for d, but no more than runningMost once calls run, unless the pause is one that protects the account.
func sleep(ctx context.Context, d time.Duration, callsRunning func() bool) error {
	const step = time.Second
	for waited := time.Duration(0); waited < d; {
		next := min(step, d-waited)
		timer := time.NewTimer(next)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
		waited += next
		if waited >= runningMost && callsRunning() {
			return nil
		}
	}
	return nil
}

func never() bool { return false }

// board keeps the trouble of each feed and gives the one that matters.
type board struct {
	now   [feedCount]pbx.Trouble
	shown pbx.Trouble
}

// set raises or, with an empty code, clears the trouble of a feed and reports what to tell, if that changed.
func (b *board) set(f feed, t pbx.Trouble) (pbx.Trouble, bool) {
	if t.Code != "" && b.now[f].Code == t.Code {
		t.Since = b.now[f].Since
	}
	b.now[f] = t
	var worst pbx.Trouble
	for _, each := range b.now {
		if each.Code != "" {
			worst = each
			break
		}
	}
	if worst.Code == b.shown.Code {
		worst.Since = b.shown.Since
	}
	changed := worst != b.shown
	b.shown = worst
	return worst, changed
}

// sideTroubleAfter is how long line states or the list of extensions may fail before that is shown: calls come through all
// the same.
const sideTroubleAfter = time.Minute

// sideTrouble watches a feed beside the calls and shows a failure that lasts, or that will last.
type sideTrouble struct {
	desk  *desk
	feed  feed
	since time.Time
}

func (s *sideTrouble) note(ctx context.Context, err error, delay time.Duration) {
	now := time.Now()
	if err == nil {
		s.since = time.Time{}
		s.desk.post(ctx, func() { s.desk.trouble(s.feed, nil, time.Time{}) })
		return
	}
	if s.since.IsZero() {
		s.since = now
	}
	if _, slow := diagnose(err); slow || now.Sub(s.since) >= sideTroubleAfter {
		s.desk.post(ctx, func() { s.desk.trouble(s.feed, err, now.Add(delay)) })
	}
}

// patience gives what may cut the pause of a feed beside the calls short: that signing in works again.
func (d *desk) patience(err error) func() bool {
	if code, _ := diagnose(err); err != nil && code == pbx.TroubleSignIn {
		return func() bool { return !d.c.auth.paused() }
	}
	return never
}
