// Package pbxtest holds the contract test that every connector passes, and five small scripted telephone systems.
package pbxtest

import (
	"testing"
	"time"

	"deskbell/app/csta"
	"deskbell/app/pbx"
)

// Kind is what happens at a telephone system or at its telephones.
type Kind string

// The kinds of acts. Call is the script's own name of a call; a vendor may use any id for it.
const (
	Ring       Kind = "ring"        // Number, from outside, rings at Device
	Answer     Kind = "answer"      // Device picks up
	Reject     Kind = "reject"      // Device declines
	GiveUp     Kind = "give up"     // the caller gives up while it rings
	RingOut    Kind = "ring out"    // nobody answered in time
	HangUp     Kind = "hang up"     // the conversation ends
	PickUp     Kind = "pick up"     // after MakeCall: the own phone is picked up
	NoPickUp   Kind = "no pick up"  // after MakeCall: the own phone rang out
	FarRings   Kind = "far rings"   // after PickUp
	FarAnswers Kind = "far answers" // after PickUp
	FarBusy    Kind = "far busy"    // after PickUp
	Cut        Kind = "cut"         // all connections break; what happens from now on is not told
	Heal       Kind = "heal"        // connections can be made again
	Refuse     Kind = "refuse"      // the next command is refused
	Again      Kind = "again"       // the call's last news is told once more
	Stale      Kind = "stale"       // the call's first news is told once more, late
)

// Act is one thing that happens. For calls made by MakeCall, Call is empty: Device has at most one such call.
type Act struct {
	Kind   Kind
	Call   string
	Device csta.DeviceID
	Number string
}

// Vendor is a telephone system a connector is tested against: a script's, or a simulated real one.
type Vendor interface {
	// Open makes the connector under test.
	Open(env pbx.Env) (pbx.Connector, error)
	// Act makes something happen, and returns once it has happened at the telephone system; news may still be on its way.
	Act(a Act)
}

// Traits are what the contract cannot ask of every telephone system.
type Traits struct {
	Devices []csta.DeviceID // that exist; at least two
	// Rejects and Reasons: the system says that a call was declined; why one was not answered.
	Rejects bool
	Reasons bool
	// Doubles: the vendor can tell news twice and late (Again, Stale).
	Doubles bool
	// Groups: one call can ring at several devices (Ring twice with one Call); who takes it is told, the end of the others'
	// ringing is not.
	Groups bool
	// Outage is how long after Heal the link may take to be up again.
	Outage time.Duration
	// Virtual: vendor and connector touch no socket, so that the test runs in virtual time.
	Virtual bool
}

// Factory makes a vendor for one test.
type Factory func(t *testing.T) (Vendor, Traits)
