package nfon

import (
	"encoding/json"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Endpoints, by the names faults and requests carry.
const (
	epLogin     = "login"
	epRefresh   = "refresh"
	epJWKS      = "jwks"
	epData      = "data"
	epStates    = "states"
	epCalls     = "calls"
	epOriginate = "originate"
	epCancel    = "cancel"
)

var endpoints = []string{epLogin, epRefresh, epJWKS, epData, epStates, epCalls, epOriginate, epCancel}

// maxBody bounds request bodies.
const maxBody = 64 << 10

var userAgentPattern = regexp.MustCompile(`^[^\s/]+/\S+ \(([Kk][A-Za-z0-9]+)\)$`)

// access is what a handler may know of the bearer.
type access struct{ expires time.Time }

type authorized func(http.ResponseWriter, *http.Request, access)

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /v1/login", s.endpoint(epLogin, s.login))
	mux.Handle("PUT /v1/login", s.endpoint(epRefresh, s.refreshToken))
	mux.Handle("GET /v1/.well-known/jwks.json", s.endpoint(epJWKS, s.jwks))
	mux.Handle("GET /v1/extensions/phone/data", s.endpoint(epData, s.bearer(s.data)))
	mux.Handle("GET /v1/extensions/phone/states", s.endpoint(epStates, s.bearer(s.licensed(s.states))))
	mux.Handle("GET /v1/extensions/phone/calls", s.endpoint(epCalls, s.bearer(s.licensed(s.streamCalls))))
	mux.Handle("POST /v1/extensions/phone/calls", s.endpoint(epOriginate, s.bearer(s.licensed(s.originate))))
	mux.Handle("DELETE /v1/extensions/phone/calls/{uuid}", s.endpoint(epCancel, s.bearer(s.licensed(s.cancel))))
	mux.Handle("/", s.endpoint("", func(w http.ResponseWriter, _ *http.Request) {
		fail(w, http.StatusNotFound, "no such resource")
	}))
	return mux
}

// endpoint gives every reply a request id, records the request, and applies faults before the work begins.
func (s *Server) endpoint(name string, next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := &recorder{ResponseWriter: w, done: s.fact, req: Request{
			Endpoint: name, Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, UserAgent: r.UserAgent(),
			Accept: r.Header.Get("Accept"), RequestID: uuid.NewString(), At: time.Now(),
		}}
		w.Header().Set("X-Request-Id", rec.req.RequestID)
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		if f, ok := s.faultFor(name); ok && s.misbehave(rec, r, f) {
			return
		}
		if !s.knownAgent(r) {
			s.opts.Logger.Warn("request without the asked-for user agent", "endpoint", name, "user_agent", r.UserAgent())
			if s.sw.Load().RequireUA {
				fail(rec, http.StatusBadRequest, "header User-Agent must be <product>/<version> (<K-Account>)")
				return
			}
		}
		next(rec, r)
	})
}

func (s *Server) knownAgent(r *http.Request) bool {
	m := userAgentPattern.FindStringSubmatch(r.UserAgent())
	return m != nil && strings.EqualFold(m[1], s.opts.Account)
}

// faultFor finds the fault an endpoint has now and counts it down.
func (s *Server) faultFor(name string) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sw := s.sw.Load()
	f, ok := sw.Faults[name]
	if !ok {
		name = "*"
		f, ok = sw.Faults[name]
	}
	if !ok || (f.Times > 0 && s.faultsMet[name] >= f.Times) {
		return Fault{}, false
	}
	s.faultsMet[name]++
	return f, true
}

// misbehave applies a fault and says whether the request is dealt with.
func (s *Server) misbehave(w *recorder, r *http.Request, f Fault) bool {
	if f.Delay > 0 {
		t := time.NewTimer(time.Duration(f.Delay))
		defer t.Stop()
		select {
		case <-t.C:
		case <-r.Context().Done():
			w.reset()
			return true
		}
	}
	switch {
	case f.Reset:
		w.reset()
	case f.Redirect != "":
		http.Redirect(w, r, f.Redirect, http.StatusFound)
	case f.Status == http.StatusUnauthorized:
		w.WriteHeader(f.Status)
	case f.Status != 0:
		if f.Status == http.StatusTooManyRequests {
			w.Header().Set("Retry-After", "1")
		}
		fail(w, f.Status, http.StatusText(f.Status))
	default:
		return false
	}
	return true
}

// bearer lets only valid access tokens pass. 401 has no body.
func (s *Server) bearer(next authorized) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		c, err := s.issuer.check(token, "access")
		if !ok || err != nil || s.sw.Load().Unauthorized {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next(w, r, access{expires: time.Unix(c.Expires, 0)})
	}
}

// licensed refuses while the tenant has no licence.
func (s *Server) licensed(next authorized) authorized {
	return func(w http.ResponseWriter, r *http.Request, a access) {
		if s.sw.Load().LicenceMissing {
			fail(w, http.StatusForbidden, "licence missing")
			return
		}
		next(w, r, a)
	}
}

// fail writes the vendor's error envelope.
func fail(w http.ResponseWriter, status int, text string) {
	if rec, ok := w.(*recorder); ok {
		rec.req.Error = text
	}
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": text}) // the client may be gone
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(status)
	_, _ = w.Write(encode(v)) // the client may be gone
}

// recorder notes the status of a reply once.
type recorder struct {
	http.ResponseWriter
	req  Request
	done func(kind string, data any)
}

// WriteHeader records the request and passes the status on.
func (w *recorder) WriteHeader(status int) {
	w.note(status)
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) note(status int) {
	if w.done != nil {
		w.req.Status = status
		w.done(KindRequest, w.req)
		w.done = nil
	}
}

// Unwrap lets http.ResponseController reach Flush and Hijack.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// reset breaks the connection with RST where there is a TCP connection, and by aborting the reply elsewhere.
func (w *recorder) reset() {
	w.note(0)
	conn, _, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // without it the close is polite
	}
	_ = conn.Close()
}

// accepts says whether an Accept header names a media type, parameters aside.
func accepts(header, mediaType string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, _, _ := strings.Cut(part, ";")
		if strings.EqualFold(strings.TrimSpace(name), mediaType) {
			return true
		}
	}
	return false
}

// Endpoints lists the names that faults and requests carry.
func Endpoints() []string { return slices.Clone(endpoints) }
