package floor

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"deskbell/app/lab/bench/part"
	"deskbell/app/lab/load"
)

// LoadParams ask for a run of events. They go to the users in turn.
type LoadParams struct {
	Address string `json:"address"` // of Serve
	Users   int    `json:"users"`   // numbered from load.FirstExtension
	Rate    int    `json:"rate"`    // events a second
	MS      int64  `json:"ms"`      // length of the run
	Stamps  string `json:"stamps"`  // file that gets a line per event, as package load writes it
}

// LoadResult is what a run did.
type LoadResult struct {
	Events   int     `json:"events"`
	Rate     float64 `json:"rate"`
	BehindMS float64 `json:"behind_ms"`
}

// Load runs the load generator of the floor as a part.
func Load(ctx context.Context, in io.Reader, out io.Writer) error {
	return part.Serve(ctx, in, out, struct{}{}, func(ctx context.Context, _ string, params json.RawMessage) (any, error) {
		var p LoadParams
		if err := json.Unmarshal(params, &p); err != nil {
			return nil, fmt.Errorf("parameters: %w", err)
		}
		return run(ctx, p)
	})
}

// connections is how many requests may be on their way at a time.
const connections = 16

// post is one event to be sent.
type post struct {
	user  int
	state string
}

func run(ctx context.Context, p LoadParams) (r LoadResult, err error) {
	file, err := os.Create(p.Stamps)
	if err != nil {
		return r, fmt.Errorf("open time stamps: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	stamps := bufio.NewWriterSize(file, 1<<16)
	posts, failed := make(chan post, 1<<12), make(chan error, connections)
	var senders sync.WaitGroup
	for range connections {
		s, err := dialSender(ctx, p.Address)
		if err != nil {
			close(posts)
			return r, err
		}
		senders.Go(func() {
			defer s.close()
			for e := range posts {
				if err := s.send(e); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	err = pace(ctx, p, posts, stamps, &r)
	close(posts)
	senders.Wait()
	select {
	case sendErr := <-failed:
		err = errors.Join(err, sendErr)
	default:
	}
	return r, errors.Join(err, stamps.Flush())
}

var states = [...]string{"ring", "answer", "hangup"}

// pace hands events over at an even rate, in the same steps of a millisecond as the simulated telephone system.
func pace(ctx context.Context, p LoadParams, posts chan<- post, stamps io.Writer, r *LoadResult) error {
	began := time.Now()
	epoch, gap := began.UnixNano(), time.Second/time.Duration(p.Rate)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		elapsed := time.Since(began)
		if elapsed >= time.Duration(p.MS)*time.Millisecond {
			r.Rate = float64(r.Events) / elapsed.Seconds()
			return nil
		}
		for due := int(elapsed.Seconds() * float64(p.Rate)); r.Events < due; r.Events++ {
			behind := time.Since(began) - time.Duration(r.Events)*gap
			r.BehindMS = max(r.BehindMS, float64(behind)/1e6)
			e := post{user: load.FirstExtension + r.Events%p.Users, state: states[r.Events/p.Users%len(states)]}
			if _, err := fmt.Fprintf(stamps, "- %s %d %d\n", e.state, e.user, epoch+int64(time.Since(began))); err != nil {
				return fmt.Errorf("write time stamps: %w", err)
			}
			posts <- e
		}
	}
}

// sender is one connection that posts. It writes requests by hand: the floor must not wait for its load generator.
type sender struct {
	conn net.Conn
	in   *bufio.Reader
	buf  []byte
}

func dialSender(ctx context.Context, address string) (*sender, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("dial the floor: %w", err)
	}
	return &sender{conn: conn, in: bufio.NewReader(conn)}, nil
}

func (s *sender) close() { _ = s.conn.Close() } // nothing is pending on it

// send posts one event, about as long as one of the telephone system, and reads the answer's head; it has no body.
func (s *sender) send(e post) error {
	const body = `{"jsonrpc":"2.0","method":"call","params":{"uuid":"0191f7c4-6f3c-7d1e-9c55-000000000000","caller":"+493023125000",` +
		`"callee":"10000","extension":"10000","direction":"inbound","state":"`
	b := append(s.buf[:0], "POST /event?to="...)
	b = strconv.AppendInt(b, int64(e.user), 10)
	b = append(b, " HTTP/1.1\r\nHost: floor\r\nContent-Type: application/json\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(body)+len(e.state)+len(`"}}`)), 10)
	b = append(append(append(b, "\r\n\r\n"...), body...), e.state...)
	s.buf = append(b, `"}}`...)
	if _, err := s.conn.Write(s.buf); err != nil {
		return fmt.Errorf("post: %w", err)
	}
	for first := true; ; first = false {
		line, err := s.in.ReadSlice('\n')
		switch {
		case err != nil:
			return fmt.Errorf("read the answer: %w", err)
		case first && string(line) != "HTTP/1.1 204 No Content\r\n":
			return fmt.Errorf("the floor answered %q", line)
		case len(line) == len("\r\n"):
			return nil
		}
	}
}
