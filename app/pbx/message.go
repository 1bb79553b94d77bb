package pbx

import (
	"time"

	"deskbell/app/csta"
)

// Message is what a connector tells its owner: one of the types below, by value.
type Message interface{ message() }

// LinkUp says that news of the named devices (all, if none is named) flows from now on. It is told before the snapshots
// that prove what is true now, and before any event read from the new connection.
type LinkUp struct {
	Devices []csta.DeviceID
	// HeardUntil is the last moment up to which nothing can have been missed on the earlier connection of this run; zero if
	// there was none. What lies between it and At may be missing; the owner records that gap.
	HeardUntil time.Time
	At         time.Time
}

// LinkDown says that news of the named devices (all, if none is named) stopped.
type LinkDown struct {
	Devices    []csta.DeviceID
	HeardUntil time.Time
}

// Heard says that the connection was alive at that moment (a byte came), at most once a second. It bounds a later gap.
type Heard struct{ At time.Time }

// Device describes one device of the system.
type Device struct {
	ID     csta.DeviceID
	Number string // the extension as users know it; often equal to ID
	Name   string
}

// Devices lists devices. Complete means that what is not in it does not exist (any more).
type Devices struct {
	List     []Device
	Complete bool
}

// LegKey names a leg in the vendor's own words: opaque, compared exactly. A leg that comes back after its end under the same
// key is a new leg of the same call.
type LegKey struct {
	Call       string
	Device     csta.DeviceID
	Appearance string // the vendor's channel where one device can have several legs in a call; else empty
}

// Scope is what the vendor says about a number's kind.
type Scope string

// The scopes. ScopeUnknown: could be anything; ScopeInternal: meant as an extension, though vendors put others in it;
// ScopeGlobal: the public network.
const (
	ScopeUnknown  Scope = ""
	ScopeInternal Scope = "internal"
	ScopeGlobal   Scope = "global"
)

// Party is one end of a call as the vendor wrote it. The owner makes sense of the number by the tenant's plan. The zero
// value means "nothing said": it never erases what was known.
type Party struct {
	Number   string
	Scope    Scope
	Name     string
	Device   csta.DeviceID // if the vendor itself says that it is a device of this system
	Withheld bool          // said to be anonymous: then Number is meaningless
}

// Said reports whether the vendor said anything about the party.
func (p Party) Said() bool { return p != Party{} }

// Leg is all that one message says of one device's connection to one call. Zero fields say nothing and erase nothing;
// State is always set. State csta.Null is the end of the leg.
type Leg struct {
	Key       LegKey
	State     csta.State // of the own connection
	FarState  csta.State // of the other party's
	Direction csta.Direction
	Far       Party // the other party, latest
	Original  Party // the original caller, where it differs (transfer, forwarding)
	Called    Party // what the caller dialled: direct number, head number, queue
	Queue     string
	Terminal  string
	Cause     csta.Cause
	// Permitted is what may be done with this leg now; valid only if PermittedSaid. Else the owner keeps what it had and
	// drops it at each change of state.
	Permitted     csta.Services
	PermittedSaid bool
	// Linkage holds opaque tokens: live legs of this system that share one belong to one call. None: the key's Call is the
	// token. A later message may bring other tokens; calls are then joined or split.
	Linkage []string
	// Attempt is the command id of the MakeCall that led to this leg, where the connector can tell.
	Attempt string
	// Automatic marks a leg answered by a machine (announcement, mailbox) rather than a person.
	Automatic bool
	// Expiry bounds this state without news: then the owner asks for a snapshot, or closes the leg without details. Zero
	// takes the owner's default for the state.
	Expiry time.Duration
	// VendorData are the vendor's own ids for action URLs, at most a few; keys are the vendor's names.
	VendorData map[string]string
}

// Stamp says when and by what a message came.
type Stamp struct {
	Received  time.Time // by this server
	Vendor    string    // the vendor's own time, raw, may be empty or nonsense; never used for order
	RequestID string    // the vendor's request id, for logs
}

// LegChanged tells one leg's present state. Telling the same twice, or late, does no harm. The end of a leg that was never
// told of is told all the same: it is a call of which only the end was heard. Where one device takes a call from another,
// that is news of two legs: of the one that has it now first, so that the call does not end in between.
type LegChanged struct {
	Leg   Leg
	Stamp Stamp
}

