// Package load drives many phones through the simulated telephone system at a steady rate and notes when each event was due to be read.
package load

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"deskbell/app/lab/nfon"
)

// tick is how often the generator looks whether events are due. Within a tick they come at once.
const tick = time.Millisecond

// Options of a run.
type Options struct {
	Extensions int           // phones, numbered from FirstExtension
	Rate       int           // call events per second
	Duration   time.Duration // of the steady part; calls still open then are ended
	Stamps     io.Writer     // one line per event: uuid, state, extension, nanoseconds since 1970; nil: none
}

// FirstExtension is the number of the first phone.
const FirstExtension = 10_000

// Summary is what a run did.
type Summary struct {
	Extensions int     `json:"extensions"`
	Events     int     `json:"events"`
	Calls      int     `json:"calls"`
	Seconds    float64 `json:"seconds"`
	Rate       float64 `json:"rate"`        // events per second that were reached
	Behind     float64 `json:"behind_ms"`   // the longest time an event was later than planned
	Streams    int     `json:"streams"`     // open calls streams at the end
	PerSecond  int     `json:"rate_wanted"` // what was asked for
}

// Phones makes the phones of a run.
func Phones(n int) []nfon.Phone {
	list := make([]nfon.Phone, n)
	for i := range list {
		ext := strconv.Itoa(FirstExtension + i)
		list[i] = nfon.Phone{Extension: ext, Name: "Agent " + ext, Presence: "available"}
	}
	return list
}

// Switches are the defaults without what would cost time or end calls by itself.
func Switches() *nfon.Switches {
	sw := nfon.Defaults()
	sw.RingTimeout = 0
	return &sw
}

// Run generates calls until the duration is over or ctx ends. Every third event is a ring, an answer, a hangup; a phone
// has one call at a time. One goroutine does all of it.
func Run(ctx context.Context, s *nfon.Server, o Options) (Summary, error) {
	if o.Extensions < 4 || o.Rate < 1 {
		return Summary{}, fmt.Errorf("load needs 4 extensions and 1 event per second, not %d and %d", o.Extensions, o.Rate)
	}
	g := &generator{s: s, o: o, began: time.Now(), window: max(2, min(o.Extensions/2, o.Rate/2))}
	g.epoch = g.began.UnixNano()
	if o.Stamps != nil {
		g.out = bufio.NewWriterSize(o.Stamps, 1<<16)
	}
	err := g.steady(ctx)
	steady := time.Since(g.began)
	events := g.events
	if drained := g.drain(); err == nil {
		err = drained
	}
	if g.out != nil {
		if flushed := g.out.Flush(); err == nil {
			err = flushed
		}
	}
	return Summary{
		Extensions: o.Extensions, Events: g.events, Calls: g.rung, Seconds: steady.Seconds(), PerSecond: o.Rate,
		Rate: float64(events) / steady.Seconds(), Behind: g.behind.Seconds() * 1000, Streams: s.StreamCount("calls"),
	}, err
}

// generator rings phones in order, answers them half a window later and hangs up a window later.
type generator struct {
	s      *nfon.Server
	o      Options
	out    *bufio.Writer
	began  time.Time
	epoch  int64 // began, in nanoseconds since 1970; later times add the monotonic clock
	window int
	uuids  []string // of the calls by phone

	rung, answered, ended int
	events                int
	behind                time.Duration
	line                  []byte
}

func (g *generator) steady(ctx context.Context) error {
	g.uuids = make([]string, g.o.Extensions)
	t := time.NewTicker(tick)
	defer t.Stop()
	gap := time.Second / time.Duration(g.o.Rate)
	for {
		select {
		case <-ctx.Done():
			return nil // an early end is an end
		case <-t.C:
		}
		elapsed := time.Since(g.began)
		if elapsed >= g.o.Duration {
			return nil
		}
		for due := int(elapsed.Seconds() * float64(g.o.Rate)); g.events < due; {
			g.behind = max(g.behind, time.Since(g.began)-time.Duration(g.events)*gap)
			if err := g.next(); err != nil {
				return err
			}
		}
	}
}

// next does what is most overdue: while calls fill the window it rings more than it ends.
func (g *generator) next() error {
	switch {
	case g.rung-g.ended >= g.window:
		return g.hangUp()
	case g.rung-g.answered >= (g.window+1)/2:
		return g.answer()
	}
	return g.ring()
}

func (g *generator) drain() error {
	for g.ended < g.rung {
		if g.answered == g.ended {
			if err := g.answer(); err != nil {
				return err
			}
		}
		if err := g.hangUp(); err != nil {
			return err
		}
	}
	return nil
}

func (g *generator) ext(n int) (index int, extension string) {
	index = n % g.o.Extensions
	return index, strconv.Itoa(FirstExtension + index)
}

func (g *generator) ring() error {
	i, ext := g.ext(g.rung)
	caller := "+493023125" + fmt.Sprintf("%03d", g.rung%1000)
	at := g.clock()
	id, err := g.s.RingInbound(nfon.Caller{Number: caller}, ext)
	if err != nil {
		return err
	}
	g.uuids[i] = id
	g.rung++
	return g.stamp(i, "ring", at)
}

func (g *generator) answer() error {
	i, ext := g.ext(g.answered)
	at := g.clock()
	if err := g.s.Answer(ext); err != nil {
		return err
	}
	g.answered++
	return g.stamp(i, "answer", at)
}

func (g *generator) hangUp() error {
	i, ext := g.ext(g.ended)
	at := g.clock()
	if err := g.s.HangUp(ext); err != nil {
		return err
	}
	g.ended++
	return g.stamp(i, "hangup", at)
}

// clock is nanoseconds since 1970 that only move forward.
func (g *generator) clock() int64 { return g.epoch + int64(time.Since(g.began)) }

func (g *generator) stamp(index int, state string, at int64) error {
	g.events++
	if g.out == nil {
		return nil
	}
	b := append(g.line[:0], g.uuids[index]...)
	b = append(b, ' ')
	b = append(b, state...)
	b = append(b, ' ')
	b = strconv.AppendInt(b, int64(FirstExtension+index), 10)
	b = append(b, ' ')
	b = strconv.AppendInt(b, at, 10)
	g.line = append(b, '\n')
	if _, err := g.out.Write(g.line); err != nil {
		return fmt.Errorf("write time stamps: %w", err)
	}
	return nil
}
