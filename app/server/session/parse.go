package session

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"deskbell/app/wire"
)

// maxID bounds a request's id, which is echoed.
const maxID = 128

// Parse reads one JSON-RPC 2.0 message and checks its shape. Anything else, also a batch, is a breach of the protocol.
func Parse(data []byte) (wire.Message, error) {
	var m wire.Message
	if !utf8.Valid(data) { // JSON would take it and put other characters in its place
		return wire.Message{}, errProtocol
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return wire.Message{}, errProtocol
	}
	m.ID = bytes.TrimSpace(m.ID)
	switch {
	case m.Version != "2.0", !validID(m.ID), !validParams(m.Params):
		return wire.Message{}, errProtocol
	case m.Method == "" && m.Result == nil && m.Error == nil:
		return wire.Message{}, errProtocol
	case m.Method != "" && (m.Result != nil || m.Error != nil):
		return wire.Message{}, errProtocol
	}
	return m, nil
}

// validID allows what JSON-RPC does: a string, a number, null or nothing.
func validID(id json.RawMessage) bool {
	if len(id) == 0 || string(id) == "null" {
		return true
	}
	first := id[0]
	return len(id) <= maxID && (first == '"' || first == '-' || first >= '0' && first <= '9')
}

// validParams allows an object or nothing: the methods have named parameters only.
func validParams(p json.RawMessage) bool {
	p = bytes.TrimSpace(p)
	return len(p) == 0 || p[0] == '{' || string(p) == "null"
}
