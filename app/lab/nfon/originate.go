package nfon

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// Bounds of the request's timeout, in seconds.
const (
	defaultTimeout = 20
	maximumTimeout = 120
)

var (
	digitsPattern   = regexp.MustCompile(`^[0-9]{1,32}$`)
	codePattern     = regexp.MustCompile(`^[0-9*#]{1,32}$`)
	callUUIDPattern = regexp.MustCompile(`^\w{8}-\w{4}-\w{4}-\w{4}-\w{12}$`)
)

type originateBody struct {
	Caller        string `json:"caller"`
	CallerContext string `json:"caller_context"`
	Callee        string `json:"callee"`
	CalleeContext string `json:"callee_context"`
	Extension     string `json:"extension"`
	Timeout       *int   `json:"timeout"`
}

// originate is POST /calls: 202 and one object, or a stream of the set-up, by Accept.
func (s *Server) originate(w http.ResponseWriter, r *http.Request, a access) {
	var body originateBody
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		fail(w, http.StatusBadRequest, "body is no call object")
		return
	}
	if problem := s.complete(&body); problem != "" {
		fail(w, http.StatusBadRequest, problem)
		return
	}
	own := s.ownPhone(body)
	if own == nil {
		fail(w, http.StatusForbidden, "extension does not belong to the account")
		return
	}
	accept := r.Header.Get("Accept")
	watched := accepts(accept, typeStream)
	c, st := s.apiCall(own, body, watched)
	if watched {
		s.serveStream(w, r, st, a.expires)
		return
	}
	first := started{
		UUID: c.uuid, State: stateStart, Caller: body.Caller, CallerContext: body.CallerContext, Callee: body.Callee,
		CalleeContext: body.CalleeContext, Extension: body.Extension, Direction: outbound, Updated: s.stamp(s.sw.Load(), c.began),
	}
	if s.sw.Load().AcceptAnyFramed && strings.TrimSpace(accept) == "*/*" {
		w.Header().Set("Content-Type", typeStream)
		w.WriteHeader(http.StatusAccepted)
		_, _ = w.Write(frame(s.sw.Load(), encode(first))) // the client may be gone
		return
	}
	reply(w, http.StatusAccepted, first)
}

// complete fills in defaults and says what is wrong with the body, or nothing.
func (s *Server) complete(b *originateBody) string {
	b.CallerContext = orElse(b.CallerContext, s.opts.Account)
	b.CalleeContext = orElse(b.CalleeContext, s.opts.Account)
	for _, side := range []struct{ name, number, context string }{
		{"caller", b.Caller, b.CallerContext}, {"callee", b.Callee, b.CalleeContext},
	} {
		isGlobal := side.context == contextGlobal
		switch {
		case side.number == "":
			return side.name + " is required"
		case !isGlobal && !strings.EqualFold(side.context, s.opts.Account):
			return side.name + "_context is unknown"
		case isGlobal && (!digitsPattern.MatchString(side.number) || strings.HasPrefix(side.number, "0")):
			return side.name + " must be digits of an international number without + or 00"
		case !codePattern.MatchString(side.number) || strings.HasPrefix(side.number, "00"):
			return side.name + " must be digits without + or 00"
		}
	}
	if b.Timeout != nil && (*b.Timeout < 1 || *b.Timeout > maximumTimeout) {
		return fmt.Sprintf("timeout must be between 1 and %d", maximumTimeout)
	}
	return ""
}

// ownPhone is the extension the call is made for: the named one, else the caller.
func (s *Server) ownPhone(b originateBody) *phone {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b.Extension != "" {
		return s.phones[b.Extension]
	}
	if b.CallerContext == contextGlobal {
		return s.dialled("+" + b.Caller).phone
	}
	return s.phones[b.Caller]
}

func (b originateBody) calleeAsDialled() string {
	if b.CalleeContext == contextGlobal {
		return "+" + b.Callee
	}
	return b.Callee
}

func (b originateBody) callerTimeout() time.Duration {
	if b.Timeout == nil {
		return defaultTimeout * time.Second
	}
	return time.Duration(*b.Timeout) * time.Second
}

// cancel is DELETE /calls/{uuid}.
func (s *Server) cancel(w http.ResponseWriter, r *http.Request, _ access) {
	id := r.PathValue("uuid")
	if !callUUIDPattern.MatchString(id) {
		fail(w, http.StatusBadRequest, "uuid is malformed")
		return
	}
	s.mu.Lock()
	c := s.calls[id]
	reach := c != nil && !c.over && s.inReach(c)
	if reach {
		s.end(c, causeCancel)
	}
	s.mu.Unlock()
	if !reach {
		fail(w, http.StatusNotFound, "call not found")
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// inReach says whether cancel_scope covers a call. s.mu is held.
func (s *Server) inReach(c *call) bool {
	switch s.sw.Load().CancelScope {
	case "any":
		return true
	case "caller_phase":
		return c.kind == KindAPI && !c.callerAnswered
	}
	return c.kind == KindAPI && !c.answered
}
