package demo

import "math"

// Pitches in hertz that only one of the built-in tones has (assets/tones/gen), so that its sound tells which one plays.
var pitches = map[string][]float64{
	"internal": {659.26},
	"external": {783.99, 987.77},
	"vip":      {587.33, 1174.66},
}

// toneOf says which built-in tone these samples hold: the one whose own pitches are loudest, and clearly so. Empty: none.
func toneOf(samples []int16, rate float64) string {
	best, loudest, second := "", 0.0, 0.0
	for name, list := range pitches {
		sum := 0.0
		for _, pitch := range list {
			sum += power(samples, pitch/rate)
		}
		switch sum /= float64(len(list)); {
		case sum > loudest:
			best, loudest, second = name, sum, loudest
		case sum > second:
			second = sum
		}
	}
	if loudest < 3*second {
		return ""
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
