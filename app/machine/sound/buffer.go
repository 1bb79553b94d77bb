package sound

import "sync"

// buffer lies between the decoder and the device's callback: the callback must never wait for a decoder. It holds
// about a third of a second.
type buffer struct {
	mu      sync.Mutex
	samples []float32 // ring of interleaved stereo
	start   int
	filled  int
	ended   bool          // nothing more will be written
	space   chan struct{} // one token: room was made
}

func newBuffer(rate int) *buffer {
	return &buffer{samples: make([]float32, rate/3*2), space: make(chan struct{}, 1)}
}

// write stores what fits and gives how much that was.
func (b *buffer) write(in []float32) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := min(len(in), len(b.samples)-b.filled)
	at := (b.start + b.filled) % len(b.samples)
	first := copy(b.samples[at:], in[:n])
	copy(b.samples, in[first:n])
	b.filled += n
	return n
}

// end says that the last sample was written.
func (b *buffer) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
}

// read takes what is there, fills the rest with silence, and tells whether the tone is over.
func (b *buffer) read(out []float32) (over bool) {
	b.mu.Lock()
	n := min(len(out), b.filled)
	first := copy(out[:n], b.samples[b.start:])
	copy(out[first:n], b.samples)
	b.start = (b.start + n) % len(b.samples)
	b.filled -= n
	over = b.ended && b.filled == 0
	low := b.filled < len(b.samples)/2
	b.mu.Unlock()

	clear(out[n:])
	if low {
		select {
		case b.space <- struct{}{}:
		default:
		}
	}
	return over
}
