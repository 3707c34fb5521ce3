package layout_test

import (
	"fmt"
	"testing"

	"github.com/bartizan-security/bartizan/internal/extract/pdf/layout"
)

// Pages that are as dense as a page can be: what grows faster than its text
// shows here.
func BenchmarkRead(b *testing.B) {
	shapes := map[string]func(i, j int) (x, y float64, text string){
		"two ragged columns": func(i, j int) (float64, float64, string) {
			return 10 + 300*float64(j), 10 + 2.3*float64(i), "word and word"
		},
		"cells": func(i, j int) (float64, float64, string) {
			return 10 + 40*float64(j), 10 + 2*float64(i), fmt.Sprint(i * j)
		},
		"a heap": func(i, j int) (float64, float64, string) {
			return float64((i * 7919 * (j + 1)) % 550), float64((i*104729 + j*31) % 800), "xyz"
		},
	}
	for name, place := range shapes {
		b.Run(name, func(b *testing.B) {
			p := layout.Page{Width: 600, Height: 10000}
			for i := range 2000 {
				for j := range 4 {
					x, y, text := place(i, j)
					p.Runs = append(p.Runs, set(regular, 2, x, y, text))
				}
			}
			for b.Loop() {
				readAs(layout.About{}, []layout.Page{p})
			}
		})
	}
}
