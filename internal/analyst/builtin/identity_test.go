package builtin_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/bartizan-security/bartizan/internal/analyze"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// depot is a design of three sections with one weakness each.
const depot = `# Depot

## Gate

The gate service opens the depot for trucks. Drivers of all firms use one shared password for the gate service.

## Label printer

The label service prints labels. The label service sends addresses to the label printer over plain HTTP.

## Stock

The stock service writes to the stock database. The stock database is not backed up.
`

func (b *bench) again(t *testing.T, text string, before *threatmodel.Model) *threatmodel.Model {
	t.Helper()
	return b.analyze(t, analyze.Input{System: "Depot", Documents: read(t, "depot.md", text), Catalogs: b.catalogs, Baseline: before})
}

func ids(m *threatmodel.Model, status string) []string {
	var out []string
	for _, x := range m.Threats {
		if x.Status == threatmodel.Status(status) {
			out = append(out, x.ID+" "+x.Family)
		}
	}
	slices.Sort(out)
	return out
}

func TestThreatsKeepTheirIdsWhenTheTextOnlyMoves(t *testing.T) {
	b := newBench(t)
	first := b.again(t, depot, nil)
	if len(first.Threats) < 3 {
		t.Fatalf("%d threats in the first run", len(first.Threats))
	}
	parts := strings.Split(depot, "\n## ")
	turned := parts[0] + "\n\n## " + parts[3] + "\n\n## " + parts[1] + "\n\n## " + parts[2]
	reflowed := strings.ReplaceAll(depot, ". ", ".\n")
	for name, text := range map[string]string{"the same": depot, "sections turned round": turned, "reflowed": reflowed} {
		if got, want := ids(b.again(t, text, first), "open"), ids(first, "open"); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestASentenceThatIsGoneResolvesItsThreatAlone(t *testing.T) {
	b := newBench(t)
	first := b.again(t, depot, nil)
	second := b.again(t, strings.Replace(depot, " The stock database is not backed up.", "", 1), first)
	resolved := ids(second, "resolved")
	if len(resolved) != 1 || !strings.HasSuffix(resolved[0], " resilience") {
		t.Errorf("resolved: %q", resolved)
	}
	if got, want := len(ids(second, "open")), len(ids(first, "open"))-1; got != want {
		t.Errorf("%d open, want %d", got, want)
	}
}

func TestASentenceThatIsTurnedRoundNoLongerCarriesItsThreat(t *testing.T) {
	b := newBench(t)
	first := b.again(t, depot, nil)
	second := b.again(t, strings.Replace(depot, "over plain HTTP", "over HTTPS and never over plain HTTP", 1), first)
	for _, x := range second.Threats {
		if x.Family == "cleartext-transmission" && x.Status == "open" && x.ReviewDue == nil {
			t.Errorf("%s is open still, on %q", x.Title, x.Evidence[0].Quote)
		}
	}
	for _, family := range []string{"hardcoded-credentials", "resilience"} {
		if !slices.ContainsFunc(ids(second, "open"), func(s string) bool { return strings.HasSuffix(s, " "+family) }) {
			t.Errorf("the threat of %s is gone", family)
		}
	}
}
