package nfon

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"time"

	"deskbell/app/lab/record"
)

// Options describe the simulated tenant. The zero value is usable: K4711, three phones, fixture credentials.
type Options struct {
	Account    string // K-Account, "K4711" when empty
	Username   string // "<account>/api" when empty
	Password   string // "s3cret" when empty
	HeadNumber string // E.164 with plus; an extension's outside number is this and the extension; drama range when empty
	Phones     []Phone
	Switches   *Switches   // nil: Defaults
	Log        *record.Log // where facts go; nil: a log of its own
	Logger     *slog.Logger
	KeepCalls  int            // finished calls that stay readable; 0: 1,000
	Zone       *time.Location // of the times in events; nil: Europe/Berlin
}

// Phone is one extension with a single device.
type Phone struct {
	Extension string    `json:"extension"`
	Name      string    `json:"name"`
	Presence  string    `json:"presence"` // empty is unset, which the API writes as "null"
	Offline   bool      `json:"offline"`  // the device is not registered
	Hidden    bool      `json:"hidden"`   // listed by /data but missing in /states
	Behaviour Behaviour `json:"behaviour"`
}

// Behaviour is what a party does by itself when called.
type Behaviour struct {
	Act   Act           `json:"act"`
	After time.Duration `json:"after"` // nanoseconds in JSON
}

// Act is a kind of Behaviour.
type Act string

// Acts of a called party.
const (
	Nothing Act = ""       // ring until somebody acts, at most ring_timeout
	Answers Act = "answer" // below 300 ms this is what an announcement or mailbox looks like
	Rejects Act = "reject"
	Busy    Act = "busy"    // fails at once, without a ring
	RingOut Act = "ringout" // fails as a timeout
)

var (
	extensionPattern = regexp.MustCompile(`^[0-9]{1,15}$`)
	globalPattern    = regexp.MustCompile(`^\+[1-9][0-9]{2,17}$`)
	accountPattern   = regexp.MustCompile(`^K[A-Z0-9]+$`)
)

// DefaultPhones are the fixture people of the lab.
func DefaultPhones() []Phone {
	return []Phone{
		{Extension: "101", Name: "Anna Huber", Presence: "available"},
		{Extension: "102", Name: "Ada Example", Presence: "available"},
		{Extension: "103", Name: "Front desk", Presence: "available"},
		{Extension: "104", Name: "Cem Öztürk", Presence: "away"},
		{Extension: "105", Name: "Warehouse"},
	}
}

func (o Options) withDefaults() Options {
	o.Account = strings.ToUpper(orElse(o.Account, "K4711"))
	o.Username = orElse(o.Username, o.Account+"/api")
	o.Password = orElse(o.Password, "s3cret")
	o.HeadNumber = orElse(o.HeadNumber, "+498999998")
	if o.Phones == nil {
		o.Phones = DefaultPhones()
	}
	if o.Switches == nil {
		d := Defaults()
		o.Switches = &d
	}
	if o.Log == nil {
		o.Log = record.New(0)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.KeepCalls <= 0 {
		o.KeepCalls = 1000
	}
	if o.Zone == nil {
		o.Zone = berlin()
	}
	return o
}

// Validate lists everything that is wrong with the options. New takes valid ones.
func (o Options) Validate() error {
	o = o.withDefaults()
	var errs []error
	if !accountPattern.MatchString(o.Account) {
		errs = append(errs, fmt.Errorf("account %q is not K followed by letters and digits", o.Account))
	}
	if !globalPattern.MatchString(o.HeadNumber) {
		errs = append(errs, fmt.Errorf("head number %q is not a plus and digits", o.HeadNumber))
	}
	seen := map[string]bool{}
	for _, p := range o.Phones {
		if !extensionPattern.MatchString(p.Extension) {
			errs = append(errs, fmt.Errorf("extension %q is not digits", p.Extension))
		}
		if seen[p.Extension] {
			errs = append(errs, fmt.Errorf("extension %s is there twice", p.Extension))
		}
		seen[p.Extension] = true
	}
	return errors.Join(append(errs, o.Switches.Validate())...)
}

// berlin falls back to winter time on machines without a zone database: only the offset's digits differ.
func berlin() *time.Location {
	if zone, err := time.LoadLocation("Europe/Berlin"); err == nil {
		return zone
	}
	return time.FixedZone("CET", 3600)
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
