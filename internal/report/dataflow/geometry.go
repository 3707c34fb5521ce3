package dataflow

import "math"

// direction is the unit vector in which a route arrives.
func direction(route []point) (x, y float64) {
	tip := route[len(route)-1]
	for i := len(route) - 2; i >= 0; i-- {
		dx, dy := tip.x-route[i].x, tip.y-route[i].y
		if l := math.Hypot(dx, dy); l > 0.5 {
			return dx / l, dy / l
		}
	}
	return 0, 1
}
