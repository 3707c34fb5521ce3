package dataflow

import (
	"context"
	"fmt"
	"testing"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

func BenchmarkDraw(b *testing.B) {
	for _, n := range []int{2, 12, 40} {
		g := ring(n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				if _, err := Draw(context.Background(), g); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// ring is a graph of n nodes in 4 zones, with flows along a ring and across it.
func ring(n int) Graph {
	var g Graph
	for z := range 4 {
		g.Zones = append(g.Zones, Zone{ID: fmt.Sprint("z", z), Name: fmt.Sprint("Zone ", z)})
	}
	kinds := []threatmodel.Kind{threatmodel.Process, threatmodel.DataStore, threatmodel.ExternalEntity}
	for i := range n {
		g.Nodes = append(g.Nodes, Node{ID: fmt.Sprint("n", i), Name: fmt.Sprint("Component ", i), Kind: kinds[i%3], Zone: fmt.Sprint("z", i%4)})
	}
	for i := range n {
		for _, to := range []int{(i + 1) % n, (i * 3) % n} {
			if to != i {
				g.Edges = append(g.Edges, Edge{From: fmt.Sprint("n", i), To: fmt.Sprint("n", to), Labels: []string{"HTTPS"}})
			}
		}
	}
	return g
}
