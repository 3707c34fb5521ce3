package extract_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bartizan-security/bartizan/internal/extract"
)

func TestALimitIsSetByItsName(t *testing.T) {
	var l extract.Limits
	for _, assignment := range []string{
		"bytes=1GiB", "text=10M", "pages=7", "members=8", "expanded=3GiB", "ratio=9", "nesting=1", "depth=10", "xml-depth=11",
		"cells=12", "time=90s", "cpu=2m", "memory=512MiB", "output=64MiB",
	} {
		if err := l.Set(assignment); err != nil {
			t.Error(err)
		}
	}
	want := extract.Limits{
		Bytes: 1 << 30, TextBytes: 10 << 20, Pages: 7, Members: 8, Expanded: 3 << 30, Ratio: 9, Nesting: 1, Depth: 10, XMLDepth: 11,
		TableCells: 12, Time: 90 * time.Second, CPU: 2 * time.Minute, Memory: 512 << 20, Output: 64 << 20,
	}
	if l != want {
		t.Errorf("%+v, want %+v", l, want)
	}
	for _, name := range []string{"bytes", "xml-depth", "output"} {
		if !strings.Contains(extract.LimitHelp(), "  "+name+" ") {
			t.Errorf("the help does not name %s", name)
		}
	}
}

func TestALimitThatIsNoneIsRefused(t *testing.T) {
	for assignment, says := range map[string]string{
		"pages":               "NAME=VALUE",
		"=3":                  "there is no limit",
		"sheets=3":            "choose one of bytes, text, pages",
		"pages=0":             "a whole number above 0",
		"pages=-1":            "a whole number above 0",
		"pages=3MiB":          "a whole number above 0",
		"time=5":              "a time such as",
		"bytes=much":          "a size such as",
		"bytes=9999999999GiB": "a size such as",
	} {
		var l extract.Limits
		if err := l.Set(assignment); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: error %v, want one that says %q", assignment, err, says)
		}
	}
}

func TestEveryLimitHoldsAndSaysSo(t *testing.T) {
	rows := "|a|b|\n|-|-|\n" + strings.Repeat("|c|d|\n", 100)
	table := "<html><body><table>" + strings.Repeat("<tr><td>c</td><td>d</td></tr>", 100) + "</table></body></html>"
	tests := map[string]struct {
		data  string
		limit string
		kind  extract.Kind // empty where it is read, with a notice
		says  string
	}{
		"bytes":     {string(pdfOf(t, "", "A text.")), "bytes=100B", extract.KindTooLarge, "more than the limit of"},
		"text":      {"# A\n\nA text.", "text=5B", extract.KindTooLarge, "more than the limit of"},
		"pages":     {string(pdfOf(t, "", "One.", "Two.", "Three.")), "pages=2", extract.KindTooLarge, "it has 3 pages, the limit is 2"},
		"members":   {string(zipOf(t, numbered(3)...)), "members=2", extract.KindTooLarge, "3 members, more than the limit of 2"},
		"expanded":  {string(zipOf(t, member{"x.md", strings.Repeat("text ", 1000)})), "expanded=1KiB", extract.KindUnsafe, "expands beyond the limit"},
		"ratio":     {string(zipOf(t, member{"x.md", strings.Repeat("text ", 500_000)})), "ratio=2", extract.KindUnsafe, "an archive bomb"},
		"nesting":   {string(nested(t, 1)), "nesting=1", extract.KindUnsafe, "more than 1 deep"},
		"depth":     {deepList(20), "depth=5", "", "deep"},
		"cells":     {rows, "cells=20", "", "cells"},
		"HTML":      {table, "cells=20", "", "cells"},
		"xml-depth": {"<html><body>" + strings.Repeat("<div>", 100) + "<p>A text.</p></body></html>", "xml-depth=20", "", "20 deep"},
		"Word":      {docx(t, "A </w:t></w:r>"+strings.Repeat("<w:customXml>", 20)+"<w:r><w:t>text.</w:t></w:r>"+strings.Repeat("</w:customXml>", 20)+"<w:r><w:t>"), "xml-depth=20", "", "20 deep"},
		"output":    {"# A\n\n" + strings.Repeat("A text of some length.\n\n", 2000), "output=16KiB", extract.KindTooLarge, "as read, the document is larger than the limit"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var l extract.Limits
			if err := l.Set(tt.limit); err != nil {
				t.Fatal(err)
			}
			r := readBytes(t, "given.md", []byte(tt.data), extract.Options{Limits: l})
			if tt.kind != "" {
				theError(t, r, tt.kind, "given", tt.says)
				return
			}
			if len(r.docs) != 1 || len(r.errors) > 0 || !strings.Contains(fmt.Sprint(r.docs[0].Notices), tt.says) {
				t.Errorf("documents %v, notices %v, errors %s", r.names(), r.docs[0].Notices, r.messages())
			}
		})
	}
}
