package nfon

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// eventReader reads server-sent events. go-sse was tried: it ends the stream at an event over its limit, hands out half an
// event at the end of the stream and does not tell comments, all of which matter here.
type eventReader struct {
	in      *bufio.Reader
	line    []byte
	data    []byte
	hasData bool
	tooLong bool
	afterCR bool
	started bool
}

// news is what the reader found: exactly one of the fields is set.
type news struct {
	data    []byte // payload of one event; valid until the next call
	comment bool   // a comment line, which servers send as a sign of life
	tooLong bool   // an event over the limit was dropped
}

var errEndlessLine = errors.New("line without an end")

func newEventReader(r io.Reader) *eventReader {
	return &eventReader{in: bufio.NewReaderSize(r, 16<<10)}
}

// between reports whether everything read so far has been handed out.
func (r *eventReader) between() bool { return len(r.line) == 0 && !r.hasData && !r.tooLong }

// next returns the next news, or the error that ended the stream; half an event before it is dropped.
func (r *eventReader) next() (news, error) {
	for {
		long, err := r.readLine()
		if err != nil {
			return news{}, err
		}
		line := r.line
		r.line = r.line[:0]
		if !r.started {
			r.started = true
			line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
		}
		switch {
		case len(line) == 0:
			if n, ok := r.dispatch(); ok {
				return n, nil
			}
		case line[0] == ':':
			return news{comment: true}, nil
		default:
			r.field(line, long)
		}
	}
}

func (r *eventReader) dispatch() (news, bool) {
	n := news{data: r.data, tooLong: r.tooLong}
	ok := r.hasData || r.tooLong
	if r.tooLong {
		n.data = nil
	}
	r.data, r.hasData, r.tooLong = r.data[:0], false, false
	return n, ok
}

// field keeps data lines; event, id and retry are not documented by NFON and mean nothing here.
func (r *eventReader) field(line []byte, long bool) {
	name, value, _ := bytes.Cut(line, []byte(":"))
	if string(name) != "data" {
		return
	}
	value = bytes.TrimPrefix(value, []byte(" "))
	if long || len(r.data)+len(value)+1 > maxEvent+16 {
		r.tooLong, r.data = true, r.data[:0]
		return
	}
	if r.hasData {
		r.data = append(r.data, '\n')
	}
	r.data, r.hasData = append(r.data, value...), true
}

// readLine puts the next line without its end into r.line, at most a little more than maxEvent of it; long reports a cut.
func (r *eventReader) readLine() (long bool, err error) {
	skipped := 0
	for {
		if _, err := r.in.Peek(1); err != nil {
			return false, err
		}
		chunk, _ := r.in.Peek(r.in.Buffered())
		if r.afterCR && chunk[0] == '\n' {
			r.afterCR = false
			r.in.Discard(1) //nolint:errcheck // what was peeked can be discarded
			continue
		}
		r.afterCR = false
		end := bytes.IndexAny(chunk, "\r\n")
		text := chunk
		if end >= 0 {
			text = chunk[:end]
		}
		room := maxEvent + 16 - len(r.line) // 16: the field's name is not counted
		if len(text) > room {
			skipped += len(text) - room
			text = text[:room]
		}
		r.line = append(r.line, text...)
		if end >= 0 {
			r.afterCR = chunk[end] == '\r'
			r.in.Discard(end + 1) //nolint:errcheck // as above
			return skipped > 0, nil
		}
		r.in.Discard(len(chunk)) //nolint:errcheck // as above
		if skipped > maxSkip {
			return false, errEndlessLine
		}
	}
}
