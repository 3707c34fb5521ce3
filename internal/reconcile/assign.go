package reconcile

import "slices"

// edge is a possible pair of a row and a column, with its weight above 0.
type edge struct {
	row, col int
	weight   int64
}

// assign picks pairs so that no row and no column is in two, and the sum of
// weights is the largest possible. Pairs come ordered by row. The result
// depends on the numbers of rows and columns, not on the order of edges.
func assign(edges []edge) []edge {
	var out []edge
	for _, c := range components(edges) {
		out = append(out, c.solve()...)
	}
	slices.SortFunc(out, func(a, b edge) int { return a.row - b.row })
	return out
}

// component is a part of the problem that shares no row or column with the
// rest.
type component struct {
	rows, cols []int
	edges      []edge
}

func components(edges []edge) []component {
	root := map[int]int{} // rows as they are, columns as -1-col
	var find func(int) int
	find = func(x int) int {
		if p, ok := root[x]; ok && p != x {
			root[x] = find(p)
			return root[x]
		}
		root[x] = x
		return x
	}
	for _, e := range edges {
		root[find(e.row)] = find(-1 - e.col)
	}
	index := map[int]int{}
	var out []component
	sorted := slices.Clone(edges)
	slices.SortFunc(sorted, func(a, b edge) int {
		if a.row != b.row {
			return a.row - b.row
		}
		return a.col - b.col
	})
	for _, e := range sorted {
		r := find(e.row)
		i, ok := index[r]
		if !ok {
			i = len(out)
			index[r] = i
			out = append(out, component{})
		}
		c := &out[i]
		c.edges = append(c.edges, e)
		if !slices.Contains(c.rows, e.row) {
			c.rows = append(c.rows, e.row)
		}
		if !slices.Contains(c.cols, e.col) {
			c.cols = append(c.cols, e.col)
		}
	}
	return out
}

// solve is the Hungarian algorithm with potentials, O(rows² · columns). Where
// no edge is, the weight is 0; a pair of weight 0 is no pair.
func (c *component) solve() []edge {
	if len(c.edges) == 1 {
		return c.edges
	}
	slices.Sort(c.cols)
	n := len(c.rows)
	m := max(n, len(c.cols))
	cost := make([][]int64, n+1)
	for i := range cost {
		cost[i] = make([]int64, m+1)
	}
	for _, e := range c.edges {
		cost[slices.Index(c.rows, e.row)+1][slices.Index(c.cols, e.col)+1] = -e.weight
	}
	var out []edge
	for col, row := range hungarian(cost, n, m) {
		if row > 0 && cost[row][col] < 0 {
			out = append(out, edge{c.rows[row-1], c.cols[col-1], -cost[row][col]})
		}
	}
	return out
}

// hungarian gives for each column 1..m the row that it is assigned to, 0 for
// none, so that every row 1..n has a column and the cost is least. Index 0 of
// cost is unused; n must not exceed m.
func hungarian(cost [][]int64, n, m int) []int {
	const infinite = int64(1) << 62
	u, v := make([]int64, n+1), make([]int64, m+1)
	rowOf, way := make([]int, m+1), make([]int, m+1)
	for i := 1; i <= n; i++ {
		rowOf[0] = i
		least := make([]int64, m+1)
		for j := range least {
			least[j] = infinite
		}
		used := make([]bool, m+1)
		col := 0
		for {
			used[col] = true
			row, delta, next := rowOf[col], infinite, 0
			for j := 1; j <= m; j++ {
				if used[j] {
					continue
				}
				if reduced := cost[row][j] - u[row] - v[j]; reduced < least[j] {
					least[j], way[j] = reduced, col
				}
				if least[j] < delta {
					delta, next = least[j], j
				}
			}
			for j := 0; j <= m; j++ {
				if used[j] {
					u[rowOf[j]] += delta
					v[j] -= delta
				} else if j > 0 {
					least[j] -= delta
				}
			}
			col = next
			if rowOf[col] == 0 {
				break
			}
		}
		for col != 0 {
			rowOf[col] = rowOf[way[col]]
			col = way[col]
		}
	}
	rowOf[0] = 0
	return rowOf
}
