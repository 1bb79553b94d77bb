package nfon

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// reorderWindow is how long an event is held back for its successor.
const reorderWindow = 200 * time.Millisecond

// encode writes JSON the way a plain encoder does: <, > and & stay as they are.
func encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		// Only types of this package come here, and they all encode.
		panic(fmt.Sprintf("encode %T: %v", v, err))
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func lineEnd(sw *Switches) string {
	if sw.CRLF {
		return "\r\n"
	}
	return "\n"
}

func pingFrame(sw *Switches) []byte {
	if sw.PingStyle == "ping" {
		return []byte(": ping" + lineEnd(sw) + lineEnd(sw))
	}
	return []byte(":" + lineEnd(sw) + lineEnd(sw))
}

// frame puts a payload into an event-stream event.
func frame(sw *Switches, payload []byte) []byte {
	end := lineEnd(sw)
	b := make([]byte, 0, len(payload)+len(sw.EventLine)+32)
	if sw.EventLine != "" {
		b = append(b, "event: "...)
		b = append(b, sw.EventLine...)
		b = append(b, end...)
	}
	b = append(b, "data:"...)
	if !sw.DataNoSpace {
		b = append(b, ' ')
	}
	b = append(b, payload...)
	b = append(b, end...)
	return append(b, end...)
}

// publishCall frames an event of the calls feed, lets the switches spoil it, and hands it to the open streams.
// s.mu is held.
func (s *Server) publishCall(ev Event) {
	sw := s.sw.Load()
	s.events++
	streams := s.streamsOf(feedCalls)
	lost := slices.Contains(sw.Lose, ev.State)
	if lost {
		streams = nil
	}
	s.fact(KindEvent, EventFact{
		Number: s.events, UUID: ev.UUID, State: ev.State, Extension: ev.Extension, Error: ev.Error,
		Streams: len(streams), Lost: lost,
	})
	if len(streams) == 0 {
		return
	}
	if sw.PadBytes > 0 {
		ev.Padding = strings.Repeat("x", sw.PadBytes)
	}
	c := chunk{data: frame(sw, encode(ev)), number: s.events}
	s.lastFrame = c.data
	chunks := s.spoil(sw, c)
	if sw.ReorderEvents {
		chunks = s.swap(chunks)
	}
	for _, st := range streams {
		for _, c := range chunks {
			st.push(c)
		}
	}
}

// swap holds chunks back until the next ones are there, and then sends the next ones first.
func (s *Server) swap(chunks []chunk) []chunk {
	if held := s.held; held != nil {
		s.held = nil
		return append(chunks, held...)
	}
	s.held = chunks
	time.AfterFunc(reorderWindow, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		held := s.held
		s.held = nil
		for _, st := range s.streamsOf(feedCalls) {
			for _, c := range held {
				st.push(c)
			}
		}
	})
	return nil
}

// spoil adds what the hostile switches ask for to a good event.
func (s *Server) spoil(sw *Switches, c chunk) []chunk {
	nth := func(every int) bool { return every > 0 && s.events%uint64(every) == 0 }
	chunks := []chunk{c}
	if sw.SplitEvents {
		chunks = split(c)
	}
	if sw.DuplicateEvents {
		chunks = append(chunks, c)
	}
	if nth(sw.BrokenJSONEvery) {
		chunks = append(chunks, s.hostile(sw, BrokenJSON)...)
	}
	if nth(sw.LongLineEvery) {
		chunks = append(chunks, s.hostile(sw, LongLine)...)
	}
	if nth(sw.HalfEventEvery) {
		chunks = append(chunks, s.hostile(sw, HalfEvent)...)
	}
	return chunks
}

func split(c chunk) []chunk {
	half := len(c.data) / 2
	return []chunk{{data: c.data[:half], pause: true}, {data: c.data[half:], number: c.number}}
}

// Kinds of rubbish for Hostile.
const (
	BrokenJSON  = "broken_json"  // an event whose JSON stops in the middle
	LongLine    = "long_line"    // an event of long_line_bytes with an unknown state and an unknown uuid
	HalfEvent   = "half_event"   // part of an event, then a broken connection
	NotJSON     = "not_json"     // an event that is a web page
	WrongTypes  = "wrong_types"  // JSON whose fields have other types
	NoDataLine  = "no_data_line" // an event: line without data
	RepeatEvent = "repeat"       // the last event once more
)

var rubbish = []string{BrokenJSON, LongLine, HalfEvent, NotJSON, WrongTypes, NoDataLine, RepeatEvent}

// hostile makes the chunks of one kind of rubbish. s.mu is held.
func (s *Server) hostile(sw *Switches, kind string) []chunk {
	id := newUUID(sw)
	switch kind {
	case BrokenJSON:
		return []chunk{{data: frame(sw, []byte(`{"uuid":"`+id+`","state":"ri`))}}
	case LongLine:
		ev := Event{UUID: id, State: "padding", Padding: strings.Repeat("x", sw.LongLineBytes)}
		return []chunk{{data: frame(sw, encode(ev))}}
	case HalfEvent:
		return []chunk{{data: []byte(`data: {"uuid":"` + id + `","sta`), abort: true}}
	case NotJSON:
		return []chunk{{data: frame(sw, []byte("<html><body>502 Bad Gateway</body></html>"))}}
	case WrongTypes:
		return []chunk{{data: frame(sw, []byte(`{"uuid":17,"state":["ring"],"extension":{},"caller":null}`))}}
	case NoDataLine:
		return []chunk{{data: []byte("event: call" + lineEnd(sw) + "retry: x" + lineEnd(sw) + lineEnd(sw))}}
	case RepeatEvent:
		if s.lastFrame != nil {
			return []chunk{{data: s.lastFrame}}
		}
	}
	return nil
}

// Hostile sends one piece of rubbish to all open calls streams.
func (s *Server) Hostile(kind string) error {
	if !slices.Contains(rubbish, kind) {
		return fmt.Errorf("no rubbish is named %q; there is %s", kind, strings.Join(rubbish, ", "))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	chunks := s.hostile(s.sw.Load(), kind)
	for _, st := range s.streamsOf(feedCalls) {
		for _, c := range chunks {
			st.push(c)
		}
	}
	return nil
}

// Rubbish lists the kinds that Hostile sends.
func Rubbish() []string { return slices.Clone(rubbish) }
