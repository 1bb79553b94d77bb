//go:build !cgo

package sound

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
)

// Player of a program that was built without a C compiler: it can only say so.
type Player struct {
	onEvent func(Event)
	last    atomic.Uint64
}

// New makes a player that plays nothing.
func New(_ *slog.Logger, onEvent func(Event)) *Player { return &Player{onEvent: onEvent} }

// Play reports ErrNoSound and the end.
func (p *Player) Play(Tone) ID {
	id := ID(p.last.Add(1))
	p.onEvent(Event{Tone: id, Kind: Trouble, Err: fmt.Errorf("%w: built without sound", ErrNoSound)})
	p.onEvent(Event{Tone: id, Kind: Ended})
	return id
}

// Stop does nothing.
func (p *Player) Stop(ID) {}

// Outputs is ErrNoSound.
func (p *Player) Outputs(context.Context) ([]Output, error) {
	return nil, fmt.Errorf("%w: built without sound", ErrNoSound)
}

// Close does nothing.
func (p *Player) Close() {}
