package journal

import (
	"errors"
	"time"

	"deskbell/app/csta"
	"deskbell/app/server/owner"
	"deskbell/app/wire"
)

// ErrNoEntry says that the call list does not know a call.
var ErrNoEntry = errors.New("no such entry in the call list")

// Device names a device of any telephone system of a tenant.
type Device struct {
	System csta.SystemID
	Device csta.DeviceID
}

// Entry is one line of a user's call list: a call as one of the user's devices had it.
type Entry struct {
	Call          csta.CallID
	System        csta.SystemID
	Device        csta.DeviceID
	Direction     csta.Direction
	Far           owner.Party
	Name, Company string // of the contact
	VIP           bool
	At            time.Time
	Talk          time.Duration
	Result        wire.Result
	Cause         csta.Cause
	Seen          bool
	Pop           string
}

// entryOf makes the line of one device from a call; ok is false if the device has no part in it.
func entryOf(c *owner.Call, device csta.DeviceID) (e Entry, ended time.Time, ok bool) {
	e = Entry{Call: c.ID, System: c.System, Device: device}
	live := false
	for i := range c.Legs {
		l := &c.Legs[i]
		if l.Key.Device != device {
			continue
		}
		if !ok || l.Began.Before(e.At) {
			e.At = l.Began
		}
		ok = true
		if e.Direction == csta.DirectionUnknown {
			e.Direction = l.Direction
		}
		if p := shown(l); p.Known() {
			e.Far = p
		}
		live = live || l.Live()
		if l.Ended.After(ended) {
			ended = l.Ended
		}
		if l.Answered() && !l.Automatic && !l.Live() {
			e.Talk += max(0, l.Ended.Sub(l.TalkSince))
		}
	}
	if live {
		ended = time.Time{}
	}
	e.Result, e.Cause = classify(c, device)
	return e, ended, ok
}

// shown is the party to list: the one the call began with, whom one would call back.
func shown(l *owner.Leg) owner.Party {
	if l.Original.Known() && l.Original.Number.Key() != "" {
		return l.Original
	}
	if l.Far.Known() {
		return l.Far
	}
	return l.Original
}
