package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"deskbell/app/csta"
	"deskbell/app/pbx"
	"deskbell/app/server/eventlog"
	"deskbell/app/server/owner"
)

const (
	eventRate = 2000 // events a second, of the design
	plainSize = 1000 // bytes of a record in the plain file; about what the log writes of an event
)

// commits is how long it took from handing an event over until it was durable.
type commits struct{ p50, p99 time.Duration }

func commitsOf(took []time.Duration) commits {
	return commits{quantile(took, 0.5), quantile(took, 0.99)}
}

// logAlone writes events into a log of its own in dir, at the design's rate.
func logAlone(ctx context.Context, dir string, length time.Duration) (commits, error) {
	path := filepath.Join(dir, fmt.Sprintf("log-%d.db", time.Now().UnixNano()))
	l, err := eventlog.Open(ctx, path, eventlog.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return commits{}, err
	}
	failures := make(chan error, 1)
	took := paced(length, func(i int, done func()) {
		l.Append([]owner.Update{update(i)}, func(err error) {
			if err != nil {
				select {
				case failures <- err:
				default:
				}
			}
			done()
		})
	})
	err = l.Close()
	select {
	case failed := <-failures:
		err = errors.Join(err, failed)
	default:
	}
	for _, end := range []string{"", "-wal", "-shm"} {
		if rmErr := os.Remove(path + end); rmErr != nil && !errors.Is(rmErr, os.ErrNotExist) {
			err = errors.Join(err, rmErr)
		}
	}
	return commitsOf(took), err
}

// update is the i-th event of 1000 calls in turn: ring, answer, end.
func update(i int) owner.Update {
	now := time.Now()
	n, step := i/3, i%3
	id := csta.CallID(fmt.Sprintf("0191f7c4-6f3c-7d1e-9c55-%012d", n))
	device := csta.DeviceID(fmt.Sprintf("%d", 10_000+n%1000))
	leg := owner.Leg{
		ID: csta.ConnectionID{CallID: id, DeviceID: device}, Key: pbx.LegKey{Call: string(id), Device: device}, Incarnation: 1,
		State: [...]csta.State{csta.Alerting, csta.Connected, csta.Null}[step], FarState: csta.Connected, Direction: csta.Incoming,
		Far: owner.Party{Name: "Caller"}, Began: now, StateSince: now, LastNews: now, Expires: now.Add(time.Minute),
	}
	if step == 2 {
		leg.Ended = now
	}
	return owner.Update{
		Tenant: "default", System: "nfon", Epoch: "bench", Seq: uint64(i + 1), Event: csta.DeliveredEvent, Device: device, Leg: leg.ID,
		Received: now, Vendor: "2026-01-01T00:00:00Z", Call: &owner.Call{ID: id, Tenant: "default", System: "nfon", Began: now, Legs: []owner.Leg{leg}},
	}
}

// plainFile appends records to a plain file, with one fdatasync for all that wait.
func plainFile(dir string, length time.Duration) (c commits, err error) {
	f, err := os.CreateTemp(dir, "plain-")
	if err != nil {
		return c, fmt.Errorf("plain file: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	queue, ended := make(chan func(), 1<<16), make(chan error, 1)
	go func() { ended <- syncGroups(f, queue) }()
	took := paced(length, func(_ int, done func()) { queue <- done })
	close(queue)
	return commitsOf(took), <-ended
}

func syncGroups(f *os.File, queue <-chan func()) error {
	record := make([]byte, plainSize)
	for first := range queue {
		group := []func(){first}
		for more := true; more; {
			select {
			case done, open := <-queue:
				if more = open; open {
					group = append(group, done)
				}
			default:
				more = false
			}
		}
		for range group {
			if _, err := io.Writer(f).Write(record); err != nil {
				return fmt.Errorf("plain file: %w", err)
			}
		}
		if err := unix.Fdatasync(int(f.Fd())); err != nil {
			return fmt.Errorf("plain file: %w", err)
		}
		for _, done := range group {
			done()
		}
	}
	return nil
}

// paced hands writes over at the design's rate and tells how long each took.
func paced(length time.Duration, write func(i int, done func())) []time.Duration {
	n := int(length.Seconds() * eventRate)
	took, left := make([]time.Duration, n), make(chan struct{}, n)
	start := time.Now()
	for i := range n {
		time.Sleep(time.Until(start.Add(time.Duration(i) * time.Second / eventRate)))
		begun := time.Now()
		write(i, func() {
			took[i] = time.Since(begun)
			left <- struct{}{}
		})
	}
	for range n {
		<-left
	}
	return took
}

// logRows measures the log beside a plain file.
func (b *bench) logRows(ctx context.Context, _ int) error {
	length := b.span(3 * time.Second)
	plain, err := plainFile(b.dir, length)
	if err != nil {
		return err
	}
	own, err := logAlone(ctx, b.dir, length)
	if err != nil {
		return err
	}
	for _, row := range []struct {
		name         string
		value, floor time.Duration
		factor       float64
	}{{"log_commit_p50", own.p50, plain.p50, 1.3}, {"log_commit_p99", own.p99, plain.p99, 3}} {
		b.book.add(spec{
			name: row.name, unit: "ms", rule: fmt.Sprintf("≤ %g × floor", row.factor),
			note: "2,000 writes/s, from handing over to durable; floor: a plain file with fdatasync, group commit as well",
		}, within(ms(row.value), ms(row.floor), row.factor*ms(row.floor)))
	}
	return nil
}
