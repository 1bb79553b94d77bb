package tray

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"

	"deskbell/assets"
)

// look is what an icon depends on; equal looks are drawn once.
type look struct {
	name   string
	missed int // 0 none, 10 for more than nine
	size   int
}

// lookOf chooses the drawing for a model; frame counts the halves of a second while it rings.
func lookOf(m Model, frame, size int) look {
	l := look{name: "idle", size: size}
	switch m.State {
	case Ringing:
		l.name = "ringing-1"
		if frame%2 == 1 {
			l.name = "ringing-2"
		}
	case InCall:
		l.name = "incall"
	case Disconnected:
		l.name = "disconnected"
	case Trouble:
		l.name = "trouble"
	case Muted:
		l.name = "muted"
	case Idle:
	}
	if m.State.quiet() {
		l.missed = min(max(m.Missed, 0), 10)
	}
	return l
}

// render draws an icon.
func render(l look) (*image.RGBA, error) {
	data, err := assets.TrayIcon(l.name, l.size)
	if err != nil {
		return nil, fmt.Errorf("tray icon: %w", err)
	}
	base, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("tray icon %s: %w", l.name, err)
	}
	img := image.NewRGBA(base.Bounds())
	draw.Draw(img, img.Bounds(), base, base.Bounds().Min, draw.Src)
	if l.missed > 0 {
		drawBadge(img, l.missed)
	}
	return img, nil
}

var (
	badgeRed  = color.RGBA{0xE5, 0x48, 0x4D, 0xFF}
	badgeEdge = color.RGBA{0x1A, 0x1D, 0x23, 0xFF}
	badgeInk  = color.RGBA{0xFF, 0xFF, 0xFF, 0xFF}
)

// drawBadge puts the red disc of missed calls at the bottom right: a dot below 22 pixels, with the count from there on.
func drawBadge(img *image.RGBA, missed int) {
	size := float64(img.Bounds().Dx())
	if size < 22 {
		c := point{size - 4.5, size - 4.5}
		fill(img, badgeEdge, func(p point) float64 { return c.distance(p) - 4.5 })
		fill(img, badgeRed, func(p point) float64 { return c.distance(p) - 3.5 })
		return
	}
	text, unit, radius := digits(missed), 1.0, 4.5
	switch {
	case size >= 48:
		unit, radius = 2, 9
	case size >= 32:
		unit, radius = 2, 7
	}
	// A disc for one digit, longer for two.
	wide := textWidth(text) * unit
	half := max(radius, wide/2+radius/2) - radius
	c := point{size - radius - half - .5, size - radius - .5}
	pill := func(p point) float64 {
		return point{min(max(p.x, c.x-half), c.x+half), c.y}.distance(p) - radius
	}
	fill(img, badgeEdge, func(p point) float64 { return pill(p) - .5 })
	fill(img, badgeRed, func(p point) float64 { return pill(p) + .5 })
	drawText(img, text, point{c.x - wide/2, c.y - 2.5*unit}, unit)
}

func digits(missed int) string {
	if missed > 9 {
		return "9+"
	}
	return string(rune('0' + missed))
}

// glyphs are three units wide and five high, row by row; at this size hand-set pixels beat any font.
var glyphs = map[rune][5]string{
	'0': {"###", "#.#", "#.#", "#.#", "###"},
	'1': {".#.", "##.", ".#.", ".#.", "###"},
	'2': {"###", "..#", "###", "#..", "###"},
	'3': {"###", "..#", "###", "..#", "###"},
	'4': {"#.#", "#.#", "###", "..#", "..#"},
	'5': {"###", "#..", "###", "..#", "###"},
	'6': {"###", "#..", "###", "#.#", "###"},
	'7': {"###", "..#", ".#.", ".#.", ".#."},
	'8': {"###", "#.#", "###", "#.#", "###"},
	'9': {"###", "#.#", "###", "..#", "###"},
	'+': {"...", ".#.", "###", ".#.", "..."},
}

// textWidth is in units: three for a glyph, one between two.
func textWidth(text string) float64 { return float64(4*len(text) - 1) }

// drawText fills whole pixels: the corner is rounded to the grid.
func drawText(img *image.RGBA, text string, at point, unit float64) {
	x, y, u := int(at.x+.5), int(at.y+.5), int(unit)
	for _, r := range text {
		for row, line := range glyphs[r] {
			for col, dot := range line {
				if dot == '#' {
					box := image.Rect(x+col*u, y+row*u, x+(col+1)*u, y+(row+1)*u)
					draw.Draw(img, box, image.NewUniform(badgeInk), image.Point{}, draw.Src)
				}
			}
		}
		x += 4 * u
	}
}

// fill paints a shape given by its signed distance, negative inside, smooth over one pixel at its edge.
func fill(img *image.RGBA, c color.RGBA, distance func(point) float64) {
	b := img.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			cover := min(max(.5-distance(point{float64(x) + .5, float64(y) + .5}), 0), 1)
			if cover == 0 {
				continue
			}
			old := img.RGBAAt(x, y)
			mix := func(over, under uint8) uint8 { return uint8(float64(over)*cover + float64(under)*(1-cover) + .5) }
			img.SetRGBA(x, y, color.RGBA{mix(c.R, old.R), mix(c.G, old.G), mix(c.B, old.B), mix(0xFF, old.A)})
		}
	}
}
