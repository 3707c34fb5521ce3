package secret_test

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bartizan-security/bartizan/internal/extract"
	"github.com/bartizan-security/bartizan/internal/extract/sourcetest"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

func TestMain(m *testing.M) {
	extract.ChildIfAsked()
	os.Exit(m.Run())
}

func readFile(t *testing.T, name string, data []byte, opt extract.Options) []extract.Document {
	t.Helper()
	var docs []extract.Document
	for doc, err := range extract.Read(context.Background(), name, bytes.NewReader(data), int64(len(data)), opt) {
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, doc)
	}
	return docs
}

func TestEveryFormatIsMaskedUnlessSecretsAreToBeShown(t *testing.T) {
	token := key("gh", "p_", alnum36)
	for name, text := range map[string]string{
		"a.txt": "Uploads use " + token + ".\n", "a.md": "# A\n\nUploads use `" + token + "`.\n", "a.html": "<html><body><p>Uploads use <code>" + token + "</code>.</p></body></html>",
	} {
		doc := readFile(t, name, []byte(text), extract.Options{})[0]
		if places := holding(&doc, token[:12]); len(places) > 0 || !strings.Contains(doc.Body, strings.Repeat("*", len(token))) {
			t.Errorf("%s: it stands in %q of %q", name, places, doc.Body)
		}
		if len(doc.Notices) != 1 || doc.Notices[0].Document != doc.ID || doc.Notices[0].Evidence[0].Document != doc.ID {
			t.Errorf("%s: notices %+v, want one about %s", name, doc.Notices, doc.ID)
		}
		if shown := readFile(t, name, []byte(text), extract.Options{ShowSecrets: true})[0]; !strings.Contains(shown.Body, token) || len(shown.Body) != len(doc.Body) {
			t.Errorf("%s: shown it reads %q", name, shown.Body)
		}
	}
}

// TestRealDocumentsKeepTheirProse holds that nothing is masked in documents
// that were written for the public and give no credential away.
func TestRealDocumentsKeepTheirProse(t *testing.T) {
	root := os.Getenv("BARTIZAN_CORPUS")
	if root == "" {
		t.Skip("BARTIZAN_CORPUS is not set")
	}
	read := 0
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		for doc, err := range extract.ReadPaths(t.Context(), []string{path}, extract.Options{}) {
			if err != nil {
				continue
			}
			read++
			if err := sourcetest.Check(doc, 0); err != nil {
				t.Errorf("%s: %v", path, err)
			}
			for _, n := range doc.Notices {
				if n.Kind == threatmodel.NoticeSecret {
					t.Errorf("%s: %s %+v", path, n.Text, n.Evidence)
				}
			}
		}
		return nil
	})
	if err != nil || read < 20 {
		t.Errorf("%d documents read, error %v", read, err)
	}
}
