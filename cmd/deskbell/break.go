package main

import (
	"context"
	"encoding/json"

	"deskbell/app/client"
	"deskbell/app/desk"
	"deskbell/app/wire"
)

// breakPart disables one adapter, to test that the demonstration notices: DESKBELL_BREAK is toast, sound, pop or dial.
// (link and recover break in the command line and in the connection.) It has no other use.
func breakPart(which string, p desk.Parts) desk.Parts {
	switch which {
	case "toast":
		p.Notices = noNotices{}
	case "sound":
		p.Tones = noTones{}
	case "pop":
		p.Pages = noPages{}
	case "dial":
		p.Server = noDial{p.Server}
	}
	return p
}

type noNotices struct{}

// Show shows nothing.
func (noNotices) Show(desk.Notice) error { return nil }

// Close closes nothing.
func (noNotices) Close(string) error { return nil }

type noTones struct{}

// Play plays nothing.
func (noTones) Play(desk.Tone) {}

// Stop stops nothing.
func (noTones) Stop() {}

type noPages struct{}

// Open opens nothing, and says that it did.
func (noPages) Open(context.Context, string, []string) error { return nil }

type noDial struct{ desk.Server }

// Request passes on all but MakeCall.
func (s noDial) Request(ctx context.Context, method string, params any) (json.RawMessage, error) {
	if method == wire.MethodMakeCall {
		return nil, client.ErrDown
	}
	return s.Server.Request(ctx, method, params)
}

// noReturn is a connection handler that stops listening after the first end of a session.
type noReturn struct {
	client.Handler
	ended *bool
}

// Up passes on the first session only.
func (h noReturn) Up(hello wire.HelloFromServer) {
	if !*h.ended {
		h.Handler.Up(hello)
	}
}

// Down passes on the end, and remembers it.
func (h noReturn) Down(why string, final bool) {
	*h.ended = true
	h.Handler.Down(why, final)
}

// Told passes on the first session only.
func (h noReturn) Told(note any) {
	if !*h.ended {
		h.Handler.Told(note)
	}
}
