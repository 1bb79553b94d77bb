package client

import (
	"encoding/json"
	"fmt"

	"deskbell/app/wire"
)

// readers decode the notifications this version knows.
var readers = map[string]func(json.RawMessage) (any, error){
	wire.NoteSnapshot: read[wire.Snapshot],
	wire.NoteCall:     read[wire.Call],
	wire.NoteJoined:   read[wire.Joined],
	wire.NoteLine:     read[wire.Line],
	wire.NoteContact:  read[wire.Contact],
	wire.NoteAttempt:  read[wire.Attempt],
	wire.NotePop:      read[wire.Pop],
	wire.NoteEntry:    read[wire.Entry],
	wire.NoteGap:      read[wire.Gap],
	wire.NoteTrouble:  read[wire.Trouble],
	wire.NoteSettings: read[wire.Settings],
	wire.NoteDevices:  read[wire.Devices],
}

func read[T any](data json.RawMessage) (any, error) {
	var v T
	err := json.Unmarshal(data, &v)
	return v, err
}

// decode gives the value of a notification; nil for one of a later version.
func decode(m wire.Message) (any, error) {
	reader := readers[m.Method]
	if reader == nil {
		return nil, nil
	}
	note, err := reader(m.Params)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", errProtocol, m.Method, err)
	}
	return note, nil
}
