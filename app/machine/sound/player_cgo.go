//go:build cgo

package sound

import (
	"context"
	"log/slog"
	"sync"
)

// Player plays any number of tones at once; the sound server mixes them. Each tone has one goroutine and one device
// of its own, and both are gone when the tone is over. Methods may be called from any goroutine.
type Player struct {
	log     *slog.Logger
	onEvent func(Event)

	mu     sync.Mutex
	last   ID
	voices map[ID]*voice
	closed bool
	wg     sync.WaitGroup
}

// New makes a player. onEvent is called from the tones' goroutines, in order per tone; it must not wait for Close.
func New(log *slog.Logger, onEvent func(Event)) *Player {
	return &Player{log: log, onEvent: onEvent, voices: map[ID]*voice{}}
}

// Play starts a tone and returns at once; how it goes is told by events, always ending with Ended.
func (p *Player) Play(t Tone) ID {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last++
	if p.closed {
		return p.last
	}
	v := &voice{id: p.last, tone: t, log: p.log, report: p.onEvent, stop: make(chan struct{})}
	p.voices[v.id] = v
	p.wg.Go(func() {
		v.run()
		p.mu.Lock()
		delete(p.voices, v.id)
		p.mu.Unlock()
		p.onEvent(Event{Tone: v.id, Kind: Ended})
	})
	return v.id
}

// Stop ends a tone and returns at once; one that is over is no error. Ended follows.
func (p *Player) Stop(id ID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if v := p.voices[id]; v != nil {
		v.quit()
	}
}

// Close ends all tones and returns when nothing of them is left. Nothing plays afterwards.
func (p *Player) Close() {
	p.mu.Lock()
	p.closed = true
	for _, v := range p.voices {
		v.quit()
	}
	p.mu.Unlock()
	p.wg.Wait()
}

// Outputs lists what can be chosen, asked afresh each time. ErrNoSound: there is nothing.
func (p *Player) Outputs(ctx context.Context) ([]Output, error) {
	type answer struct {
		outputs []Output
		err     error
	}
	done := make(chan answer, 1)
	// A sound server that hangs cannot be interrupted; its goroutine ends when the server answers or goes away.
	go func() {
		e, err := openEngine(p.log)
		if err != nil {
			done <- answer{err: err}
			return
		}
		defer e.close()
		outputs, err := e.outputs()
		done <- answer{outputs, err}
	}()
	select {
	case a := <-done:
		return a.outputs, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
