// Command gen writes the built-in tones as 16-bit mono WAV files, synthesised from struck-bar partials.
//
// It exists so that every tone is our own work and can be changed by changing numbers. Run render.sh beside it to
// get the OGG files the programs embed.
package main

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
)

const rate = 44100

// note is one struck bar: when it starts and how long it rings in seconds, its pitch in hertz, its peak.
type note struct {
	at, pitch, peak, decay float64
}

// tone is a list of notes on a bed of silence of the given length in seconds.
type tone struct {
	name   string
	length float64
	notes  []note
}

// The pitches are equal temperament from A4 = 440 Hz; ring tones stay between 500 and 1600 Hz, where small
// loudspeakers and tired ears both do well.
var tones = []tone{
	{name: "internal", length: 2.6, notes: []note{
		{0, 659.26, .55, .38}, {.18, 880.00, .50, .45},
		{.60, 659.26, .45, .38}, {.78, 880.00, .42, .50},
	}},
	{name: "external", length: 3.2, notes: append(trill(0, .95, 783.99, 987.77), trill(1.25, .95, 783.99, 987.77)...)},
	{name: "vip", length: 3.0, notes: []note{
		{0, 587.33, .48, .55}, {.15, 739.99, .48, .55}, {.30, 880.00, .50, .60}, {.45, 1174.66, .52, .95},
		{1.05, 880.00, .40, .55}, {1.20, 1174.66, .48, 1.1},
	}},
	{name: "knock", length: .42, notes: []note{
		{0, 311.13, .50, .07}, {.15, 277.18, .38, .07},
	}},
}

// trill alternates two pitches for the given time, the way a telephone's bell does, only softer.
func trill(at, length, low, high float64) []note {
	const step = .065
	var notes []note
	for i := 0; float64(i)*step < length; i++ {
		pitch := low
		if i%2 == 1 {
			pitch = high
		}
		swell := math.Sin(math.Pi * (float64(i)*step + .12) / (length + .24))
		notes = append(notes, note{at + float64(i)*step, pitch, .24 + .14*swell, .16})
	}
	return notes
}

// render mixes the notes. The 3 ms attack is short enough to count as an immediate start and long enough not to click.
func (t tone) render() []float64 {
	out := make([]float64, int(t.length*rate))
	for _, n := range t.notes {
		for i := int(n.at * rate); i < len(out); i++ {
			s := float64(i)/rate - n.at
			if s > 6*n.decay {
				break
			}
			attack := math.Min(1, s/.003)
			w := 2 * math.Pi * n.pitch * s
			out[i] += n.peak * attack * (math.Exp(-s/n.decay)*math.Sin(w) +
				.22*math.Exp(-2.6*s/n.decay)*math.Sin(2*w) +
				.10*math.Exp(-5*s/n.decay)*math.Sin(3.93*w))
		}
	}
	fadeEnd(out)
	return out
}

// fadeEnd makes the last 60 ms silent at the seam, so that a loop does not click.
func fadeEnd(samples []float64) {
	n := min(rate*60/1000, len(samples))
	for i := range n {
		samples[len(samples)-1-i] *= float64(i) / float64(n)
	}
}

// pcm scales to a peak of 0.8 and rounds to 16 bits.
func pcm(samples []float64) []int16 {
	peak := 0.0
	for _, s := range samples {
		peak = math.Max(peak, math.Abs(s))
	}
	out := make([]int16, len(samples))
	for i, s := range samples {
		out[i] = int16(math.Round(s / peak * .8 * math.MaxInt16))
	}
	return out
}

// wav prefixes the samples with the 44-byte RIFF header of plain PCM.
func wav(samples []int16) []byte {
	le := binary.LittleEndian
	data := 2 * len(samples)
	b := append([]byte("RIFF"), le.AppendUint32(nil, uint32(36+data))...)
	b = append(b, "WAVEfmt "...)
	b = le.AppendUint32(b, 16)
	b = le.AppendUint16(b, 1)
	b = le.AppendUint16(b, 1)
	b = le.AppendUint32(b, rate)
	b = le.AppendUint32(b, 2*rate)
	b = le.AppendUint16(b, 2)
	b = le.AppendUint16(b, 16)
	b = append(b, "data"...)
	b = le.AppendUint32(b, uint32(data))
	for _, s := range samples {
		b = le.AppendUint16(b, uint16(s))
	}
	return b
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: gen FOLDER")
		os.Exit(2)
	}
	for _, t := range tones {
		path := filepath.Join(os.Args[1], t.name+".wav")
		if err := os.WriteFile(path, wav(pcm(t.render())), 0o644); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}
