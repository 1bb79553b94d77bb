// Package control lets people and scripts drive the lab over HTTP: the page with "Ring me", and a small JSON interface.
package control

import (
	"encoding/json"
	"errors"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/url"

	"deskbell/app/lab/nfon"
	"deskbell/app/lab/script"
)

// maxBody bounds requests; scripts are the longest.
const maxBody = 1 << 20

// Options of a Handler.
type Options struct {
	World  script.World
	CRMURL string // where the page's link to the CRM leads; empty hides it
	Logger *slog.Logger
}

type server struct {
	Options
}

// Handler serves the page at / and the interface below /control. It must be reachable from this machine only: it asks
// for no sign-in, and refuses requests that a foreign web page could send.
func Handler(o Options) http.Handler {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &server{o}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.page)
	mux.HandleFunc("GET /page.css", static("text/css; charset=utf-8", pageCSS))
	mux.HandleFunc("GET /page.js", static("text/javascript; charset=utf-8", pageJS))
	mux.HandleFunc("GET /control/state", s.state)
	mux.HandleFunc("GET /control/phones", s.phones)
	mux.HandleFunc("GET /control/calls", s.calls)
	mux.HandleFunc("GET /control/switches", s.switches)
	mux.HandleFunc("GET /control/crm", s.crmFaults)
	mux.HandleFunc("POST /control/call", command(s.call))
	mux.HandleFunc("POST /control/answer", command(s.answer))
	mux.HandleFunc("POST /control/hangup", command(s.hangup))
	mux.HandleFunc("POST /control/phone", command(s.phone))
	mux.HandleFunc("POST /control/outside", command(s.outside))
	mux.HandleFunc("POST /control/switch", command(s.setSwitch))
	mux.HandleFunc("POST /control/crm", command(s.setCRM))
	mux.HandleFunc("POST /control/script", command(s.script))
	return guard(mux)
}

// guard keeps foreign web pages out: a name that merely resolves to this machine is not it, and a page of another
// origin may not post.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !loopback(r.Host) {
			refuse(w, http.StatusForbidden, errors.New("this address is not the lab's"))
			return
		}
		if origin := r.Header.Get("Origin"); origin != "" {
			if u, err := url.Parse(origin); err != nil || u.Host != r.Host {
				refuse(w, http.StatusForbidden, errors.New("another page may not drive the lab"))
				return
			}
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

func loopback(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	ip := net.ParseIP(name)
	return name == "localhost" || (ip != nil && ip.IsLoopback())
}

// command decodes a JSON body, does the work and replies with its result. What cannot be done is 409, what makes no
// sense 400.
func command[T any](do func(*http.Request, T) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
			refuse(w, http.StatusUnsupportedMediaType, errors.New("send application/json"))
			return
		}
		var body T
		dec := json.NewDecoder(r.Body)
		dec.DisallowUnknownFields()
		if err := dec.Decode(&body); err != nil {
			refuse(w, http.StatusBadRequest, err)
			return
		}
		result, err := do(r, body)
		switch {
		case errors.Is(err, nfon.ErrNoCall):
			refuse(w, http.StatusConflict, err)
		case err != nil:
			refuse(w, http.StatusBadRequest, err)
		default:
			answer(w, http.StatusOK, result)
		}
	}
}

func refuse(w http.ResponseWriter, status int, err error) {
	answer(w, status, map[string]any{"ok": false, "error": err.Error()})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may be gone
}

func static(kind string, content []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = w.Write(content) // the client may be gone
	}
}
