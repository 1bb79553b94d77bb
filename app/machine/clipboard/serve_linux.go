package clipboard

import (
	"context"
	"fmt"
	"os"
	"sync"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// Serve puts a text on the X11 CLIPBOARD. On X11 the program that copied hands the text out itself, so Serve returns only
// when another program copies something, or ctx ends. Owned is called once the text is there.
func Serve(ctx context.Context, text string, owned func()) error {
	if os.Getenv("DISPLAY") == "" {
		return ErrNone
	}
	if len(text) > MaxBytes {
		return ErrTooLarge
	}
	quiet()
	conn, err := xgb.NewConn()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNone, err)
	}
	var once sync.Once
	end := func() { once.Do(conn.Close) }
	stop := context.AfterFunc(ctx, end)
	defer end()
	defer stop()
	s, err := newServing(conn, text)
	if err != nil {
		return err
	}
	owned()
	err = s.run()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// serving is the owner's side of the exchange (ICCCM section 2.2).
type serving struct {
	conn    *xgb.Conn
	a       atoms
	targets xproto.Atom
	window  xproto.Window
	text    string
}

func newServing(conn *xgb.Conn, text string) (*serving, error) {
	a, err := names(conn)
	if err != nil {
		return nil, err
	}
	targets, err := xproto.InternAtom(conn, false, 7, "TARGETS").Reply()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNone, err)
	}
	screen := xproto.Setup(conn).DefaultScreen(conn)
	window, err := xproto.NewWindowId(conn)
	if err == nil {
		err = xproto.CreateWindowChecked(conn, 0, window, screen.Root, 0, 0, 1, 1, 0, xproto.WindowClassInputOnly,
			screen.RootVisual, 0, nil).Check()
	}
	if err == nil {
		err = xproto.SetSelectionOwnerChecked(conn, window, a.clipboard, xproto.TimeCurrentTime).Check()
	}
	if err != nil {
		return nil, fmt.Errorf("copy: %w", err)
	}
	return &serving{conn: conn, a: a, targets: targets.Atom, window: window, text: text}, nil
}

func (s *serving) run() error {
	for {
		event, err := s.conn.WaitForEvent()
		switch e := event.(type) {
		case xproto.SelectionClearEvent:
			return nil
		case xproto.SelectionRequestEvent:
			s.answer(e)
		case nil:
			if err == nil {
				return fmt.Errorf("copy: %w", ErrNone)
			}
			// A requestor that went away in the middle: not our trouble.
		}
	}
}

// answer gives one requestor the text, or says that it wants something else.
func (s *serving) answer(e xproto.SelectionRequestEvent) {
	property := e.Property
	if property == xproto.AtomNone {
		property = e.Target // how clients of old ask
	}
	switch e.Target {
	case s.targets:
		data := make([]byte, 0, 8)
		for _, atom := range []xproto.Atom{s.targets, s.a.utf8} {
			data = append(data, byte(atom), byte(atom>>8), byte(atom>>16), byte(atom>>24))
		}
		xproto.ChangeProperty(s.conn, xproto.PropModeReplace, e.Requestor, property, xproto.AtomAtom, 32, 2, data)
	case s.a.utf8:
		xproto.ChangeProperty(s.conn, xproto.PropModeReplace, e.Requestor, property, s.a.utf8, 8, uint32(len(s.text)), []byte(s.text))
	default:
		property = xproto.AtomNone
	}
	done := xproto.SelectionNotifyEvent{Time: e.Time, Requestor: e.Requestor, Selection: e.Selection, Target: e.Target, Property: property}
	xproto.SendEvent(s.conn, false, e.Requestor, xproto.EventMaskNoEvent, string(done.Bytes()))
}
