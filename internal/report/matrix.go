package report

import (
	"slices"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// matrixRow is a row of the risk matrix: a likelihood.
type matrixRow struct {
	Likelihood int
	Cells      []matrixCell
}

// matrixCell is one likelihood and impact with the threats that have it.
type matrixCell struct {
	Impact int
	Level  threatmodel.Level
	IDs    []string
	More   int
}

const mostInCell = 6

// matrix is the risk matrix of ISO/IEC 27005, highest likelihood first, with
// the threats that ask for something.
func (s *shown) matrix() []matrixRow {
	cells := map[[2]int][]string{}
	for _, t := range s.byRisk(ask) {
		k := [2]int{inRange(t.Likelihood.Value), inRange(t.Impact.Value)}
		cells[k] = append(cells[k], t.ID)
	}
	var out []matrixRow
	for l := 5; l >= 1; l-- {
		row := matrixRow{Likelihood: l}
		for i := 1; i <= 5; i++ {
			ids := cells[[2]int{l, i}]
			c := matrixCell{Impact: i, Level: threatmodel.Risk(l, i), IDs: ids}
			if len(ids) > mostInCell {
				c.IDs, c.More = ids[:mostInCell-1], len(ids)-mostInCell+1
			}
			row.Cells = append(row.Cells, c)
		}
		out = append(out, row)
	}
	return out
}

func inRange(n int) int { return max(1, min(5, n)) }

// coverageRow is one element against the STRIDE categories.
type coverageRow struct {
	Element, Name string
	Kind          threatmodel.Kind
	Cells         []coverageView
}

// coverageView is a cell of the coverage matrix.
type coverageView struct {
	STRIDE  threatmodel.STRIDE
	Status  threatmodel.CoverageStatus
	Threats []string
	Reason  string
}

// Reasons are the cells that do not apply and say why.
func (r coverageRow) Reasons() []coverageView {
	return slices.DeleteFunc(slices.Clone(r.Cells), func(c coverageView) bool {
		return c.Status != threatmodel.CoverageDoesNotApply || c.Reason == ""
	})
}

// coverage is the matrix in the order of the model's elements. A cell that the
// model does not hold was not looked at.
func (s *shown) coverage() []coverageRow {
	cells := map[string]map[threatmodel.STRIDE]threatmodel.CoverageCell{}
	var order []string
	for _, c := range s.Coverage {
		if cells[c.Element] == nil {
			cells[c.Element] = map[threatmodel.STRIDE]threatmodel.CoverageCell{}
			order = append(order, c.Element)
		}
		cells[c.Element][c.STRIDE] = c
	}
	var out []coverageRow
	for _, id := range order {
		row := coverageRow{Element: id, Name: s.elementName(id)}
		if e := s.elements[id]; e != nil {
			row.Kind = e.Kind
		}
		for _, st := range threatmodel.STRIDECategories() {
			c, ok := cells[id][st]
			if !ok {
				c.Status = threatmodel.CoverageNotLooked
			}
			row.Cells = append(row.Cells, coverageView{STRIDE: st, Status: c.Status, Threats: c.Threats, Reason: c.Reason})
		}
		out = append(out, row)
	}
	return out
}
