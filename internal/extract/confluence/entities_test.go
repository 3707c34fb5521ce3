package confluence

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// doc is a page of an export made for a test.
type doc struct {
	id, title, parent, body string
	// more are further properties of the page.
	more string
}

// export writes pages as an export.
func export(docs ...doc) string {
	var b strings.Builder
	b.WriteString("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<hibernate-generic datetime=\"2025-01-01 00:00:00\">\n")
	b.WriteString(`<object class="Space" package="com.atlassian.confluence.spaces"><id name="id">1</id><property name="key"><![CDATA[S]]></property>` +
		`<property name="homePage" class="Page" package="com.atlassian.confluence.pages"><id name="id">100</id></property></object>`)
	for _, d := range docs {
		b.WriteString(d.object())
	}
	b.WriteString("</hibernate-generic>\n")
	return b.String()
}

func (d doc) object() string {
	parent := ""
	if d.parent != "" {
		parent = `<property name="parent" class="Page"><id name="id">` + d.parent + `</id></property>`
	}
	body := strings.ReplaceAll(d.body, "]]>", "]] >")
	return fmt.Sprintf(`<object class="Page" package="com.atlassian.confluence.pages">
<id name="id">%s</id><property name="title"><![CDATA[%s]]></property>%s%s
<property name="space" class="Space"><id name="id">1</id></property>
</object>
<object class="BodyContent" package="com.atlassian.confluence.core"><id name="id">9%s</id>
<property name="body"><![CDATA[%s]]></property>
<property name="content" class="Page"><id name="id">%s</id></property><property name="bodyType">2</property></object>
`, d.id, d.title, parent, d.more, d.id, body, d.id)
}

func many(n int) []doc {
	var docs []doc
	for i := range n {
		docs = append(docs, doc{id: fmt.Sprint(1000 + i), title: fmt.Sprintf("Page %d", i), body: "<p>Some text.</p>"})
	}
	return docs
}

func position(n int) string { return fmt.Sprintf(`<property name="position">%d</property>`, n) }

func TestPagesComeInTheOrderOfTheTree(t *testing.T) {
	tests := map[string]struct {
		docs []doc
		want []string
	}{
		"children after their parent, the home page first": {
			[]doc{{id: "3", title: "B", parent: "100"}, {id: "2", title: "A", parent: "3"}, {id: "100", title: "Home"}},
			[]string{"Home", "B", "B/A"},
		},
		"by position before title": {
			[]doc{{id: "1", title: "A"}, {id: "2", title: "B", more: position(1)}, {id: "3", title: "C", more: position(0)}},
			[]string{"C", "B", "A"},
		},
		"numbers in titles by value, without case": {
			[]doc{{id: "1", title: "step 10"}, {id: "2", title: "Step 9"}, {id: "3", title: "Step 010a"}},
			[]string{"Step 9", "step 10", "Step 010a"},
		},
		"a page whose parent is not in the export": {
			[]doc{{id: "1", title: "A", parent: "77"}},
			[]string{"A"},
		},
		"a page whose parent was deleted hangs on the one above": {
			[]doc{{id: "1", title: "A"}, {id: "2", title: "Gone", parent: "1", more: `<property name="contentStatus">deleted</property>`}, {id: "3", title: "C", parent: "2"}},
			[]string{"A", "A/C"},
		},
		"pages that lead round in a circle": {
			[]doc{{id: "1", title: "A", parent: "2"}, {id: "2", title: "B", parent: "1"}},
			[]string{"A", "B"},
		},
		"a title that is no name of a path": {
			[]doc{{id: "1", title: "TCP/IP \\ DNS"}, {id: "2", title: " .. ", parent: "1"}, {id: "3", title: ""}},
			[]string{"Untitled", "TCP-IP - DNS", "TCP-IP - DNS/Untitled"},
		},
		"a version that only its page calls old": {
			[]doc{{id: "1", title: "A", more: `<collection name="historicalVersions"><element class="Page"><id name="id">2</id></element></collection>`}, {id: "2", title: "A"}},
			[]string{"A"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			out := readXML(t, export(tt.docs...), Options{})
			if len(out.errs) > 0 {
				t.Fatal(out.errs)
			}
			if diff := cmp.Diff(tt.want, out.names()); diff != "" {
				t.Errorf("pages (-want +got):\n%s", diff)
			}
		})
	}
}

