package retrieve

// vectors are those of all passages, dimension by dimension: the built-in
// embedding leaves most dimensions of a short query at zero, and these cost
// nothing.
type vectors struct {
	passages   int
	dimensions [][]float32 // by dimension, then passage
}

func newVectors(list [][]float32) vectors {
	v := vectors{passages: len(list)}
	for i, vector := range list {
		for len(v.dimensions) < len(vector) {
			v.dimensions = append(v.dimensions, make([]float32, len(list)))
		}
		for d, x := range vector {
			v.dimensions[d][i] = x
		}
	}
	return v
}

// scores are the cosines of a query with every passage, by passage. Each is
// the same whatever other passages there are.
func (v *vectors) scores(query []float32) []float64 {
	sums := make([]float32, v.passages)
	for d, q := range query[:min(len(query), len(v.dimensions))] {
		if q == 0 {
			continue
		}
		column := v.dimensions[d][:len(sums)]
		for i, x := range column {
			sums[i] += float32(q * x) // the conversion forbids a fused, differently rounded operation
		}
	}
	out := make([]float64, len(sums))
	for i, s := range sums {
		out[i] = float64(s)
	}
	return out
}
