package tray

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"io"
)

// The tray library reads icons through the image package, and takes the low byte of each 16-bit colour it gets. For
// half-transparent pixels of a PNG that byte is noise, seen as a coloured fringe. So icons go to it in a format of our
// own, whose colours have the wanted byte both high and low: straight (not premultiplied) 8-bit values, which is what
// the StatusNotifierItem pixmap is.
const iconMagic = "deskbell-icon\x00"

func init() {
	image.RegisterFormat("deskbell-icon", iconMagic, decodeIcon, decodeIconConfig)
}

// encode writes magic, width, height and straight RGBA pixels.
func encode(img image.Image) ([]byte, error) {
	b := img.Bounds()
	out := binary.BigEndian.AppendUint16([]byte(iconMagic), uint16(b.Dx()))
	out = binary.BigEndian.AppendUint16(out, uint16(b.Dy()))
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			c, ok := color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
			if !ok {
				return nil, errors.New("colour model gives another colour") // cannot be, by its documentation
			}
			out = append(out, c.R, c.G, c.B, c.A)
		}
	}
	return out, nil
}

// straightImage gives its colours unmultiplied, against the custom of the image package; see iconMagic.
type straightImage struct{ *image.NRGBA }

func (s straightImage) At(x, y int) color.Color { return straight(s.NRGBAAt(x, y)) }

type straight color.NRGBA

// RGBA gives each byte twice.
func (s straight) RGBA() (r, g, b, a uint32) {
	return uint32(s.R) * 0x101, uint32(s.G) * 0x101, uint32(s.B) * 0x101, uint32(s.A) * 0x101
}

func decodeIcon(r io.Reader) (image.Image, error) {
	config, err := decodeIconConfig(r)
	if err != nil {
		return nil, err
	}
	img := image.NewNRGBA(image.Rect(0, 0, config.Width, config.Height))
	_, err = io.ReadFull(r, img.Pix)
	return straightImage{img}, err
}

func decodeIconConfig(r io.Reader) (image.Config, error) {
	head := make([]byte, len(iconMagic)+4)
	if _, err := io.ReadFull(r, head); err != nil {
		return image.Config{}, err
	}
	size := bytes.TrimPrefix(head, []byte(iconMagic))
	w, h := binary.BigEndian.Uint16(size), binary.BigEndian.Uint16(size[2:])
	if w == 0 || h == 0 || w > 256 || h > 256 {
		return image.Config{}, errors.New("not an icon's size")
	}
	return image.Config{ColorModel: color.NRGBAModel, Width: int(w), Height: int(h)}, nil
}
