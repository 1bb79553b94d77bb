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
// latency from handing over to durable.
func BenchmarkCommit(b *testing.B) {
	const perSecond = 2000
	n := max(b.N, 2*perSecond)
	l := open(b, filepath.Join(b.TempDir(), "log.db"), Options{})
	update := call(1, "c", false)
	plainLatency := paced(n, perSecond, plainFile(b, 1000))
	logLatency := paced(n, perSecond, func(i int, done func()) {
		u := update
		u.Seq = uint64(i + 1)
		u.Call.ID = "c"
		l.Append([]owner.Update{u}, func(err error) {
			if err != nil {
				b.Error(err)
			}
			done()
		})
	})
	for _, p := range []struct {
		name string
		at   float64
	}{{"p50", 0.50}, {"p99", 0.99}} {
		value, floor := at(logLatency, p.at), at(plainLatency, p.at)
		b.ReportMetric(float64(value.Microseconds()), p.name+"-µs")
		b.ReportMetric(float64(floor.Microseconds()), p.name+"-floor-µs")
		b.ReportMetric(float64(value)/float64(floor), p.name+"-ratio")
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
				_, _ = f.Write(record) //nolint:errcheck // a floor, not a product
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
		_ = f.Close() //nolint:errcheck // a floor, not a product
	})
	return func(_ int, done func()) { queue <- done }
}
