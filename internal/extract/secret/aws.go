package secret

import (
	"regexp"
	"strings"
)

// beside is how far after an AWS access key id its secret is looked for, in
// bytes.
const beside = 300

// secretKey is the form of the secret half of an AWS key. Other things have
// it too, so that it counts only beside the first half, or under its name.
var secretKey = regexp.MustCompile(`[0-9A-Za-z+/]{40}`)

// awsSecrets finds the secret halves that stand beside access key ids, or
// under their name; the hits are the word "secret".
func awsSecrets(text string, words []hit, found []Finding) []Finding {
	var out []Finding
	for _, f := range found {
		if f.Kind == "aws_access_key_id" {
			out = append(out, secretsIn(text, f.end(), min(len(text), f.end()+beside))...)
		}
	}
	for _, h := range words {
		at := h.at + len(h.x.text)
		if m := awsName.FindString(foldASCII(text[at:min(len(text), at+12)])); m != "" {
			from := at + len(m)
			if strings.Contains(m, "access") || strings.Contains(foldASCII(text[max(0, at-12):at]), "aws") {
				out = append(out, secretsIn(text, from, min(len(text), from+60))...)
			}
		}
	}
	return out
}

// awsName is what follows "secret" in the names of the secret half.
var awsName = regexp.MustCompile(`^[_ .-]?(?:access[_ .-]?)?key`)

func secretsIn(text string, from, to int) []Finding {
	var out []Finding
	for _, m := range secretKey.FindAllStringIndex(text[from:to], -1) {
		s := Span{from + m[0], from + m[1]}
		if touches(text, s) || !isSecretKey(text[s.Start:s.End]) {
			continue
		}
		out = append(out, Finding{Kind: "aws_secret_key", Name: "an AWS secret access key", Start: s.Start, Spans: []Span{s}})
	}
	return out
}

// touches reports whether a longer run of Base64 holds a span.
func touches(text string, s Span) bool {
	part := func(i int) bool {
		return i >= 0 && i < len(text) && (isLetter(text[i]) || isDigit(text[i]) || strings.IndexByte("+/_-", text[i]) >= 0)
	}
	return part(s.Start-1) || part(s.End)
}

// isSecretKey tells a key from a path and from the hash of a commit.
func isSecretKey(s string) bool {
	return strings.ContainsAny(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") && strings.ContainsAny(s, "abcdefghijklmnopqrstuvwxyz") &&
		strings.ContainsAny(s, "0123456789") && !wordy(s)
}
