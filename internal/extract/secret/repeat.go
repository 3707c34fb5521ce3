package secret

// repeat masks the credentials of a document in texts that were made from it,
// also where only the beginning of one was copied.
type repeat struct {
	// values has the credentials by their beginning.
	values map[string][]string
	// done has the texts in which something was masked.
	done map[string]string
}

// recognise is how many bytes of a credential tell it from other words.
const recognise = 12

// mostAlike is how many credentials with one beginning are told apart.
const mostAlike = 32

func newRepeat(body string, found []Finding) *repeat {
	m := &repeat{}
	for _, f := range found {
		for _, s := range f.Spans {
			v := body[s.Start:s.End]
			if m.values == nil {
				m.values = map[string][]string{}
			}
			if len(v) >= recognise && !wordy(v) && len(m.values[v[:recognise]]) < mostAlike {
				m.values[v[:recognise]] = append(m.values[v[:recognise]], v)
			}
		}
	}
	return m
}

// mask masks a text. The same text gives the same result.
func (m *repeat) mask(s string) string {
	if s == "" {
		return s
	}
	if out, ok := m.done[s]; ok {
		return out
	}
	found := disjoint(append(Find(s), m.find(s)...))
	if len(found) == 0 {
		return s
	}
	if m.done == nil {
		m.done = map[string]string{}
	}
	m.done[s] = String(s, found)
	return m.done[s]
}

func (m *repeat) find(s string) []Finding {
	var found []Finding
	for i := 0; i+recognise <= len(s) && len(m.values) > 0; i++ {
		end := i
		for _, v := range m.values[s[i:i+recognise]] {
			end = max(end, i+common(s[i:], v))
		}
		if end > i {
			found = append(found, Finding{Start: i, Spans: []Span{{i, end}}})
			i = end - 1
		}
	}
	return found
}

// common is the length of what two strings begin with.
func common(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
