//go:build !windows && !linux

package tray

import (
	"bytes"
	"image"
	"image/png"
)

// encode writes an icon as the tray library reads it here.
func encode(img image.Image) ([]byte, error) {
	var out bytes.Buffer
	err := png.Encode(&out, img)
	return out.Bytes(), err
}
