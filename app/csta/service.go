package csta

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Service is one thing that can be asked of a telephone system (ECMA-269, clauses 17.1 and following).
type Service uint32

// The services, one bit each.
const (
	MakeCall Service = 1 << iota
	AnswerCall
	ClearConnection // hang up; on an alerting connection: reject
	HoldCall
	RetrieveCall
	AlternateCall
	ConsultationCall
	TransferCall // join two own calls and leave
	SingleStepTransferCall
	DeflectCall // send a ringing call elsewhere
	ConferenceCall
	SingleStepConferenceCall
	ReconnectCall
	GenerateDigits
	ParkCall
	DirectedPickupCall
	JoinCall // take the call to another terminal of the same device
	SetMicrophoneMute
	SetDoNotDisturb
	SetForwarding
	SetAgentState
	CallBack
	StartRecording
	SnapshotDevice
	lastService
)

var serviceNames = [...]string{
	"MakeCall", "AnswerCall", "ClearConnection", "HoldCall", "RetrieveCall", "AlternateCall", "ConsultationCall",
	"TransferCall", "SingleStepTransferCall", "DeflectCall", "ConferenceCall", "SingleStepConferenceCall", "ReconnectCall",
	"GenerateDigits", "ParkCall", "DirectedPickupCall", "JoinCall", "SetMicrophoneMute", "SetDoNotDisturb", "SetForwarding",
	"SetAgentState", "CallBack", "StartRecording", "SnapshotDevice",
}

// String gives the standard's name of a single service.
func (s Service) String() string {
	for i, name := range serviceNames {
		if s == 1<<i {
			return name
		}
	}
	return fmt.Sprintf("Service(%#x)", uint32(s))
}

// ParseService finds a service by its name; ok is false for a name this version does not know.
func ParseService(name string) (s Service, ok bool) {
	for i, n := range serviceNames {
		if n == name {
			return 1 << i, true
		}
	}
	return 0, false
}

// Services is a set of services.
type Services uint32

// Of makes a set.
func Of(list ...Service) Services {
	var set Services
	for _, s := range list {
		set |= Services(s)
	}
	return set
}

// Has reports whether s is in the set.
func (set Services) Has(s Service) bool { return set&Services(s) != 0 }

// With gives the set with s added.
func (set Services) With(s Service) Services { return set | Services(s) }

// Without gives the set with s taken away.
func (set Services) Without(s Service) Services { return set &^ Services(s) }

// List gives the members in a fixed order.
func (set Services) List() []Service {
	var list []Service
	for bit := Service(1); bit < lastService; bit <<= 1 {
		if set.Has(bit) {
			list = append(list, bit)
		}
	}
	return list
}

// String joins the names with a blank.
func (set Services) String() string {
	names := make([]string, 0, len(serviceNames))
	for _, s := range set.List() {
		names = append(names, s.String())
	}
	return strings.Join(names, " ")
}

// MarshalJSON writes the set as an array of names.
func (set Services) MarshalJSON() ([]byte, error) {
	names := []string{}
	for _, s := range set.List() {
		names = append(names, s.String())
	}
	return json.Marshal(names)
}

// UnmarshalJSON reads an array of names; a name this version does not know is left out, since the protocol only grows.
func (set *Services) UnmarshalJSON(data []byte) error {
	var names []string
	if err := json.Unmarshal(data, &names); err != nil {
		return fmt.Errorf("csta services: %w", err)
	}
	*set = 0
	for _, name := range names {
		if s, ok := ParseService(name); ok {
			*set = set.With(s)
		}
	}
	return nil
}
