package report_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bartizan-security/bartizan/internal/report"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

var update = flag.Bool("update", false, "write the golden files anew; read the difference")

// sample is testdata/model.json with the texts beside it.
func sample(t testing.TB) (*threatmodel.Model, report.Texts) {
	t.Helper()
	raw, err := os.ReadFile("testdata/model.json")
	if err != nil {
		t.Fatal(err)
	}
	m := &threatmodel.Model{}
	if err := json.Unmarshal(raw, m); err != nil {
		t.Fatal(err)
	}
	texts := report.Texts{"bartizan.yaml": read(t, "testdata/documents/bartizan.yaml.txt")}
	for _, d := range m.Documents {
		texts[d.ID] = read(t, filepath.Join("testdata/documents", d.Text))
	}
	return m, texts
}

func read(t testing.TB, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(strings.Split(read(t, path), "\n"), strings.Split(got, "\n")); d != "" {
		t.Errorf("%s differs (-want +got); read it, then run with -update:\n%s", path, d)
	}
}

// withoutParts leaves out of a page what is a file of its own, or is drawn: the
// layout's coordinates are not for reading.
func withoutParts(s string) string {
	for _, tag := range []string{"style", "script", "svg"} {
		s = regexp.MustCompile(`(?s)(<`+tag+`)[ >].*?(</`+tag+`>)`).ReplaceAllString(s, "$1>…$2")
	}
	return regexp.MustCompile(`sha256-[A-Za-z0-9+/=&#;]+`).ReplaceAllString(s, "sha256-…")
}

func TestGolden(t *testing.T) {
	m, texts := sample(t)
	for _, tt := range []struct {
		name  string
		write func(*bytes.Buffer) error
	}{
		{"terminal-80.txt", func(b *bytes.Buffer) error {
			return report.Terminal(b, m, report.TerminalOptions{Width: 80, Folder: "out"})
		}},
		{"terminal-120-color.txt", func(b *bytes.Buffer) error {
			return report.Terminal(b, m, report.TerminalOptions{Width: 120, Color: true})
		}},
		{"report.md", func(b *bytes.Buffer) error { return report.Markdown(b, m, texts) }},
		{"report.html", func(b *bytes.Buffer) error { return report.HTML(context.Background(), b, m, texts) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var b bytes.Buffer
			if err := tt.write(&b); err != nil {
				t.Fatal(err)
			}
			golden(t, tt.name, withoutParts(b.String()))
		})
	}
}

// TestSampleCoversEveryField keeps the golden files worth reading: a field that
// the sample leaves empty everywhere would be shown by none of them.
func TestSampleCoversEveryField(t *testing.T) {
	m, _ := sample(t)
	set := map[string]bool{}
	cover(reflect.ValueOf(*m), "Model", set)
	for field, seen := range set {
		if !seen {
			t.Errorf("testdata/model.json never sets %s", field)
		}
	}
}

func cover(v reflect.Value, name string, set map[string]bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			cover(v.Elem(), name, set)
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			cover(v.Index(i), name, set)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range v.NumField() {
			field := fmt.Sprintf("%s.%s", v.Type().Name(), v.Type().Field(i).Name)
			set[field] = set[field] || !v.Field(i).IsZero()
			cover(v.Field(i), field, set)
		}
	}
}
