// Package csta is the call model of ECMA-269 that all of Deskbell speaks: ids, connection states, events, services and causes.
//
// Spellings on the wire follow ECMA-323 (the XML binding of ECMA-269), so that anybody who knows CSTA can read a log.
package csta

// CallID is Deskbell's own id of a call: a UUIDv7, kept through hold, transfer and conference.
type CallID string

// DeviceID is a CSTA device: an extension, a line, an agent. It is opaque and unique within one telephone system only.
type DeviceID string

// SystemID names one configured telephone system of a tenant.
type SystemID string

// ConnectionID names the connection (leg) of one device to one call. Appearance tells apart several connections of one
// device to one call (a device with two channels); it is empty where a system has no such thing.
type ConnectionID struct {
	CallID     CallID   `json:"callID"`
	DeviceID   DeviceID `json:"deviceID"`
	Appearance string   `json:"appearance,omitempty"`
}

// State is the state of a connection (ECMA-269, 6.1.5).
type State string

// The connection states. StateUnknown is the zero value: nothing was said.
const (
	StateUnknown State = ""
	Null         State = "null"
	Initiated    State = "initiated"
	Alerting     State = "alerting"
	Connected    State = "connected"
	Hold         State = "hold"
	Queued       State = "queued"
	Fail         State = "fail"
)

// Known reports whether s is one of the standard's states.
func (s State) Known() bool {
	switch s {
	case Null, Initiated, Alerting, Connected, Hold, Queued, Fail:
		return true
	case StateUnknown:
	}
	return false
}

// Live reports whether a connection in state s still exists: anything known but Null.
func (s State) Live() bool { return s.Known() && s != Null }

// Direction is the call's direction as one device sees it.
type Direction string

// The directions. DirectionUnknown is the zero value.
const (
	DirectionUnknown Direction = ""
	Incoming         Direction = "incoming"
	Outgoing         Direction = "outgoing"
)

// LineState is what a telephone line does, where a system tells no more than that.
type LineState string

// The line states. LineUnknown is the zero value.
const (
	LineUnknown LineState = ""
	LineOffline LineState = "offline"
	LineIdle    LineState = "idle"
	LineRinging LineState = "ringing"
	LineBusy    LineState = "busy"
)

// Talking reports whether both ends are connected: a conversation, not merely an own connection that waits for the far end.
func Talking(own, far State) bool { return own == Connected && far == Connected }

// Ringing reports whether the device itself rings for an incoming call.
func Ringing(dir Direction, own State) bool { return dir != Outgoing && own == Alerting }