// Pages may lead on for ever, or round: what a page costs must not grow with
// how deep it lies.
func TestPagesThatLieVeryDeepAreRead(t *testing.T) {
	const n = 20_000
	var docs []doc
	for i := range n {
		docs = append(docs, doc{id: fmt.Sprint(1000 + i), title: fmt.Sprint(i), parent: fmt.Sprint(999 + i)})
	}
	docs[0].parent = fmt.Sprint(1000 + n/2) // the upper half leads round
	out := readXML(t, export(docs...), Options{})
	if len(out.errs) > 0 || len(out.pages) != n {
		t.Fatalf("%d pages, errors %v", len(out.pages), out.errs)
	}
	parents := 0
	for _, p := range out.pages {
		if p.Parent >= 0 {
			parents++
		}
		if strings.Count(p.Source.Name, "/") >= maxTree {
			t.Fatalf("the name %.200s is too long", p.Source.Name)
		}
	}
	if parents != n/2-1 {
		t.Errorf("%d pages have one above them", parents)
	}
}

func TestPagesOfSeveralSpacesAreToldApart(t *testing.T) {
	second := `<object class="Space"><id name="id">2</id><property name="key">T</property></object>` +
		strings.ReplaceAll(doc{id: "5", title: "A", body: "<p>x</p>"}.object(), `class="Space"><id name="id">1<`, `class="Space"><id name="id">2<`)
	content := strings.Replace(export(doc{id: "1", title: "A", body: "<p>y</p>"}), "</hibernate-generic>", second+"</hibernate-generic>", 1)
	out := readXML(t, content, Options{})
	if diff := cmp.Diff([]string{"S/A", "T/A"}, out.names()); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
}

// A body may stand before its page, name no page, or have been moved to the
// temporary file.
func TestABodyFindsItsPage(t *testing.T) {
	page := `<object class="Page"><id name="id">1</id><property name="title">A</property>` +
		`<collection name="bodyContents"><element class="BodyContent"><id name="id">9</id></element></collection></object>`
	body := `<object class="BodyContent"><id name="id">9</id><property name="body"><![CDATA[<p>The body.</p>]]></property>%s</object>`
	of := `<property name="content" class="Page"><id name="id">1</id></property>`
	tests := map[string]string{
		"after it":                      page + fmt.Sprintf(body, of),
		"before it":                     fmt.Sprintf(body, of) + page,
		"known from the page's side":    fmt.Sprintf(body, "") + page,
		"of which there are two":        page + fmt.Sprintf(body, of) + page,
		"before an empty one":           page + fmt.Sprintf(body, of) + strings.Replace(fmt.Sprintf(body, of), "<p>The body.</p>", "", 1),
		"with entities in place of one": page + strings.NewReplacer("<![CDATA[<p>", "&lt;p&gt;", "</p>]]>", "&lt;/p&gt;").Replace(fmt.Sprintf(body, of)),
	}
	for name, objects := range tests {
		for _, inMemory := range []int{1, 1 << 20} {
			t.Run(fmt.Sprintf("%s, %d in memory", name, inMemory), func(t *testing.T) {
				out := readXML(t, "<hibernate-generic>"+objects+"</hibernate-generic>", Options{InMemory: inMemory})
				if len(out.errs) > 0 || len(out.pages) != 1 || out.pages[0].Source.Body != "A\n\nThe body." {
					t.Errorf("pages %+v, errors %v", out.pages, out.errs)
				}
			})
		}
	}
}

func TestTheSpoolGivesBackWhatItWasGiven(t *testing.T) {
	for _, inMemory := range []int{0, 100, 1 << 30} {
		s := &spool{inMemory: inMemory, create: TempSpool}
		defer s.close()
		var at []extent
		for i := range 300 {
			s.begin()
			s.add([]byte(strings.Repeat(string(rune('a'+i%26)), i*50)))
			e := s.finish(false)
			if i%3 == 2 {
				s.drop(e)
				continue
			}
			at = append(at, e)
		}
		s.seal()
		n := 0
		for i := range 300 {
			if i%3 == 2 {
				continue
			}
			got, err := s.read(at[n], nil)
			n++
			if want := strings.Repeat(string(rune('a'+i%26)), i*50); err != nil || string(got) != want {
				t.Fatalf("%d in memory, body %d: %d bytes, want %d; %v", inMemory, i, len(got), len(want), err)
			}
		}
	}
}

