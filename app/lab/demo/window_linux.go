package demo

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// focus is a moment at which another window became the active one.
type focus struct {
	at     time.Time
	window xproto.Window
}

// windows watches which window is active, as the window manager tells it on the root window.
type windows struct {
	conn   *xgb.Conn
	root   xproto.Window
	active xproto.Atom
	title  xproto.Atom
	utf8   xproto.Atom

	mu   sync.Mutex
	list []focus
	news chan struct{} // closed and replaced at each change
	done chan struct{}
}

// watchWindows begins to watch a display; the caller ends it with close.
func watchWindows(display string) (*windows, error) {
	xgb.Logger.SetOutput(io.Discard) // it reports that there is no authority file, which a private display has no need of
	conn, err := xgb.NewConnDisplay(display)
	if err != nil {
		return nil, fmt.Errorf("watch the active window: %w", err)
	}
	w := &windows{conn: conn, root: xproto.Setup(conn).DefaultScreen(conn).Root, news: make(chan struct{}), done: make(chan struct{})}
	for name, atom := range map[string]*xproto.Atom{"_NET_ACTIVE_WINDOW": &w.active, "_NET_WM_NAME": &w.title, "UTF8_STRING": &w.utf8} {
		reply, err := xproto.InternAtom(conn, false, uint16(len(name)), name).Reply()
		if err != nil {
			conn.Close()
			return nil, fmt.Errorf("watch the active window: %w", err)
		}
		*atom = reply.Atom
	}
	err = xproto.ChangeWindowAttributesChecked(conn, w.root, xproto.CwEventMask, []uint32{xproto.EventMaskPropertyChange}).Check()
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("watch the active window: %w", err)
	}
	w.look()
	go w.watch()
	return w, nil
}

func (w *windows) close() {
	w.conn.Close()
	<-w.done
}

func (w *windows) watch() {
	defer close(w.done)
	for {
		event, err := w.conn.WaitForEvent()
		if event == nil && err == nil {
			return // closed
		}
		if change, ok := event.(xproto.PropertyNotifyEvent); ok && change.Atom == w.active {
			w.look()
		}
	}
}

// look notes the active window if it is another one than before.
func (w *windows) look() {
	reply, err := xproto.GetProperty(w.conn, false, w.root, w.active, xproto.AtomWindow, 0, 1).Reply()
	if err != nil || len(reply.Value) < 4 {
		return
	}
	now := xproto.Window(xgb.Get32(reply.Value))
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := len(w.list); n > 0 && w.list[n-1].window == now {
		return
	}
	w.list = append(w.list, focus{time.Now(), now})
	close(w.news)
	w.news = make(chan struct{})
}

// now is the active window with its title.
func (w *windows) now() (xproto.Window, string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.list) == 0 {
		return 0, ""
	}
	id := w.list[len(w.list)-1].window
	return id, w.titleOf(id)
}

func (w *windows) titleOf(id xproto.Window) string {
	reply, err := xproto.GetProperty(w.conn, false, id, w.title, w.utf8, 0, 256).Reply()
	if err == nil && len(reply.Value) == 0 {
		reply, err = xproto.GetProperty(w.conn, false, id, xproto.AtomWmName, xproto.GetPropertyTypeAny, 0, 256).Reply()
	}
	if err != nil {
		return ""
	}
	return string(reply.Value)
}

// changes counts how often another window became active since a moment.
func (w *windows) changes(since time.Time) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, f := range w.list {
		if f.at.After(since) {
			n++
		}
	}
	return n
}

// await waits until the active window's title fits.
func (w *windows) await(ctx context.Context, fits func(title string) bool) (string, error) {
	var title string
	err := until(ctx, w.done, func() error {
		if _, title = w.now(); fits(title) {
			return nil
		}
		return fmt.Errorf("the active window is %q", title)
	})
	return title, err
}
