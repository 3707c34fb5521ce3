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
	// enough is how many letters the different words of the prose must have: of
	// fewer nothing is said.
	enough = 60
	// fewWords is how many different words the prose must have in a script that
	// is written in words; manyWords where nothing else tells that they are those
	// of a language.
	fewWords, manyWords = 10, 60
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
	words := different(text)
	if words.letters() < enough {
		return Language{}
	}
	info := whatlanggo.Detect(text)
	if info.Lang == whatlanggo.Cmn && japanese(text) > kana {
		return Language{Code: "ja", Name: "Japanese"}
	}
	if info.Lang < 0 || info.Script == unicode.Latin && !certain(info, text, words) {
		return Language{}
	}
	return named(info.Lang)
}

func named(lang whatlanggo.Lang) Language {
	l := Language{Code: lang.Iso6391(), Name: lang.String()}
	if l.Code == "" {
		l.Code = lang.Iso6393()
	}
	return l
}

// certain reports whether there is evidence enough for the language that a
// text in Latin letters seems to be in. The letters of names, products and
// terms, of which lists consist, resemble any language by chance.
func certain(info whatlanggo.Info, text string, words vocabulary) bool {
	switch {
	case len(words) < fewWords:
		return false
	case info.Lang == whatlanggo.Eng:
		return info.IsReliable()
	case !surer(text, info.Lang):
		return false
	}
	small := smallWordsOf(named(info.Lang).Code)
	if small == nil {
		return info.IsReliable() && len(words) >= manyWords
	}
	return words.hold(small)
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

// bare is a word without the punctuation around it.
func bare(word string) string { return strings.Trim(word, `.,;:!?()[]{}"'“”„‘’«»–—-*`) }

// isWord tells words from identifiers, addresses and numbers.
func isWord(word string) bool {
	word = bare(word)
	return word != "" && !strings.ContainsFunc(word, func(r rune) bool {
		return unicode.IsDigit(r) || strings.ContainsRune(`_/\=<>@#$%&*+~|{}[]()`, r) || r == '.'
	})
}

// japanese is the share of Japanese syllables among the letters.
func japanese(text string) float64 {
	letters, syllables := 0, 0
	for _, r := range text {
		if unicode.IsLetter(r) {
			letters++
		}
		if unicode.In(r, unicode.Hiragana, unicode.Katakana) {
			syllables++
		}
	}
	return float64(syllables) / float64(max(letters, 1))
}
