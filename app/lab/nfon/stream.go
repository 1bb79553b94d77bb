package nfon

import (
	"bytes"
	"net/http"
	"sync"
	"time"
)

// Feeds a stream can carry.
const (
	feedCalls     = "calls"
	feedStates    = "states"
	feedOriginate = "originate"
)

// maxQueued is how many bytes a stream may lag behind before it is cut.
const maxQueued = 64 << 20

// chunk is bytes that belong together on a stream.
type chunk struct {
	data   []byte
	number uint64 // of the event inside; 0 for none
	pause  bool   // flush and wait a moment after it, so that the reader sees a torn event
	abort  bool   // break the connection after it
	last   bool   // end the reply properly after it
}

// stream is one open event-stream reply. Producers push; the HTTP handler that serves it is the only writer.
type stream struct {
	id   uint64
	feed string

	mu     sync.Mutex
	queue  []chunk
	bytes  int
	broken bool
	reason string
	wake   chan struct{} // holds at most one token
	stop   chan struct{} // closed by cut
}

func newStream(id uint64, feed string) *stream {
	return &stream{id: id, feed: feed, wake: make(chan struct{}, 1), stop: make(chan struct{})}
}

func (st *stream) push(c chunk) {
	st.mu.Lock()
	if st.bytes += len(c.data); st.bytes <= maxQueued {
		st.queue = append(st.queue, c)
	}
	slow := st.bytes > maxQueued
	st.mu.Unlock()
	if slow {
		st.cut("reader too slow", true)
	}
	select {
	case st.wake <- struct{}{}:
	default:
	}
}

func (st *stream) take() []chunk {
	st.mu.Lock()
	defer st.mu.Unlock()
	q := st.queue
	st.queue, st.bytes = nil, 0
	return q
}

// cut ends the stream, by breaking the connection or by a proper end of the reply. Only the first call counts.
func (st *stream) cut(reason string, broken bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.reason == "" {
		st.reason, st.broken = reason, broken
		close(st.stop)
	}
}

func (st *stream) ended() (reason string, broken bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.reason, st.broken
}

// serveStream writes a stream until its end. expires is when the token it was opened with dies.
func (s *Server) serveStream(w http.ResponseWriter, r *http.Request, st *stream, expires time.Time) {
	w.Header().Set("Content-Type", "text/event-stream;charset=UTF-8")
	w.Header().Set("Cache-Control", "no-cache")
	w.WriteHeader(http.StatusOK)
	written := uint64(0)
	reason := "client left"
	defer func() {
		s.remove(st)
		if why, _ := st.ended(); why != "" {
			reason = why
		}
		s.fact(KindStream, StreamFact{Stream: st.id, Feed: st.feed, Action: "close", Reason: reason, Written: written})
	}()
	out := streamWriter{w: w, flush: http.NewResponseController(w).Flush, ctx: r.Context()}
	out.send(nil)
	clock := s.streamClock(st, expires)
	defer clock.stop()
	for out.err == nil {
		n, done := out.send(st.take())
		written = max(written, n)
		if done {
			reason = "finished"
			return
		}
		select {
		case <-st.wake:
		case <-clock.ping():
			out.send([]chunk{{data: clock.comment()}})
		case <-clock.expired():
			st.cut("token expired", false)
		case <-st.stop:
			if _, broken := st.ended(); broken {
				panic(http.ErrAbortHandler)
			}
			return
		case <-r.Context().Done():
			return
		}
	}
}

// streamWriter gathers chunks into few writes.
type streamWriter struct {
	w     http.ResponseWriter
	flush func() error
	ctx   interface{ Done() <-chan struct{} }
	buf   bytes.Buffer
	err   error
}

// send writes and flushes; it returns the number of the last event and whether the reply is complete.
func (o *streamWriter) send(chunks []chunk) (number uint64, done bool) {
	for _, c := range chunks {
		o.buf.Write(c.data)
		number = max(number, c.number)
		if c.pause {
			o.out()
			select {
			case <-time.After(30 * time.Millisecond):
			case <-o.ctx.Done():
			}
		}
		if c.abort {
			o.out()
			panic(http.ErrAbortHandler)
		}
		done = done || c.last
	}
	o.out()
	return number, done
}

func (o *streamWriter) out() {
	if o.err == nil && o.buf.Len() > 0 {
		_, o.err = o.w.Write(o.buf.Bytes())
	}
	o.buf.Reset()
	if o.err == nil {
		o.err = o.flush()
	}
}

// streamClock fires pings and the end of the token. Switches are read when the stream opens, as a real system would
// need a restart to change them; set them before.
type streamClock struct {
	pings  *time.Ticker
	text   []byte
	expiry *time.Timer
}

func (s *Server) streamClock(st *stream, expires time.Time) *streamClock {
	sw := s.Switches()
	c := &streamClock{}
	if sw.PingStyle != "none" && st.feed != feedOriginate {
		c.pings = time.NewTicker(time.Duration(sw.PingInterval))
		c.text = pingFrame(&sw)
	}
	switch sw.StreamOnExpiry {
	case "close":
		c.expiry = time.NewTimer(time.Until(expires))
	case "close_after_grace":
		c.expiry = time.NewTimer(time.Until(expires) + time.Duration(sw.ExpiryGrace))
	}
	return c
}

func (c *streamClock) ping() <-chan time.Time {
	if c.pings == nil {
		return nil
	}
	return c.pings.C
}

func (c *streamClock) expired() <-chan time.Time {
	if c.expiry == nil {
		return nil
	}
	return c.expiry.C
}

func (c *streamClock) comment() []byte { return c.text }

func (c *streamClock) stop() {
	if c.pings != nil {
		c.pings.Stop()
	}
	if c.expiry != nil {
		c.expiry.Stop()
	}
}
