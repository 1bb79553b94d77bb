package demo

import (
	"bytes"
	"io"
	"testing"

	"github.com/gopxl/beep/v2/vorbis"
	"github.com/stretchr/testify/require"

	"deskbell/assets"
)

func TestBuiltInTonesAreToldApart(t *testing.T) {
	for _, name := range []string{"internal", "external", "vip"} {
		samples, rate := toneSamples(t, name)
		for _, from := range []float64{0, 0.3, 0.9} {
			part := samples[int(from*rate):]
			require.Equal(t, name, toneOf(part[:int(toneSeconds*rate)], rate), "%s from %g s", name, from)
		}
	}
}

func TestOtherSoundsAreNoTone(t *testing.T) {
	knock, rate := toneSamples(t, "knock")
	require.Empty(t, toneOf(knock, rate))
	require.Empty(t, toneOf(make([]int16, 44100), 44100))
	require.Empty(t, toneOf(nil, 44100))
}

const toneSeconds = 0.7

func toneSamples(t *testing.T, name string) ([]int16, float64) {
	data, err := assets.Tone(name)
	require.NoError(t, err)
	stream, format, err := vorbis.Decode(io.NopCloser(bytes.NewReader(data)))
	require.NoError(t, err)
	var samples []int16
	for frames := make([][2]float64, 4096); ; {
		n, ok := stream.Stream(frames)
		for _, f := range frames[:n] {
			samples = append(samples, int16(f[0]*8000))
		}
		if !ok {
			break
		}
	}
	require.NoError(t, stream.Err())
	return samples, float64(format.SampleRate)
}
