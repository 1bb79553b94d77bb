package eventlog

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/server/owner"
)

// BenchmarkCommit holds the log against a plain file with fdatasync, both with group commit at 2,000 writes a second: the
// latency from handing over to durable. Log and file take turns, since a disk has moods; the median round counts.
func BenchmarkCommit(b *testing.B) {
	const perSecond, rounds = 2000, 5
	n := max(b.N/rounds, perSecond)
	l := open(b, filepath.Join(b.TempDir(), "log.db"), Options{})
	plain := plainFile(b, 1000)
	seq := uint64(0)
	var values, floors [2][]time.Duration
	for range rounds {
		floor := paced(n, perSecond, plain)
		value := paced(n, perSecond, func(_ int, done func()) {
			seq++
			l.Append([]owner.Update{call(seq, "c", false)}, func(err error) {
				if err != nil {
					b.Error(err)
				}
				done()
			})
		})
		for i, q := range []float64{0.50, 0.99} {
			values[i], floors[i] = append(values[i], at(value, q)), append(floors[i], at(floor, q))
		}
	}
	for i, name := range []string{"p50", "p99"} {
		slices.Sort(values[i])
		slices.Sort(floors[i])
		value, floor := at(values[i], 0.5), at(floors[i], 0.5)
		b.ReportMetric(float64(value.Microseconds()), name+"-µs")
		b.ReportMetric(float64(floor.Microseconds()), name+"-floor-µs")
		b.ReportMetric(float64(value)/float64(floor), name+"-ratio")
	}
}

// paced hands over n writes at an even pace and returns how long each took, sorted.
func paced(n, perSecond int, write func(i int, done func())) []time.Duration {
	took := make([]time.Duration, n)
	left := make(chan struct{}, n)
	start := time.Now()
	for i := range n {
		due := start.Add(time.Duration(i) * time.Second / time.Duration(perSecond))
		time.Sleep(time.Until(due))
		begun := time.Now()
		write(i, func() {
			took[i] = time.Since(begun)
			left <- struct{}{}
		})
	}
	for range n {
		<-left
	}
	slices.Sort(took)
	return took
}

func at(sorted []time.Duration, q float64) time.Duration {
	return sorted[int(q*float64(len(sorted)-1))]
}

// plainFile appends records of a size to a file, with one fdatasync for all that wait.
func plainFile(b *testing.B, size int) func(i int, done func()) {
	b.Helper()
	f, err := os.Create(filepath.Join(b.TempDir(), fmt.Sprintf("plain-%d", size)))
	require.NoError(b, err)
	queue := make(chan func(), 1<<16)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		record := make([]byte, size)
		for first := range queue {
			group := []func(){first}
			for more := true; more; {
				select {
				case d, ok := <-queue:
					if more = ok; ok {
						group = append(group, d)
					}
				default:
					more = false
				}
			}
			for range group {
				_, _ = f.Write(record) // a floor, not a product
			}
			datasync(f)
			for _, d := range group {
				d()
			}
		}
	}()
	b.Cleanup(func() {
		close(queue)
		<-ended
		_ = f.Close() // a floor, not a product
	})
	return func(_ int, done func()) { queue <- done }
}
