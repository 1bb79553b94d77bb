//go:build cgo

package sound

import (
	"errors"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gen2brain/malgo"

	"deskbell/assets"
)

const (
	// noClick is the shortest fade at the end: a wave cut off at its crest is heard as a click.
	noClick = 5 * time.Millisecond
	// stallLimit is how long a device may ask for nothing before it counts as lost.
	stallLimit = time.Second
	// maxPause bounds the wait between two tries to reach the sound server while a looped tone should sound.
	maxPause = 2 * time.Second
)

// errStopped ends a voice on request.
var errStopped = errors.New("stopped")

// voice is one playing tone, owned by its run goroutine.
type voice struct {
	id     ID
	tone   Tone
	log    *slog.Logger
	report func(Event)
	stop   chan struct{}
	once   sync.Once
}

// quit asks the voice to end; safe more than once.
func (v *voice) quit() { v.once.Do(func() { close(v.stop) }) }

func (v *voice) trouble(err error) { v.report(Event{Tone: v.id, Kind: Trouble, Err: err}) }

// run plays to the end. A sound server that is missing or goes away is tried again while there is a loop to play;
// a tone that sounds once is not worth hearing late.
func (v *voice) run() {
	src, err := v.source()
	if err != nil {
		v.trouble(err)
		return
	}
	pause := 100 * time.Millisecond
	told := false
	for {
		started, err := v.play(src)
		switch {
		case err == nil, errors.Is(err, errStopped):
			return
		case errors.Is(err, ErrBadFile):
			v.trouble(err)
			if src = v.builtin(); src == nil {
				return
			}
			continue
		}
		if started {
			pause, told = 100*time.Millisecond, false
		}
		if !told {
			v.trouble(err)
			told = true
		}
		if !v.tone.Loop || !v.wait(pause) {
			return
		}
		pause = min(2*pause, maxPause)
	}
}

// wait sleeps unless stopped.
func (v *voice) wait(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-v.stop:
		return false
	}
}

// source opens the user's own file, or the built-in tone if there is none or it is broken.
func (v *voice) source() (*source, error) {
	if v.tone.Path == "" {
		return v.openBuiltin()
	}
	data, err := readOwn(v.tone.Path)
	if err == nil {
		var src *source
		if src, err = decode(data, v.tone.Loop); err == nil {
			return src, nil
		}
	}
	v.trouble(err)
	return v.openBuiltin()
}

func (v *voice) openBuiltin() (*source, error) {
	data, err := assets.Tone(v.tone.Name)
	if err != nil {
		return nil, errors.Join(ErrBadFile, err)
	}
	return decode(data, v.tone.Loop)
}

// builtin is the fallback for a file that breaks while it plays; nil when it was the built-in tone that broke.
func (v *voice) builtin() *source {
	if v.tone.Path == "" {
		return nil
	}
	v.tone.Path = ""
	src, err := v.openBuiltin()
	if err != nil {
		v.trouble(err)
		return nil
	}
	return src
}

// play sounds on one device until the tone ends (nil), is stopped, or the device or file fails.
func (v *voice) play(src *source) (started bool, err error) {
	e, err := openEngine(v.log)
	if err != nil {
		return false, err
	}
	defer e.close()
	output, err := v.choose(e)
	if err != nil {
		return false, err
	}
	f := newFeed(src.rate, gain(v.tone.Volume), max(v.tone.FadeOut, noClick))
	if err := f.decode(src); err != nil {
		return false, err
	}
	device, err := e.start(output, src.rate, f.fill, f.lost)
	if err != nil {
		return false, err
	}
	defer end(device)
	v.report(Event{Tone: v.id, Kind: Started, Output: nameOf(output)})
	return true, f.feed(src, v.stop)
}

// end stops and frees a device. Uninit alone would wait for ever when the sound server has died: only Stop wakes the
// library's thread from its wait for the server.
func end(device *malgo.Device) {
	_ = device.Stop() // nothing more can be done about a device that does not stop
	device.Uninit()
}

// choose finds the wanted output; nil is the default one, also when the wanted one is not there.
func (v *voice) choose(e *engine) (*malgo.DeviceInfo, error) {
	if v.tone.Output == "" {
		return nil, nil
	}
	device, err := e.find(v.tone.Output)
	if errors.Is(err, ErrNoOutput) {
		v.trouble(err)
		return nil, nil
	}
	return &device, err
}

func nameOf(output *malgo.DeviceInfo) string {
	if output == nil {
		return ""
	}
	return output.Name()
}

// feed carries samples from a decoder to a device. fill and lost run on the library's threads.
type feed struct {
	buffer  *buffer
	gain    float32
	ramp    int          // frames of the fade at the end
	fading  atomic.Bool  // the fade has been asked for
	faded   int          // frames of it done; fill's own
	calls   atomic.Int64 // how often the device asked
	over    chan struct{}
	silent  sync.Once
	gone    chan struct{}
	goneOne sync.Once
	chunk   [2048]float32
	rest    []float32     // decoded and not yet in the buffer
	ended   bool          // the decoder has nothing more
	limit   time.Duration // of the wait for the fade
}

func newFeed(rate int, gain float32, fade time.Duration) *feed {
	return &feed{buffer: newBuffer(rate), gain: gain, ramp: max(1, int(fade.Seconds()*float64(rate))),
		limit: fade + 50*time.Millisecond, over: make(chan struct{}), gone: make(chan struct{})}
}

// fill gives the device its next samples.
func (f *feed) fill(out []float32) {
	f.calls.Add(1)
	over := f.buffer.read(out)
	fading := f.fading.Load()
	for i := 0; i < len(out); i += 2 {
		g := f.gain
		if fading {
			g *= float32(max(0, f.ramp-f.faded)) / float32(f.ramp)
			f.faded++
		}
		out[i] *= g
		out[i+1] *= g
	}
	if over || f.faded >= f.ramp {
		f.silent.Do(func() { close(f.over) })
	}
}

// lost is called when the device has stopped, by us or by itself.
func (f *feed) lost() { f.goneOne.Do(func() { close(f.gone) }) }

// decode fills the buffer as far as it goes.
func (f *feed) decode(src *source) error {
	for {
		for len(f.rest) > 0 {
			n := f.buffer.write(f.rest)
			if f.rest = f.rest[n:]; n == 0 {
				return nil
			}
		}
		if f.ended {
			f.buffer.end()
			return nil
		}
		n, err := src.read(f.chunk[:])
		f.rest = f.chunk[:n]
		if f.ended = errors.Is(err, io.EOF); err != nil && !f.ended {
			return err
		}
	}
}

// feed keeps the buffer full until the tone is over, stopped or its device lost.
func (f *feed) feed(src *source, stop <-chan struct{}) error {
	watch := time.NewTicker(stallLimit)
	defer watch.Stop()
	last := f.calls.Load()
	for {
		select {
		case <-stop:
			f.fadeOut()
			return errStopped
		case <-f.over:
			return nil
		case <-f.gone:
			return errors.Join(ErrNoSound, errors.New("output went away"))
		case <-watch.C:
			if now := f.calls.Load(); now != last {
				last = now
			} else {
				return errors.Join(ErrNoSound, errors.New("output does not take sound"))
			}
		case <-f.buffer.space:
			if err := f.decode(src); err != nil {
				return err
			}
		}
	}
}

// fadeOut waits for the short fade; a device that no longer asks must not hold up the stop.
func (f *feed) fadeOut() {
	f.fading.Store(true)
	limit := time.NewTimer(f.limit)
	defer limit.Stop()
	select {
	case <-f.over:
	case <-f.gone:
	case <-limit.C:
	}
}
