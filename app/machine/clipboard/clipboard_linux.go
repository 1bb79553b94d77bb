package clipboard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"sync"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// quiet keeps the X library's own log lines off stderr; its errors reach us as values.
var quiet = sync.OnceFunc(func() { xgb.Logger = log.New(io.Discard, "", 0) })

// Read gives the text of the X11 CLIPBOARD selection. On Wayland it is the one that Xwayland mirrors.
func Read(ctx context.Context) (string, error) {
	if os.Getenv("DISPLAY") == "" {
		return "", ErrNone
	}
	quiet()
	conn, err := xgb.NewConn()
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrNone, err)
	}
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	// Waiting for an event cannot be interrupted otherwise: the connection is what ends it.
	var once sync.Once
	end := func() { once.Do(conn.Close) }
	stop := context.AfterFunc(ctx, end)
	defer end()
	defer stop()
	text, err := read(conn)
	if err != nil && ctx.Err() != nil {
		return "", fmt.Errorf("read the clipboard: %w", ctx.Err())
	}
	return text, err
}

// atoms are the names that the exchange needs.
type atoms struct{ clipboard, utf8, incr, target xproto.Atom }

func names(conn *xgb.Conn) (a atoms, err error) {
	for name, into := range map[string]*xproto.Atom{"CLIPBOARD": &a.clipboard, "UTF8_STRING": &a.utf8, "INCR": &a.incr,
		"DESKBELL_CLIPBOARD": &a.target} {
		reply, failed := xproto.InternAtom(conn, false, uint16(len(name)), name).Reply()
		if failed != nil {
			return a, fmt.Errorf("%w: %w", ErrNone, failed)
		}
		*into = reply.Atom
	}
	return a, nil
}

// read asks the owner to put the text on a window of ours (ICCCM section 2.4).
func read(conn *xgb.Conn) (string, error) {
	a, err := names(conn)
	if err != nil {
		return "", err
	}
	screen := xproto.Setup(conn).DefaultScreen(conn)
	window, err := xproto.NewWindowId(conn)
	if err == nil {
		err = xproto.CreateWindowChecked(conn, 0, window, screen.Root, 0, 0, 1, 1, 0, xproto.WindowClassInputOnly,
			screen.RootVisual, 0, nil).Check()
	}
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrNone, err)
	}
	for _, kind := range []xproto.Atom{a.utf8, xproto.AtomString} {
		xproto.ConvertSelection(conn, window, a.clipboard, kind, a.target, xproto.TimeCurrentTime)
		given, err := answered(conn, window)
		if err != nil {
			return "", err
		}
		if given {
			return take(conn, window, a, kind)
		}
	}
	return "", ErrEmpty
}

// answered waits for the owner's answer and tells whether it gave the text.
func answered(conn *xgb.Conn, window xproto.Window) (bool, error) {
	for {
		event, err := conn.WaitForEvent()
		switch e := event.(type) {
		case xproto.SelectionNotifyEvent:
			if e.Requestor == window {
				return e.Property != xproto.AtomNone, nil
			}
		case nil:
			if err == nil {
				return false, errors.New("read the clipboard: the display went away")
			}
			return false, fmt.Errorf("read the clipboard: %w", err)
		}
	}
}

// take reads the text. An owner that wants to send in pieces (INCR) has far more than MaxBytes.
func take(conn *xgb.Conn, window xproto.Window, a atoms, kind xproto.Atom) (string, error) {
	reply, err := xproto.GetProperty(conn, true, window, a.target, xproto.GetPropertyTypeAny, 0, MaxBytes/4).Reply()
	switch {
	case err != nil:
		return "", fmt.Errorf("read the clipboard: %w", err)
	case reply.Type == a.incr, reply.BytesAfter > 0:
		return "", ErrTooLarge
	case len(reply.Value) == 0:
		return "", ErrEmpty
	case kind == xproto.AtomString:
		return latin1(reply.Value), nil
	}
	return strings.ToValidUTF8(string(reply.Value), "\uFFFD"), nil
}

// latin1 is what STRING means in the ICCCM.
func latin1(data []byte) string {
	runes := make([]rune, len(data))
	for i, b := range data {
		runes[i] = rune(b)
	}
	return string(runes)
}
