package secret

import (
	"encoding/base64"
	"encoding/json"
	"regexp"
	"strings"
)

// beginKey begins a private key in the text form of RFC 7468, and of SSH, PGP
// and PuTTY.
var beginKey = regexp.MustCompile(`-----BEGIN ((?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?)-----`)

// longestKey bounds how far the end of a private key is looked for, in bytes.
const longestKey = 32 << 10

// privateKeys finds private keys. All of their body is secret, not what
// announces it.
func privateKeys(text string) []Finding {
	var found []Finding
	for at := 0; ; {
		i := strings.Index(text[at:], "-----BEGIN ")
		if i < 0 {
			return found
		}
		begin := at + i
		at = begin + len("-----BEGIN ")
		m := beginKey.FindStringSubmatchIndex(text[begin:min(len(text), begin+80)])
		if m == nil || m[0] != 0 {
			continue
		}
		body := Span{begin + m[1], min(len(text), begin+m[1]+longestKey)}
		if n := strings.Index(text[body.Start:body.End], "-----BEGIN "); n >= 0 {
			body.End = body.Start + n
		}
		label := text[begin+m[2] : begin+m[3]]
		whole := false
		if n := strings.Index(text[body.Start:body.End], "-----END "+label); n >= 0 {
			body.End, whole = body.Start+n, true
		}
		spans := keyLines(text, body, whole)
		if len(spans) == 0 {
			continue
		}
		at = spans[len(spans)-1].End
		found = append(found, Finding{Kind: "private_key", Name: "a private key", Start: begin, Spans: spans})
	}
}

// keyLines are the lines of a key's body. A page end may put others between
// them. Where the end of the key is missing, so does the first line that is
// none.
func keyLines(text string, body Span, whole bool) []Span {
	var spans []Span
	long := false
	for start := body.Start; start < body.End; {
		line, next := keyLine(text, start, body.End)
		content := text[line.Start:line.End]
		switch {
		case content == "":
		case isKeyLine(content):
			spans = append(spans, line)
			long = long || len(content) >= 32
		case !whole:
			start = body.End
			continue
		}
		start = next
	}
	if !long {
		return nil
	}
	return spans
}

// keyLine is the next line of a key, without quotes and marks around it, and
// where the one after it begins. The line may end in an escape, as in JSON.
func keyLine(text string, start, limit int) (Span, int) {
	rest := text[start:limit]
	end, next := len(rest), len(rest)
	if i := strings.IndexByte(rest, '\n'); i >= 0 {
		end, next = i, i+1
	}
	for _, escape := range []string{`\r`, `\n`} {
		if i := strings.Index(rest[:end], escape); i >= 0 {
			end, next = i, i+len(escape)
		}
	}
	const around = " \t\r\"'`,;|>+\\*"
	left := len(rest[:end]) - len(strings.TrimLeft(rest[:end], around))
	right := len(strings.TrimRight(rest[left:end], around))
	return Span{start + left, start + left + right}, start + next
}

var (
	keyField  = regexp.MustCompile(`^[A-Za-z0-9+/=]+$`)
	keyHeader = regexp.MustCompile(`^(?:Proc-Type|DEK-Info|Version|Comment|Charset|Hash|Key-Info): ?\S`)
)

func isKeyLine(line string) bool {
	if keyHeader.MatchString(line) {
		return true
	}
	fields := strings.Fields(line)
	long := len(fields) == 1
	for _, f := range fields {
		if !keyField.MatchString(f) {
			return false
		}
		long = long || len(f) >= 32
	}
	return long
}

// webTokens finds JSON web tokens: three parts in Base64, of which the first
// is a JSON object that names an algorithm. A line end may cut one.
func webTokens(text string) []Finding {
	var found []Finding
	for at := 0; ; {
		i := strings.Index(text[at:], "eyJ")
		if i < 0 {
			return found
		}
		start := at + i
		at = start + 3
		if within(text, start) && text[start-1] != '_' {
			continue
		}
		spans, parts := tokenSpans(text, start)
		at = max(at, spans[0].End)
		if end := spans[len(spans)-1].End; end-start > longest/2 {
			at = end
		}
		if len(parts) < 3 || len(parts) > 5 || !isTokenHeader(parts[0]) || parts[1] == "" && len(parts) == 3 || parts[2] == "" {
			continue
		}
		at = spans[len(spans)-1].End
		found = append(found, Finding{Kind: "json_web_token", Name: "a JSON web token", Start: start, Spans: spans})
	}
}

func isTokenHeader(part string) bool {
	raw, err := base64.RawURLEncoding.DecodeString(part)
	var header struct {
		Algorithm string `json:"alg"`
	}
	return err == nil && json.Unmarshal(raw, &header) == nil && header.Algorithm != ""
}

// tokenSpans reads a token over the line ends that cut it: its spans, one a
// line, and its parts between full stops.
func tokenSpans(text string, start int) ([]Span, []string) {
	var spans []Span
	var all strings.Builder
	for {
		end := start
		for end < len(text) && end-start < longest && isTokenByte(text[end]) {
			end++
		}
		more := goesOn(text, end, strings.Count(all.String()+text[start:end], ".")) && all.Len() < longest
		for !more && end > start && text[end-1] == '.' {
			end-- // the full stop of a sentence
		}
		if end > start {
			spans = append(spans, Span{start, end})
			all.WriteString(text[start:end])
		}
		if !more {
			break
		}
		start = nextLine(text, end)
	}
	return spans, strings.Split(all.String(), ".")
}

func isTokenByte(c byte) bool {
	return isLetter(c) || isDigit(c) || c == '_' || c == '-' || c == '.'
}

// nextLine is where the text of the line after a place begins; 0 where the
// place is not the end of a line.
func nextLine(text string, end int) int {
	rest := strings.TrimLeft(text[end:min(len(text), end+100)], " \t\r")
	if !strings.HasPrefix(rest, "\n") {
		return 0
	}
	rest = strings.TrimLeft(rest[1:], " \t")
	return min(len(text), end+100) - len(rest)
}

// goesOn reports whether the line after a place goes on with the token that
// ends there, of which so many full stops were read: the line holds one run of
// Base64 that is no word and no token of its own.
func goesOn(text string, end, stops int) bool {
	start := nextLine(text, end)
	if start == 0 {
		return false
	}
	stop := start
	for stop < len(text) && stop-start < longRun && isTokenByte(text[stop]) {
		stop++
	}
	run := text[start:stop]
	if len(run) < 12 || stops+strings.Count(strings.TrimRight(run, "."), ".") > 2 || stops > 1 && strings.HasPrefix(run, "eyJ") {
		return false
	}
	last := stop == len(text) || strings.IndexByte(" \t\r\n\"'`,;)<|", text[stop]) >= 0
	return last && !wordy(run) && mixed(run)
}
