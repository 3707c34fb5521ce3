package confluence

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/bartizan-security/bartizan/internal/extract/sourcetest"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// FuzzStorage holds that any body is read into blocks that keep their
// promises, and that what is read does not grow out of proportion.
func FuzzStorage(f *testing.F) {
	for _, tt := range macroTests {
		f.Add(tt.body)
	}
	f.Add(`<table><tr><td rowspan="9" colspan="9"><table><tr><td>a</td></tr></table></td></tr></table>`)
	f.Add(strings.Repeat("<div>", 300) + "deep" + strings.Repeat("</div>", 300))
	f.Add(`<script/><p>a</p><![CDATA[<p>b]]>`)
	f.Fuzz(func(t *testing.T, body string) {
		for p, err := range ReadXML(t.Context(), strings.NewReader(export(doc{id: "1", title: "T", body: body})), Options{}, nil) {
			if err != nil {
				continue // a body can end the section around it
			}
			if err := sourcetest.Check(p.Source, 0); err != nil {
				t.Error(err)
			}
			if len(p.Source.Body) > 4000*(len(body)+100) {
				t.Errorf("%d bytes become %d", len(body), len(p.Source.Body))
			}
		}
	})
}

// FuzzEntities holds that any file is read or refused.
func FuzzEntities(f *testing.F) {
	f.Add(export(doc{id: "1", title: "A", body: "<p>x</p>"}, doc{id: "2", title: "B", parent: "1"}))
	f.Add(strings.Replace(export(doc{id: "1", title: "A", body: adf(`{"type":"rule"}`)}), "</hibernate-generic>", `<object class="BlogPost"><id name="id">5</id><property name="creationDate">2024-05-22 10:00</property><property name="body">x</property></object>`+
		`<object class="Comment"><id name="id">7</id><property name="owner" class="Page"><id name="id">1</id></property><collection name="bodyContents"><element class="BodyContent"><id name="id">8</id></element></collection></object>`+
		`<object class="BodyContent"><id name="id">8</id><property name="body"><![CDATA[<p>y</p>]]></property></object>`+
		`<object class="Attachment"><id name="id">9</id><property name="title">a</property><property name="containerContent" class="Page"><id name="id">1</id></property></object></hibernate-generic>`, 1))
	f.Add(`<!DOCTYPE a [<!ENTITY b "c">]><hibernate-generic>&b;</hibernate-generic>`)
	if data, err := os.ReadFile(designs + "forge/source/entities.xml"); err == nil {
		f.Add(string(data[:6000]))
	}
	f.Fuzz(func(t *testing.T, content string) {
		opt := Options{InMemory: 64, Comments: true, Spool: func() (SpoolFile, error) { return &memoryFile{}, nil }}
		for p, err := range ReadXML(t.Context(), strings.NewReader(content), opt, nil) {
			if err != nil {
				continue
			}
			if err := sourcetest.Check(p.Source, 0); err != nil {
				t.Error(err)
			}
		}
	})
}

// memoryFile is a spool file that costs no system call.
type memoryFile struct{ data []byte }

// WriteAt implements io.WriterAt.
func (m *memoryFile) WriteAt(p []byte, off int64) (int, error) {
	if missing := int(off) + len(p) - len(m.data); missing > 0 {
		m.data = append(m.data, make([]byte, missing)...)
	}
	return copy(m.data[off:], p), nil
}

// ReadAt implements io.ReaderAt.
func (m *memoryFile) ReadAt(p []byte, off int64) (int, error) {
	return bytes.NewReader(m.data).ReadAt(p, off)
}

// Close implements io.Closer.
func (m *memoryFile) Close() error { return nil }

// FuzzHTML holds the same for pages of an HTML export.
func FuzzHTML(f *testing.F) {
	data, err := os.ReadFile(designs + "appointments/export/BWA/Architecture_48300041.html")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(data))
	f.Fuzz(func(t *testing.T, content string) {
		folder := Folder{Names: []string{"index.html", "a_1.html"}, Read: func(string) ([]byte, error) { return []byte(content), nil }}
		for p, err := range ReadHTML(t.Context(), folder, Options{}, nil) {
			if err != nil {
				continue
			}
			if err := sourcetest.Check(p.Source, 0); err != nil {
				t.Error(err)
			}
		}
	})
}

// FuzzREST holds the same for JSON of the REST API, and for the editor's
// format in it.
func FuzzREST(f *testing.F) {
	for _, tt := range adfTests {
		f.Add(adf(tt.content))
	}
	f.Add(`{"results":[{"id":"2","parentId":"1","title":"B","body":{"storage":{"value":"<p>b</p>"}}},{"id":1,"ancestors":[{"id":2}],"body":{"view":{"value":"x"}}}]}`)
	f.Add(`[{"content":{"type":"blogpost","createdAt":"2024-05-22","body":{"atlas_doc_format":{"value":"{\"type\":\"doc\"}"}}}}]`)
	f.Fuzz(func(t *testing.T, content string) {
		if !IsREST([]byte(content)) {
			return
		}
		for p, err := range ReadREST(t.Context(), []byte(content), Options{}, nil) {
			if err != nil {
				continue
			}
			if err := sourcetest.Check(p.Source, 0); err != nil {
				t.Error(err)
			}
		}
	})
}

// FuzzWord holds the same for exports for Word.
func FuzzWord(f *testing.F) {
	f.Add(`<html><head><title>A</title></head><body><h1>A</h1><div class="Section1"><p>x</p><table><tr><td>y</td></tr></table></div></body></html>`)
	f.Fuzz(func(t *testing.T, content string) {
		if err := sourcetest.Check(ReadWord(threatmodel.Document{}, strings.ToValidUTF8(content, "?"), Options{}), 0); err != nil {
			t.Error(err)
		}
	})
}
