package report_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/bartizan-security/bartizan/internal/report"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// manyThreats is a model of n threats on n/4+6 elements in 5 boundaries.
func manyThreats(n int) *threatmodel.Model {
	m := &threatmodel.Model{SchemaVersion: "1.0", System: "Large", Documents: []threatmodel.Document{
		{ID: "D-1", Name: "design.md", Title: "Design", MediaType: "text/markdown", SHA256: "00", Text: "design.md.txt"},
	}}
	for z := range 5 {
		m.Elements = append(m.Elements, threatmodel.Element{ID: fmt.Sprintf("B-%d", z), Kind: threatmodel.TrustBoundary, Name: fmt.Sprintf("Zone %d", z)})
	}
	parts := n/4 + 6
	kinds := []threatmodel.Kind{threatmodel.Process, threatmodel.DataStore, threatmodel.Process, threatmodel.ExternalEntity}
	for i := range parts {
		m.Elements = append(m.Elements, threatmodel.Element{
			ID: fmt.Sprintf("E-%d", i), Kind: kinds[i%4], Name: fmt.Sprintf("Component number %d", i), Boundary: fmt.Sprintf("B-%d", i%5),
			Technologies: []string{"PostgreSQL"}, Evidence: []threatmodel.Evidence{evidence(i)},
		})
	}
	for i := range parts * 3 / 2 {
		m.Elements = append(m.Elements, threatmodel.Element{
			ID: fmt.Sprintf("F-%d", i), Kind: threatmodel.DataFlow, From: fmt.Sprintf("E-%d", i*7%parts), To: fmt.Sprintf("E-%d", i*11%parts), Label: "HTTPS",
		})
	}
	for i := range n {
		m.Threats = append(m.Threats, manyThreat(i, parts))
		m.Coverage = append(m.Coverage, threatmodel.CoverageCell{
			Element: fmt.Sprintf("E-%d", i%parts), STRIDE: threatmodel.STRIDECategories()[i%6], Status: threatmodel.CoverageThreats, Threats: []string{m.Threats[i].ID},
		})
	}
	m.Assets = []threatmodel.Asset{{ID: "A-1", Name: "Customer data", Class: "confidential", Elements: []string{"E-1"}}}
	m.StatedControls = []threatmodel.StatedControl{{ID: "S-1", Name: "TLS", Verdict: threatmodel.Claimed, Evidence: []threatmodel.Evidence{evidence(1)}}}
	m.Questions = []threatmodel.Question{{ID: "Q-1", Text: "Who may sign in?", Why: "It matters.", Elements: []string{"E-1"}}}
	m.Notices = []threatmodel.Notice{{Kind: threatmodel.NoticeFormat, Document: "D-1", Text: "An odd file."}}
	m.Brief.Facts = []threatmodel.Fact{{Name: "purpose", Value: "A large system"}}
	m.Analysis = threatmodel.Analysis{ID: "a", Analyst: "builtin", Version: "dev", Rejections: []threatmodel.Rejection{
		{Stage: threatmodel.StageChallenge, What: "threat", Title: "Refused", Reason: "It does not hold.", Evidence: []threatmodel.Evidence{evidence(2)}},
	}}
	return m
}

func manyThreat(i, parts int) threatmodel.Threat {
	e := fmt.Sprintf("E-%d", i%parts)
	l, k := i%5+1, i/5%5+1
	against := evidence(i + 1)
	against.Role = threatmodel.Contradicts
	return threatmodel.Threat{
		ID: fmt.Sprintf("T-%06d", i), Title: fmt.Sprintf("Something goes wrong with component number %d in way %d", i%parts, i),
		Statement: "An outsider with an account can read what is not theirs, which leads to data being disclosed, negatively affecting confidentiality of customer data.",
		STRIDE:    []threatmodel.STRIDE{threatmodel.STRIDECategories()[i%6]}, CWE: []int{862}, CAPEC: []int{122}, ATTACK: []string{"T1078"},
		Elements: []string{e}, Assets: []string{"A-1"}, Evidence: []threatmodel.Evidence{evidence(i)}, Family: "authorization",
		Controls: []threatmodel.ControlRef{{
			Catalog: "iso27001-2022", ID: "A.8.3", Title: "Information access restriction", Verdict: threatmodel.Bypassed, Rationale: "One statement goes round another.",
			Evidence: []threatmodel.Evidence{evidence(i), against},
		}},
		Mitigations: []threatmodel.Mitigation{{Text: "Check the owner.", Control: "iso27001-2022:A.8.3"}},
		Likelihood:  threatmodel.Score{Value: l, Rationale: "reachable from: internet"}, Impact: threatmodel.Score{Value: k, Rationale: "data class: confidential"},
		Risk: threatmodel.Risk(l, k), Rating: threatmodel.RatingProposed, Source: threatmodel.SourceBoth, Status: threatmodel.StatusOpen, Confidence: "high", FirstSeen: "a",
	}
}

// evidence is the quote of sentence i of manyText.
func evidence(i int) threatmodel.Evidence {
	q := manySentence(i % manySentences)
	start := i % manySentences * (len(q) + 1)
	line := i%manySentences/10 + 1
	return threatmodel.Evidence{
		Quote: q, Document: "D-1", Passage: "P-1", Role: threatmodel.States,
		Locator: threatmodel.Locator{ByteStart: start, ByteEnd: start + len(q), LineStart: &line, LineEnd: &line, HeadingPath: []string{"Design"}},
	}
}

const manySentences = 2000

func manySentence(i int) string {
	return fmt.Sprintf("Sentence %04d says that the component takes what the caller sends.", i)
}

// manyTexts is about 130 kB, the text of a design of some 50 pages.
func manyTexts() report.Texts {
	var b strings.Builder
	for i := range manySentences {
		b.WriteString(manySentence(i))
		b.WriteByte(" \n"[min(1, max(0, i%10-8))])
	}
	return report.Texts{"D-1": b.String()}
}

func TestLargeModelIsDrawnInSeveralDiagrams(t *testing.T) {
	var b bytes.Buffer
	if err := report.HTML(context.Background(), &b, manyThreats(200), manyTexts()); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(b.String(), `<svg xmlns`); n != 6 {
		t.Errorf("%d diagrams, want an overview and one for each of 5 boundaries", n)
	}
	if strings.Contains(b.String(), "not in the text at hand") {
		t.Error("a quote that stands in the text was not found")
	}
}

func TestDiagramThatIsNotReadyInTimeIsMissedWithAReason(t *testing.T) {
	m, texts := sample(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var b bytes.Buffer
	if err := report.HTML(ctx, &b, m, texts); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "The diagram is missing: ") || !strings.Contains(b.String(), "context canceled") {
		t.Error("the page does not say why the diagram is missing")
	}
	if _, err := report.Diagram(ctx, m); err == nil {
		t.Error("Diagram gave no error")
	}
}

func BenchmarkHTML200Threats(b *testing.B) {
	m, texts := manyThreats(200), manyTexts()
	for _, bb := range []struct {
		name  string
		drawn bool
	}{{"with diagrams", true}, {"without", false}} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				ctx, cancel := context.WithCancel(context.Background())
				if !bb.drawn {
					cancel()
				}
				var out bytes.Buffer
				if err := report.HTML(ctx, &out, m, texts); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(out.Len())/1024, "KiB/page")
				cancel()
			}
		})
	}
}
