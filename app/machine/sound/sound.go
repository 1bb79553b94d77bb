// Package sound plays tones on a chosen output and holds no device while it is silent.
package sound

import (
	"errors"
	"time"
)

// Errors a caller decides on, carried by Event.Err.
var (
	// ErrNoSound means that no sound server or card can be reached. A looped tone goes on trying.
	ErrNoSound = errors.New("no sound output")
	// ErrNoOutput means that the chosen output is not there; the default output is used instead.
	ErrNoOutput = errors.New("chosen sound output is not there")
	// ErrBadFile means that the tone's own file cannot be played; the built-in tone of its name is used instead.
	ErrBadFile = errors.New("sound file cannot be played")
)

// MaxFile is the size limit of a user's own sound file, in bytes.
const MaxFile = 20 << 20

// Tone is what to play.
type Tone struct {
	Name    string        // built-in tone: internal, external, vip, knock; also what a broken Path falls back to
	Path    string        // WAV, OGG Vorbis or MP3 file of the user's own; empty: the built-in tone
	Loop    bool          // until stopped
	Volume  float64       // 0 silent … 1 as recorded; loudness as the ear counts, so 0.5 sounds half as loud
	Output  string        // Output.ID or Output.Name; empty: the default output
	FadeOut time.Duration // how long Stop takes to fade; 0: just long enough not to click
}

// ID names a playing tone; zero is none.
type ID uint64

// Output is a sound device that can be chosen.
type Output struct {
	ID      string // stays the same across restarts; for settings
	Name    string // for people
	Default bool
}

// Kind is what an Event tells.
type Kind int

// The kinds of events. Started may come again after Trouble: the tone is back.
const (
	Started Kind = iota // the first samples were handed to the device
	Ended               // the tone is over or was stopped; nothing of it is left
	Trouble             // Err says what; the tone goes on if it can
)

// Event is something that happened to a tone.
type Event struct {
	Tone   ID
	Kind   Kind
	Output string // Started: the name of the output that sounds
	Err    error  // Trouble: wraps one of this package's errors
}

// gain turns a volume into a factor for samples: perceived loudness grows about with the square root.
func gain(volume float64) float32 {
	v := min(max(volume, 0), 1)
	return float32(v * v)
}
