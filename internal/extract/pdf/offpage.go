package pdf

import (
	"slices"

	"github.com/bartizan-security/bartizan/internal/extract/pdf/layout"
)

// offPage takes out what lies wholly outside of the page as it is shown: the
// rest of a sheet that several pages show parts of, marks for the printer, and
// what somebody put where only programs read it.
func offPage(p *layout.Page) {
	outside := func(g layout.Glyph) bool {
		return drawnGlyph(g) && (g.Box.R <= 0 || g.Box.L >= p.Width || g.Box.B <= 0 || g.Box.T >= p.Height)
	}
	p.Runs = slices.DeleteFunc(p.Runs, func(r layout.Run) bool {
		return slices.ContainsFunc(r.Glyphs, outside) && !slices.ContainsFunc(r.Glyphs, func(g layout.Glyph) bool { return drawnGlyph(g) && !outside(g) })
	})
	for i := range p.Runs {
		if r := &p.Runs[i]; slices.ContainsFunc(r.Glyphs, outside) {
			r.Glyphs = slices.DeleteFunc(slices.Clone(r.Glyphs), outside)
		}
	}
}

// drawnGlyph reports whether a glyph has an extent: blanks and ends of lines
// that the engine infers have none.
func drawnGlyph(g layout.Glyph) bool { return g.Box.Width() > 0.01 && g.Box.Height() > 0.01 }
