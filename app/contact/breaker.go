package contact

import (
	"errors"
	"sync"
	"time"
)

// TroubleCode names a kind of trouble with a source; the words for people come from the translations.
type TroubleCode string

// The codes.
const (
	TroubleUnreachable TroubleCode = "unreachable"  // network, time-out, server error: tried again
	TroubleSignIn      TroubleCode = "sign_in"      // the source refuses the password or token
	TroubleRights      TroubleCode = "rights"       // signed in, but not allowed
	TroubleLimited     TroubleCode = "rate_limited" // asked too often
	TroubleProtocol    TroubleCode = "protocol"     // the answers make no sense
	TroubleConfig      TroubleCode = "config"       // only a person can change that
	TroubleUnreadable  TroubleCode = "unreadable"   // a copied source cannot be read; the old list serves
)

// Trouble is the state of a source that does not work now.
type Trouble struct {
	Tenant, Source string
	Code           TroubleCode
	// Detail is for administrators: technical, without secrets and numbers.
	Detail string
	Since  time.Time
}

// LimitedError is an ErrLimited that says how long to wait.
type LimitedError struct{ After time.Duration }

// Error implements error.
func (e *LimitedError) Error() string { return ErrLimited.Error() + " " + e.After.String() }

// Unwrap makes it an ErrLimited.
func (e *LimitedError) Unwrap() error { return ErrLimited }

// breaker keeps a source that fails from being asked at every call: after a few failures it pauses, then lets a single
// question through to see whether the source is back.
type breaker struct {
	failuresToOpen int
	pause          time.Duration

	mu       sync.Mutex
	failures int
	until    time.Time // zero: closed
	trial    bool
	trouble  Trouble
}

// maxPause bounds what a source may ask for by Retry-After.
const maxPause = 10 * time.Minute

// allow tells whether the source may be asked now. Each true is followed by one done.
func (b *breaker) allow() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.until.IsZero() {
		return true
	}
	if b.trial || time.Now().Before(b.until) {
		return false
	}
	b.trial = true
	return true
}

// done takes the outcome; it returns true if the state changed, which is worth a log line.
func (b *breaker) done(err error) (changed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.trial = false
	if err == nil {
		changed = !b.until.IsZero()
		b.failures, b.until, b.trouble = 0, time.Time{}, Trouble{}
		return changed
	}
	b.failures++
	code, pause, now := codeOf(err), b.pauseFor(err), time.Now()
	if b.failures < b.failuresToOpen && pause == 0 {
		return false
	}
	if changed = b.trouble.Code != code; changed {
		b.trouble = Trouble{Code: code, Detail: err.Error(), Since: now}
	}
	b.until = now.Add(max(pause, b.pause))
	return changed
}

// pauseFor is the pause an error asks for at its first occurrence; zero if it may pass by itself.
func (b *breaker) pauseFor(err error) time.Duration {
	var limited *LimitedError
	switch {
	case errors.As(err, &limited):
		return min(max(limited.After, b.pause), maxPause)
	case errors.Is(err, ErrLimited), errors.Is(err, ErrSignIn), errors.Is(err, ErrRights), errors.Is(err, ErrConfig):
		return b.pause
	}
	return 0
}

func (b *breaker) state() (Trouble, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.trouble, b.trouble.Code != ""
}

func codeOf(err error) TroubleCode {
	for sentinel, code := range map[error]TroubleCode{
		ErrSignIn: TroubleSignIn, ErrRights: TroubleRights, ErrLimited: TroubleLimited, ErrProtocol: TroubleProtocol, ErrConfig: TroubleConfig,
	} {
		if errors.Is(err, sentinel) {
			return code
		}
	}
	return TroubleUnreachable
}
