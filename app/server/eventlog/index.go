package eventlog

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// seqBits of a row's id hold the update's number, the bits above the stream.
const seqBits = 36

func rowID(stream int64, seq uint64) int64 { return stream<<seqBits | int64(seq&(1<<seqBits-1)) }

// entry is the last row of a key.
type entry struct {
	id    int64
	until int64
}

// index knows, for each key, the row that holds its state, and how far each stream was released for pruning.
type index struct {
	mu       sync.Mutex
	last     map[int64]map[string]entry // by system
	needed   map[int64]bool             // ids of last rows
	stale    []int64                    // ids behind the pruned part that nobody needs any more
	pruned   map[int64]int64            // stream -> rows up to this id are pruned
	released map[int64]int64            // stream -> rows up to this id may be
	newest   map[int64]int64            // stream -> its last row
}

func newIndex() *index {
	return &index{
		last: make(map[int64]map[string]entry), needed: make(map[int64]bool),
		pruned: make(map[int64]int64), released: make(map[int64]int64), newest: make(map[int64]int64),
	}
}

// readIndex makes the index of a file.
func readIndex(ctx context.Context, f *file) (*index, error) {
	idx := newIndex()
	systems := make(map[int64]int64)
	rows, err := f.reader.QueryContext(ctx, `SELECT id, system FROM streams`)
	if err != nil {
		return nil, fmt.Errorf("read streams: %w", err)
	}
	defer rows.Close() // Err tells
	for rows.Next() {
		var stream, sys int64
		if err := rows.Scan(&stream, &sys); err != nil {
			return nil, fmt.Errorf("read streams: %w", err)
		}
		systems[stream] = sys
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read streams: %w", err)
	}
	return idx, idx.readRows(ctx, f, systems)
}

func (x *index) readRows(ctx context.Context, f *file, systems map[int64]int64) error {
	rows, err := f.reader.QueryContext(ctx, `SELECT id, key, gone, until FROM updates ORDER BY id`)
	if err != nil {
		return fmt.Errorf("read rows: %w", err)
	}
	defer rows.Close() // Err tells
	for rows.Next() {
		var e entry
		var key, gone string
		if err := rows.Scan(&e.id, &key, &gone, &e.until); err != nil {
			return fmt.Errorf("read rows: %w", err)
		}
		stream := e.id >> seqBits
		if _, seen := x.pruned[stream]; !seen {
			x.pruned[stream] = e.id - 1
		}
		x.put(systems[stream], e, key, gone)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read rows: %w", err)
	}
	return nil
}

// put notes the newest row of a key. Rows of one system come in their order.
func (x *index) put(sys int64, e entry, key, gone string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	keys := x.last[sys]
	if keys == nil {
		keys = make(map[string]entry)
		x.last[sys] = keys
	}
	if stream := e.id >> seqBits; x.pruned[stream] == 0 {
		x.pruned[stream] = e.id - 1
	}
	x.newest[e.id>>seqBits] = e.id
	if old, ok := keys[key]; ok {
		x.unneeded(old.id)
	}
	if old, ok := keys[gone]; ok && gone != "" {
		x.unneeded(old.id)
		delete(keys, gone)
	}
	keys[key] = e
	x.needed[e.id] = true
}

// unneeded gives a row up. Behind the pruned part nobody comes by again, so it is noted.
func (x *index) unneeded(id int64) {
	delete(x.needed, id)
	if id <= x.pruned[id>>seqBits] {
		x.stale = append(x.stale, id)
	}
}

// expire gives up the states that nobody needs after now.
func (x *index) expire(now time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	ms := now.UnixMilli()
	for _, keys := range x.last {
		for key, e := range keys {
			if e.until < ms {
				x.unneeded(e.id)
				delete(keys, key)
			}
		}
	}
}

// states lists the rows that hold the states of a system.
func (x *index) states(sys int64, now time.Time) []int64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	var ids []int64
	for _, e := range x.last[sys] {
		if e.until >= now.UnixMilli() {
			ids = append(ids, e.id)
		}
	}
	return ids
}

// release lets a stream be pruned up to a row.
func (x *index) release(stream, id int64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.released[stream] = max(x.released[stream], id)
}

// piece is a range of rows to delete, except for some.
type piece struct {
	stream   int64
	from, to int64 // from excluded
	except   []int64
	stale    []int64
}

// next gives the next piece of at most n rows; false if less than least are to be pruned.
func (x *index) next(least, n int) (piece, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	p := piece{stale: x.stale[:min(n, len(x.stale))], except: []int64{}} // never nil: null would keep every row
	for stream, to := range x.released {
		from := x.pruned[stream]
		to = min(to, x.newest[stream])
		if from >= to {
			delete(x.released, stream)
			continue
		}
		if to-from < int64(least) {
			continue
		}
		p.stream, p.from, p.to = stream, from, min(to, from+int64(n))
		for id := p.from + 1; id <= p.to; id++ {
			if x.needed[id] {
				p.except = append(p.except, id)
			}
		}
		break
	}
	return p, p.to > p.from || len(p.stale) >= max(least, 1)
}

// pruneDone notes that a piece is gone.
func (x *index) pruneDone(p piece) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.stale = x.stale[len(p.stale):]
	if p.to > p.from {
		x.pruned[p.stream] = p.to
	}
}
