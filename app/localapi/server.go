package localapi

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"deskbell/app/desk/view"
	"deskbell/app/wire"
)

// Desk is what the socket gives access to.
type Desk interface {
	Ask(ctx context.Context, a view.Ask) (view.Answer, error)
	State() view.State
	Watch() (changed <-chan struct{}, stop func())
}

// Server answers on the local socket.
type Server struct {
	desk    Desk
	version string
	log     *slog.Logger
	peers   sync.WaitGroup
	slots   chan struct{}
}

// NewServer makes a Server for a desk.
func NewServer(d Desk, version string, log *slog.Logger) *Server {
	return &Server{desk: d, version: version, log: log, slots: make(chan struct{}, maxPeers)}
}

// Serve answers until ctx ends; then it closes the listener and all connections, and waits for them.
func (s *Server) Serve(ctx context.Context, l net.Listener) {
	ctx, cancel := context.WithCancel(ctx)
	defer s.peers.Wait()
	defer cancel()
	defer closeQuietly(l) // whoever waits for Serve finds the socket gone
	stop := context.AfterFunc(ctx, func() { closeQuietly(l) })
	defer stop()
	for {
		conn, err := l.Accept()
		switch {
		case ctx.Err() != nil, errors.Is(err, net.ErrClosed):
			if err == nil {
				closeQuietly(conn)
			}
			return
		case err != nil:
			s.log.Warn("local socket", "error", err)
			select { // out of files, most likely
			case <-time.After(100 * time.Millisecond):
			case <-ctx.Done():
			}
			continue
		}
		s.admit(ctx, conn)
	}
}

// admit lets a peer in: the same user, and not too many at once.
func (s *Server) admit(ctx context.Context, conn net.Conn) {
	if err := checkPeer(conn); err != nil {
		s.log.Warn("local socket: stranger refused", "error", err)
		closeQuietly(conn)
		return
	}
	select {
	case s.slots <- struct{}{}:
	default:
		s.log.Warn("local socket: too many connections")
		closeQuietly(conn)
		return
	}
	s.peers.Go(func() {
		defer func() { <-s.slots }()
		s.serve(ctx, conn)
	})
}

// serve answers one peer, one message after the other.
func (s *Server) serve(ctx context.Context, conn net.Conn) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { closeQuietly(conn) })
	defer stop()
	defer closeQuietly(conn)
	r := bufio.NewReader(conn)
	for {
		if err := conn.SetReadDeadline(time.Now().Add(idleLimit)); err != nil {
			return
		}
		line, err := readLine(r, maxLine)
		if err != nil {
			if errors.Is(err, errTooLong) {
				s.write(conn, failed(nil, wire.CodeInvalidRequest, "message is too long"))
			}
			return
		}
		var m wire.Message
		if err := json.Unmarshal(line, &m); err != nil || m.Version != rpcVersion {
			s.write(conn, failed(nil, wire.CodeParse, "not JSON-RPC 2.0"))
			return
		}
		if m.Method == MethodFollow {
			s.write(conn, result(m.ID, struct{}{}))
			s.follow(ctx, cancel, conn, r)
			return
		}
		if !s.write(conn, s.answer(ctx, m)) {
			return
		}
	}
}

// answer does what one message asks for.
func (s *Server) answer(ctx context.Context, m wire.Message) wire.Message {
	switch m.Method {
	case MethodHello:
		return result(m.ID, Hello{Version: s.version})
	case MethodView:
		return result(m.ID, s.desk.State())
	case view.AskDial, view.AskAnswer, view.AskHangUp, view.AskPop, view.AskMute, view.AskLink, view.AskEnroll,
		view.AskSignOut, view.AskShow, view.AskQuit:
		return s.ask(ctx, m)
	}
	return failed(m.ID, wire.CodeMethodNotFound, "no such method")
}

func (s *Server) ask(ctx context.Context, m wire.Message) wire.Message {
	a := view.Ask{}
	if len(m.Params) > 0 {
		if err := json.Unmarshal(m.Params, &a); err != nil {
			return failed(m.ID, wire.CodeInvalidParams, "params make no sense")
		}
	}
	a.Verb = m.Method
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	answer, err := s.desk.Ask(ctx, a)
	if err != nil {
		s.log.Warn("local socket: no answer", "method", m.Method, "error", err)
		return failed(m.ID, wire.CodeInternal, "no answer")
	}
	return result(m.ID, answer)
}

// follow writes the state at once and after each change, until the peer leaves. A peer that reads too slowly misses
// states in between, never the newest; one that does not read at all is dropped.
func (s *Server) follow(ctx context.Context, cancel func(), conn net.Conn, r *bufio.Reader) {
	if err := conn.SetReadDeadline(time.Time{}); err != nil {
		return
	}
	s.peers.Go(func() {
		defer cancel()
		if _, err := r.ReadByte(); err == nil {
			s.log.Debug("local socket: a follower must not talk")
		}
	})
	changed, stop := s.desk.Watch()
	defer stop()
	for {
		params, err := json.Marshal(s.desk.State())
		if err != nil || !s.write(conn, wire.Message{Method: NoteView, Params: params}) {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

func (s *Server) write(conn net.Conn, m wire.Message) bool {
	err := conn.SetWriteDeadline(time.Now().Add(writeLimit))
	if err == nil {
		err = writeLine(conn, m)
	}
	return err == nil
}

func result(id json.RawMessage, value any) wire.Message {
	data, err := json.Marshal(value)
	if err != nil {
		return failed(id, wire.CodeInternal, "cannot be encoded")
	}
	return wire.Message{ID: id, Result: data}
}

func failed(id json.RawMessage, code int, text string) wire.Message {
	if id == nil {
		id = json.RawMessage("null")
	}
	return wire.Message{ID: id, Error: &wire.Error{Code: code, Message: text}}
}

// closeQuietly closes what nobody will write to any more.
func closeQuietly(c interface{ Close() error }) {
	if err := c.Close(); err != nil {
		return // closed before
	}
}
