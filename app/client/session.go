package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"deskbell/app/wire"
)

// outboxSize is how many messages may wait to be written; a person cannot make more.
const outboxSize = 64

var errProtocol = errors.New("the server breaks the protocol")

// session is one WebSocket from hello to its end. Its reader is the goroutine of run.
type session struct {
	c      *Client
	conn   *websocket.Conn
	outbox chan []byte
	done   chan struct{} // closed when no reply will come any more

	silence time.Duration // without any frame for so long, the server is gone
	epoch   string
	seq     uint64
	synced  bool // a snapshot came, and no number was missing since

	mu      sync.Mutex
	nextID  uint64
	pending map[string]chan wire.Message
	over    bool
}

func newSession(c *Client, conn *websocket.Conn) *session {
	return &session{
		c: c, conn: conn, outbox: make(chan []byte, outboxSize), done: make(chan struct{}),
		silence: helloLimit, pending: map[string]chan wire.Message{},
	}
}

// run greets, reads until the end, and says how it came.
func (s *session) run(ctx context.Context) ended {
	ctx, cancel := context.WithCancel(ctx)
	var writer sync.WaitGroup
	defer writer.Wait()
	defer cancel()
	writer.Go(func() { s.write(ctx) })
	s.conn.SetReadLimit(wire.MaxFromServer)
	s.conn.SetPingHandler(s.pinged)
	if err := s.greet(); err != nil {
		return s.end(ctx, err)
	}
	for {
		if err := s.conn.SetReadDeadline(time.Now().Add(s.silence)); err != nil {
			return s.end(ctx, err)
		}
		kind, data, err := s.conn.ReadMessage()
		if err == nil && kind != websocket.TextMessage {
			err = fmt.Errorf("%w: binary frame", errProtocol)
		}
		if err == nil {
			err = s.take(data)
		}
		if err != nil {
			return s.end(ctx, err)
		}
	}
}

// end turns the error that ended the session into what it means. If somebody dropped it, it is dialled again at once.
func (s *session) end(ctx context.Context, err error) ended {
	switch {
	case ctx.Err() != nil:
		return ended{why: WhyUnreachable, atOnce: true, err: context.Cause(ctx)}
	case errors.Is(err, errProtocol):
		return ended{why: WhyProtocol, err: err}
	}
	return closed(err)
}

// pinged answers a ping; any sign of life moves the deadline.
func (s *session) pinged(data string) error {
	if err := s.conn.SetReadDeadline(time.Now().Add(s.silence)); err != nil {
		return err
	}
	err := s.conn.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(writeLimit))
	if errors.Is(err, websocket.ErrCloseSent) {
		return nil
	}
	return err
}

// write is the one writer. It closes the connection when ctx ends or writing fails, which ends the reader.
func (s *session) write(ctx context.Context) {
	defer s.conn.Close()
	for {
		select {
		case <-ctx.Done():
			bye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
			if err := s.conn.WriteControl(websocket.CloseMessage, bye, time.Now().Add(time.Second)); err != nil {
				s.c.opts.Log.Debug("close not sent", "error", err)
			}
			return
		case data := <-s.outbox:
			err := s.conn.SetWriteDeadline(time.Now().Add(writeLimit))
			if err == nil {
				err = s.conn.WriteMessage(websocket.TextMessage, data)
			}
			if err != nil {
				s.c.opts.Log.Debug("not written", "error", err)
				return
			}
		}
	}
}

// greet sends our hello, the first message.
func (s *session) greet() error {
	hello := wire.HelloFromTray{Version: s.c.opts.Version, Device: s.c.opts.Device, Locale: s.c.opts.Locale}
	if s.c.opts.CanPop {
		hello.Capabilities = []string{"pop"}
	}
	params, err := json.Marshal(hello)
	if err != nil {
		return fmt.Errorf("hello: %w", err)
	}
	return s.send(wire.Message{Version: "2.0", Method: wire.NoteHello, Params: params})
}

func (s *session) send(m wire.Message) error {
	data, err := json.Marshal(m)
	switch {
	case err != nil:
		return fmt.Errorf("encode: %w", err)
	case len(data) > wire.MaxFromTray:
		return fmt.Errorf("message of %d bytes is too big", len(data))
	}
	select {
	case s.outbox <- data:
		return nil
	default:
		return fmt.Errorf("%w: too much waits to be written", ErrDown)
	}
}