func TestAnExportThatIsMadeToDoHarmIsRefused(t *testing.T) {
	good := export(doc{id: "1", title: "A", body: "<p>x</p>"})
	laughs := `<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;"><!ENTITY lol3 "&lol2;&lol2;">]>`
	tests := map[string]struct {
		content string
		err     error
	}{
		"entities of its own":       {strings.Replace(good, "<hibernate", laughs+"<hibernate", 1), ErrUnsafe},
		"a file as an entity":       {strings.Replace(good, "<hibernate", `<!DOCTYPE x [ <!ENTITY f SYSTEM "file:///etc/passwd"> ]><hibernate`, 1), ErrUnsafe},
		"elements without end":      {"<hibernate-generic>" + strings.Repeat("<object>", 1000), ErrUnsafe},
		"an endless tag":            {"<hibernate-generic><object class=\"" + strings.Repeat("x", 1<<20), ErrDamaged},
		"an endless name":           {"<hibernate-generic><" + strings.Repeat("x", 1<<20) + ">", ErrDamaged},
		"ends that nothing began":   {"<hibernate-generic></hibernate-generic></object></object>", ErrDamaged},
		"cut short in a body":       {good[:strings.Index(good, "<p>x")+2], ErrDamaged},
		"cut short between objects": {good[:strings.Index(good, `<object class="BodyContent"`)], ErrDamaged},
		"a tag without a name":      {"<hibernate-generic>< ></hibernate-generic>", ErrDamaged},
		"no page":                   {"<hibernate-generic></hibernate-generic>", ErrNoPages},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			out := readXML(t, tt.content, Options{})
			if len(out.errs) != 1 || !errors.Is(out.errs[0], tt.err) {
				t.Errorf("errors %v, want %v", out.errs, tt.err)
			}
			for _, p := range out.pages {
				if strings.Contains(p.Source.Body, "lol") || strings.Contains(p.Source.Body, "root:") {
					t.Errorf("an entity was followed: %q", p.Source.Body)
				}
			}
		})
	}
}

func TestWhatIsOddInTheXMLDoesNoHarm(t *testing.T) {
	tests := map[string]struct{ body, want string }{
		"an entity that nobody declared": {`<p>A &lol; B &nbsp;&auml;</p>`, "A &lol; B ä"},
		"control characters":             {"<p>A\x00\x0b\x1b[31mB\x7f</p>", "A[31mB"},
		"text that is not UTF-8":         {"<p>A\xff\xfeB</p>", "A\uFFFDB"},
		"a direction override":           {"<p>A\u202eB</p>", "AB"},
		"code that looks like an end": {
			`<ac:structured-macro ac:name="code"><ac:plain-text-body><![CDATA[if [[ -f a ]] > b]]></ac:plain-text-body></ac:structured-macro>`,
			"if [[ -f a ]] > b",
		},
		"a section end inside code": {
			`<ac:structured-macro ac:name="code"><ac:plain-text-body><![CDATA[a[b[0]]]]><![CDATA[>c &amp; d]]></ac:plain-text-body></ac:structured-macro>`,
			"a[b[0]]>c &amp; d",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			out := readXML(t, export(doc{id: "1", title: "T", body: tt.body}), Options{})
			if len(out.errs) > 0 || len(out.pages) != 1 {
				t.Fatalf("pages %v, errors %v", out.names(), out.errs)
			}
			if got := strings.TrimPrefix(out.pages[0].Source.Body, "T\n\n"); got != tt.want {
				t.Errorf("text %q, want %q", got, tt.want)
			}
		})
	}
}

func TestADocumentTypeThatOnlyNamesOneIsPassedOver(t *testing.T) {
	content := strings.Replace(export(doc{id: "1", title: "A", body: "<p>x</p>"}), "<hibernate",
		`<!DOCTYPE hibernate-generic SYSTEM "http://127.0.0.1:1/x.dtd"><!-- a > comment -- --><hibernate`, 1)
	if out := readXML(t, content, Options{}); len(out.errs) > 0 || len(out.pages) != 1 {
		t.Errorf("pages %v, errors %v", out.names(), out.errs)
	}
}

func TestAPageThatIsTooLargeDoesNotStopTheOthers(t *testing.T) {
	out := readXML(t, export(
		doc{id: "1", title: "A", body: "<p>small</p>"},
		doc{id: "2", title: "B", body: "<p>" + strings.Repeat("large ", 1000) + "</p>"},
		doc{id: "3", title: "C", body: "<p>small</p>"},
	), Options{MaxBody: 1000})
	if len(out.errs) != 1 || !errors.Is(out.errs[0], ErrTooLarge) || !strings.Contains(out.errs[0].Error(), "B: ") {
		t.Errorf("errors %v", out.errs)
	}
	if diff := cmp.Diff([]string{"A", "C"}, out.names()); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
}

func TestWhatWasWholeInAnExportCutShortIsRead(t *testing.T) {
	content := export(many(20)...)
	out := readXML(t, content[:len(content)*3/4], Options{})
	if len(out.pages) < 10 || len(out.errs) != 1 || !errors.Is(out.errs[0], ErrDamaged) {
		t.Errorf("%d pages, errors %v", len(out.pages), out.errs)
	}
}

func TestOldWikiMarkupIsReadAsText(t *testing.T) {
	content := strings.Replace(export(doc{id: "1", title: "A", body: "The gateway listens.\n\n* one\n* two"}), `name="bodyType">2`, `name="bodyType">0`, 1)
	out := readXML(t, content, Options{})
	src := out.pages[0].Source
	if src.Body != "A\n\nThe gateway listens.\n\n- one\n- two" || len(src.Notices) != 1 {
		t.Errorf("text %q, notices %v", src.Body, src.Notices)
	}
}
