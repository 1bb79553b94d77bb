package session

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// stale is the age from which a waiting message with ages in it is made anew, so that a late one still tells true ages.
const stale = 100 * time.Millisecond

// Note is one notification, encoded once for all sessions that get it; each session puts its own number in front.
// Immutable after it was made.
type Note struct {
	method string
	// key: of the notes with the same key only the newest waits in a queue. Empty: never thinned.
	key   string
	body  []byte // the members of params but seq, and the closing brace
	made  time.Time
	again func(now time.Time) any
	size  int
}

// NewNote encodes params, a struct of package wire.
func NewNote(method, key string, params any) (*Note, error) {
	body, err := members(params)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", method, err)
	}
	return &Note{method: method, key: key, body: body, size: len(body)}, nil
}

// NewAgedNote encodes what params makes at this moment, and makes it anew if it has to wait. params must be callable from any
// goroutine at any time.
func NewAgedNote(method string, now time.Time, params func(now time.Time) any) (*Note, error) {
	n, err := NewNote(method, "", params(now))
	if err != nil {
		return nil, err
	}
	n.made, n.again = now, params
	return n, nil
}

// NewLateNote is encoded when it is sent. It counts as size bytes until then.
func NewLateNote(method, key string, size int, params func(now time.Time) any) *Note {
	return &Note{method: method, key: key, again: params, size: size}
}

// appendTo appends the whole message with number seq.
func (n *Note) appendTo(buf []byte, seq uint64, now time.Time) ([]byte, error) {
	body := n.body
	if n.again != nil && (body == nil || now.Sub(n.made) > stale) {
		var err error
		if body, err = members(n.again(now)); err != nil {
			return buf, fmt.Errorf("encode %s: %w", n.method, err)
		}
	}
	buf = append(buf, `{"jsonrpc":"2.0","method":"`...)
	buf = append(buf, n.method...)
	buf = append(buf, `","params":{"seq":`...)
	buf = strconv.AppendUint(buf, seq, 10)
	if len(body) > 1 {
		buf = append(buf, ',')
	}
	buf = append(buf, body...)
	return append(buf, '}'), nil
}

// members encodes v without its opening brace and without a number, which differs from session to session.
func members(v any) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	data = bytes.TrimPrefix(data, []byte("{"))
	return bytes.TrimPrefix(bytes.TrimPrefix(data, []byte(`"seq":0,`)), []byte(`"seq":0`)), nil
}
