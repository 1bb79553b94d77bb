package bench

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

// stamp is one event at its source.
type stamp struct {
	state     string
	extension int
	nanos     int64
}

// heard is one event of a call as it came in.
type heard struct {
	state string
	nanos int64
}

// readStamps reads a file that package load wrote: uuid, state, extension and nanoseconds in each line.
func readStamps(path string) (list []stamp, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("time stamps: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return parseStamps(f)
}

func parseStamps(r io.Reader) ([]stamp, error) {
	var list []stamp
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) != 4 {
			return nil, fmt.Errorf("time stamps: line %d has %d fields", len(list)+1, len(fields))
		}
		extension, extErr := strconv.Atoi(fields[2])
		nanos, nanosErr := strconv.ParseInt(fields[3], 10, 64)
		if err := errors.Join(extErr, nanosErr); err != nil {
			return nil, fmt.Errorf("time stamps: line %d: %w", len(list)+1, err)
		}
		list = append(list, stamp{fields[1], extension, nanos})
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("time stamps: %w", err)
	}
	return list, nil
}

// place is where an event belongs: the calls of a phone come one after the other.
type place struct {
	extension int
	state     string
}

// delays pairs events with what was heard of them, in order for each phone and state, and gives how long those of the
// steady time since the first one took. missing is how many events nobody heard of, extra how much was heard that never
// happened.
func delays(stamps []stamp, steady time.Duration, hear func(yield func(extension int, h heard))) (took []time.Duration, missing, extra int) {
	if len(stamps) == 0 {
		return nil, 0, 0
	}
	waiting := map[place][]int64{}
	for _, s := range stamps {
		at := place{s.extension, s.state}
		waiting[at] = append(waiting[at], s.nanos)
	}
	last := stamps[0].nanos + int64(steady)
	missing = len(stamps)
	hear(func(extension int, h heard) {
		at := place{extension, h.state}
		if len(waiting[at]) == 0 {
			extra++
			return
		}
		begun := waiting[at][0]
		waiting[at] = waiting[at][1:]
		missing--
		if begun < last {
			took = append(took, time.Duration(h.nanos-begun))
		}
	})
	return took, missing, extra
}
