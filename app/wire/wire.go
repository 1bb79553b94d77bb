// Package wire is the protocol between CTI server and tray: JSON-RPC 2.0 in WebSocket text frames, one message a frame.
//
// docs/protocol.md is the same thing for readers; a test holds the two against each other. Version 1 only grows: a reader
// ignores members, methods and enum values that it does not know.
package wire

import "encoding/json"

// Subprotocol is the WebSocket subprotocol both sides must agree on.
const Subprotocol = "deskbell.v1"

// Paths on the server.
const (
	PathSocket = "/v1/socket" // WebSocket; Authorization: Bearer <token>
	PathEnroll = "/v1/enroll" // POST EnrollRequest -> EnrollReply: an invitation's code becomes a token
	PathInfo   = "/v1/info"   // GET -> Info, without authorization: name of the server, to show before confirming
)

// Limits both sides keep to.
const (
	MaxFromTray   = 64 << 10 // bytes of a message from the tray
	MaxFromServer = 8 << 20  // bytes of a message from the server
	MaxText       = 512      // characters of any name or typed text; longer ones are cut by the server
)

// Message is one JSON-RPC 2.0 message: a request (ID and Method), a notification (Method alone) or a response (ID and
// Result or Error). IDs are chosen by the requester: a string or a number, echoed as it came.
type Message struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *Error          `json:"error,omitempty"`
}

// Error is a JSON-RPC error. Reason is for programs to decide on and to find words for people; Message is for logs.
type Error struct {
	Code    int     `json:"code"`
	Message string  `json:"message"`
	Data    *Reason `json:"data,omitempty"`
}

// Error implements error.
func (e *Error) Error() string { return e.Message }

// Error codes. Those above -32000 are JSON-RPC's own.
const (
	CodeParse          = -32700
	CodeInvalidRequest = -32600
	CodeMethodNotFound = -32601
	CodeInvalidParams  = -32602
	CodeInternal       = -32603
	CodeNotPermitted   = -32001 // not this user's device or call, or a right is missing
	CodeNotNow         = -32002 // not possible in this state, or this system cannot do it: see Reason
	CodeGone           = -32003 // the call, offer or invitation is over
	CodeNumber         = -32004 // the number cannot be dialled as it stands: see Reason
	CodeConfirm        = -32005 // only with "confirmed": true, after the user was asked: see Reason
	CodeDown           = -32006 // no connection to the telephone system
	CodeRefused        = -32007 // the telephone system refused
	CodeUncertain      = -32008 // not known whether the telephone system took it; events will tell
	CodeLimited        = -32009 // too many requests
)
