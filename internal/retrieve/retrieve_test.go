package retrieve

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/bartizan-security/bartizan/internal/embed"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

func builtin(t testing.TB) embed.Embedder {
	t.Helper()
	e, err := embed.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func index(t testing.TB, passages ...threatmodel.Passage) *Index {
	t.Helper()
	x, err := New(context.Background(), passages, builtin(t))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func say(id, text string) threatmodel.Passage { return threatmodel.Passage{ID: id, Text: text} }

func ids(passages []threatmodel.Passage) []string {
	out := []string{}
	for _, p := range passages {
		out = append(out, p.ID)
	}
	return out
}

func search(t testing.TB, x *Index, query string, k int) []string {
	t.Helper()
	found, err := x.Search(context.Background(), query, k)
	if err != nil {
		t.Fatal(err)
	}
	return ids(found)
}

var design = []threatmodel.Passage{
	say("p-01", "Customers sign in at the portal with user name and password."),
	say("p-02", "The portal stores invoices in the document store, encrypted with a key from the key service."),
	say("p-03", "Operators reach the administration console through a jump host."),
	say("p-04", "Webhooks are delivered to URLs that customers configure."),
	say("p-05", "Backups of the invoice database are copied to a second region every night."),
	{ID: "p-06", Heading: "Rate limiting", Text: "Each client may send a hundred requests in a minute."},
	{ID: "p-07", Header: "Interface | Authentication", Text: "Metering feed | none"},
	say("p-08", "Audit records are kept for seven years."),
}

func TestSearchFindsWhatAQueryIsAbout(t *testing.T) {
	x := index(t, design...)
	for name, c := range map[string]struct{ query, want string }{
		"by words":                  {"where are invoices encrypted", "p-02"},
		"by other forms of a word":  {"administrators' consoles", "p-03"},
		"by the heading":            {"is there a rate limit", "p-06"},
		"by the header of a table":  {"authentication of interfaces", "p-07"},
		"by the beginning of words": {"webhook URL configuration", "p-04"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := search(t, x, c.query, 2); len(got) == 0 || got[0] != c.want {
				t.Errorf("%q found %v, want %s first", c.query, got, c.want)
			}
		})
	}
}

func TestSearchGivesNoMoreThanAskedAndNothingThatScoresNothing(t *testing.T) {
	x := index(t, design...)
	for _, c := range []struct {
		query string
		k     int
	}{{"invoices", 3}, {"invoices", 0}, {"invoices", -1}, {"", 3}, {"the of and", 3}} {
		if got := search(t, x, c.query, c.k); len(got) > max(0, c.k) || (c.query != "invoices" && len(got) > 0) {
			t.Errorf("%q with k %d found %v", c.query, c.k, got)
		}
	}
	if got := search(t, index(t), "anything", 3); len(got) != 0 {
		t.Errorf("no passages, yet %v was found", got)
	}
}

func TestTiesGoByPassageID(t *testing.T) {
	x := index(t, say("p-c", "Tokens expire."), say("p-a", "Tokens expire."), say("p-b", "Tokens expire."))
	if got := search(t, x, "tokens", 3); !slices.Equal(got, []string{"p-a", "p-b", "p-c"}) {
		t.Errorf("equal passages came as %v, want them by id", got)
	}
}

func TestTwoPassagesOfOneIDAreRefused(t *testing.T) {
	_, err := New(t.Context(), []threatmodel.Passage{say("p-a", "One."), say("p-a", "Two.")}, builtin(t))
	if err == nil || !strings.Contains(err.Error(), "p-a") {
		t.Errorf("got the error %v, want one that names the id", err)
	}
}

// vocabulary makes passages that share words, so that scores compete.
var vocabulary = strings.Fields(`token password tenant invoice gateway database encrypted signed operator customer backup region
	webhook audit record expire session cookie administrator console key service queue message broker upload file scanner not without`)

func passages(prefix string) *rapid.Generator[[]threatmodel.Passage] {
	sentence := rapid.SliceOfN(rapid.SampledFrom(vocabulary), 1, 12)
	return rapid.Custom(func(t *rapid.T) []threatmodel.Passage {
		var out []threatmodel.Passage
		for i, words := range rapid.SliceOfN(sentence, 1, 25).Draw(t, prefix) {
			out = append(out, say(fmt.Sprintf("%s-%02d", prefix, i), strings.Join(words, " ")))
		}
		return out
	})
}

func query() *rapid.Generator[string] {
	return rapid.Map(rapid.SliceOfN(rapid.SampledFrom(vocabulary), 1, 8), func(w []string) string { return strings.Join(w, " ") })
}

// TestAddingADocumentChangesNoScoreOfAnOldPassage holds the rule on which
// incremental analysis rests.
func TestAddingADocumentChangesNoScoreOfAnOldPassage(t *testing.T) {
	e := builtin(t)
	rapid.Check(t, func(t *rapid.T) {
		old, added, q := passages("b").Draw(t, "old"), passages(rapid.SampledFrom([]string{"a", "c"}).Draw(t, "where")).Draw(t, "added"), query().Draw(t, "query")
		before, after := scoresOf(t, e, old, q), scoresOf(t, e, slices.Concat(old, added), q)
		for _, p := range old {
			if before[p.ID] != after[p.ID] {
				t.Fatalf("%s %q scored %v, and with other passages added %v", p.ID, p.Text, before[p.ID], after[p.ID])
			}
		}
	})
}

// scoresOf are the two scores of every passage, bit by bit.
func scoresOf(t *rapid.T, e embed.Embedder, list []threatmodel.Passage, query string) map[string][2]float64 {
	x, err := New(context.Background(), list, e)
	if err != nil {
		t.Fatal(err)
	}
	v, err := x.vector(context.Background(), query)
	if err != nil {
		t.Fatal(err)
	}
	near, words := x.vectors.scores(v), x.words.scores(query)
	out := map[string][2]float64{}
	for i, p := range x.passages {
		out[p.ID] = [2]float64{near[i], words[i]}
	}
	return out
}

// TestADocumentThatDoesNotConcernAQueryChangesNothing: what a prompt holds is
// the same bytes when text about something else comes.
func TestADocumentThatDoesNotConcernAQueryChangesNothing(t *testing.T) {
	x := index(t, design...)
	other := slices.Clone(design)
	for i := range 40 {
		other = append(other, say(fmt.Sprintf("a-%02d", i), fmt.Sprintf("Holiday calendar entry %d lists canteen opening hours.", i)))
	}
	y := index(t, other...)
	for _, q := range []string{"invoices encrypted key", "administration console jump host", "customers sign in password"} {
		if a, b := search(t, x, q, 2), search(t, y, q, 2); !slices.Equal(a, b) {
			t.Errorf("%q found %v, and with an unrelated document %v", q, a, b)
		}
	}
}

func TestOrderOfPassagesDoesNotMatter(t *testing.T) {
	e := builtin(t)
	rapid.Check(t, func(t *rapid.T) {
		list, q := passages("p").Draw(t, "passages"), query().Draw(t, "query")
		shuffled := rapid.Permutation(list).Draw(t, "shuffled")
		var found [2][]string
		for i, l := range [][]threatmodel.Passage{list, shuffled} {
			x, err := New(context.Background(), l, e)
			if err != nil {
				t.Fatal(err)
			}
			hits, err := x.Search(context.Background(), q, 5)
			if err != nil {
				t.Fatal(err)
			}
			found[i] = ids(hits)
		}
		if !slices.Equal(found[0], found[1]) {
			t.Fatalf("%q found %v, and after a shuffle %v", q, found[0], found[1])
		}
	})
}

// TestVectorScanIsExact compares with the plain definition.
func TestVectorScanIsExact(t *testing.T) {
	e := builtin(t)
	rapid.Check(t, func(t *rapid.T) {
		list, q := passages("p").Draw(t, "passages"), query().Draw(t, "query")
		scores := scoresOf(t, e, list, q)
		for _, p := range list {
			want, err := embed.Cosine(context.Background(), e, q, textOf(&p))
			if err != nil {
				t.Fatal(err)
			}
			if got := max(-1, min(1, scores[p.ID][0])); got != want {
				t.Fatalf("%q with %q: %v, want the cosine %v", q, p.Text, got, want)
			}
		}
	})
}

// TestBestIsWhatASortWouldGive: leaving out early must leave out nothing.
func TestBestIsWhatASortWouldGive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		scores := rapid.SliceOf(rapid.Map(rapid.IntRange(-2, 9), func(n int) float64 { return float64(n) / 4 })).Draw(t, "scores")
		n := rapid.IntRange(1, 8).Draw(t, "n")
		var want []hit
		for i, s := range scores {
			if s > 0 {
				want = append(want, hit{i, s})
			}
		}
		slices.SortStableFunc(want, func(a, b hit) int { return cmp.Compare(b.score, a.score) })
		if got := best(scores, n); !slices.Equal(got, want[:min(n, len(want))]) {
			t.Fatalf("got %v, want %v", got, want[:min(n, len(want))])
		}
	})
}

