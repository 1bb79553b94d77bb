package session

import (
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"deskbell/app/wire"
)

// item is one thing to write: a note, a finished message, or a control frame.
type item struct {
	note    *Note
	raw     []byte
	control int // websocket.PingMessage or PongMessage
}

func (i item) size() int {
	if i.note != nil {
		return i.note.size
	}
	return len(i.raw)
}

// Notify queues a notification; it gets the session's next number when it is sent. A session whose queue is full is closed
// with CloseTooSlow.
func (s *Session) Notify(n *Note) { s.push(item{note: n}) }

// Send queues a message without a number: hello.
func (s *Session) Send(method string, params any) {
	p, err := json.Marshal(params)
	if err == nil {
		p, err = json.Marshal(wire.Message{Version: "2.0", Method: method, Params: p})
	}
	if err != nil {
		s.closeFor(err)
		return
	}
	s.push(item{raw: p})
}

// reply answers the request with this id; a notification (no id) gets no answer.
func (s *Session) reply(id json.RawMessage, result any, err error) {
	if len(id) == 0 {
		return
	}
	m := wire.Message{Version: "2.0", ID: id}
	switch e := (*wire.Error)(nil); {
	case err == nil:
		if m.Result, err = json.Marshal(result); err != nil {
			m.Error = s.internal(err)
		}
	case errors.As(err, &e):
		m.Error = e
	default:
		m.Error = s.internal(err)
	}
	data, err := json.Marshal(m)
	if err != nil {
		s.closeFor(err)
		return
	}
	s.push(item{raw: data})
}

// internal logs an error that is ours and tells the tray only that there was one.
func (s *Session) internal(err error) *wire.Error {
	if s.ctx.Err() == nil {
		s.shared.log.Error("request failed", "error", err)
	}
	return &wire.Error{Code: wire.CodeInternal, Message: "internal error"}
}

// push queues an item and sees to it that somebody writes.
func (s *Session) push(i item) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing || s.replaced(i) {
		return
	}
	if s.waiting+i.size() > s.shared.limits.Queue && len(s.queue) > 0 {
		s.shared.stats.TooSlow.Add(1)
		s.queue, s.waiting = nil, 0
		s.closeLocked(wire.CloseTooSlow, "reading too slowly")
		return
	}
	s.queue = append(s.queue, i)
	s.waiting += i.size()
	s.wake()
}

// replaced puts a value in the place of an older one that still waits: only the newest counts.
func (s *Session) replaced(i item) bool {
	if i.note == nil || i.note.key == "" {
		return i.control != 0 && s.holdsControl(i.control)
	}
	for at := range s.queue {
		if old := s.queue[at].note; old != nil && old.key == i.note.key {
			s.waiting += i.size() - old.size
			s.queue[at] = i
			return true
		}
	}
	return false
}

func (s *Session) holdsControl(kind int) bool {
	for _, q := range s.queue {
		if q.control == kind {
			return true
		}
	}
	return false
}

// Close ends the session: what waits is sent, then a close frame with code, then the connection is closed.
func (s *Session) Close(code int, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closing {
		s.closeLocked(code, text)
	}
}

func (s *Session) isClosing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing
}

func (s *Session) closeLocked(code int, text string) {
	s.closing, s.code, s.text = true, code, text
	// A writer that is stuck in a full socket gets this long to come free; the connection itself takes the deadline from
	// any goroutine.
	if err := s.conn.NetConn().SetWriteDeadline(time.Now().Add(s.shared.limits.Write)); err != nil {
		s.shared.log.Debug("connection was closed already", "error", err)
	}
	s.wake()
}

// wake starts the writer unless one is at work. Called with mu held.
func (s *Session) wake() {
	if !s.writing {
		s.writing = true
		go s.write()
	}
}

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 2048); return &b }}

// write sends what waits and goes.
func (s *Session) write() {
	buf, ok := buffers.Get().(*[]byte)
	if !ok {
		buf = new([]byte)
	}
	defer func() {
		if cap(*buf) <= 64<<10 { // a snapshot's buffer is not worth keeping
			buffers.Put(buf)
		}
	}()
	for {
		i, more := s.next()
		if !more {
			return
		}
		if err := s.writeItem(i, buf); err != nil {
			s.broken()
			return
		}
	}
}

// next takes the first item. When there is none the writer's job is done: more is false, after the last words if the session
// is closing.
func (s *Session) next() (i item, more bool) {
	s.mu.Lock()
	if len(s.queue) > 0 {
		i = s.queue[0]
		s.queue[0] = item{}
		s.queue = s.queue[1:]
		s.waiting -= i.size()
		if len(s.queue) == 0 {
			s.queue = nil
		}
		s.mu.Unlock()
		return i, true
	}
	code, text, closing := s.code, s.text, s.closing
	if !closing {
		s.writing = false
	}
	s.mu.Unlock()
	if closing {
		s.lastWords(code, text)
	}
	return item{}, false
}

// lastWords tells why, and gives the peer a moment to answer; the reading goroutine ends with the deadline at the latest.
func (s *Session) lastWords(code int, text string) {
	until := time.Now().Add(s.shared.limits.Linger)
	err := s.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, text), until)
	if err == nil {
		err = s.conn.NetConn().SetReadDeadline(until)
	}
	s.mu.Lock()
	s.said = true
	over := s.over
	s.mu.Unlock()
	if err != nil || over {
		s.hangUp()
	}
}

// broken is the end of a connection that cannot be written to.
func (s *Session) broken() {
	s.mu.Lock()
	s.closing, s.said = true, true
	s.queue, s.waiting = nil, 0
	s.mu.Unlock()
	s.hangUp()
}

func (s *Session) writeItem(i item, buf *[]byte) error {
	now := time.Now()
	deadline := now.Add(s.shared.limits.Write)
	if i.control != 0 {
		return s.conn.WriteControl(i.control, i.raw, deadline)
	}
	data := i.raw
	if i.note != nil {
		var err error
		if *buf, err = i.note.appendTo((*buf)[:0], s.seq+1, now); err != nil {
			s.shared.log.Error("message could not be encoded", "error", err)
			return err
		}
		s.seq++
		data = *buf
	}
	if err := s.conn.SetWriteDeadline(deadline); err != nil {
		return err
	}
	s.shared.stats.Sent.Add(1)
	return s.conn.WriteMessage(websocket.TextMessage, data)
}
