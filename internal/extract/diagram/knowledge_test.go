package diagram

import (
	"slices"
	"testing"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// TestTheKnowledgeIsConsistent loads every table and holds that each word
// says one thing.
func TestTheKnowledgeIsConsistent(t *testing.T) {
	kindOf := map[threatmodel.Kind]bool{threatmodel.DataStore: true, threatmodel.ExternalEntity: true, threatmodel.Process: true}
	for name, table := range map[string]map[threatmodel.Kind][]string{
		"shapes": kinds().Shapes, "icons": kinds().Icons, "stereotypes": kinds().Stereotypes, "heads": kinds().Heads,
	} {
		seen := map[string]bool{}
		for kind, words := range table {
			if !kindOf[kind] {
				t.Errorf("%s: %q is no kind of element", name, kind)
			}
			for _, w := range words {
				if seen[w] {
					t.Errorf("%s: %q stands twice", name, w)
				}
				seen[w] = true
			}
		}
	}
	for name, list := range map[string][]stencil{"stencils": stencils().Stencils, "groups": stencils().Groups} {
		seen := map[string]bool{}
		for _, s := range list {
			if s.Kind != "" && !kindOf[s.Kind] || len(s.Keys) == 0 || s.Name == "" && s.Kind != threatmodel.ExternalEntity {
				t.Errorf("%s: the entry %+v", name, s)
			}
			for _, k := range s.Keys {
				if key := stencilKey(k); seen[key] || key == "" {
					t.Errorf("%s: the key %q stands twice", name, k)
				} else {
					seen[key] = true
				}
			}
		}
	}
	for name, m := range macros().names {
		fits := m.kind == macroRelation || m.kind == macroEnd || len(m.Fields) > 0 && m.Fields[0] == "label"
		if !fits || m.Backward && m.Both {
			t.Errorf("the macro %s is %+v", name, m)
		}
	}
	w := pumlVocabulary()
	for _, word := range slices.Concat(w.Ports, w.Interfaces) {
		if slices.Contains(w.Others["class"], word) {
			t.Errorf("%q is of components and of classes", word)
		}
	}
	if len(drawioVocabulary().Heads) == 0 || len(w.Elements) == 0 {
		t.Error("the words of draw.io or PlantUML are missing")
	}
}

func TestStencils(t *testing.T) {
	for name, want := range map[string]struct {
		name string
		kind threatmodel.Kind
		ok   bool
	}{
		"mxgraph.aws4.s3":                              {"Amazon S3", threatmodel.DataStore, true},
		"mxgraph.aws3.dynamo_db":                       {"DynamoDB", threatmodel.DataStore, true},
		"img/lib/azure2/databases/Azure_Cosmos_DB.svg": {"Azure Cosmos DB", threatmodel.DataStore, true},
		"mxgraph.gcp2.cloud_pubsub":                    {"Google Pub/Sub", threatmodel.DataStore, true},
		"mxgraph.aws4.user":                            {"", threatmodel.ExternalEntity, true},
		"mxgraph.aws4.braket":                          {"AWS braket", "", true},
		"mxgraph.aws4.resourceIcon":                    {"", "", false},
		"logos:aws-lambda":                             {"AWS Lambda", threatmodel.Process, true},
		"logos:never-heard-of":                         {"", "", false},
		"mxgraph.flowchart.database":                   {"", "", false},
	} {
		got, ok := findStencil(name)
		if got.Name != want.name || got.Kind != want.kind || ok != want.ok {
			t.Errorf("findStencil(%q) = %q, %q, %v; want %+v", name, got.Name, got.Kind, ok, want)
		}
	}
}
