package layout

import (
	"slices"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

const (
	// minPicture is how wide and high a picture is at least, in points: what
	// is smaller is an ornament.
	minPicture = 20
	// maxPictures bounds the pictures of a page.
	maxPictures = 200
)

// pictureParts are the pictures of a page that are listed.
func pictureParts(ps []Picture, page int) []part {
	var out []part
	for _, p := range ps {
		if p.Alt == "" && (p.Box.Width() < minPicture || p.Box.Height() < minPicture) || len(out) == maxPictures {
			continue
		}
		out = append(out, part{kind: threatmodel.BlockImage, role: threatmodel.RoleBody, text: p.Alt, picture: true, page: page, box: p.Box})
	}
	return out
}

// logos gives the pictures that stand in the same place of three pages, or of
// two where there are few, the role of a running header or footer.
func logos(pages []*sheet) {
	type spot struct{ l, t, r, b int }
	at := func(b Box) spot { return spot{int(b.L), int(b.T), int(b.R), int(b.B)} }
	count := map[spot]int{}
	for _, s := range pages {
		for _, p := range s.pictures {
			count[at(p.box)]++
		}
	}
	need := 3
	if len(pages) <= 4 {
		need = 2
	}
	for _, s := range pages {
		for i := range s.pictures {
			p := &s.pictures[i]
			if count[at(p.box)] < need || p.box.Height() > s.height/2 {
				continue
			}
			p.role = threatmodel.RoleFooter
			if p.box.T+p.box.B < s.height {
				p.role = threatmodel.RoleHeader
			}
		}
	}
}

// intoColumn puts a picture into the column that it stands in, below what stands
// higher there.
func intoColumn(parts []part, picture part) []part {
	at := -1
	for i, o := range parts {
		if o.box.R <= picture.box.L || o.box.L >= picture.box.R {
			continue
		}
		if o.box.T > picture.box.T && at < 0 {
			at = i
		}
		if o.box.T <= picture.box.T {
			at = i + 1
		}
	}
	if at < 0 {
		at = len(parts)
	}
	return slices.Insert(parts, at, picture)
}
