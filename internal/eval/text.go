package eval

import (
	"fmt"
	"io"
	"strings"

	"github.com/bartizan-security/bartizan/internal/report/visible"
)

// Text writes a score for people: the figures, then every miss, every piece of
// noise and every wrong verdict with the reason.
func Text(w io.Writer, s *Score) error {
	p := &printer{}
	p.figures(s)
	p.section("Found", len(s.Hits))
	for _, h := range s.Hits {
		p.line("  %s  %s  (by %s)", h.Threat, h.Truth, h.By)
	}
	p.section("Missed", len(s.Misses))
	for _, m := range s.Misses {
		p.line("  %s: %s", m.Truth, m.Title)
		p.line("      %s", m.Reason)
		p.line("      “%s”", m.Quote)
	}
	p.section("Noise", len(s.Noise)-len(s.Forbidden))
	for _, n := range s.Noise {
		if !has(s.Forbidden, n.Threat) {
			p.noise(n)
		}
	}
	p.section("Noise on sentences that must not become a threat", len(s.Forbidden))
	for _, n := range s.Forbidden {
		p.noise(n)
	}
	p.section("Found once more", len(s.Repeats))
	for _, r := range s.Repeats {
		p.line("  %s  %s: %s", r.Threat, r.Truth, r.Title)
	}
	p.section("Wrong or missing verdicts", len(s.Wrong))
	for _, v := range s.Wrong {
		got := string(v.Got)
		if got == "" {
			got = "none"
		}
		p.line("  %s, %s: %s; right is %s", v.Of, v.Control, got, v.Want)
	}
	p.list("Elements missed", s.Elements.Missed)
	p.list("Elements of another kind", s.Elements.Kinds)
	p.list("Elements that the truth lacks", s.Elements.Extra)
	_, err := io.WriteString(w, p.String())
	return err
}

func has(list []Noise, threat string) bool {
	for _, n := range list {
		if n.Threat == threat {
			return true
		}
	}
	return false
}

// printer gathers lines; what comes from documents is made harmless in them.
type printer struct{ strings.Builder }

func (p *printer) line(format string, args ...any) {
	for i, a := range args {
		if s, ok := a.(string); ok {
			args[i] = visible.Line(s)
		}
	}
	fmt.Fprintf(p, format+"\n", args...)
}

func (p *printer) section(title string, n int) {
	if n > 0 {
		fmt.Fprintf(p, "\n%s (%d)\n", title, n)
	}
}

func (p *printer) noise(n Noise) {
	p.line("  %s  %s [%s]", n.Threat, n.Title, n.Family)
	p.line("      %s", n.Reason)
	p.line("      “%s”", n.Quote)
}

func (p *printer) list(title string, items []string) {
	p.section(title, len(items))
	for _, x := range items {
		p.line("  %s", x)
	}
}

// figures are the numbers by which runs are compared.
func (p *printer) figures(s *Score) {
	truths := len(s.Hits) + len(s.Misses)
	p.line("%s", s.System)
	p.line("recall     %.2f  %d of %d threats found", s.Recall, len(s.Hits), truths)
	p.line("precision  %.2f  %d of %d threats of the model match one (%d of them once more)", s.Precision,
		len(s.Hits)+len(s.Repeats), len(s.Hits)+len(s.Repeats)+len(s.Noise), len(s.Repeats))
	p.line("noise      %d, of which %d on sentences that must not become a threat", len(s.Noise), len(s.Forbidden))
	p.tallies("verdicts", s.Verdicts)
	p.tallies("stated", s.Controls)
	e := s.Elements
	p.line("elements   %d of %d found, %d of them as another kind; %d more in the model", len(e.Found), len(e.Found)+len(e.Missed), len(e.Kinds), len(e.Extra))
	if s.NoTexts {
		p.line("The documents' texts do not lie beside the model: only threats that quote the very sentences count as found.")
	}
}

func (p *printer) tallies(title string, list []Tally) {
	var right, all int
	var parts []string
	for _, t := range list {
		right += t.Right
		all += t.Right + t.Wrong + t.Missing
		parts = append(parts, fmt.Sprintf("%s %d/%d", t.Verdict, t.Right, t.Right+t.Wrong+t.Missing))
	}
	if all > 0 {
		p.line("%-9s  %d of %d right: %s", title, right, all, strings.Join(parts, ", "))
	}
}
