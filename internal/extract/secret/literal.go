package secret

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// placeholder reports whether a value holds the place of a secret, or says
// where it lies.
func (r *rules) placeholder(v string) bool {
	v = strings.ToLower(v)
	switch {
	case slices.Contains(r.words.Placeholders, v):
		return true
	case slices.ContainsFunc(r.words.PlaceholderParts, func(p string) bool { return strings.Contains(v, p) }):
		return true
	}
	for _, re := range r.references {
		if re.MatchString(v) {
			return true
		}
	}
	return alike(v)
}

// alike reports whether all of a value is one character.
func alike(v string) bool {
	first, size := utf8.DecodeRuneInString(v)
	return strings.Trim(v[size:], string(first)) == ""
}

// Lengths of values, in bytes. Below the first there is no secret to keep;
// other secrets than passwords are made by machines and are long.
const (
	minPassword = 6
	minOpaque   = 12
	minBare     = 16
	maxValue    = 400
)

// isPassword reports whether a value that is given to a name of passwords
// looks like one: it is no placeholder, reference, method or word.
func (r *rules) isPassword(v string) bool {
	if len(v) < minPassword || len(v) > maxValue {
		return false
	}
	// What dismisses most words is asked first; it costs the least.
	looks := allDigits(v) || (mixed(v) || strong(v)) && !wordy(v)
	return looks && !r.placeholder(v) && !r.isTechnical(v)
}

// opaque reports whether a value looks like a key or token that a machine
// made.
func (r *rules) opaque(v string) bool {
	if len(v) < minOpaque || len(v) > maxValue {
		return false
	}
	return mixed(v) && varied(v) && !wordy(v) && !r.placeholder(v) && !r.isTechnical(v)
}

func (r *rules) isTechnical(v string) bool { return r.technical.MatchString(strings.ToLower(v)) }

func allDigits(v string) bool { return strings.Trim(v, "0123456789") == "" }

// strong reports whether a value has characters of three classes, one of them
// a sign that no name has.
func strong(v string) bool {
	var lower, upper, digit, sign int
	for i := range len(v) {
		switch c := v[i]; {
		case c >= 'a' && c <= 'z':
			lower = 1
		case c >= 'A' && c <= 'Z':
			upper = 1
		case isDigit(c):
			digit = 1
		case strings.IndexByte("!@#$%^&*+=?~", c) >= 0:
			sign = 1
		}
	}
	return sign == 1 && lower+upper+digit >= 2
}

// wordy reports whether a value is made of words and numbers with signs
// between them, as names, dates, versions and sizes are: db-password-2,
// 12-character, app1-prod, TLS_SECRET_V2, 90days.
func wordy(v string) bool {
	parts := strings.FieldsFunc(v, func(r rune) bool { return strings.ContainsRune("-_./:,+()", r) })
	for _, p := range parts {
		if !isTerm(p, len(parts) > 1) {
			return false
		}
	}
	return true
}

// isTerm reports whether a part is a word, a number, or a number and its unit;
// with others beside it also a word and its number.
func isTerm(p string, beside bool) bool {
	letters := strings.TrimLeft(p, "0123456789")
	switch {
	case letters == "":
		return true
	case isName(letters):
		return len(letters) == len(p) || len(p)-len(letters) <= 4
	case !beside:
		return false
	}
	word := strings.TrimRight(p, "0123456789")
	return isName(word) && len(p)-len(word) <= 2
}

// isName reports whether all of a part is letters, in the case of a word or of
// words written together.
func isName(p string) bool {
	changes := 0
	for i := range len(p) {
		if !isLetter(p[i]) && p[i] < 0x80 {
			return false
		}
		if i > 0 && p[i]&0x20 == 0 && p[i-1]&0x20 != 0 {
			changes++
		}
	}
	return changes == 0 || len(p)/(changes+1) >= 3
}
