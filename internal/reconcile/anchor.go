package reconcile

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// contextLength is how many characters before and after a quote an anchor
// keeps to tell repeated quotes apart.
const contextLength = 32

// quotation is a quoted sentence: one piece of evidence, or the two that a page
// break made of it.
type quotation struct {
	text, document, heading string
	role                    threatmodel.EvidenceRole
	omission                bool
	start                   int
}

// quotations joins what a page break cut and orders by place. Evidence that
// stands twice is one quotation.
func quotations(evidence []threatmodel.Evidence) []quotation {
	sorted := slices.Clone(evidence)
	slices.SortStableFunc(sorted, byPlace)
	sorted = slices.CompactFunc(sorted, func(a, b threatmodel.Evidence) bool { return byPlace(a, b) == 0 })
	var out []quotation
	for i, e := range sorted {
		if i > 0 && goesOn(&sorted[i-1], &e) {
			q := &out[len(out)-1]
			q.text += " " + squeeze(e.Quote)
			q.omission = q.omission && e.Omission
			continue
		}
		out = append(out, quotation{
			text: squeeze(e.Quote), document: e.Document, heading: lastHeading(e.Locator),
			role: e.Role, omission: e.Omission, start: e.Locator.ByteStart,
		})
	}
	return out
}

func byPlace(a, b threatmodel.Evidence) int {
	return cmp.Or(
		cmp.Compare(a.Document, b.Document), cmp.Compare(a.Role, b.Role),
		cmp.Compare(a.Locator.ByteStart, b.Locator.ByteStart), cmp.Compare(a.Quote, b.Quote),
	)
}

// goesOn reports whether b is the rest, on the next page, of the sentence that
// a begins.
func goesOn(a, b *threatmodel.Evidence) bool {
	if a.Document != b.Document || a.Passage != b.Passage || a.Role != b.Role || a.Locator.Page == nil || b.Locator.Page == nil {
		return false
	}
	return *b.Locator.Page == *a.Locator.Page+1 && !endsSentence(a.Quote)
}

func endsSentence(s string) bool {
	s = strings.TrimRight(s, `"')]}”’» `)
	r, _ := utf8.DecodeLastRuneInString(s)
	return strings.ContainsRune(".!?:。！？", r)
}

func lastHeading(l threatmodel.Locator) string {
	if len(l.HeadingPath) == 0 {
		return ""
	}
	return squeeze(l.HeadingPath[len(l.HeadingPath)-1])
}

// squeeze replaces every run of white space by one space.
func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }

// Anchors are the anchors of evidence, in the order of documents and places;
// without the text around them. A quote that stands twice under one heading is
// one anchor.
func Anchors(evidence []threatmodel.Evidence) []threatmodel.Anchor {
	return anchors(evidence, quotation.anchor)
}

func anchors(evidence []threatmodel.Evidence, of func(quotation) threatmodel.Anchor) []threatmodel.Anchor {
	out := []threatmodel.Anchor{}
	seen := map[place]bool{}
	list := quotations(evidence)
	slices.SortStableFunc(list, func(a, b quotation) int {
		return cmp.Or(cmp.Compare(a.document, b.document), cmp.Compare(a.start, b.start))
	})
	for _, q := range list {
		a := of(q)
		if p := placeOf(a); !seen[p] {
			seen[p] = true
			out = append(out, a)
		}
	}
	return out
}

func (q quotation) anchor() threatmodel.Anchor {
	return threatmodel.Anchor{Hash: Hash(q.text), Quote: q.text, Document: q.document, Heading: q.heading}
}

// place tells quotes apart that repeat: the same words in another document or
// under another heading are another place.
type place struct{ hash, document, heading string }

func placeOf(a threatmodel.Anchor) place {
	return place{a.Hash, a.Document, Fold(a.Heading)}
}

func comparePlaces(a, b place) int {
	return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.document, b.document), cmp.Compare(a.heading, b.heading))
}
