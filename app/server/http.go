package server

import (
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"deskbell/app/server/accounts"
	"deskbell/app/wire"
)

// Codes of the errors that the HTTP part answers with, in the member "error".
const (
	httpBadRequest  = "bad_request"
	httpToken       = "token"   // wrong or revoked: a new invitation is needed
	httpBrowser     = "browser" // an Origin header: a web page has no business here
	httpLimited     = "limited" // too many wrong tries; see Retry-After
	httpInvitation  = "invitation_wrong"
	httpUsed        = "invitation_used"
	httpExpired     = "invitation_expired"
	httpInternal    = "internal"
	httpSubprotocol = "subprotocol"
	httpStopping    = "stopping"
)

// httpError is the body of an answer that is not a success.
type httpError struct {
	Error   string `json:"error"`
	Message string `json:"message"`
}

// upgrader keeps idle sessions small: a short read buffer, and write buffers that are shared.
var upgrader = websocket.Upgrader{
	HandshakeTimeout: 10 * time.Second,
	ReadBufferSize:   512,
	WriteBufferSize:  4096,
	WriteBufferPool:  &sync.Pool{},
	Subprotocols:     []string{wire.Subprotocol},
	CheckOrigin:      func(*http.Request) bool { return true }, // requests with an Origin do not get this far
}

// Handler serves trays: information, invitations, the socket, and the server's health.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+wire.PathInfo, s.serveInfo)
	mux.HandleFunc("POST "+wire.PathEnroll, s.serveEnroll)
	mux.HandleFunc("GET "+wire.PathSocket, s.serveSocket)
	mux.HandleFunc("GET /healthz", s.serveHealth)
	if s.p.Inbox != nil {
		mux.Handle(inboxPath, s.p.Inbox)
	}
	return secured(mux)
}

// secured adds what tells a browser to do nothing with our answers.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		if r.TLS != nil {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) serveInfo(w http.ResponseWriter, _ *http.Request) {
	s.answer(w, http.StatusOK, wire.Info{Name: s.p.Name, Version: s.p.Version, Protocol: []string{wire.Subprotocol}})
}

// serveEnroll turns an invitation into a token.
func (s *Server) serveEnroll(w http.ResponseWriter, r *http.Request) {
	if s.foreign(w, r) || s.limited(w, r) {
		return
	}
	var q wire.EnrollRequest
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 4<<10))
	if err == nil {
		err = json.Unmarshal(body, &q)
	}
	if err != nil || q.Code == "" || len(q.Code) > 256 {
		s.refuse(w, http.StatusBadRequest, httpBadRequest, "expected a JSON object with code and device")
		return
	}
	device := text(q.Device)
	if device == "" {
		device = "?"
	}
	secret, u, err := s.p.Accounts.Exchange(r.Context(), q.Code, device)
	if err != nil {
		s.refuseInvitation(w, r, err)
		return
	}
	s.log.Info("invitation used", "user", u.ID)
	s.answer(w, http.StatusOK, wire.EnrollReply{Token: secret, User: u.ID, Name: u.Name, ServerName: s.p.Name})
}

func (s *Server) refuseInvitation(w http.ResponseWriter, r *http.Request, err error) {
	for _, known := range []struct {
		is     error
		status int
		code   string
	}{
		{accounts.ErrInvitation, http.StatusForbidden, httpInvitation},
		{accounts.ErrInvitationUsed, http.StatusGone, httpUsed},
		{accounts.ErrInvitationExpired, http.StatusGone, httpExpired},
	} {
		if errors.Is(err, known.is) {
			s.doors.wrong(address(r))
			s.stats.refused.Add(1)
			s.refuse(w, known.status, known.code, known.is.Error())
			return
		}
	}
	s.log.Error("invitation could not be exchanged", "error", err)
	s.refuse(w, http.StatusInternalServerError, httpInternal, "the invitation could not be exchanged")
}

// foreign answers a browser page.
func (s *Server) foreign(w http.ResponseWriter, r *http.Request) bool {
	if len(r.Header.Values("Origin")) > 0 {
		s.refuse(w, http.StatusForbidden, httpBrowser, "not for web pages")
		return true
	}
	return false
}

// limited answers an address that was wrong too often.
func (s *Server) limited(w http.ResponseWriter, r *http.Request) bool {
	wait, ok := s.doors.open(address(r))
	if !ok {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
		s.refuse(w, http.StatusTooManyRequests, httpLimited, "too many wrong tries")
	}
	return !ok
}

// serveSocket upgrades a request with a valid token to a session, and leaves it to goroutines of its own. Who has a token is
// let in whatever others at the same address (an office, a terminal server) got wrong: tokens cannot be guessed.
func (s *Server) serveSocket(w http.ResponseWriter, r *http.Request) {
	if s.foreign(w, r) {
		return
	}
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	token, account, err := s.p.Accounts.Authenticate(strings.TrimSpace(secret))
	if !strings.EqualFold(scheme, "Bearer") || err != nil {
		if s.limited(w, r) {
			return
		}
		s.doors.wrong(address(r))
		s.stats.refused.Add(1)
		w.Header().Set("WWW-Authenticate", `Bearer realm="deskbell"`)
		s.refuse(w, http.StatusUnauthorized, httpToken, "the token is wrong or was revoked")
		return
	}
	if !slices.Contains(websocket.Subprotocols(r), wire.Subprotocol) {
		s.refuse(w, http.StatusBadRequest, httpSubprotocol, "expected the WebSocket subprotocol "+wire.Subprotocol)
		return
	}
	select {
	case <-s.started: // a tray that is refused stays away longer than the start takes
	case <-r.Context().Done():
		return
	}
	if !s.serving.Load() {
		s.refuse(w, http.StatusServiceUnavailable, httpStopping, "the server stops")
		return
	}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		s.log.Debug("no WebSocket handshake", "error", err)
		return // answered already
	}
	p := &peer{user: s.users.getOrMake(s, account), id: newID(), token: token.ID}
	s.sessions.add(p)
	p.session.Store(s.shared.Open(s.base, conn, p))
	if !s.serving.Load() { // it came between the last look and the closing of all
		p.closeWith(wire.CloseRestart, "server restarts")
	}
}

func (s *Server) answer(w http.ResponseWriter, status int, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		s.log.Error("answer could not be encoded", "error", err)
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if _, err := w.Write(append(data, '\n')); err != nil {
		s.log.Debug("answer could not be written", "error", err)
	}
}

func (s *Server) refuse(w http.ResponseWriter, status int, code, message string) {
	s.answer(w, status, httpError{Error: code, Message: message})
}