// LineChanged tells a line's state and the vendor's own presence text, where there is any.
type LineChanged struct {
	Device   csta.DeviceID
	Line     csta.LineState
	Presence Presence
	Stamp    Stamp
}

// Presence is the vendor's user status, in Deskbell's words.
type Presence string

// The presences a telephone system can tell. PresenceUnknown is the zero value.
const (
	PresenceUnknown   Presence = ""
	PresenceAvailable Presence = "available"
	PresenceAway      Presence = "away"
	PresenceBusy      Presence = "busy"
	PresenceDND       Presence = "dnd"
	PresenceOffline   Presence = "offline"
)

// Proof says how much a snapshot proves.
type Proof string

// The proofs. ProofCalls: complete, a leg not in it has ended. ProofLine: only the line's state; idle ends what was held
// from before Since, busy keeps it unsure, busy without a known leg is "busy, unknown party". ProofNone: nothing is proven.
const (
	ProofCalls Proof = "calls"
	ProofLine  Proof = "line"
	ProofNone  Proof = "none"
)

// Snapshot is what is true of one device, and how much that proves.
type Snapshot struct {
	Device csta.DeviceID
	Proof  Proof
	Legs   []Leg // with ProofCalls
	Line   csta.LineState
	// Since is the moment from which the answer may stem (take it before asking): legs with news received at or after it are not ended by it,
	// because feeds of one system are not ordered among each other.
	Since time.Time
	Stamp Stamp
}

// SnapshotTaken tells a snapshot in its place among the events.
type SnapshotTaken struct{ Snapshot Snapshot }

// AttemptFailed ends an attempt that led to no call. Command or Call is set (both is better).
type AttemptFailed struct {
	Command string
	Call    string
	Device  csta.DeviceID
	Cause   csta.Cause
	Stamp   Stamp
}

// ServicesChanged says that Services(device) has another answer now (all devices, if Device is empty).
type ServicesChanged struct{ Device csta.DeviceID }

// MonitorLost says that the system ended the watch over a device; the connector tries to get it back by itself.
type MonitorLost struct {
	Device csta.DeviceID
	Err    error
}

// FeatureChanged tells do-not-disturb, forwarding and agent state, where a system has them.
type FeatureChanged struct {
	Device       csta.DeviceID
	DoNotDisturb *bool
	ForwardTo    *string // empty string: forwarding is off
	AgentState   string  // "", "loggedOff", "notReady", "ready", "busy", "workingAfterCall" (ECMA-269 agent states)
	Stamp        Stamp
}

// TroubleCode names a kind of trouble; words for people come from the translations.
type TroubleCode string

// Codes of trouble a connector can have.
const (
	TroubleUnreachable TroubleCode = "unreachable" // network, DNS, TLS, 5xx: retried
	TroubleSignIn      TroubleCode = "sign_in"     // 401 after a fresh sign-in: retried slowly
	TroubleLicence     TroubleCode = "licence"     // 403: rights or licence missing: retried slowly
	TroubleCertificate TroubleCode = "certificate" // TLS certificate not trusted
	TroubleLimited     TroubleCode = "rate_limited"
	TroubleProtocol    TroubleCode = "protocol" // the answers make no sense
	TroubleConfig      TroubleCode = "config"   // cannot work as configured; only a person can change that
)

// Trouble is a state with a reason, not only a log line.
type Trouble struct {
	Code   TroubleCode
	Device csta.DeviceID // empty: the whole system
	Detail string        // for administrators: technical, no secrets, no numbers of callers
	Since  time.Time
	Retry  time.Time // next try; zero if none is planned
}

// TroubleChanged raises (Code set) or clears (Code empty) the trouble of a device or of the whole system.
type TroubleChanged struct{ Trouble Trouble }

// Skipped counts input that could not be understood; it was logged once with its request id by the connector.
type Skipped struct {
	Reason    string // fixed words: "json", "size", "fields", "state" …
	RequestID string
}

func (LinkUp) message()          {}
func (LinkDown) message()        {}
func (Heard) message()           {}
func (Devices) message()         {}
func (LegChanged) message()      {}
func (LineChanged) message()     {}
func (SnapshotTaken) message()   {}
func (AttemptFailed) message()   {}
func (ServicesChanged) message() {}
func (MonitorLost) message()     {}
func (FeatureChanged) message()  {}
func (TroubleChanged) message()  {}
func (Skipped) message()         {}
