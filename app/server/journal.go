package server

import (
	"context"
	"time"

	"deskbell/app/csta"
	"deskbell/app/journal"
)

// Device names a device of any telephone system.
type Device = journal.Device

// Entry is one line of a user's call list.
type Entry = journal.Entry

// Journal is what the server needs of the call list; journal.Tenant is one. Methods may take as long as a database does.
type Journal interface {
	Entries(ctx context.Context, user string, devices []Device, before time.Time, limit int) (list []Entry, more bool, err error)
	Unseen(ctx context.Context, user string, devices []Device) (int, error)
	Seen(ctx context.Context, user string, devices []Device, until time.Time) ([]Entry, error)
	// Find gives the entry of a call at one of the devices; journal.ErrNoEntry if there is none.
	Find(ctx context.Context, user string, devices []Device, call csta.CallID) (Entry, error)
	Annotate(ctx context.Context, notes []journal.Note) error
}
