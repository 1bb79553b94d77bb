package nfon

import (
	"time"
)

// Event is a call object as it goes over the wire; the field order is the vendor's sample order.
type Event struct {
	UUID          string  `json:"uuid"`
	State         string  `json:"state"`
	Direction     string  `json:"direction,omitempty"`
	Extension     string  `json:"extension,omitempty"`
	Caller        *string `json:"caller,omitempty"` // a pointer, since an empty caller and a missing one are two things
	CallerContext string  `json:"caller_context,omitempty"`
	Callee        *string `json:"callee,omitempty"`
	CalleeContext string  `json:"callee_context,omitempty"`
	Customer      string  `json:"customer,omitempty"`
	Updated       *string `json:"updated,omitempty"`
	Error         string  `json:"error,omitempty"`
	Padding       string  `json:"padding,omitempty"`
}

// started is the reply to an accepted POST: the same object in the order of the vendor's 202 sample, without a customer.
type started struct {
	UUID          string  `json:"uuid"`
	State         string  `json:"state"`
	Caller        string  `json:"caller"`
	CallerContext string  `json:"caller_context"`
	Callee        string  `json:"callee"`
	CalleeContext string  `json:"callee_context"`
	Extension     string  `json:"extension,omitempty"`
	Direction     string  `json:"direction"`
	Updated       *string `json:"updated,omitempty"`
}

// progress is an event of a POST stream.
type progress struct {
	UUID    string  `json:"uuid"`
	State   string  `json:"state"`
	Updated *string `json:"updated,omitempty"`
	Error   string  `json:"error,omitempty"`
}

// lineState is one object of the states feed. Presence is any, because it may be text, null or absent.
type lineState struct {
	Customer  string  `json:"customer,omitempty"`
	Extension string  `json:"extension"`
	Presence  any     `json:"presence,omitempty"`
	Line      string  `json:"line"`
	Updated   *string `json:"updated,omitempty"`
}

// jsonNull is a present null; omitempty would drop a nil interface.
type jsonNull struct{}

// MarshalJSON writes null.
func (jsonNull) MarshalJSON() ([]byte, error) { return []byte("null"), nil }

type extensionData struct {
	UUID            string `json:"uuid"`
	ExtensionNumber string `json:"extension_number"`
	Name            string `json:"name"`
}

// stamp writes a time as the switches want it; nil leaves the field out.
func (s *Server) stamp(sw *Switches, t time.Time) *string {
	if sw.OmitUpdated {
		return nil
	}
	t = t.In(s.opts.Zone)
	text := t.Format(time.RFC3339Nano)
	switch sw.TimeForm {
	case "extra_seconds":
		text = t.Format("2006-01-02T15:04:05:00.999999999Z07:00")
	case "garbage":
		text = "yesterday, around noon"
	case "empty":
		text = ""
	}
	return &text
}

func (s *Server) lineState(sw *Switches, p publicState) lineState {
	st := lineState{Customer: s.opts.Account, Extension: p.extension, Line: p.line, Updated: s.stamp(sw, p.since)}
	if sw.OmitCustomer {
		st.Customer = ""
	}
	if p.line == lineInUse && sw.UnknownLine != "" {
		st.Line = sw.UnknownLine
	}
	switch {
	case p.presence == "available" && sw.UnknownPresence != "":
		st.Presence = sw.UnknownPresence
	case p.presence != "":
		st.Presence = p.presence
	case sw.PresenceNull == "quoted":
		st.Presence = "null"
	case sw.PresenceNull == "null":
		st.Presence = jsonNull{}
	}
	return st
}
