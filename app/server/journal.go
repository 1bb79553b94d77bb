package server

import (
	"context"
	"errors"
	"time"

	"deskbell/app/csta"
	"deskbell/app/server/owner"
	"deskbell/app/wire"
)

// Journal is what the server needs of the call list. Methods may take as long as a database does.
type Journal interface {
	// Entries lists entries of the devices that began before a time, newest first; more says that there are others.
	Entries(ctx context.Context, user string, devices []Device, before time.Time, limit int) (list []Entry, more bool, err error)
	// Unseen counts missed calls of the devices that the user has not seen.
	Unseen(ctx context.Context, user string, devices []Device) (int, error)
	// Seen marks entries up to a time as seen by the user, and returns those it changed.
	Seen(ctx context.Context, user string, devices []Device, until time.Time) ([]Entry, error)
	// Find gives the entry of a call at one of the devices; ErrNoEntry if there is none.
	Find(ctx context.Context, user string, devices []Device, call csta.CallID) (Entry, error)
	// SetContact notes who the far party of a call turned out to be, and SetPop what became of opening the customer.
	SetContact(ctx context.Context, user string, call csta.CallID, name, company string, vip bool) error
	SetPop(ctx context.Context, user string, call csta.CallID, state string) error
}

// ErrNoEntry says that the call list does not know a call.
var ErrNoEntry = errors.New("no such entry in the call list")

// Device names a device of any telephone system.
type Device struct {
	System csta.SystemID
	Device csta.DeviceID
}

// Entry is one line of a user's call list.
type Entry struct {
	Call          csta.CallID
	System        csta.SystemID
	Device        csta.DeviceID
	Direction     csta.Direction
	Far           owner.Party
	Name, Company string
	VIP           bool
	At            time.Time
	Talk          time.Duration
	Result        wire.Result
	Cause         csta.Cause
	Seen          bool
	Pop           string
}
