package nfon

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	typeJSON   = "application/json"
	typeStream = "text/event-stream"
)

type loginBody struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

type tokenPair struct {
	Access  string `json:"access-token"`
	Refresh string `json:"refresh-token"`
}

// login is POST /login. Its errors have no body.
func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	var body loginBody
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || body.Username == "" || body.Password == "" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if body.Username != s.opts.Username || body.Password != s.opts.Password || s.sw.Load().Unauthorized {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	s.issue(w)
}

// refreshToken is PUT /login, with the refresh token as bearer.
func (s *Server) refreshToken(w http.ResponseWriter, r *http.Request) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	c, err := s.issuer.check(token, "refresh")
	sw := s.sw.Load()
	if !ok || err != nil || sw.Unauthorized {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if !sw.RefreshReuse {
		s.issuer.spend(c.ID)
	}
	s.issue(w)
}

func (s *Server) issue(w http.ResponseWriter) {
	access, refresh, err := s.issuer.pair(s.opts.Account, s.sw.Load())
	if err != nil {
		s.opts.Logger.Error("issue tokens", "error", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	reply(w, http.StatusOK, tokenPair{Access: access, Refresh: refresh})
}

func (s *Server) jwks(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, map[string][]jwk{"keys": {s.issuer.jwk()}})
}

func (s *Server) data(w http.ResponseWriter, _ *http.Request, _ access) {
	s.mu.Lock()
	list := make([]extensionData, 0, len(s.order))
	for _, p := range s.order {
		list = append(list, extensionData{UUID: p.Extension + "@" + s.opts.Account, ExtensionNumber: p.Extension, Name: p.Name})
	}
	s.mu.Unlock()
	reply(w, http.StatusOK, list)
}

// states answers a snapshot when JSON is asked for and streams otherwise, also without an Accept header.
func (s *Server) states(w http.ResponseWriter, r *http.Request, a access) {
	if accepts(r.Header.Get("Accept"), typeJSON) && !accepts(r.Header.Get("Accept"), typeStream) {
		reply(w, http.StatusOK, s.snapshot(r.URL.Query()["extension"]))
		return
	}
	if s.dark() {
		resetConnection(w)
		return
	}
	s.mu.Lock()
	st := s.open(feedStates)
	for _, p := range s.order {
		if !p.Hidden {
			st.push(s.stateChunk(p.public))
		}
	}
	s.mu.Unlock()
	s.serveStream(w, r, st, a.expires)
}

func (s *Server) snapshot(only []string) []lineState {
	s.mu.Lock()
	defer s.mu.Unlock()
	sw := s.sw.Load()
	list := make([]lineState, 0, len(s.order))
	for _, p := range s.order {
		if !p.Hidden && (len(only) == 0 || slices.Contains(only, p.Extension)) {
			list = append(list, s.lineState(sw, p.public))
		}
	}
	return list
}

// streamCalls is GET /calls: from now on, nothing of the past.
func (s *Server) streamCalls(w http.ResponseWriter, r *http.Request, a access) {
	if !accepts(r.Header.Get("Accept"), typeStream) {
		fail(w, http.StatusNotAcceptable, "Accept must be text/event-stream")
		return
	}
	if s.dark() {
		resetConnection(w)
		return
	}
	s.mu.Lock()
	st := s.open(feedCalls)
	s.mu.Unlock()
	s.serveStream(w, r, st, a.expires)
}

func (s *Server) dark() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Before(s.darkUntil)
}

func resetConnection(w http.ResponseWriter) {
	if rec, ok := w.(*recorder); ok {
		rec.reset()
		return
	}
	panic(http.ErrAbortHandler)
}
