// Package language tells in which language a document is written.
package language

import (
	"strings"
	"unicode"

	"github.com/abadojack/whatlanggo"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Language is a language that was recognised. The zero value is none.
type Language struct {
	// Code is of ISO 639-1; of 639-3 for a language that has none there.
	Code string
	// Name is its English name.
	Name string
}

// English is the language that the built-in knowledge is written in.
const English = "en"

const (
	// enough is how many letters of prose a document must have: of fewer nothing
	// is said.
	enough = 60
	// sample is how much of the prose is looked at, in bytes.
	sample = 4 << 10
	// kana is the share of Japanese syllables from which a text in Chinese
	// characters is Japanese.
	kana = 0.05
)

// Of recognises the language of the prose of a document: what is body text and
// neither code nor diagram. It is the zero value where there is too little prose
// or where two languages are equally likely.
func Of(doc threatmodel.Source) Language {
	if plainlyEnglish(doc) {
		return Language{Code: English, Name: "English"}
	}
	text := prose(doc)
	letters, japanese := count(text)
	if letters < enough {
		return Language{}
	}
	info := whatlanggo.Detect(text)
	if info.Lang == whatlanggo.Cmn && float64(japanese) > kana*float64(letters) {
		return Language{Code: "ja", Name: "Japanese"}
	}
	if info.Lang < 0 {
		return Language{}
	}
	if info.Lang != whatlanggo.Eng && info.Script == unicode.Latin && !surer(text, info.Lang) {
		return Language{}
	}
	if !info.IsReliable() && info.Lang == whatlanggo.Eng {
		return Language{}
	}
	l := Language{Code: info.Lang.Iso6391(), Name: info.Lang.String()}
	if l.Code == "" {
		l.Code = info.Lang.Iso6393()
	}
	return l
}

// englishWords are small words of English that are none of the languages around
// it, or rare there.
var englishWords = map[string]bool{
	"the": true, "and": true, "that": true, "with": true, "are": true, "this": true, "from": true, "it": true, "not": true, "be": true, "has": true, "can": true, "to": true, "of": true, "by": true, "its": true,
}

const (
	// aFew is how many words are looked at before a text is plainly English,
	// and share how many of them must be small words of English.
	aFew  = 40
	share = 0.14
	// enoughWords is after how many words it is not plain.
	enoughWords = 400
	// articles is how often "the" must stand among them: of all words, it says
	// most.
	articles = 2
)

// plainlyEnglish reports whether the beginning of the prose leaves no doubt.
// To weigh all languages takes ten times as long as to read a page, and an
// export may have hundreds of thousands of pages.
func plainlyEnglish(doc threatmodel.Source) bool {
	words, small, the := 0, 0, 0
	for _, blk := range doc.Blocks {
		if blk.Role != threatmodel.RoleBody || blk.Kind == threatmodel.BlockCode || blk.Kind == threatmodel.BlockDiagram {
			continue
		}
		for word := range strings.FieldsSeq(blk.Text) {
			words++
			if len(word) < 5 && englishWords[strings.ToLower(word)] {
				small++
			}
			if word == "the" || word == "The" {
				the++
			}
		}
		if words >= aFew && the >= articles && float64(small) >= share*float64(words) {
			return true
		}
		if words >= enoughWords {
			break
		}
	}
	return false
}

// surer reports whether a text is in the given language much rather than in
// English: names and product names pull a short text anywhere. Near relatives,
// such as Danish and Norwegian, need not be told apart for that.
func surer(text string, lang whatlanggo.Lang) bool {
	info := whatlanggo.DetectWithOptions(text, whatlanggo.Options{
		Whitelist: map[whatlanggo.Lang]bool{lang: true, whatlanggo.Eng: true},
	})
	return info.Lang == lang && info.IsReliable()
}

// prose is the beginning of the text that may be prose.
func prose(doc threatmodel.Source) string {
	var b strings.Builder
	for _, blk := range doc.Blocks {
		if blk.Role != threatmodel.RoleBody || blk.Kind == threatmodel.BlockCode || blk.Kind == threatmodel.BlockDiagram {
			continue
		}
		for _, word := range strings.Fields(blk.Text) {
			if isWord(word) {
				b.WriteString(word)
				b.WriteByte(' ')
			}
		}
		if b.Len() > sample {
			break
		}
	}
	return b.String()
}

// isWord tells words from identifiers, addresses and numbers.
func isWord(word string) bool {
	word = strings.Trim(word, `.,;:!?()[]{}"'“”„‘’«»–—-*`)
	return word != "" && !strings.ContainsFunc(word, func(r rune) bool {
		return unicode.IsDigit(r) || strings.ContainsRune(`_/\=<>@#$%&*+~|{}[]()`, r) || r == '.'
	})
}

// count counts letters, and the Japanese syllables among them.
func count(text string) (letters, japanese int) {
	for _, r := range text {
		if unicode.IsLetter(r) {
			letters++
		}
		if unicode.In(r, unicode.Hiragana, unicode.Katakana) {
			japanese++
		}
	}
	return letters, japanese
}
