package session

import "time"

// bucket limits a rate: burst at once, rate a second after that. For one goroutine.
type bucket struct {
	rate   float32
	burst  float32
	tokens float32
	last   time.Duration
}

func newBucket(rate float64, burst int) bucket {
	return bucket{rate: float32(rate), burst: float32(burst), tokens: float32(burst)}
}

// take takes one token at a moment of a monotonic clock; false if there is none.
func (b *bucket) take(now time.Duration) bool {
	b.tokens = min(b.burst, b.tokens+float32((now-b.last).Seconds())*b.rate)
	b.last = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
