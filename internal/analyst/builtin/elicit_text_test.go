package builtin

import (
	"strings"
	"testing"

	"github.com/bartizan-security/bartizan/internal/pattern"
)

// TestEveryTemplateIsFilled: no text that a person reads has a place left open.
func TestEveryTemplateIsFilled(t *testing.T) {
	library, err := pattern.Load()
	if err != nil {
		t.Fatal(err)
	}
	words := map[string]string{"element": "Order Gateway"}
	for _, p := range library.Patterns() {
		texts := append([]string{p.Statement.Source, p.Statement.Prerequisites, p.Statement.Action, p.Statement.Impact}, p.Mitigations...)
		for _, text := range fillAll(texts, words) {
			if strings.ContainsAny(text, "{}") || strings.Contains(text, "the element") {
				t.Errorf("%s leaves a place open: %s", p.ID, text)
			}
		}
	}
}