// take handles one message of the server.
func (s *session) take(data []byte) error {
	var m wire.Message
	if err := json.Unmarshal(data, &m); err != nil || m.Version != "2.0" {
		return fmt.Errorf("%w: not JSON-RPC 2.0", errProtocol)
	}
	switch {
	case m.Method == "" && len(m.ID) > 0:
		s.reply(m)
		return nil
	case m.Method == "" || len(m.ID) > 0:
		return nil // a request of a later version: this one answers none
	case s.epoch == "":
		return s.hello(m)
	}
	return s.note(m)
}

func (s *session) hello(m wire.Message) error {
	var h wire.HelloFromServer
	if m.Method != wire.NoteHello {
		return fmt.Errorf("%w: %q before hello", errProtocol, m.Method)
	}
	if err := json.Unmarshal(m.Params, &h); err != nil || h.Epoch == "" {
		return fmt.Errorf("%w: hello", errProtocol)
	}
	s.epoch = h.Epoch
	s.silence = silence(h.PingMS)
	s.c.mu.Lock()
	s.c.current = s
	s.c.mu.Unlock()
	s.c.opts.Handler.Up(h)
	return nil
}

// silence is how long the server may say nothing at all.
func silence(pingMS int64) time.Duration {
	ping := time.Duration(pingMS) * time.Millisecond
	switch {
	case pingMS <= 0 || pingMS > int64(5*time.Minute/time.Millisecond):
		ping = 30 * time.Second
	case ping < time.Second:
		ping = time.Second
	}
	return 2 * ping
}

// note checks the number of a notification and hands it over. A missing number means a missing message: then nothing but
// a snapshot helps, and what comes before it is void.
func (s *session) note(m wire.Message) error {
	var n struct {
		Seq uint64 `json:"seq"`
	}
	if err := json.Unmarshal(m.Params, &n); err != nil {
		return fmt.Errorf("%w: %s", errProtocol, m.Method)
	}
	if m.Method == wire.NoteSnapshot {
		note, err := decode(m)
		if err != nil {
			return err
		}
		s.seq, s.synced = n.Seq, true
		s.c.opts.Handler.Told(note)
		return nil
	}
	if !s.synced || n.Seq != s.seq+1 {
		return s.resync()
	}
	s.seq = n.Seq
	note, err := decode(m)
	if err != nil {
		s.c.opts.Log.Warn("notification makes no sense", "method", m.Method, "error", err)
		return s.resync()
	}
	if note != nil {
		s.c.opts.Handler.Told(note)
	}
	return nil
}

// resync asks for a snapshot, once. The one that follows hello needs no asking.
func (s *session) resync() error {
	if !s.synced {
		return nil
	}
	s.synced = false
	s.c.opts.Log.Warn("a notification is missing, asking for a snapshot", "after", s.seq)
	id := s.newID()
	return s.send(wire.Message{Version: "2.0", ID: json.RawMessage(id), Method: wire.MethodSnapshot, Params: json.RawMessage("{}")})
}

func (s *session) newID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nextID++
	return strconv.FormatUint(s.nextID, 10)
}

// request sends a request and waits for its reply.
func (s *session) request(ctx context.Context, method string, params any) (json.RawMessage, error) {
	raw, err := json.Marshal(params)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", method, err)
	}
	id, answer := s.newID(), make(chan wire.Message, 1)
	s.mu.Lock()
	if s.over {
		s.mu.Unlock()
		return nil, ErrDown
	}
	s.pending[id] = answer
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.pending, id)
		s.mu.Unlock()
	}()
	if err := s.send(wire.Message{Version: "2.0", ID: json.RawMessage(id), Method: method, Params: raw}); err != nil {
		return nil, err
	}
	select {
	case m := <-answer:
		if m.Error != nil {
			return nil, m.Error
		}
		return m.Result, nil
	case <-s.done:
		return nil, ErrLost
	case <-ctx.Done():
		return nil, fmt.Errorf("no reply to %s: %w", method, ctx.Err())
	}
}

func (s *session) reply(m wire.Message) {
	s.mu.Lock()
	answer := s.pending[string(m.ID)]
	delete(s.pending, string(m.ID))
	s.mu.Unlock()
	if answer != nil {
		answer <- m
	}
}

// fail ends all requests that wait.
func (s *session) fail() {
	s.mu.Lock()
	s.over = true
	s.mu.Unlock()
	close(s.done)
}
