package sound

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"deskbell/assets"
)

// sine is a mono WAV file of 16 bits.
func sine(pitch, seconds float64) []byte {
	const rate = 44100
	n := int(seconds * rate)
	le := binary.LittleEndian
	b := append([]byte("RIFF"), le.AppendUint32(nil, uint32(36+2*n))...)
	b = append(b, "WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00"...)
	b = le.AppendUint32(b, rate)
	b = le.AppendUint32(b, 2*rate)
	b = append(b, "\x02\x00\x10\x00data"...)
	b = le.AppendUint32(b, uint32(2*n))
	for i := range n {
		b = le.AppendUint16(b, uint16(int16(16000*math.Sin(2*math.Pi*pitch*float64(i)/rate))))
	}
	return b
}

// drain reads at most limit frames and gives how many there were and how loud they were.
func drain(t testing.TB, s *source, limit int) (frames int, rms float64, err error) {
	t.Helper()
	out := make([]float32, 1000)
	sum := 0.0
	for frames < limit {
		n, err := s.read(out)
		for _, v := range out[:n] {
			require.LessOrEqual(t, v, float32(1))
			require.GreaterOrEqual(t, v, float32(-1))
			sum += float64(v) * float64(v)
		}
		frames += n / 2
		if err != nil {
			return frames, math.Sqrt(sum / float64(max(1, 2*frames))), err
		}
	}
	return frames, math.Sqrt(sum / float64(2*frames)), nil
}

func TestToneIsDecodedToItsEnd(t *testing.T) {
	s, err := decode(sine(440, 0.5), false)
	require.NoError(t, err)
	frames, rms, err := drain(t, s, 1<<20)
	require.ErrorIs(t, err, io.EOF)
	require.Equal(t, 22050, frames)
	require.InDelta(t, 16000.0/32768/math.Sqrt2, rms, 0.001)
}

func TestLoopGoesOn(t *testing.T) {
	s, err := decode(sine(440, 0.1), true)
	require.NoError(t, err)
	frames, rms, err := drain(t, s, 44100)
	require.NoError(t, err)
	require.GreaterOrEqual(t, frames, 44100)
	require.InDelta(t, 0.345, rms, 0.01)
}

func TestBuiltInTonesAreAudibleAndLoopable(t *testing.T) {
	for _, name := range []string{"internal", "external", "vip", "knock"} {
		data, err := assets.Tone(name)
		require.NoError(t, err)
		s, err := decode(data, false)
		require.NoError(t, err)
		require.Equal(t, 44100, s.rate)
		frames, rms, err := drain(t, s, 1<<24)
		require.ErrorIs(t, err, io.EOF)
		require.Greater(t, frames, 44100/4, name)
		require.Less(t, frames, 44100*5, name)
		require.Greater(t, rms, 0.05, name)
	}
}

func TestBrokenFilesAreErrors(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, data, 0o600))
		return path
	}
	whole := sine(440, 0.1)
	tone, err := assets.Tone("knock")
	require.NoError(t, err)
	huge := write("huge.wav", whole)
	require.NoError(t, os.Truncate(huge, MaxFile+1))

	for name, path := range map[string]string{
		"missing":       filepath.Join(dir, "none.wav"),
		"folder":        dir,
		"device":        "/dev/zero",
		"too large":     huge,
		"empty":         write("empty.wav", nil),
		"text":          write("text.mp3", []byte("not a sound")),
		"half a header": write("half.wav", whole[:20]),
		"no samples":    write("none.wav2", whole[:44]),
		"cut OGG":       write("cut.ogg", tone[:60]),
		"noise as MP3":  write("noise.mp3", append([]byte("ID3"), bytes.Repeat([]byte{0x5A}, 2000)...)),
	} {
		t.Run(name, func(t *testing.T) {
			err := playable(t, path)
			require.ErrorIs(t, err, ErrBadFile)
		})
	}
}

// playable reads a file as a tone does, and gives what makes it unplayable.
func playable(t *testing.T, path string) error {
	data, err := readOwn(path)
	if err != nil {
		return err
	}
	s, err := decode(data, false)
	if err != nil {
		return err
	}
	if _, _, err = drain(t, s, 1<<20); !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

func FuzzDecode(f *testing.F) {
	tone, err := assets.Tone("knock")
	require.NoError(f, err)
	for _, seed := range [][]byte{sine(440, 0.01), tone, []byte("ID3\x04\x00\x00\x00\x00\x00\x00"), {0xFF, 0xFB, 0x90, 0}, nil} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := decode(data, true)
		if err != nil {
			require.ErrorIs(t, err, ErrBadFile)
			return
		}
		if _, _, err := drain(t, s, 4096); err != nil {
			require.ErrorIs(t, err, ErrBadFile)
		}
	})
}

func TestBufferKeepsOrderAndEndsOnce(t *testing.T) {
	b := newBuffer(30) // room for 20 samples
	in := make([]float32, 32)
	for i := range in {
		in[i] = float32(i + 1)
	}
	require.Equal(t, 20, b.write(in))
	out := make([]float32, 12)
	require.False(t, b.read(out))
	require.Equal(t, in[:12], out)
	require.Equal(t, 12, b.write(in[20:]), "the ring goes round")
	b.end()
	require.False(t, b.read(out))
	require.Equal(t, in[12:24], out)
	require.True(t, b.read(out))
	require.Equal(t, append(append([]float32{}, in[24:]...), 0, 0, 0, 0), out, "silence after the end")
}

func TestGainFollowsTheEar(t *testing.T) {
	require.Equal(t, float32(0), gain(-1))
	require.Equal(t, float32(0.25), gain(0.5))
	require.Equal(t, float32(1), gain(7))
}
