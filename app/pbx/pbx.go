// Package pbx is the contract between Deskbell and telephone systems: what a connector must do, and what it may tell.
//
// A connector translates one vendor's interface into the typed messages of this package and knows nothing of calls beyond
// its own legs. It never decides that a call it no longer sees is over: it says how much it knows (Proof), and the owner of
// the system reconciles. Vendor words end here.
package pbx

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"deskbell/app/csta"
	"deskbell/app/number"
)

// Config is what the settings file holds for one telephone system. Neither method touches the network.
type Config interface {
	// Validate reports all mistakes at once, joined, each starting with the key it is about.
	Validate() error
	// Open makes the connector; nothing is dialled before Run.
	Open(env Env) (Connector, error)
}

// Env is what a connector gets from its surroundings. Everything is safe for use by several goroutines.
type Env struct {
	System  csta.SystemID
	Log     *slog.Logger
	HTTP    *http.Client // base client with TLS settings; a connector sets its own time limits per request
	Secrets Secrets
	Store   Store
	Inbox   Inbox
	Version string // of Deskbell, for User-Agent headers
}

// Secrets gives passwords and tokens; they may change while running, so ask anew before each sign-in and never keep them.
type Secrets interface {
	// Secret returns the secret named by the configuration key. subject is a device or user for systems where each signs in
	// for itself, empty for the system's own account.
	Secret(ctx context.Context, key, subject string) (string, error)
}

// Store keeps a few small durable values of one system (subscription ids, sync marks). Keys and values are the connector's.
type Store interface {
	Get(ctx context.Context, key string) (value []byte, ok bool, err error)
	Set(ctx context.Context, key string, value []byte) error
	Delete(ctx context.Context, key string) error
}

// Inbox mounts receivers for callbacks of a telephone system.
type Inbox interface {
	// Mount serves h under a secret, unguessable path that survives restarts (purpose is part of its key) and returns the
	// public URL, or ErrNoInbox where the server has no public address. Unmount ends it.
	Mount(ctx context.Context, purpose string, h http.Handler) (publicURL string, unmount func(), err error)
}

// Connector is one telephone system. All methods but Run return at once or within their context.
type Connector interface {
	// Run owns the connections, redials by itself with jitter (at most 5 s apart while the sink says calls are running) and
	// returns only when ctx ends (nil) or when nothing more can be done (an error).
	Run(ctx context.Context, sink Sink) error
	// MonitorStart asks for messages about device; MonitorStop ends that. Neither touches the network: they change what Run
	// watches. A connector may tell of devices that nobody asked for; the owner drops those. It need not tell what is true of
	// a device that is watched anew while the link is up: the owner asks by Snapshot.
	MonitorStart(device csta.DeviceID) error
	MonitorStop(device csta.DeviceID) error
	// Snapshot asks the system what is true of one device now. Only called while the link to the device is up; a few may run
	// at once. A system that cannot be asked answers ProofNone, without an error.
	Snapshot(ctx context.Context, device csta.DeviceID) (Snapshot, error)
	// Services says what this system can do for the device at all. What may be done with a leg now is Leg.Permitted.
	Services(device csta.DeviceID) csta.Services
}

// Sink takes what a connector tells, in the order in which it became true. Tell blocks while the owner is behind: that is
// the connector's back-pressure, and it returns when Run's context ends. CallsRunning is for choosing a redial delay.
type Sink interface {
	Tell(m Message)
	CallsRunning() bool
}

// Errors a command may be wrapped around. Anything else is shown as "the telephone system did not take it".
var (
	ErrNotNow      = errors.New("not possible in this state of the call")
	ErrCannot      = errors.New("the telephone system cannot do this")
	ErrGone        = errors.New("the call is over, or cannot be reached by this system any more")
	ErrRefused     = errors.New("the telephone system refused the request")
	ErrSignIn      = errors.New("the telephone system refuses the sign-in")
	ErrLicence     = errors.New("the telephone system refuses access: rights or a licence are missing")
	ErrDown        = errors.New("no connection to the telephone system")
	ErrNoInbox     = errors.New("the server has no public address for callbacks")
	ErrDestination = errors.New("the telephone system does not accept the number")
	// ErrUncertain: the request may or may not have been carried out (a connection lost after sending). It is never repeated;
	// the owner waits for events to tell.
	ErrUncertain = errors.New("not known whether the telephone system took the request")
)

// Command names one request from above. ID is made by the client, once; a connector may pass it on as an idempotency key and
// must never repeat a request that may have been carried out.
type Command struct {
	ID       string
	Device   csta.DeviceID
	Leg      LegKey // the own leg a verb is about; empty for MakeCall
	Terminal string // optional: the terminal (telephone) to use
}

// Destination is where a call shall go: exactly one of the fields is set.
type Destination struct {
	E164     number.E164 // a public number
	Internal string      // an extension of this system
	Service  string      // a short or feature code, dialled as it is
}

// MakeCallRequest asks for a new call from Command.Device.
type MakeCallRequest struct {
	Command
	To Destination
	// Prompt is how long the own phone may ring before the attempt is given up; zero leaves it to the system.
	Prompt time.Duration
}

// Accepted is a system's reply to MakeCall: taken, nothing more. Call is the vendor's id if the reply named one; the attempt
// becomes a call when a LegChanged carries that id as its key's Call, or carries the command's id in Leg.Attempt. Failing
// both, the owner takes the device's next outgoing leg to the number that was asked for. Events may overtake the reply.
type Accepted struct {
	Call string
	// Limit is how long after Accepted a first event can reasonably still come; then the attempt fails as timed out.
	Limit time.Duration
}

// CallMaker is implemented where csta.MakeCall is in Services. MakeCall returns an error that wraps ErrUncertain where the
// request may have been carried out; the owner takes an error after the end of ctx for that, too.
type CallMaker interface {
	MakeCall(ctx context.Context, r MakeCallRequest) (Accepted, error)
}

// ConnectionClearer is implemented where csta.ClearConnection is in Services: hang up, or reject while alerting.
type ConnectionClearer interface {
	ClearConnection(ctx context.Context, c Command) error
}

// CallAnswerer is implemented where csta.AnswerCall is in Services.
type CallAnswerer interface {
	AnswerCall(ctx context.Context, c Command) error
}

// CallHolder is implemented where csta.HoldCall and csta.RetrieveCall are in Services.
type CallHolder interface {
	HoldCall(ctx context.Context, c Command) error
	RetrieveCall(ctx context.Context, c Command) error
}
