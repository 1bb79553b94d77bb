package nfon

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// callEvent is one object of the call stream (OpenAPI 1.0.1, schema "call"). Every field may be absent.
type callEvent struct {
	UUID          text `json:"uuid"`
	State         text `json:"state"`
	Direction     text `json:"direction"`
	Extension     text `json:"extension"`
	Customer      text `json:"customer"`
	Caller        text `json:"caller"`
	CallerContext text `json:"caller_context"`
	Callee        text `json:"callee"`
	CalleeContext text `json:"callee_context"`
	Updated       text `json:"updated"`
	Error         text `json:"error"`

	received  time.Time
	requestID string
	live      bool // read as it happened, not from what was kept while a connection was set up
}

// stateEvent is one object of the line states.
type stateEvent struct {
	Customer  text `json:"customer"`
	Extension text `json:"extension"`
	Line      text `json:"line"`
	Presence  text `json:"presence"`
	Updated   text `json:"updated"`
}

// extension is one object of the list of extensions.
type extension struct {
	UUID   text `json:"uuid"` // not a UUID: extension, "@", K-Account
	Number text `json:"extension_number"`
	Name   text `json:"name"`
}

// makeCall is the body of a request for a call.
type makeCall struct {
	Caller        string `json:"caller"`
	CallerContext string `json:"caller_context"`
	Callee        string `json:"callee"`
	CalleeContext string `json:"callee_context"`
	Extension     string `json:"extension"`
	Timeout       int    `json:"timeout"`
}

const (
	maxID    = 128 // bytes of an id or an extension: longer is not one
	maxField = 256 // bytes kept of a number
	maxName  = 200
)

// decodeEach reads the objects in one event of a stream: one as a rule, several or an array of them to be safe.
func decodeEach[T any](data []byte, each func(T)) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	for {
		var raw json.RawMessage
		if err := dec.Decode(&raw); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return jsonProblem(err)
		}
		switch raw[0] {
		case '{':
			var v T
			if err := json.Unmarshal(raw, &v); err != nil {
				return jsonProblem(err)
			}
			each(v)
		case '[':
			var list []T
			if err := json.Unmarshal(raw, &list); err != nil {
				return jsonProblem(err)
			}
			for _, v := range list {
				each(v)
			}
		default:
			return errors.New("neither an object nor an array")
		}
	}
}

// decodeEvent reads the payload of one event. Where the end of an event was lost, so that two came as one, the lines that
// make sense by themselves are kept.
func decodeEvent[T any](data []byte) (list []T, err error) {
	keep := func(v T) { list = append(list, v) }
	if err = decodeEach(data, keep); err == nil || !bytes.ContainsRune(data, '\n') {
		return list, err
	}
	list = nil
	for line := range bytes.SplitSeq(data, []byte("\n")) {
		before := len(list)
		if decodeEach(line, keep) != nil {
			list = list[:before]
		}
	}
	return list, err
}

// tidy brings an event into the form the rest relies on, and says what is wrong with it if it cannot be used.
func (e *callEvent) tidy() error {
	e.UUID, e.State = trim(e.UUID), text(strings.ToLower(string(trim(e.State))))
	e.Direction = text(strings.ToLower(string(trim(e.Direction))))
	e.Error = text(strings.ToLower(string(trim(e.Error))))
	e.Extension = bareExtension(e.Extension)
	e.Caller, e.Callee = text(cut(string(e.Caller), maxField)), text(cut(string(e.Callee), maxField))
	e.Updated = text(cut(string(e.Updated), 64))
	switch {
	case e.UUID == "" || len(e.UUID) > maxID:
		return fmt.Errorf("uuid of %d bytes", len(e.UUID))
	case e.State == "":
		return errors.New("no state")
	case len(e.Extension) > maxID:
		return fmt.Errorf("extension of %d bytes", len(e.Extension))
	}
	return nil
}

func trim(t text) text { return text(strings.TrimSpace(string(t))) }

// bareExtension drops "@K4711", which the list of extensions has in its ids.
func bareExtension(t text) text {
	name, _, _ := strings.Cut(string(trim(t)), "@")
	return text(name)
}
