package owner

import (
	"log/slog"
	"time"

	"deskbell/app/csta"
	"deskbell/app/number"
	"deskbell/app/pbx"
)

// Normalizer makes sense of a number by the tenant's plan. It is called by one goroutine and must not block.
type Normalizer interface {
	Normalize(raw string, scope pbx.Scope) number.Party
}

// Log stores updates before they are told. eventlog has the durable one.
type Log interface {
	// Append takes updates of one system in the order of their numbers and returns without waiting for the disk. done is
	// called once, in the order of the Appends, and must not block: nil after the commit, an error if the log gave up.
	Append(updates []Update, done func(error))
	// Alive notes that everything of the system up to at was heard and appended before this call.
	Alive(tenant string, system csta.SystemID, at time.Time)
	// Health says why nothing can be committed at present, nil if all is well.
	Health() error
}

// TroubleLogFull is the trouble of a log that cannot commit: calls are told all the same, and kept in memory for later.
const TroubleLogFull pbx.TroubleCode = "log_full"

// State is what an owner starts from: what the log knows of the earlier run. The zero value is a first start.
type State struct {
	Epoch      string // of the earlier run
	Seq        uint64 // its last stored number
	Calls      []Call // living ones, and recently ended ones
	Attempts   []Attempt
	Devices    []pbx.Device
	Gaps       []Gap     // of the last day; those that last have no To
	AliveUntil time.Time // up to here nothing was missed; zero at a first start
}

// Params are what an owner needs. Tenant, System, Connector, Plan, Log, Epoch and Publish must be set.
type Params struct {
	Tenant    string
	System    csta.SystemID
	Connector pbx.Connector
	Plan      Normalizer
	Log       Log
	Logger    *slog.Logger
	// Epoch names this run's numbering; every run has another one (a UUIDv7).
	Epoch string
	// Publish is called for each update in order, after its commit, by one goroutine, and must not block long.
	Publish func(Update)
	// Ended, if set, is told the error with which Run is about to return because the connector gave up.
	Ended   func(error)
	Restore State
	Limits  Limits
}

// Limits bound time and memory; zero fields take the defaults.
type Limits struct {
	Mailbox   int           // messages that wait for the owner before a connector has to (1024)
	Commit    time.Duration // how long an update waits for the log before it is told unstored (250 ms)
	Ringing   time.Duration // how long a leg may ring without news (5 min)
	Talking   time.Duration // … be connected without news (4 h)
	Hold      time.Duration // … be on hold or queued without news (4 h)
	Check     time.Duration // for one question about a device (5 s)
	Recheck   time.Duration // between questions about a doubtful leg (60 s)
	Settle    time.Duration // feeds of one system may be this far apart (2 s)
	Command   time.Duration // for one request to the telephone system (15 s)
	Attempt   time.Duration // from accepted to the first event, where the system names no limit (60 s)
	Uncertain time.Duration // how long events may still tell of an attempt nobody answered for (45 s)
	Remember  time.Duration // ended calls, for late news (10 min)
	Legs      int           // living legs of one system (50,000)
}

func (l Limits) withDefaults() Limits {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&l.Commit, 250*time.Millisecond)
	def(&l.Ringing, 5*time.Minute)
	def(&l.Talking, 4*time.Hour)
	def(&l.Hold, 4*time.Hour)
	def(&l.Check, 5*time.Second)
	def(&l.Recheck, time.Minute)
	def(&l.Settle, 2*time.Second)
	def(&l.Command, 15*time.Second)
	def(&l.Attempt, time.Minute)
	def(&l.Uncertain, 45*time.Second)
	def(&l.Remember, 10*time.Minute)
	if l.Mailbox <= 0 {
		l.Mailbox = 1024
	}
	if l.Legs <= 0 {
		l.Legs = 50_000
	}
	return l
}

// MakeCall asks for a call. ID is the client's command id: one id is done once, whoever repeats it.
type MakeCall struct {
	ID     string
	Device csta.DeviceID
	To     pbx.Destination
	Far    Party         // To as a party, to show
	Prompt time.Duration // how long the own phone may ring; zero leaves it to the system
}

// Verb asks for something about an own leg. Appearance is needed only where a device has several living legs in the call.
type Verb struct {
	ID         string
	Service    csta.Service
	Call       csta.CallID
	Device     csta.DeviceID
	Appearance string
}
