package nfon

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"
	"time"

	"deskbell/app/pbx"
)

// DefaultBaseURL is NFON's production address (OpenAPI 1.0.1, servers).
const DefaultBaseURL = "https://providersupportdata.cloud-cfg.com/v1"

// HangUp says in which phases of a call that was started here Deskbell promises to end it; NFON's sources disagree.
type HangUp string

// The promises. In any phase, a call that was not started through the API cannot be ended by it.
const (
	HangUpSetup       HangUp = "setup"        // until the other party answers (OpenAPI); the default
	HangUpCallerPhase HangUp = "caller_phase" // until the own phone is picked up (NFON's own sample client)
	HangUpAny         HangUp = "any"          // until the call ends (manual: "end call")
)

// States says how line states are read.
type States string

// The ways to read line states.
const (
	StatesStream   States = "stream+snapshot" // stream, with snapshots where one is needed; the default
	StatesSnapshot States = "snapshot"        // polled only
)

// Config is the part of the settings file for one NFON system. The password is the secret "password".
type Config struct {
	BaseURL           string   `toml:"base_url"`
	Account           string   `toml:"account"` // K-Account, for example K4711
	Username          string   `toml:"username"`
	Password          string   `toml:"password"` // a reference to a secret, read by whoever serves pbx.Secrets
	HangUp            HangUp   `toml:"hang_up"`
	PromptSeconds     int      `toml:"prompt_seconds"` // how long the own phone rings, 1 to 120; default 20
	States            States   `toml:"states"`
	SilentWatchdog    Duration `toml:"silent_watchdog"`    // silence after which a stream that did send pings counts as dead
	ExtensionsRefresh Duration `toml:"extensions_refresh"` // how often the list of extensions is read
}

// Duration is a time.Duration written as in "15m".
type Duration time.Duration

// UnmarshalText reads "15m", "90s" and the like.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("duration: %w", err)
	}
	*d = Duration(v)
	return nil
}

// MarshalText writes the duration as UnmarshalText reads it.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

var accountPattern = regexp.MustCompile(`^[Kk][0-9A-Za-z]{1,31}$`)

// Validate reports all mistakes at once. It does not touch the network.
func (c *Config) Validate() error {
	full := c.withDefaults()
	return errors.Join(
		checkURL(full.BaseURL),
		check(c.Account == "", "account: is missing (the K-Account, for example K4711)"),
		check(c.Account != "" && !accountPattern.MatchString(c.Account), "account: %q is not a K-Account (K followed by letters and digits)", c.Account),
		check(strings.TrimSpace(c.Username) == "", "username: is missing"),
		check(strings.ContainsAny(c.Username, "\r\n\x00"), "username: contains a control character"),
		check(c.Password == "", "password: is missing (a reference to a secret)"),
		check(!full.HangUp.known(), "hang_up: %q, expected setup, caller_phase or any", c.HangUp),
		check(full.PromptSeconds < 1 || full.PromptSeconds > maxPrompt, "prompt_seconds: %d, expected 1 to %d", c.PromptSeconds, maxPrompt),
		check(full.States != StatesStream && full.States != StatesSnapshot, "states: %q, expected %s or %s", c.States, StatesStream, StatesSnapshot),
		check(time.Duration(full.SilentWatchdog) < time.Minute, "silent_watchdog: %s, expected at least 1m", time.Duration(c.SilentWatchdog)),
		check(time.Duration(full.ExtensionsRefresh) < 30*time.Second, "extensions_refresh: %s, expected at least 30s", time.Duration(c.ExtensionsRefresh)),
	)
}

// Open makes the connector; nothing is dialled before Run.
func (c *Config) Open(env pbx.Env) (pbx.Connector, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	full := c.withDefaults()
	full.Account = strings.ToUpper(full.Account)
	full.BaseURL = strings.TrimRight(full.BaseURL, "/")
	return newConnector(full, env), nil
}

func (h HangUp) known() bool {
	switch h {
	case HangUpSetup, HangUpCallerPhase, HangUpAny:
		return true
	}
	return false
}

func (c *Config) withDefaults() Config {
	full := *c
	setDefault(&full.BaseURL, DefaultBaseURL)
	setDefault(&full.HangUp, HangUpSetup)
	setDefault(&full.PromptSeconds, defaultPrompt)
	setDefault(&full.States, StatesStream)
	setDefault(&full.SilentWatchdog, Duration(15*time.Minute))
	setDefault(&full.ExtensionsRefresh, Duration(10*time.Minute))
	return full
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func check(wrong bool, format string, args ...any) error {
	if !wrong {
		return nil
	}
	return fmt.Errorf(format, args...)
}

// checkURL refuses clear text except towards this machine: the password and every caller's number travel on it.
func checkURL(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "":
		return errors.New("base_url: is not an address such as " + DefaultBaseURL)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return errors.New("base_url: must hold no user, query or fragment")
	case u.Scheme == "https":
		return nil
	case u.Scheme == "http" && loopback(u.Hostname()):
		return nil
	}
	return errors.New("base_url: must begin with https:// (http:// only for this machine)")
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}
