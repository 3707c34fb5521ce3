package postgres

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strings"
	"unicode"
)

const (
	// runLength is how many words in a row make a text one that was drawn from
	// a document: fewer stand in anybody's sentences.
	runLength = 7
	// leastRun is how short a quote may be that is still looked for within
	// longer texts; shorter ones are known only where they stand alone.
	leastRun = 3
	// forgotten begins what stands in place of a text that was purged.
	forgotten = "sha256:"
)

// forgetter knows the texts of a document and replaces what was drawn from
// them by its hash.
type forgetter struct {
	// documents are the ids within models, passages the ids that units list,
	// without their occurrence number.
	documents, passages map[string]bool
	// runs are hashes of words in a row, by their number.
	runs map[int]map[uint64]bool
	// whole are texts that count where they stand alone, folded.
	whole map[string]bool
	// renamed are the names of elements that were replaced.
	renamed map[string]string
	// spared are runs of other documents, others their whole text, folded.
	spared map[uint64]bool
	others strings.Builder
}

func newForgetter() *forgetter {
	return &forgetter{
		documents: map[string]bool{}, passages: map[string]bool{}, runs: map[int]map[uint64]bool{}, whole: map[string]bool{},
		renamed: map[string]string{}, spared: map[uint64]bool{},
	}
}

// words are what a text is compared by: letters and digits in lower case.
func words(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

func fold(s string) string { return strings.Join(words(s), " ") }

// eachRun gives the hashes of all runs of n words.
func eachRun(w []string, n int, f func(uint64) (more bool)) {
	for i := 0; i+n <= len(w); i++ {
		h := fnv.New64a()
		for _, word := range w[i : i+n] {
			_, _ = h.Write([]byte(word))
			_, _ = h.Write([]byte{0})
		}
		if !f(h.Sum64()) {
			return
		}
	}
}

func (f *forgetter) addRuns(w []string, n int) {
	if f.runs[n] == nil {
		f.runs[n] = map[uint64]bool{}
	}
	eachRun(w, n, func(h uint64) bool {
		if n != runLength || !f.spared[h] {
			f.runs[n][h] = true
		}
		return true
	})
}

// learn takes a text of the document.
func (f *forgetter) learn(text string) {
	f.addRuns(words(text), runLength)
}

// learnQuote takes a whole sentence, item or row of the document.
func (f *forgetter) learnQuote(quote string) {
	w := words(quote)
	f.learnWhole(quote)
	if n := len(w); n >= leastRun && n < runLength && !strings.Contains(f.others.String(), " "+strings.Join(w, " ")+" ") {
		f.addRuns(w, n)
	}
	f.addRuns(w, runLength)
}

// learnWhole takes a text that was made from the document.
func (f *forgetter) learnWhole(text string) {
	if folded := fold(text); strings.Contains(folded, " ") {
		f.whole[folded] = true
	}
}

// spare takes back what another document says too, and keeps it from being
// learned later.
func (f *forgetter) spare(text string) {
	w := words(text)
	f.others.WriteString(" " + strings.Join(w, " ") + " ")
	eachRun(w, runLength, func(h uint64) bool {
		f.spared[h] = true
		return true
	})
	for n, runs := range f.runs {
		eachRun(w, n, func(h uint64) bool {
			delete(runs, h)
			return true
		})
	}
}

// says reports whether a text holds words of the document.
func (f *forgetter) says(text string) bool {
	w := words(text)
	for n, runs := range f.runs {
		found := false
		eachRun(w, n, func(h uint64) bool {
			found = runs[h]
			return !found
		})
		if found {
			return true
		}
	}
	return false
}

// tells reports whether a text holds words of the document or is one that was
// made from it.
func (f *forgetter) tells(text string) bool { return f.says(text) || f.whole[fold(text)] }

// hashed is what stands in place of a text; the empty text and what was replaced
// before stay.
func hashed(text string) string {
	if text == "" || isHashed(text) {
		return text
	}
	sum := sha256.Sum256([]byte(text))
	return forgotten + hex.EncodeToString(sum[:])
}

func isHashed(text string) bool {
	rest, ok := strings.CutPrefix(text, forgotten)
	return ok && len(rest) == 2*sha256.Size && strings.Trim(rest, "0123456789abcdef") == ""
}

// forgetJSON replaces the strings of a JSON text for which drawn holds. It
// reports false, and gives the text as it was, where there is none such.
func forgetJSON(raw []byte, drawn func(string) bool) ([]byte, bool, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, false, fmt.Errorf("reading JSON to purge: %w", err)
	}
	value, changed := forgetValue(value, drawn)
	if !changed {
		return raw, false, nil
	}
	out, err := json.Marshal(value)
	return out, true, err
}

func forgetValue(value any, drawn func(string) bool) (any, bool) {
	changed := false
	switch v := value.(type) {
	case string:
		if drawn(v) {
			h := hashed(v)
			return h, h != v
		}
	case []any:
		for i := range v {
			var c bool
			v[i], c = forgetValue(v[i], drawn)
			changed = changed || c
		}
	case map[string]any:
		for key, item := range v {
			item, c := forgetValue(item, drawn)
			if drawn(key) { // a map by name
				delete(v, key)
				key, c = hashed(key), true
			}
			v[key] = item
			changed = changed || c
		}
	}
	return value, changed
}

// eachString gives every string of a JSON text to f.
func eachString(raw []byte, f func(string)) error {
	_, _, err := forgetJSON(raw, func(s string) bool {
		f(s)
		return false
	})
	return err
}
