// Package localapi is the local socket of the running tray: JSON-RPC 2.0, one message a line, for one user in one desktop session.
package localapi

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"deskbell/app/wire"
)

// Methods beside the verbs of view.Ask, which are methods too: params view.Ask, result view.Answer.
const (
	MethodHello  = "hello"  // Hello -> Hello
	MethodView   = "view"   // {} -> view.State
	MethodFollow = "follow" // {} -> {}; then a notification "view" with a view.State, at once and after each change
)

// NoteView is the notification of a followed state.
const NoteView = "view"

// Hello tells who speaks; a window of another version ends itself.
type Hello struct {
	Version string `json:"version"`
}

// Limits of the socket.
const (
	maxLine     = 64 << 10 // bytes of a message to the tray
	maxAnswer   = 8 << 20  // bytes of a message from the tray
	maxPeers    = 32       // connections at a time
	idleLimit   = 30 * time.Second
	writeLimit  = 5 * time.Second
	askLimit    = 25 * time.Second
	dialLimit   = 2 * time.Second
	rpcVersion  = "2.0"
	lineEnd     = '\n'
	sessionSize = 64
)

// Errors of this package.
var (
	// ErrRunning means that the tray of this user and session is there already.
	ErrRunning = errors.New("already running")
	// ErrNotRunning means that there is no tray to talk to.
	ErrNotRunning = errors.New("not running")
	errTooLong    = errors.New("message is too long")
)

// readLine reads one message of at most limit bytes.
func readLine(r *bufio.Reader, limit int) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice(lineEnd)
		line = append(line, part...)
		switch {
		case len(line) > limit:
			return nil, errTooLong
		case err == nil:
			return line, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}

func writeLine(w io.Writer, m wire.Message) error {
	m.Version = rpcVersion
	data, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	if _, err := w.Write(append(data, lineEnd)); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// Session names the desktop session that this process belongs to, safe as a part of a file name. The display comes first:
// all programs of a desktop agree on it, while XDG_SESSION_ID is missing in those that a user's service manager starts.
func Session(getenv func(string) string) string {
	for _, name := range []string{"WAYLAND_DISPLAY", "DISPLAY", "XDG_SESSION_ID"} {
		value := getenv(name)
		if name == "DISPLAY" {
			value = withoutScreen(value)
		}
		if s := safe(value); s != "" {
			return strings.ToLower(name[:1]) + s
		}
	}
	return "none"
}

// withoutScreen makes ":0.0" and ":0" one display.
func withoutScreen(display string) string {
	colon := strings.LastIndexByte(display, ':')
	if dot := strings.LastIndexByte(display, '.'); colon >= 0 && dot > colon {
		return display[:dot]
	}
	return display
}

func safe(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-':
			b.WriteRune(r)
		default:
			b.WriteByte('_')
		}
		if b.Len() >= sessionSize {
			break
		}
	}
	return b.String()
}
