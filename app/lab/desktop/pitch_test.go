//go:build desktop && linux

package desktop

import (
	"math"

	"deskbell/app/machine/desktoptest"
)

// Names of tones that can be told apart by ear.
const (
	internal = "internal"
	external = "external"
	vip      = "vip"
	own      = "own" // a tone of ownPitch
)

const (
	ownPitch    = 1500.0
	commonPitch = 880.0 // in the internal tone and in that for VIPs
)

// pitches in hertz are those that only one of the tones has (assets/tones/gen).
var pitches = map[string][]float64{
	internal: {659.26},
	external: {783.99, 987.77},
	vip:      {587.33, 1174.66},
	own:      {ownPitch},
}

// toneOf names the tone in what was heard last; empty: none, or too little to tell.
func toneOf(levels []desktoptest.Level) string {
	var samples []int16
	for _, l := range levels {
		if l.RMS > desktoptest.Audible {
			samples = append(samples, l.PCM...)
		}
	}
	const enough = desktoptest.Rate * 7 / 10
	if len(samples) < enough {
		return ""
	}
	samples = samples[len(samples)-enough:] // the tone may just have changed
	best, loudest, second := "", 0.0, 0.0
	for name, list := range pitches {
		sum := 0.0
		for _, pitch := range list {
			sum += power(samples, pitch) / float64(len(list))
		}
		switch {
		case sum > loudest:
			best, loudest, second = name, sum, loudest
		case sum > second:
			second = sum
		}
	}
	// What is only the echo of a common pitch is no tone's own.
	if loudest < 3*second || loudest < power(samples, commonPitch)/5 {
		return ""
	}
	return best
}

// power is how much of one pitch is in the samples, by Goertzel's method.
func power(samples []int16, pitch float64) float64 {
	w := 2 * math.Cos(2*math.Pi*pitch/desktoptest.Rate)
	var s1, s2 float64
	for _, x := range samples {
		s1, s2 = float64(x)+w*s1-s2, s1
	}
	return s1*s1 + s2*s2 - w*s1*s2
}
