package demo

import "math"

// Pitches in hertz that only one of the built-in tones has (assets/tones/gen), so that its sound tells which one plays.
var pitches = map[string][]float64{
	"internal": {659.26},
	"external": {783.99, 987.77},
	"vip":      {587.33, 1174.66},
}

// ownShare is how much of a sound's energy its own pitches must hold; built-in tones have at least 0.02, other sounds 0.0001.
const ownShare = 0.01

// toneOf says which built-in tone these samples hold: the one whose own pitches are loudest. Empty: none.
func toneOf(samples []int16, rate float64) string {
	energy := 0.0
	for _, x := range samples {
		energy += float64(x) * float64(x)
	}
	best, most := "", ownShare
	for name, list := range pitches {
		share := 0.0
		for _, pitch := range list {
			share += 2 * power(samples, pitch/rate) / (float64(len(samples)) * energy)
		}
		if share > most {
			best, most = name, share
		}
	}
	return best
}

// power is how much of one frequency (in cycles per sample) is in the samples, by Goertzel's method.
func power(samples []int16, frequency float64) float64 {
	w := 2 * math.Cos(2*math.Pi*frequency)
	var s1, s2 float64
	for _, x := range samples {
		s1, s2 = float64(x)+w*s1-s2, s1
	}
	return s1*s1 + s2*s2 - w*s1*s2
}
