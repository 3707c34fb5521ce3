package builtin

import (
	"slices"

	"github.com/bartizan-security/bartizan/internal/analyze"
	"github.com/bartizan-security/bartizan/internal/pattern"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// exposures are the groups of words that say from where something can be
// reached, widest first.
var exposures = []struct {
	group    string
	exposure threatmodel.Exposure
}{
	{"exposure-internal", threatmodel.ExposureInternal},
	{"exposure-internet", threatmodel.ExposureInternet},
	{"exposure-partner", threatmodel.ExposurePartner},
	{"exposure-local", threatmodel.ExposureLocal},
}

// surroundings reads a component's exposure and the boundary that it stands in.
func (s *surveyor) surroundings(at place) {
	x := s.sentence(at)
	c := s.firstIn(x.names)
	if c == nil || s.readings[at.passage].aside {
		return
	}
	for _, e := range exposures {
		if _, _, ok := s.a.lib.Says(e.group, x.text); ok && c.exposure == "" {
			c.exposure = e.exposure
			break
		}
	}
	for i := range x.names {
		n := &x.names[i]
		if n.kind != threatmodel.TrustBoundary || n.bare || n.start < 2 || c.inside != "" {
			continue
		}
		for k := max(0, n.start-3); k < n.start; k++ {
			switch x.text.Tokens[k].Word {
			case "in", "inside", "within", "behind":
				c.inside = n.text
			}
		}
	}
}

// assetsOf finds the data that a sentence names, and who holds it.
func (s *surveyor) assetsOf(at place) {
	if s.readings[at.passage].aside {
		return
	}
	x := s.sentence(at)
	hits := x.of(pattern.Holding)
	if len(hits) == 0 {
		return
	}
	holder := s.holder(at)
	c, ok := s.cite(at)
	if !ok || holder == nil {
		return
	}
	for _, h := range hits {
		s.asset(s.a.lib.Assets()[h.Owner], holder, c.At, at)
	}
}

// holder is the store that a sentence names, else the component that it is
// about.
func (s *surveyor) holder(at place) *component {
	x := s.sentence(at)
	for i := range x.names {
		if c := s.find(&x.names[i]); c != nil && c.sure && c.kind == threatmodel.DataStore {
			return c
		}
	}
	return s.firstIn(x.names)
}

// maxAssetCitations bounds the sentences cited for one asset of a section.
const maxAssetCitations = 3

func (s *surveyor) asset(a *pattern.Asset, holder *component, _ string, at place) {
	i := slices.IndexFunc(s.out.Assets, func(x analyze.SurveyAsset) bool { return x.Name == a.Name })
	if i < 0 {
		s.out.Assets = append(s.out.Assets, analyze.SurveyAsset{Name: a.Name, Class: a.Class, Kinds: a.Kinds, HeldBy: []string{}})
		i = len(s.out.Assets) - 1
	}
	x := &s.out.Assets[i]
	x.HeldBy = unite(x.HeldBy, []string{holder.name})
	if c, ok := s.cite(at); ok && len(x.Citations) < maxAssetCitations {
		x.Citations = append(x.Citations, c)
	}
}

// controlsOf finds the safeguards that a sentence states, and how far.
func (s *surveyor) controlsOf(at place) {
	x := s.sentence(at)
	if s.readings[at.passage].aside {
		return
	}
	c, ok := s.cite(at)
	if !ok {
		return
	}
	for _, st := range s.a.stated(x) {
		var elements []string
		for i := range x.names {
			if e := s.find(&x.names[i]); e != nil && e.sure && e.kind != threatmodel.ExternalEntity {
				elements = unite(elements, []string{e.name})
			}
		}
		if len(elements) == 0 {
			if e := s.carrier(at); e != nil && !s.a.general(x.text) {
				elements = []string{e.name}
			}
		}
		s.control(analyze.SurveyControl{Name: st.control.Name, Elements: orEmpty(elements), Verdict: st.verdict, Citations: append(s.out.AimedAtModel[:0:0], c)})
	}
}

func (s *surveyor) control(x analyze.SurveyControl) {
	for i := range s.out.Controls {
		if o := &s.out.Controls[i]; o.Name == x.Name && o.Verdict == x.Verdict && slices.Equal(o.Elements, x.Elements) {
			o.Citations = append(o.Citations, x.Citations...)
			return
		}
	}
	s.out.Controls = append(s.out.Controls, x)
}

// aimed reports a sentence that speaks to a language model.
func (s *surveyor) aimed(at place) {
	if !s.isAimed(at) {
		return
	}
	if c, ok := s.cite(at); ok {
		s.out.AimedAtModel = append(s.out.AimedAtModel, c)
	}
}

// isAimed reports whether a sentence speaks to a language model.
func (v *view) isAimed(at place) bool {
	t := v.sentence(at).text
	for i := range t.Tokens {
		if v.a.lib.At("aimed-at-model", t, i) > i {
			return true
		}
	}
	return false
}
