// Package record keeps what happened in the lab, in order: bounded in memory for tests and the page, whole on disk as JSON lines.
package record

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"time"
)

// Entry is one fact. Data is the typed value its source recorded and must encode as a JSON object; it is never changed
// after it was added, so readers may share it.
type Entry struct {
	Seq    uint64    // counts from 1 without gaps over all sources of one Log
	Time   time.Time // wall clock with nanoseconds, UTC when encoded
	Source string    // "nfon", "crm", "script"
	Kind   string    // what Data is, in the words of the source
	Data   any
}

// MarshalJSON writes the entry as one flat object: seq, time, source and kind first, then the fields of Data.
func (e Entry) MarshalJSON() ([]byte, error) {
	data, err := json.Marshal(e.Data)
	if err != nil {
		return nil, fmt.Errorf("encode %s of %s: %w", e.Kind, e.Source, err)
	}
	b := append([]byte(nil), `{"seq":`...)
	b = strconv.AppendUint(b, e.Seq, 10)
	b = append(b, `,"time":"`...)
	b = e.Time.UTC().AppendFormat(b, time.RFC3339Nano)
	b = append(b, `","source":`...)
	b = strconv.AppendQuoteToASCII(b, e.Source)
	b = append(b, `,"kind":`...)
	b = strconv.AppendQuoteToASCII(b, e.Kind)
	if len(data) > 2 && data[0] == '{' {
		b = append(b, ',')
		return append(b, data[1:]...), nil
	}
	return append(b, '}'), nil
}

// Sink is a place on disk that gets the entries it wants, one line each, written before Add returns.
type Sink struct {
	W    io.Writer
	Want func(Entry) bool // nil takes all
}

// Log is safe for use by several goroutines.
type Log struct {
	mu      sync.Mutex
	entries []Entry // the newest, at most keep
	keep    int
	seq     uint64
	sinks   []Sink
	files   []*os.File
	failed  error
	news    chan struct{} // closed and replaced by each Add
}

// New makes a Log that keeps the newest `keep` entries in memory; 0 means 20,000.
func New(keep int) *Log {
	if keep <= 0 {
		keep = 20_000
	}
	return &Log{keep: keep, news: make(chan struct{})}
}

// ToFile adds a file that gets every entry `want` accepts (nil: all) as a JSON line. An existing file is continued, so
// that a restarted lab does not wipe the evidence of the run before.
func (l *Log) ToFile(path string, want func(Entry) bool) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.files = append(l.files, f)
	l.sinks = append(l.sinks, Sink{W: f, Want: want})
	return nil
}

// Add records a fact and returns its entry. A sink that cannot be written does not stop the lab; Err tells of it.
func (l *Log) Add(source, kind string, data any) Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seq++
	e := Entry{Seq: l.seq, Time: time.Now(), Source: source, Kind: kind, Data: data}
	if len(l.entries) >= 2*l.keep {
		l.entries = append(l.entries[:0], l.entries[len(l.entries)-l.keep:]...)
	}
	l.entries = append(l.entries, e)
	l.write(e)
	close(l.news)
	l.news = make(chan struct{})
	return e
}

func (l *Log) write(e Entry) {
	var line []byte
	for _, s := range l.sinks {
		if s.Want != nil && !s.Want(e) {
			continue
		}
		if line == nil {
			b, err := json.Marshal(e)
			if err != nil {
				l.failed = errors.Join(l.failed, err)
				return
			}
			line = append(b, '\n')
		}
		if _, err := s.W.Write(line); err != nil && l.failed == nil {
			l.failed = fmt.Errorf("write log: %w", err)
		}
	}
}

// Err is the first trouble with a sink, nil while all lines were written.
func (l *Log) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed
}

// Last is the number of the newest entry, 0 when there is none.
func (l *Log) Last() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.seq
}

// Since returns the kept entries with a number above after, oldest first.
func (l *Log) Since(after uint64) []Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Entry(nil), l.since(after)...)
}

func (l *Log) since(after uint64) []Entry {
	first := l.seq - uint64(len(l.entries)) // number before the oldest kept
	if after <= first {
		return l.entries
	}
	if after >= l.seq {
		return nil
	}
	return l.entries[after-first:]
}

// Await returns the first entry above after that match accepts, waiting for it until ctx ends.
func (l *Log) Await(ctx context.Context, after uint64, match func(Entry) bool) (Entry, error) {
	for {
		l.mu.Lock()
		fresh := append([]Entry(nil), l.since(after)...)
		after = max(after, l.seq)
		news := l.news
		l.mu.Unlock()
		for _, e := range fresh {
			if match(e) {
				return e, nil
			}
		}
		select {
		case <-news:
		case <-ctx.Done():
			return Entry{}, fmt.Errorf("await a fact: %w", context.Cause(ctx))
		}
	}
}

// Close closes the files of the log.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var errs []error
	for _, f := range l.files {
		errs = append(errs, f.Close())
	}
	l.files, l.sinks = nil, nil
	return errors.Join(errs...)
}

// Await waits on a Log for the first fact of type T above after that fits.
func Await[T any](ctx context.Context, l *Log, after uint64, fits func(T) bool) (T, error) {
	var found T
	_, err := l.Await(ctx, after, func(e Entry) bool {
		v, ok := e.Data.(T)
		if ok && fits(v) {
			found = v
			return true
		}
		return false
	})
	return found, err
}
