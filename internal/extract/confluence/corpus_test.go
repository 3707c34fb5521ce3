package confluence

import (
	"encoding/xml"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/net/html"
)

// rawExport is an export as encoding/xml sees it, held whole.
type rawExport struct {
	Objects []struct {
		Class string `xml:"class,attr"`
		ID    string `xml:"id"`
		Props []struct {
			Name string `xml:"name,attr"`
			ID   string `xml:"id"`
			Text string `xml:",chardata"`
		} `xml:"property"`
		Collections []struct {
			Name string   `xml:"name,attr"`
			IDs  []string `xml:"element>id"`
		} `xml:"collection"`
	} `xml:"object"`
}

// rawPage is a current page, by its id.
type rawPage struct{ title, parent, body string }

// currentPages finds the current pages and their bodies in the simplest way
// that there is, to compare with.
func currentPages(t *testing.T, file string) map[string]*rawPage {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var raw rawExport
	d := xml.NewDecoder(strings.NewReader(strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\n' && r != '\t' && r != '\r' {
			return -1
		}
		return r
	}, string(data))))
	if err := d.Decode(&raw); err != nil {
		t.Fatal(err)
	}
	pages, bodies, claimed, old := map[string]*rawPage{}, map[string]string{}, map[string]string{}, map[string]bool{}
	for _, o := range raw.Objects {
		text, ref := map[string]string{}, map[string]string{}
		for _, p := range o.Props {
			text[p.Name], ref[p.Name] = strings.TrimSpace(p.Text), strings.TrimSpace(p.ID)
		}
		for _, c := range o.Collections {
			for _, id := range c.IDs {
				if c.Name == "historicalVersions" {
					old[id] = true
				}
				if c.Name == "bodyContents" {
					claimed[id] = o.ID
				}
			}
		}
		status := text["contentStatus"]
		switch {
		case o.Class == "BodyContent":
			of := ref["content"]
			if of == "" {
				of = "body " + o.ID
			}
			bodies[of] += text["body"]
		case o.Class == "Page" && ref["originalVersion"] == "" && (status == "" || status == "current"):
			pages[o.ID] = &rawPage{title: text["title"], parent: ref["parent"]}
		}
	}
	for id, p := range pages {
		if old[id] {
			delete(pages, id)
			continue
		}
		p.body = bodies[id]
		for body, of := range claimed {
			if of == id && p.body == "" {
				p.body = bodies["body "+body]
			}
		}
	}
	return pages
}

// notShown hold what no reader of the page sees as text.
var notShown = []string{"ac:parameter", "ac:default-parameter", "ac:task-id", "ac:task-uuid", "ac:task-status", "ac:placeholder", "ac:adf-fallback", "ac:adf-attribute"}

// shownWords are the words that stand between the tags of a body.
func shownWords(body string) []string {
	body = strings.ReplaceAll(body, "]] >", "]]>")
	z := html.NewTokenizer(strings.NewReader(body))
	z.AllowCDATA(true)
	var all []string
	hidden, run := 0, ""
	end := func() { all, run = append(all, wordsIn(run)...), "" }
	for {
		kind := z.Next()
		name, _ := z.TagName()
		inline := slices.Contains([]string{"span", "strong", "em", "code", "a", "b", "i", "u", "sub", "sup"}, string(name))
		switch kind {
		case html.ErrorToken:
			end()
			return all
		case html.TextToken:
			raw, cdata := strings.CutPrefix(string(z.Raw()), "<![CDATA[")
			switch {
			case hidden > 0:
			case cdata:
				run += strings.TrimSuffix(raw, "]]>")
			default:
				run += html.UnescapeString(raw)
			}
		case html.StartTagToken, html.EndTagToken:
			if !inline {
				end()
			}
			if slices.Contains(notShown, string(name)) {
				hidden += map[html.TokenType]int{html.StartTagToken: 1, html.EndTagToken: -1}[kind]
			}
		case html.SelfClosingTagToken:
			end()
		}
	}
}

func wordsIn(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) })
}

// The text of the pages is compared, word by word, with what a decoder of XML
// and a tokenizer of HTML give.
func TestEachWordOfTheCorpusIsRead(t *testing.T) {
	dir := os.Getenv("BARTIZAN_CORPUS")
	if dir == "" {
		t.Skip("BARTIZAN_CORPUS is not set")
	}
	files, err := filepath.Glob(filepath.Join(dir, "confluence-xml", "*", "entities.xml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no exports: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(filepath.Dir(file)), func(t *testing.T) { compareExport(t, file) })
	}
}

func compareExport(t *testing.T, file string) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	out := readXML(t, string(data), Options{})
	want := currentPages(t, file)
	if len(out.errs) > 0 || len(out.pages) != len(want) {
		t.Fatalf("%d pages of %d; errors %v", len(out.pages), len(want), out.errs)
	}
	byTitle := map[string]Page{}
	for _, p := range out.pages {
		byTitle[p.Source.Title] = p
	}
	total := 0
	for id, raw := range want {
		p, ok := byTitle[strings.Join(strings.Fields(raw.title), " ")]
		if !ok {
			t.Errorf("page %s %q is missing", id, raw.title)
			continue
		}
		if above := want[raw.parent]; above != nil && (p.Parent < 0 || out.pages[p.Parent].Source.Title != above.title) {
			t.Errorf("%s does not stand below %q", raw.title, above.title)
		}
		have := map[string]int{}
		text := p.Source.Body
		for _, b := range p.Source.Blocks {
			text += " " + b.Language // a word of a fence in Markdown
		}
		for _, w := range wordsIn(text) {
			have[w]++
		}
		words := append(wordsIn(raw.title), shownWords(raw.body)...)
		total += len(words)
		for _, w := range words {
			if have[w]--; have[w] < 0 {
				t.Errorf("%s: the word %q is missing", raw.title, w)
			}
		}
	}
	t.Logf("%d pages, %d words", len(want), total)
}