// counted counts the texts that it is asked for.
type counted struct {
	embed.Embedder
	texts int
	err   error
}

func (c *counted) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	c.texts += len(texts)
	if c.err != nil {
		return nil, c.err
	}
	return c.Embedder.Embed(ctx, texts)
}

func TestAQueryIsEmbeddedOnce(t *testing.T) {
	c := &counted{Embedder: builtin(t)}
	x, err := New(t.Context(), design, c)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		search(t, x, "invoices", 2)
	}
	if want := len(design) + 1; c.texts != want {
		t.Errorf("%d texts were embedded, want the passages and the query once: %d", c.texts, want)
	}
}

func TestAFailedEmbeddingIsNoEmptyAnswer(t *testing.T) {
	c := &counted{Embedder: builtin(t)}
	x, err := New(t.Context(), design, c)
	if err != nil {
		t.Fatal(err)
	}
	c.err = errors.New("endpoint down")
	if _, err := x.Search(t.Context(), "invoices", 2); !errors.Is(err, c.err) {
		t.Errorf("got the error %v, want the embedder's", err)
	}
	if _, err := New(t.Context(), design, c); !errors.Is(err, c.err) {
		t.Errorf("got the error %v, want the embedder's", err)
	}
}

// BenchmarkIndexAndSearch is a large system in one run: 2,000 passages, 500
// queries.
func BenchmarkIndexAndSearch(b *testing.B) {
	var list []threatmodel.Passage
	for i := range 2000 {
		var words []string
		for j := range 30 {
			words = append(words, vocabulary[(i*7+j*j*(i%11+1))%len(vocabulary)], fmt.Sprintf("word%d", (i*31+j*17)%4000))
		}
		list = append(list, say(fmt.Sprintf("p-%04d", i), strings.Join(words, " ")))
	}
	e := builtin(b)
	for b.Loop() {
		x, err := New(b.Context(), list, e)
		if err != nil {
			b.Fatal(err)
		}
		for q := range 500 {
			text := list[q*3].Text
			if _, err := x.Search(b.Context(), text[:min(len(text), 150)], 10); err != nil {
				b.Fatal(err)
			}
		}
	}
}
