package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"deskbell/app/lab/bench/floor"
)

// crowd is many seats that listen and do as little as they can, so that the time goes to what is measured.
type crowd struct {
	seats []*crowdSeat
	work  sync.WaitGroup
	calls atomic.Int64 // events of calls that were heard
	lost  atomic.Int64
	over  atomic.Bool
}

// crowdSeat is one connection. What it heard is for its own goroutine until the crowd has left.
type crowdSeat struct {
	conn  *websocket.Conn
	ready chan struct{} // closed by the first snapshot
	heard []heard
}

// dialers is how many connections are made at a time.
const dialers = 64

// gather connects a seat per agent and waits until each is up to date.
func gather(ctx context.Context, address string, agents []agent) (*crowd, error) {
	c := &crowd{seats: make([]*crowdSeat, len(agents))}
	next, failed := make(chan int), make(chan error, dialers)
	var dialing sync.WaitGroup
	for range dialers {
		dialing.Go(func() {
			for i := range next {
				if err := c.join(ctx, i, address, agents[i].token); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	var err error
	for i := range agents {
		select {
		case next <- i:
		case err = <-failed:
		}
		if err != nil {
			break
		}
	}
	close(next)
	dialing.Wait()
	select {
	case late := <-failed:
		err = errors.Join(err, late)
	default:
	}
	if err != nil {
		c.leave()
		return nil, err
	}
	return c, nil
}

func (c *crowd) join(ctx context.Context, i int, address, token string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	dialer := websocket.Dialer{ReadBufferSize: 1024, WriteBufferSize: 256, Subprotocols: []string{floor.Subprotocol}}
	conn, resp, err := dialer.DialContext(ctx, "ws://"+address+floor.Path, http.Header{"Authorization": {"Bearer " + token}})
	if resp != nil && resp.Body != nil {
		_ = resp.Body.Close() // the connection is not its any more
	}
	if err != nil {
		return fmt.Errorf("seat %d: %w", i, err)
	}
	s := &crowdSeat{conn: conn, ready: make(chan struct{})}
	c.seats[i] = s
	c.work.Go(func() { c.listen(s) })
	if err := conn.WriteMessage(websocket.TextMessage, []byte(`{"jsonrpc":"2.0","method":"hello","params":{"version":"bench"}}`)); err != nil {
		return fmt.Errorf("seat %d: %w", i, err)
	}
	select {
	case <-s.ready:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("seat %d is not up to date: %w", i, ctx.Err())
	}
}

var readBuffers = sync.Pool{New: func() any { return new([4096]byte) }}

// listen notes what a seat hears until its connection is over.
func (c *crowd) listen(s *crowdSeat) {
	synced := false
	for {
		_, r, err := s.conn.NextReader()
		at := time.Now().UnixNano()
		if err != nil {
			if !c.over.Load() {
				c.lost.Add(1)
			}
			return
		}
		method, state := hear(r)
		switch {
		case method == "call":
			s.heard = append(s.heard, heard{state, at})
			c.calls.Add(1)
		case method == "snapshot" && !synced:
			synced = true
			close(s.ready)
		}
	}
}

// hear finds a message's method and, of a call, its state in the words of the telephone system. What is longer than the
// buffer is a snapshot, of which the beginning is enough; the library skips the rest.
func hear(r io.Reader) (method, state string) {
	buf, ok := readBuffers.Get().(*[4096]byte)
	if !ok {
		buf = new([4096]byte)
	}
	defer readBuffers.Put(buf)
	n, err := io.ReadFull(r, buf[:])
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return "", ""
	}
	data := buf[:n]
	switch head := data[:min(n, 60)]; {
	case bytes.Contains(head, []byte(`"method":"snapshot"`)):
		return "snapshot", ""
	case !bytes.Contains(head, []byte(`"method":"call"`)):
		return "", ""
	}
	return "call", stateOf(data)
}

// spellings are the states of a call as both servers write them, by the telephone system's words.
var spellings = []struct{ text, state string }{
	{`,"state":"alerting"`, "ring"}, {`,"state":"connected"`, "answer"}, {`,"state":"null"`, "hangup"},
	{`,"state":"ring"`, "ring"}, {`,"state":"answer"`, "answer"}, {`,"state":"hangup"`, "hangup"},
}

func stateOf(data []byte) string {
	for _, s := range spellings {
		if bytes.Contains(data, []byte(s.text)) {
			return s.state
		}
	}
	return ""
}

// await waits until so many events were heard since the seats were taken, and a moment longer for what should not come. It
// gives up without a word: what is missing will be counted.
func (c *crowd) await(events int) {
	for began := time.Now(); c.calls.Load() < int64(events) && time.Since(began) < 5*time.Second; {
		time.Sleep(10 * time.Millisecond)
	}
	time.Sleep(200 * time.Millisecond)
}

// leave closes all connections and waits for their end. After that, heard may be read.
func (c *crowd) leave() {
	c.over.Store(true)
	for _, s := range c.seats {
		if s != nil {
			_ = s.conn.Close() // it may be over already
		}
	}
	c.work.Wait()
}
