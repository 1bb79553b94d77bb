package notice

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/esiqveland/notify"
	"github.com/godbus/dbus/v5"
)

// owner is the state of a Notifier. Only its run goroutine touches it.
type owner struct {
	n       *Notifier
	conn    *connection
	known   bool              // the daemon's abilities have been asked for
	ids     map[uint32]up     // what is up, by the daemon's id
	keys    map[string]uint32 // the daemon's ids by our keys
	tokens  map[uint32]string // activation tokens, which arrive just before the action they belong to
	pending []Event           // not yet taken by the reader of Events
}

// up is a notice that is up, and the bus message that said so. A daemon that closes a notice on a press while we replace it
// says "closed" and then gives the same id to the new one: news of before that message is about the old one.
type up struct {
	key   string
	since dbus.Sequence
}

func (o *owner) run(ctx context.Context) {
	defer close(o.n.done)
	defer close(o.n.events)
	defer func() { o.conn.close() }()
	o.prepare(ctx)
	for {
		var events chan<- Event
		var next Event
		if len(o.pending) > 0 {
			events, next = o.n.events, o.pending[0]
		}
		var signals <-chan *dbus.Signal
		if o.conn != nil {
			signals = o.conn.signals
		}
		select {
		case <-ctx.Done():
			return
		case req := <-o.n.requests:
			req.done <- o.perform(req)
		case sig, open := <-signals:
			if !open {
				o.lost()
				continue
			}
			o.signal(sig)
		case events <- next:
			o.pending = o.pending[1:]
		}
	}
}

// prepare spares the first notice the two round trips for connection and abilities.
func (o *owner) prepare(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	if err := o.ready(ctx); err != nil {
		o.n.log.Info("notifications are not available yet", "error", err)
	}
}

func (o *owner) perform(req request) error {
	ctx, cancel := context.WithTimeout(req.ctx, answerLimit)
	defer cancel()
	return req.do(ctx, o)
}

// ready makes sure of a connection and of the daemon's abilities.
func (o *owner) ready(ctx context.Context) error {
	if o.conn != nil && !o.conn.bus.Connected() {
		o.lost()
	}
	if o.conn == nil {
		// The connection outlives this request, so it must not end with the request's context.
		conn, err := dial(context.WithoutCancel(ctx))
		if err != nil {
			return err
		}
		o.conn = conn
	}
	if o.known {
		return nil
	}
	var list []string
	err := o.call(ctx, func(bus *dbus.Conn) (err error) {
		list, err = notify.GetCapabilities(bus)
		return err
	})
	if err != nil {
		return err
	}
	o.known = true
	o.n.caps.Store(&Caps{
		Actions:    slices.Contains(list, "actions"),
		BodyMarkup: slices.Contains(list, "body-markup"),
		Replace:    true,
	})
	return nil
}

// call runs one exchange with the daemon. The library cannot be cancelled, so a daemon that does not answer costs
// us the connection: closing it is what makes the library return.
func (o *owner) call(ctx context.Context, exchange func(*dbus.Conn) error) error {
	conn := o.conn
	stop := context.AfterFunc(ctx, conn.close)
	err := exchange(conn.bus)
	if !stop() {
		o.lost()
		return fmt.Errorf("%w: no answer: %w", ErrNoNotices, ctx.Err())
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoNotices, err)
	}
	return nil
}

func (o *owner) show(ctx context.Context, n Notice) error {
	if err := o.ready(ctx); err != nil {
		return err
	}
	note := o.note(n)
	note.ReplacesID = o.keys[n.Key]
	var id uint32
	var said dbus.Sequence
	err := o.call(ctx, func(bus *dbus.Conn) (err error) {
		id, said, err = send(ctx, bus, note)
		return err
	})
	if err != nil {
		return err
	}
	if note.ReplacesID != id {
		delete(o.ids, note.ReplacesID)
	}
	o.ids[id], o.keys[n.Key] = up{n.Key, said}, id
	return nil
}

// send is Notify. The library's own call hides which message was the answer.
func send(ctx context.Context, bus *dbus.Conn, n notify.Notification) (id uint32, said dbus.Sequence, err error) {
	actions := []string{}
	for _, a := range n.Actions {
		actions = append(actions, a.Key, a.Label)
	}
	call := bus.Object(busName, objectPath).CallWithContext(ctx, busName+".Notify", 0, n.AppName, n.ReplacesID, n.AppIcon,
		n.Summary, n.Body, actions, n.Hints, int32(n.ExpireTimeout.Milliseconds()))
	err = call.Store(&id)
	return id, call.ResponseSequence, err
}

