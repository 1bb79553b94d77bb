package tray

import (
	"bytes"
	"image"
	"image/color"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHalfTransparentPixelsKeepTheirColour(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 2, 1))
	img.SetNRGBA(0, 0, color.NRGBA{0xE0, 0x86, 0x00, 0x40})
	img.SetNRGBA(1, 0, color.NRGBA{0x01, 0x02, 0x03, 0xFF})
	data, err := encode(img)
	require.NoError(t, err)
	got, format, err := image.Decode(bytes.NewReader(data))
	require.NoError(t, err)
	require.Equal(t, "deskbell-icon", format)
	// As the tray library reads it: the low byte of each channel.
	r, g, b, a := got.At(0, 0).RGBA()
	require.Equal(t, []byte{0xE0, 0x86, 0x00, 0x40}, []byte{byte(r), byte(g), byte(b), byte(a)})

	for _, bad := range [][]byte{data[:len(data)-1], data[:len(iconMagic)+2], append([]byte(iconMagic), 0, 0, 0, 1), append([]byte(iconMagic), 0xFF, 0xFF, 0xFF, 0xFF)} {
		_, _, err := image.Decode(bytes.NewReader(bad))
		require.Error(t, err)
	}
}
