package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"deskbell/app/lab/crm"
	"deskbell/app/lab/nfon"
	"deskbell/app/lab/script"
)

type done struct {
	OK   bool   `json:"ok"`
	UUID string `json:"uuid,omitempty"`
}

type callBody struct {
	Caller   string `json:"caller"` // number with plus, an extension, or empty for a withheld number
	Name     string `json:"name"`
	Callee   string `json:"callee"` // extension, several with commas, or for a calling extension any number
	Withheld bool   `json:"withheld"`
}

// call begins a call: from outside, or from an extension when the caller is one.
func (s *server) call(_ *http.Request, b callBody) (any, error) {
	phones := s.World.Phones
	if b.Caller != "" && !b.Withheld && !strings.HasPrefix(b.Caller, "+") {
		id, err := phones.Dial(b.Caller, b.Callee)
		return done{OK: err == nil, UUID: id}, err
	}
	var targets []string
	for ext := range strings.SplitSeq(b.Callee, ",") {
		targets = append(targets, strings.TrimSpace(ext))
	}
	id, err := phones.RingInbound(nfon.Caller{Number: b.Caller, Name: b.Name, Withheld: b.Withheld}, targets...)
	return done{OK: err == nil, UUID: id}, err
}

// whichBody names a phone, or a call for its outside party to act.
type whichBody struct {
	Extension string `json:"extension"`
	UUID      string `json:"uuid"`
	Side      string `json:"side"` // of a call: caller, callee (when empty)
}

func (s *server) answer(_ *http.Request, b whichBody) (any, error) {
	if b.Extension != "" {
		return done{OK: true}, s.World.Phones.Answer(b.Extension)
	}
	return done{OK: true, UUID: b.UUID}, s.World.Phones.CalleeAnswers(b.UUID)
}

func (s *server) hangup(_ *http.Request, b whichBody) (any, error) {
	switch {
	case b.Extension != "":
		return done{OK: true}, s.World.Phones.HangUp(b.Extension)
	case b.Side == "caller":
		return done{OK: true, UUID: b.UUID}, s.World.Phones.CallerHangsUp(b.UUID)
	case b.Side == "callee" || b.Side == "":
		return done{OK: true, UUID: b.UUID}, s.World.Phones.CalleeHangsUp(b.UUID)
	}
	return nil, fmt.Errorf("side %q is neither caller nor callee", b.Side)
}

type phoneBody struct {
	Extension string  `json:"extension"`
	Name      *string `json:"name"`
	Presence  *string `json:"presence"`
	Offline   *bool   `json:"offline"`
	Behaviour *string `json:"behaviour"` // as nfon.ParseBehaviour reads it
}

// phone changes what is given of an extension, and leaves the rest.
func (s *server) phone(_ *http.Request, b phoneBody) (any, error) {
	var behaviour nfon.Behaviour
	if b.Behaviour != nil {
		var err error
		if behaviour, err = nfon.ParseBehaviour(*b.Behaviour); err != nil {
			return nil, err
		}
	}
	return done{OK: true}, s.World.Phones.ChangePhone(b.Extension, func(p *nfon.Phone) {
		set(&p.Name, b.Name)
		set(&p.Presence, b.Presence)
		set(&p.Offline, b.Offline)
		if b.Behaviour != nil {
			p.Behaviour = behaviour
		}
	})
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

type outsideBody struct {
	Number    string `json:"number"`
	Behaviour string `json:"behaviour"`
}

// outside says what an outside number does when it is called.
func (s *server) outside(_ *http.Request, b outsideBody) (any, error) {
	behaviour, err := nfon.ParseBehaviour(b.Behaviour)
	if err != nil {
		return nil, err
	}
	return done{OK: true}, s.World.Phones.SetOutside(b.Number, behaviour)
}

type switchBody struct {
	Name  string          `json:"name"`
	Value json.RawMessage `json:"value"` // null puts the default back
}

func (s *server) setSwitch(_ *http.Request, b switchBody) (any, error) {
	if b.Value == nil {
		return nil, errors.New("value is missing")
	}
	value := string(b.Value)
	if value == "null" {
		value = "default"
	}
	return done{OK: true}, s.World.Phones.Set(b.Name, value)
}

type crmBody struct {
	Endpoint string `json:"endpoint"`
	Delay    string `json:"delay"`
	Failure  string `json:"failure"`
}

func (s *server) setCRM(_ *http.Request, b crmBody) (any, error) {
	f := crm.Fault{Failure: b.Failure}
	if b.Delay != "" {
		d, err := time.ParseDuration(b.Delay)
		if err != nil || d < 0 {
			return nil, fmt.Errorf("delay %q is no time", b.Delay)
		}
		f.Delay = d
	}
	return done{OK: true}, s.World.CRM.SetFault(b.Endpoint, f)
}

type scriptBody struct {
	Script string `json:"script"`
}

// script plays a script to its end; it stops when the client leaves.
func (s *server) script(r *http.Request, b scriptBody) (any, error) {
	parsed, err := script.Parse(b.Script)
	if err != nil {
		return nil, err
	}
	return done{OK: true}, parsed.Run(r.Context(), s.World)
}
