package nfon

import (
	"time"

	"deskbell/app/lab/record"
)

// Source is the record.Entry source of everything this simulator records.
const Source = "nfon"

// Kinds of facts, and the type each carries.
const (
	KindRequest = "request" // Request
	KindCall    = "call"    // CallFact, when a call begins
	KindEvent   = "event"   // EventFact, each event meant for GET /calls
	KindEnded   = "ended"   // CallFact, when a call is over
	KindLine    = "line"    // LineFact, when /states begins to say something else
	KindStream  = "stream"  // StreamFact
	KindAPICall = "api-call"
)

// Request is one HTTP request, recorded when its status was decided (so a stream's when it opened).
type Request struct {
	Endpoint  string    `json:"endpoint"` // as in Switches.Faults; empty for unknown paths
	Method    string    `json:"method"`
	Path      string    `json:"path"`
	Query     string    `json:"query,omitempty"`
	Status    int       `json:"status"` // 0: the connection was reset
	UserAgent string    `json:"user_agent"`
	Accept    string    `json:"accept,omitempty"`
	RequestID string    `json:"request_id"`
	Error     string    `json:"error,omitempty"` // what the error body said
	At        time.Time `json:"at"`
}

// CallFact says what a call is.
type CallFact struct {
	UUID       string   `json:"uuid"`
	Kind       Kind     `json:"call_kind"`
	Caller     string   `json:"caller"`
	Callee     string   `json:"callee"`
	Extensions []string `json:"extensions"`
	Answered   bool     `json:"answered"`
	Cause      string   `json:"cause,omitempty"`
}

// EventFact is an event of a call and to how many open streams it was handed. Zero means that no client can have read it.
type EventFact struct {
	Number    uint64 `json:"number"` // counts events of this server
	UUID      string `json:"uuid"`
	State     string `json:"state"`
	Extension string `json:"extension"`
	Error     string `json:"error,omitempty"`
	Streams   int    `json:"streams"`
	Lost      bool   `json:"lost,omitempty"` // a switch kept it back
}

// LineFact is what /states says of an extension from now on.
type LineFact struct {
	Extension string `json:"extension"`
	Line      string `json:"line"`
	Presence  string `json:"presence"`
}

// StreamFact tells of a stream's beginning and end.
type StreamFact struct {
	Stream  uint64 `json:"stream"`
	Feed    string `json:"feed"`   // calls, states, originate
	Action  string `json:"action"` // open, close
	Reason  string `json:"reason,omitempty"`
	Written uint64 `json:"written,omitempty"` // number of the last event written to the connection
}

// APICall is an accepted POST.
type APICall struct {
	UUID      string `json:"uuid"`
	Extension string `json:"extension"`
	Caller    string `json:"caller"`
	Callee    string `json:"callee"`
	Context   string `json:"callee_context"`
	Stream    bool   `json:"stream"`
}

func (s *Server) fact(kind string, data any) { s.opts.Log.Add(Source, kind, data) }

// Log is where the server records its facts.
func (s *Server) Log() *record.Log { return s.opts.Log }

// Requests lists the recorded requests to one endpoint, or to all when it is empty.
func (s *Server) Requests(endpoint string) []Request {
	var found []Request
	for _, e := range s.opts.Log.Since(0) {
		if r, ok := e.Data.(Request); ok && (endpoint == "" || r.Endpoint == endpoint) {
			found = append(found, r)
		}
	}
	return found
}

// Events lists the recorded events of one call, or of all when uuid is empty.
func (s *Server) Events(uuid string) []EventFact {
	var found []EventFact
	for _, e := range s.opts.Log.Since(0) {
		if ev, ok := e.Data.(EventFact); ok && (uuid == "" || ev.UUID == uuid) {
			found = append(found, ev)
		}
	}
	return found
}
