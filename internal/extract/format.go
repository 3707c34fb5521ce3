package extract

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Formats lists the forms in which a document can be written.
func Formats() []string { return []string{"text", "json", "markdown"} }

// Format writes one document: its text, which byte offsets count in; its
// blocks as JSON; or Markdown made from its blocks.
func Format(w io.Writer, doc Document, format string) error {
	var err error
	switch format {
	case "text":
		err = writeText(w, doc)
	case "json":
		err = writeJSON(w, doc)
	case "markdown":
		err = WriteMarkdown(w, doc)
	default:
		return fmt.Errorf("unknown format %q: choose one of %s", format, strings.Join(Formats(), ", "))
	}
	if err != nil {
		return fmt.Errorf("write %s as %s: %w", doc.Name, format, err)
	}
	return nil
}

// Separator stands between documents in a form.
func Separator(format string) string {
	switch format {
	case "text":
		return "\f"
	case "markdown":
		return "\n---\n\n"
	}
	return ""
}

func writeText(w io.Writer, doc Document) error {
	_, err := io.WriteString(w, strings.TrimRight(doc.Body, "\n")+"\n")
	return err
}

func writeJSON(w io.Writer, doc Document) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if doc.Blocks == nil {
		doc.Blocks = []threatmodel.Block{}
	}
	return e.Encode(doc)
}
