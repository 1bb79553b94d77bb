package server

import (
	"net"
	"net/http"
	"time"

	"deskbell/app/contact"
	"deskbell/app/pbx"
	"deskbell/app/server/owner"
)

// Health is the state of the server as /healthz tells it.
type Health struct {
	Status   string          `json:"status"` // "ok", "trouble": it serves, but see below, or "down": it cannot serve
	Version  string          `json:"version"`
	Sessions int             `json:"sessions"`
	Systems  []SystemHealth  `json:"systems"`
	Log      PartHealth      `json:"log"`
	Journal  PartHealth      `json:"journal"`
	Contacts []ContactHealth `json:"contacts"`
}

// SystemHealth is one telephone system.
type SystemHealth struct {
	ID       string          `json:"id"`
	Name     string          `json:"name"`
	Type     string          `json:"type"`
	Link     bool            `json:"link"` // news flows
	Calls    int             `json:"calls"`
	Troubles []TroubleHealth `json:"troubles"`
}

// TroubleHealth is a trouble with a sentence for people. Detail is technical, and told to this machine only.
type TroubleHealth struct {
	Code     string    `json:"code"`
	Sentence string    `json:"sentence"`
	Detail   string    `json:"detail,omitempty"`
	Since    time.Time `json:"since"`
	Device   string    `json:"device,omitempty"`
}

// PartHealth is a part of the server itself.
type PartHealth struct {
	OK       bool   `json:"ok"`
	Sentence string `json:"sentence,omitempty"`
	Detail   string `json:"detail,omitempty"`
}

// ContactHealth is one contact source that does not work.
type ContactHealth struct {
	Source string `json:"source"`
	TroubleHealth
}

// Sentences for people who look after the server, by the code of the trouble. Trays have their own words.
var (
	systemSentences = map[pbx.TroubleCode]string{
		pbx.TroubleUnreachable: "The telephone system cannot be reached. Trying again…",
		pbx.TroubleSignIn:      "The telephone system refuses the sign-in. Check user name and password in the settings.",
		pbx.TroubleLicence:     "The telephone system refuses access. Check rights and licences of the account.",
		pbx.TroubleCertificate: "The certificate of the telephone system is not trusted. Check address and certificate.",
		pbx.TroubleLimited:     "The telephone system asks to wait. Trying again later.",
		pbx.TroubleProtocol:    "The answers of the telephone system make no sense. Check the address, then see the log.",
		pbx.TroubleConfig:      "The telephone system cannot be used as configured. Check the settings.",
		owner.TroubleLogFull:   "Calls cannot be stored. Check the disk: free space and write access.",
	}
	contactSentences = map[contact.TroubleCode]string{
		contact.TroubleUnreachable: "The contact source cannot be reached. Trying again…",
		contact.TroubleSignIn:      "The contact source refuses the sign-in. Check user name and password in the settings.",
		contact.TroubleRights:      "The contact source refuses access. Check the rights of the account.",
		contact.TroubleLimited:     "The contact source asks to wait. Trying again later.",
		contact.TroubleProtocol:    "The answers of the contact source make no sense. Check the address, then see the log.",
		contact.TroubleConfig:      "The contact source cannot be used as configured. Check the settings.",
		contact.TroubleUnreadable:  "The contacts cannot be read. The old list serves; check the file.",
	}
)

const otherSentence = "Something is wrong. See the log."

func sentence[C comparable](all map[C]string, code C) string {
	if s, ok := all[code]; ok {
		return s
	}
	return otherSentence
}

// checker is implemented by a log or journal that knows its own state.
type checker interface{ Health() error }

// Health gathers the state of the server; details only for those who may know them.
func (s *Server) Health(details bool) Health {
	h := Health{
		Status: "ok", Version: s.p.Version, Sessions: s.sessions.count(), Systems: []SystemHealth{}, Contacts: []ContactHealth{},
		Log: partHealth(s.p.Log, "Calls cannot be stored. Check the disk: free space and write access."),
	}
	j, _ := s.p.Journal.(checker)
	h.Journal = partHealth(j, "The call list cannot be written. Check the disk, or the connection to the database.")
	trouble := !h.Log.OK || !h.Journal.OK
	for _, sys := range s.order {
		sh := sys.health()
		trouble = trouble || !sh.Link || len(sh.Troubles) > 0
		h.Systems = append(h.Systems, sh)
	}
	for _, t := range s.p.Contacts.Troubles() {
		trouble = true
		h.Contacts = append(h.Contacts, ContactHealth{t.Source, TroubleHealth{
			Code: string(t.Code), Sentence: sentence(contactSentences, t.Code), Detail: t.Detail, Since: t.Since.UTC(),
		}})
	}
	switch {
	case !s.serving.Load():
		h.Status = "down"
	case trouble:
		h.Status = "trouble"
	}
	if !details {
		h.hideDetails()
	}
	return h
}

func partHealth(c checker, sentence string) PartHealth {
	if c == nil {
		return PartHealth{OK: true}
	}
	if err := c.Health(); err != nil {
		return PartHealth{Sentence: sentence, Detail: err.Error()}
	}
	return PartHealth{OK: true}
}

func (sys *system) health() SystemHealth {
	h := SystemHealth{ID: string(sys.id), Name: sys.name, Type: sys.p.Type, Troubles: []TroubleHealth{}}
	r := sys.now.Load()
	if r != nil {
		v := r.owner.View()
		h.Link = v.Linked
		for i := range v.Calls {
			if v.Calls[i].Live() {
				h.Calls++
			}
		}
		for _, t := range v.Troubles {
			h.Troubles = append(h.Troubles, TroubleHealth{
				Code: string(t.Code), Sentence: sentence(systemSentences, t.Code), Detail: t.Detail, Since: t.Since.UTC(), Device: string(t.Device),
			})
		}
	}
	if f := sys.failed.Load(); f != nil {
		h.Link = false
		h.Troubles = append(h.Troubles, TroubleHealth{
			Code: string(pbx.TroubleConfig), Sentence: sentence(systemSentences, pbx.TroubleConfig), Detail: f.err.Error(), Since: f.since.UTC(),
		})
	}
	return h
}

func (h *Health) hideDetails() {
	h.Log.Detail, h.Journal.Detail = "", ""
	for i := range h.Systems {
		for j := range h.Systems[i].Troubles {
			h.Systems[i].Troubles[j].Detail = ""
		}
	}
	for i := range h.Contacts {
		h.Contacts[i].Detail = ""
	}
}

// serveHealth answers 200 while trays are served, whatever is in trouble, and 503 if they cannot be.
func (s *Server) serveHealth(w http.ResponseWriter, r *http.Request) {
	h := s.Health(fromLoopback(r))
	status := http.StatusOK
	if h.Status == "down" {
		status = http.StatusServiceUnavailable
	}
	s.answer(w, status, h)
}

func fromLoopback(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	ip := net.ParseIP(host)
	return err == nil && ip != nil && ip.IsLoopback()
}
