//go:build linux

package desktoptest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"
)

// NoticeCall is one message about notifications that passed over the bus.
type NoticeCall struct {
	At     time.Time
	Member string // Notify, CloseNotification, ActionInvoked, NotificationClosed
	ID     uint32 // for Notify the daemon's answer; zero until it has answered

	Answered time.Time // Notify: when the daemon answered. A "closed" of this id before that was about an older notice
	Replaces uint32    // Notify, as all below
	App      string
	Icon     string
	Title    string
	Body     string
	Actions  []string // id and label in turn
	Hints    map[string]dbus.Variant
	Expire   int32

	Action string // ActionInvoked
	Reason uint32 // NotificationClosed

	sender string
	serial uint32
}

// NoticeRecorder sees every message of org.freedesktop.Notifications on the bus, as a monitor: it is no client, and
// nobody on the bus can tell that it is there.
type NoticeRecorder struct {
	conn  *dbus.Conn
	mu    sync.Mutex
	calls []NoticeCall
	news  chan struct{} // closed and replaced at every message
	done  chan struct{}
}

// RecordNotices starts a recorder; the caller ends it with Close.
func (d *Desktop) RecordNotices(ctx context.Context) (*NoticeRecorder, error) {
	conn, err := d.Connect(context.WithoutCancel(ctx))
	if err != nil {
		return nil, err
	}
	rules := []string{
		"interface='org.freedesktop.Notifications'",
		"type='method_return',sender='org.freedesktop.Notifications'",
	}
	err = conn.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.Monitoring.BecomeMonitor", 0, rules, uint32(0)).Err
	if err != nil {
		_ = conn.Close() // of no use
		return nil, fmt.Errorf("become a bus monitor: %w", err)
	}
	r := &NoticeRecorder{conn: conn, news: make(chan struct{}), done: make(chan struct{})}
	messages := make(chan *dbus.Message, 1024)
	conn.Eavesdrop(messages)
	go func() {
		defer close(r.done)
		for msg := range messages {
			r.record(msg)
		}
	}()
	return r, nil
}

// Close ends the recorder.
func (r *NoticeRecorder) Close() {
	_ = r.conn.Close() // a monitor has nothing pending
	<-r.done
}

func (r *NoticeRecorder) record(msg *dbus.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	header := func(f dbus.HeaderField) string { s, _ := msg.Headers[f].Value().(string); return s }
	c := NoticeCall{At: time.Now(), Member: header(dbus.FieldMember), sender: header(dbus.FieldSender), serial: msg.Serial()}
	var err error
	switch {
	case msg.Type == dbus.TypeMethodReply:
		r.answered(msg, header(dbus.FieldDestination))
		return
	case c.Member == "Notify":
		err = dbus.Store(msg.Body, &c.App, &c.Replaces, &c.Icon, &c.Title, &c.Body, &c.Actions, &c.Hints, &c.Expire)
	case c.Member == "CloseNotification":
		err = dbus.Store(msg.Body, &c.ID)
	case c.Member == "ActionInvoked":
		err = dbus.Store(msg.Body, &c.ID, &c.Action)
	case c.Member == "NotificationClosed":
		err = dbus.Store(msg.Body, &c.ID, &c.Reason)
	default:
		return
	}
	if err == nil {
		r.calls = append(r.calls, c)
		r.tell()
	}
}

// answered enters the id that the daemon gave to a Notify.
func (r *NoticeRecorder) answered(msg *dbus.Message, client string) {
	serial, _ := msg.Headers[dbus.FieldReplySerial].Value().(uint32)
	for i := range r.calls {
		if c := &r.calls[i]; c.Member == "Notify" && c.serial == serial && c.sender == client && c.ID == 0 {
			if dbus.Store(msg.Body, &c.ID) == nil {
				c.Answered = time.Now()
				r.tell()
			}
			return
		}
	}
}

// tell wakes everybody in Await; the caller holds mu.
func (r *NoticeRecorder) tell() {
	close(r.news)
	r.news = make(chan struct{})
}

// Calls is everything seen so far.
func (r *NoticeRecorder) Calls() []NoticeCall {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]NoticeCall(nil), r.calls...)
}

// Await gives the first message that fits, past or to come.
func (r *NoticeRecorder) Await(ctx context.Context, fits func(NoticeCall) bool) (NoticeCall, error) {
	for {
		r.mu.Lock()
		news := r.news
		for _, c := range r.calls {
			if fits(c) {
				r.mu.Unlock()
				return c, nil
			}
		}
		r.mu.Unlock()
		select {
		case <-news:
		case <-r.done:
			return NoticeCall{}, fmt.Errorf("await a notification message: the bus is gone")
		case <-ctx.Done():
			return NoticeCall{}, fmt.Errorf("await a notification message: %w", ctx.Err())
		}
	}
}
