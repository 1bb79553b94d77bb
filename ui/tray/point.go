package tray

import "math"

// point is a place on an icon, in pixels.
type point struct{ x, y float64 }

func (p point) distance(q point) float64 { return math.Hypot(p.x-q.x, p.y-q.y) }
