package sound

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/gopxl/beep/v2"
	"github.com/gopxl/beep/v2/mp3"
	"github.com/gopxl/beep/v2/vorbis"
	"github.com/gopxl/beep/v2/wav"
)

// sourceRates are the sample rates a file may have; outside of them it is noise or an attack on memory.
const (
	minRate = 4000
	maxRate = 192000
)

// readOwn reads a user's own file. Only regular files: a pipe would block, a device never end.
func readOwn(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrBadFile, err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%w: not a regular file", ErrBadFile)
	case info.Size() > MaxFile:
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrBadFile, info.Size(), MaxFile)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadFile, err)
	}
	defer func() { _ = f.Close() }() // read only
	data, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadFile, err)
	}
	if len(data) > MaxFile {
		return nil, fmt.Errorf("%w: grew over %d bytes", ErrBadFile, MaxFile)
	}
	return data, nil
}

// source is a decoded tone, read in pieces. It is used by one goroutine.
type source struct {
	data    []byte
	stream  beep.StreamSeekCloser
	rate    int
	loop    bool
	heard   bool // this pass has given samples; a pass without any would loop for ever
	samples [512][2]float64
}

// file gives a decoder the closing and seeking it asks for; nothing is there to be closed.
type file struct{ *bytes.Reader }

func (file) Close() error { return nil }

// decode recognises the format by its first bytes, not its name.
func decode(data []byte, loop bool) (*source, error) {
	s := &source{data: data, loop: loop}
	if err := s.open(); err != nil {
		return nil, err
	}
	return s, nil
}

// open starts a pass. The decoders are not ours and the bytes are anybody's, so a panic counts as a broken file.
func (s *source) open() (err error) {
	defer recovered(&err)
	var format beep.Format
	r := file{bytes.NewReader(s.data)}
	switch {
	case bytes.HasPrefix(s.data, []byte("RIFF")):
		s.stream, format, err = wav.Decode(r)
	case bytes.HasPrefix(s.data, []byte("OggS")):
		s.stream, format, err = vorbis.Decode(r)
	case bytes.HasPrefix(s.data, []byte("ID3")), len(s.data) > 2 && s.data[0] == 0xFF && s.data[1]&0xE0 == 0xE0:
		s.stream, format, err = mp3.Decode(r)
	default:
		return fmt.Errorf("%w: neither WAV, OGG nor MP3", ErrBadFile)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBadFile, err)
	}
	if s.rate = int(format.SampleRate); s.rate < minRate || s.rate > maxRate {
		return fmt.Errorf("%w: %d samples a second", ErrBadFile, s.rate)
	}
	s.heard = false
	return nil
}

// recovered turns a decoder's panic into an error.
func recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: decoder failed: %v", ErrBadFile, p)
	}
}

// read fills out with interleaved stereo samples and gives how many floats; io.EOF at the end of a tone.
func (s *source) read(out []float32) (n int, err error) {
	defer recovered(&err)
	for n+2 <= len(out) {
		want := min(len(s.samples), (len(out)-n)/2)
		got, _ := s.stream.Stream(s.samples[:want])
		for _, pair := range s.samples[:got] {
			out[n], out[n+1] = clip(pair[0]), clip(pair[1])
			n += 2
		}
		s.heard = s.heard || got > 0
		if got > 0 {
			continue
		}
		if err := s.stream.Err(); err != nil && !errors.Is(err, io.EOF) {
			return n, fmt.Errorf("%w: %w", ErrBadFile, err)
		}
		switch {
		case !s.heard:
			return n, fmt.Errorf("%w: it is empty", ErrBadFile)
		case !s.loop:
			return n, io.EOF
		}
		if err := s.open(); err != nil {
			return n, err
		}
	}
	return n, nil
}

// clip keeps a sample in range; it also turns NaN, which some devices answer with full noise, into silence.
func clip(s float64) float32 {
	if s != s {
		return 0
	}
	return float32(min(max(s, -1), 1))
}
