package tray

import (
	"bytes"
	"image"

	ico "github.com/sergeymakinen/go-ico"
)

// encode writes an icon as Windows wants it.
func encode(img image.Image) ([]byte, error) {
	var out bytes.Buffer
	err := ico.Encode(&out, img)
	return out.Bytes(), err
}
