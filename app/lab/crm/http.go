package crm

import (
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// result is a contact as the JSON interface shows it.
type result struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	Company string   `json:"company"`
	Phones  []string `json:"phones"`
	VIP     bool     `json:"vip"`
	URL     string   `json:"url"`
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /api/contacts", s.endpoint(Lookup, s.authorized(s.contactsAPI)))
	mux.Handle("GET /api/contacts/{id}/tickets", s.endpoint(Tickets, s.authorized(s.ticketsAPI)))
	mux.Handle("GET /contacts/{id}", s.endpoint(Page, s.contactPage))
	mux.Handle("GET /contacts", s.endpoint(Page, s.listPage))
	mux.Handle("GET /{$}", s.endpoint(Page, s.listPage))
	return mux
}

// endpoint records the request and applies its fault. A search by name shares its path with the lookup.
func (s *Server) endpoint(name string, next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name == Lookup && r.URL.Query().Has("name") {
			name = Search
		}
		rec := &recorder{ResponseWriter: w, log: s, access: Access{
			Endpoint: name, Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery,
			UserAgent: r.UserAgent(), Contact: r.PathValue("id"),
		}}
		s.mu.Lock()
		f := s.faults[name]
		s.mu.Unlock()
		if !s.misbehave(rec, r, f) {
			next(rec, r)
		}
	})
}

func (s *Server) misbehave(w *recorder, r *http.Request, f Fault) bool {
	if f.Delay > 0 {
		t := time.NewTimer(f.Delay)
		defer t.Stop()
		select {
		case <-t.C:
		case <-r.Context().Done():
			w.abort()
		}
	}
	switch f.Failure {
	case ServerError:
		http.Error(w, "internal server error", http.StatusInternalServerError)
	case Unauthorized:
		w.WriteHeader(http.StatusUnauthorized)
	case Broken:
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`[{"id":"17","na`)) // the client may be gone
	case Hang:
		<-r.Context().Done()
		w.abort()
	case Reset:
		w.abort()
	default:
		return false
	}
	return true
}

func (s *Server) authorized(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		got := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		if s.opts.Token != "" && subtle.ConstantTimeCompare([]byte(got), []byte(s.opts.Token)) != 1 {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next(w, r)
	}
}

// contactsAPI is GET /api/contacts with phone= or name=.
func (s *Server) contactsAPI(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	var found []Contact
	switch name := strings.ToLower(strings.TrimSpace(q.Get("name"))); {
	case q.Get("phone") != "":
		found = s.ByNumber(q.Get("phone"))
	case name != "":
		found = s.find(func(c Contact) bool { return strings.Contains(strings.ToLower(c.Name+" "+c.Company), name) })
	default:
		http.Error(w, "phone or name is required", http.StatusBadRequest)
		return
	}
	list := make([]result, 0, len(found))
	for _, c := range found {
		list = append(list, result{c.ID, c.Name, c.Company, append([]string{}, c.Phones...), c.VIP, "http://" + r.Host + "/contacts/" + c.ID})
	}
	writeJSON(w, list)
}

// ticketsAPI is GET /api/contacts/{id}/tickets?status=open. Only open tickets are kept here.
func (s *Server) ticketsAPI(w http.ResponseWriter, r *http.Request) {
	found := s.find(func(c Contact) bool { return c.ID == r.PathValue("id") })
	if len(found) == 0 {
		http.NotFound(w, r)
		return
	}
	total := found[0].OpenTickets
	if status := r.URL.Query().Get("status"); status != "" && status != "open" {
		total = 0
	}
	writeJSON(w, map[string]int{"total": total})
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client may be gone
}

// recorder notes the status of a reply once.
type recorder struct {
	http.ResponseWriter
	log    *Server
	access Access
	noted  bool
}

// WriteHeader records the request and passes the status on.
func (w *recorder) WriteHeader(status int) {
	w.note(status)
	w.ResponseWriter.WriteHeader(status)
}

// Write records a plain 200 and passes the bytes on.
func (w *recorder) Write(b []byte) (int, error) {
	w.note(http.StatusOK)
	return w.ResponseWriter.Write(b)
}

func (w *recorder) note(status int) {
	if !w.noted {
		w.noted = true
		w.access.Status = status
		w.log.opts.Log.Add(Source, KindRequest, w.access)
	}
}

// abort ends the connection without a reply.
func (w *recorder) abort() {
	w.note(0)
	panic(http.ErrAbortHandler)
}
