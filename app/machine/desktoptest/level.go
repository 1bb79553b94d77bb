//go:build linux

package desktoptest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os/exec"
	"sync"
	"time"
)

// Level is how loud 10 ms were, as root mean square from 0 to 1, and when they were heard.
type Level struct {
	At  time.Time
	RMS float64
	PCM []int16 // the sound itself, one channel of Rate samples a second
}

// Audible is the level from which on a tone counts as heard; the sound server itself adds nothing.
const Audible = 0.0005

// Rate is the number of samples a second in Level.PCM.
const Rate = 44100

const levelFrames = Rate / 100

// LevelRecorder listens to one output of the sound server.
type LevelRecorder struct {
	cmd    *exec.Cmd
	mu     sync.Mutex
	levels []Level
	news   chan struct{} // closed and replaced at every level
	done   chan struct{}
}

// RecordLevel listens to an output, Desk or Headset, and returns when it hears: the first block of a silent output is
// two seconds long, and a recorder that is used before would see only silence. The caller ends it with Close.
func (d *Desktop) RecordLevel(ctx context.Context, output string) (*LevelRecorder, error) {
	cmd := exec.Command("parec", "-d", output+".monitor", "--latency-msec=10", "--raw", "--format=s16le",
		fmt.Sprintf("--rate=%d", Rate), "--channels=1")
	cmd.Env, cmd.Stderr = d.Env(), d.out
	pcm, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("listen to an output: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("listen to an output: %w", err)
	}
	r := &LevelRecorder{cmd: cmd, news: make(chan struct{}), done: make(chan struct{})}
	go r.listen(pcm)
	// Three seconds of sound that came in real time prove that the long first block is over.
	_, err = r.await(ctx, func(levels []Level) (time.Time, bool) {
		n := len(levels)
		return time.Time{}, n > 300 && levels[n-1].At.Sub(levels[n-20].At) > 100*time.Millisecond
	})
	if err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

func (r *LevelRecorder) listen(pcm io.Reader) {
	defer close(r.done)
	block := make([]byte, 2*levelFrames)
	for {
		if _, err := io.ReadFull(pcm, block); err != nil {
			return // the sound server or Close ended the recording program
		}
		sum, pcm := 0.0, make([]int16, levelFrames)
		for i := range pcm {
			pcm[i] = int16(binary.LittleEndian.Uint16(block[2*i:]))
			s := float64(pcm[i]) / math.MaxInt16
			sum += s * s
		}
		r.mu.Lock()
		r.levels = append(r.levels, Level{time.Now(), math.Sqrt(sum / levelFrames), pcm})
		close(r.news)
		r.news = make(chan struct{})
		r.mu.Unlock()
	}
}

// Close ends the recording.
func (r *LevelRecorder) Close() {
	_ = r.cmd.Process.Kill() // fails only when it has ended
	<-r.done
	_ = r.cmd.Wait() // always "killed"
}

// Levels is everything heard since the given time.
func (r *LevelRecorder) Levels(since time.Time) []Level {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, l := range r.levels {
		if l.At.After(since) {
			return append([]Level(nil), r.levels[i:]...)
		}
	}
	return nil
}

// Await waits until what was heard since the given time fits.
func (r *LevelRecorder) Await(ctx context.Context, since time.Time, fits func([]Level) bool) error {
	_, err := r.await(ctx, func(levels []Level) (time.Time, bool) {
		for i, l := range levels {
			if l.At.After(since) {
				return time.Time{}, fits(levels[i:])
			}
		}
		return time.Time{}, false
	})
	return err
}

// Loudest is the highest level since the given time.
func (r *LevelRecorder) Loudest(since time.Time) float64 {
	top := 0.0
	for _, l := range r.Levels(since) {
		top = max(top, l.RMS)
	}
	return top
}

// AwaitSound gives the time at which the first sound after since was heard.
func (r *LevelRecorder) AwaitSound(ctx context.Context, since time.Time) (time.Time, error) {
	return r.await(ctx, func(levels []Level) (time.Time, bool) {
		for _, l := range levels {
			if l.At.After(since) && l.RMS > Audible {
				return l.At, true
			}
		}
		return time.Time{}, false
	})
}

// AwaitSilence waits until the output has been silent for the given time, which must be longer than the pauses in a
// tone, and gives the time at which that silence began.
func (r *LevelRecorder) AwaitSilence(ctx context.Context, since time.Time, length time.Duration) (time.Time, error) {
	return r.await(ctx, func(levels []Level) (time.Time, bool) {
		from := since
		for _, l := range levels {
			if !l.At.After(since) {
				continue
			}
			if l.RMS > Audible {
				from = l.At
			}
		}
		return from, len(levels) > 0 && levels[len(levels)-1].At.Sub(from) > length
	})
}

func (r *LevelRecorder) await(ctx context.Context, found func([]Level) (time.Time, bool)) (time.Time, error) {
	for {
		r.mu.Lock()
		at, ok := found(r.levels)
		news := r.news
		r.mu.Unlock()
		if ok {
			return at, nil
		}
		select {
		case <-news:
		case <-r.done:
			return time.Time{}, errors.New("listen to an output: the sound server is gone")
		case <-ctx.Done():
			return time.Time{}, fmt.Errorf("listen to an output: %w", ctx.Err())
		}
	}
}
