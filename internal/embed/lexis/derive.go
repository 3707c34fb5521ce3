//go:build ignore

// Derive counts in how many paragraphs of Markdown and XML files each stem
// stands, and prints weights.yaml:
//
//	go run derive.go FOLDER... > weights.yaml
//
// A stem is listed where at least three files have it, so that no system's own
// name counts as a common word.
package main

import (
	"cmp"
	"fmt"
	"io/fs"
	"log"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/bartizan-security/bartizan/internal/embed/lexis"
)

const (
	leastFiles = 3
	leastWords = 4    // a paragraph has; below, it is a heading or layout
	step       = 0.25 // weights are rounded to it
)

// function lists the words that hold English sentences together and say nothing
// of a system. Those that deny, permit or limit are not among them.
const function = `a about above after again all also am an and another any are as at be because been before being below
	between both but by can could did do does doing done during each either else etc even ever every few for from further
	get given go had has have having he her here hers him his how however i if in into is it its itself just let like
	made make many may me might more most much must my need needs now of off often on once one onto or other others our
	out over own per same she should since so some such than that the their them then there therefore these they this
	those though through thus to too under until up upon us use used uses using very via was we well were what when where
	whether which while who whom whose why will with within would you your`

type counts struct {
	paragraphs, words int
	in                map[string]int             // paragraphs by stem
	files             map[string]map[string]bool // files by stem
	function          map[string]bool
}

var (
	tag   = regexp.MustCompile(`(?s)<!--.*?-->|<[^>]*>|\]\([^)]*\)`)
	blank = regexp.MustCompile(`\n\s*\n|\n\s*[-*|]`)
)

func main() {
	c := counts{in: map[string]int{}, files: map[string]map[string]bool{}, function: map[string]bool{}}
	stemmer := lexis.NewStemmer()
	for _, folder := range os.Args[1:] {
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if ext := strings.ToLower(filepath.Ext(path)); err != nil || d.IsDir() || ext != ".md" && ext != ".xml" {
				return err
			}
			raw, err := os.ReadFile(path)
			if err == nil {
				c.count(path, tag.ReplaceAllString(strings.ReplaceAll(string(raw), "</p>", "\n\n"), " "), stemmer)
			}
			return err
		})
		if err != nil {
			log.Fatal(err)
		}
	}
	for _, w := range strings.Fields(function) {
		c.function[stemmer.Stem(w)] = true
	}
	c.print()
}

func (c *counts) count(path, text string, stemmer *lexis.Stemmer) {
	for _, paragraph := range blank.Split(text, -1) {
		stems := stemmer.Stems(paragraph)
		if len(stems) < leastWords {
			continue
		}
		c.paragraphs++
		c.words += len(stems)
		slices.Sort(stems)
		for _, s := range slices.Compact(stems) {
			c.in[s]++
			if c.files[s] == nil {
				c.files[s] = map[string]bool{}
			}
			c.files[s][path] = true
		}
	}
}

func (c *counts) weight(n float64) float64 {
	idf := math.Log(1 + (float64(c.paragraphs)-n+0.5)/(n+0.5))
	return math.Round(idf/step) * step
}

func (c *counts) print() {
	groups := map[float64][]string{0: slices.Collect(maps.Keys(c.function))}
	for stem, n := range c.in {
		if !c.function[stem] && len(c.files[stem]) >= leastFiles && strings.Trim(stem, "0123456789") != "" {
			w := c.weight(float64(n))
			groups[w] = append(groups[w], stem)
		}
	}
	fmt.Printf("# Inverse document frequencies of stems, counted over %d paragraphs of design documents and manuals; see derive.go.\n", c.paragraphs)
	fmt.Printf("version: \"1\"\nunknown: %v\naverage_length: %d\nstems:\n", c.weight(2), c.words/c.paragraphs)
	for _, w := range slices.SortedFunc(maps.Keys(groups), cmp.Compare[float64]) {
		slices.Sort(groups[w])
		fmt.Printf("  - weight: %v\n    words: >-\n", w)
		line := "     "
		for _, s := range groups[w] {
			if len(line)+len(s) > 118 {
				fmt.Println(line)
				line = "     "
			}
			line += " " + s
		}
		fmt.Println(line)
	}
}
