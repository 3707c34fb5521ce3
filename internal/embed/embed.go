// Package embed turns texts into vectors that lie near each other where the
// texts are about the same thing.
package embed

import (
	"context"
	"fmt"
	"math"
)

// Embedder turns texts into vectors. Retrieval calls it with all passages at
// once and with single queries, from many goroutines. The same text gives the
// same vector, whatever else is in the batch. An error means that no text of
// the batch has one. [Builtin] needs nothing; [NewOpenAI] asks an endpoint.
type Embedder interface {
	// Embed gives a vector for each text, in their order, of length one; all
	// zeros, or empty where Dimensions is 0, for a text without words.
	Embed(ctx context.Context, texts []string) ([][]float32, error)
	// Name is the identity of the model: vectors of different names do not
	// compare. It is part of what results are hashed by.
	Name() string
	// Dimensions is the length of every vector; 0 where it is not known
	// before the first answer.
	Dimensions() int
}

// Cosine is how near two texts are, -1..1; 0 where one has no words.
func Cosine(ctx context.Context, e Embedder, a, b string) (float64, error) {
	vectors, err := e.Embed(ctx, []string{a, b})
	if err != nil {
		return 0, fmt.Errorf("comparing two texts: %w", err)
	}
	return float64(Dot(vectors[0], vectors[1])), nil
}

// Dot is the inner product of two vectors: the cosine of those of length one.
// It is 0 where they have not the same number of dimensions, as that of a text
// without words may have none. The result is the same on every processor.
func Dot(a, b []float32) float32 {
	if len(a) != len(b) {
		return 0
	}
	var sum float32
	for i, x := range a {
		sum += float32(x * b[i]) // the conversion forbids a fused, differently rounded operation
	}
	return max(-1, min(1, sum))
}

// normalise gives a vector the length one, unless it is zero.
func normalise(v []float32) {
	var square float64
	for _, x := range v {
		square += float64(float64(x) * float64(x))
	}
	if square == 0 {
		return
	}
	length := math.Sqrt(square)
	for i := range v {
		v[i] = float32(float64(v[i]) / length)
	}
}