// note translates a notice into the daemon's terms.
func (o *owner) note(n Notice) notify.Notification {
	caps := o.n.Caps()
	note := notify.Notification{
		AppName:       AppName,
		AppIcon:       n.Icon,
		Summary:       plain(n.Title, false),
		Body:          plain(n.Body, true),
		ExpireTimeout: expire(n.Expire),
		Hints:         hints(n),
	}
	if caps.BodyMarkup {
		note.Body = markup.Replace(note.Body)
	}
	if caps.Actions {
		for _, a := range n.Actions {
			note.Actions = append(note.Actions, notify.Action{Key: a.ID, Label: plain(a.Label, false)})
		}
	}
	return note
}

func hints(n Notice) map[string]dbus.Variant {
	h := map[string]dbus.Variant{"desktop-entry": dbus.MakeVariant(AppID)}
	urgency := notify.UrgencyNormal
	switch n.Urgency {
	case Low:
		urgency = notify.UrgencyLow
	case Critical:
		urgency = notify.UrgencyCritical
	case Normal:
	}
	h["urgency"] = dbus.MakeVariant(byte(urgency))
	if n.Silent {
		h["suppress-sound"] = dbus.MakeVariant(true)
	}
	if n.Transient {
		h["transient"] = dbus.MakeVariant(true)
	}
	return h
}

func expire(d time.Duration) time.Duration {
	switch {
	case d == 0:
		return notify.ExpireTimeoutSetByNotificationServer
	case d < 0:
		return notify.ExpireTimeoutNever
	}
	return max(d, time.Millisecond)
}

func (o *owner) close(ctx context.Context, key string) error {
	id, up := o.keys[key]
	if !up {
		return nil
	}
	o.forget(id, ReasonClosed)
	return o.call(ctx, func(bus *dbus.Conn) error {
		// A notice that ended a moment ago is answered with an error that has no meaning for us.
		err := bus.Object(busName, objectPath).CallWithContext(ctx, busName+".CloseNotification", 0, id).Err
		if ctx.Err() != nil || !bus.Connected() {
			return err
		}
		return nil
	})
}

// signal takes what the bus broadcasts. Every client sees every notice's signals, so only our ids count; and any
// program may send anything under these names, so nothing about the bodies is taken for granted.
func (o *owner) signal(sig *dbus.Signal) {
	if sig.Name == "org.freedesktop.DBus.NameOwnerChanged" {
		var name, old, owner string
		if dbus.Store(sig.Body, &name, &old, &owner) == nil && name == busName {
			o.serverChanged(old, owner)
		}
		return
	}
	var id uint32
	if len(sig.Body) != 2 || dbus.Store(sig.Body[:1], &id) != nil {
		return
	}
	shown, ours := o.ids[id]
	if !ours {
		return
	}
	switch sig.Name {
	case busName + ".NotificationClosed":
		if reason, _ := sig.Body[1].(uint32); sig.Sequence > shown.since {
			o.forget(id, reasonOf(reason))
		}
	case busName + ".ActivationToken":
		o.tokens[id], _ = sig.Body[1].(string)
	case busName + ".ActionInvoked":
		if action, ok := sig.Body[1].(string); ok && action != "" {
			o.pending = append(o.pending, Event{Key: shown.key, Action: action, Token: o.tokens[id]})
		}
	}
}

func reasonOf(code uint32) Reason {
	switch code {
	case 1:
		return ReasonExpired
	case 2:
		return ReasonDismissed
	case 3:
		return ReasonClosed
	}
	return ReasonUnknown
}

// forget drops a notice that is gone and tells so.
func (o *owner) forget(id uint32, why Reason) {
	key := o.ids[id].key
	delete(o.ids, id)
	delete(o.keys, key)
	delete(o.tokens, id)
	o.pending = append(o.pending, Event{Key: key, Closed: true, Reason: why})
}

// serverChanged is called when the daemon started, ended or was replaced. One that starts has nothing of ours up.
func (o *owner) serverChanged(old, now string) {
	o.known = false
	if old == "" && now != "" {
		o.pending = append(o.pending, Event{Back: true})
	}
	for id := range o.ids {
		o.forget(id, ReasonServerGone)
	}
}

// lost drops a connection that is gone, and with it what was up.
func (o *owner) lost() {
	o.conn.close()
	o.conn = nil
	o.serverChanged("bus", "")
}
