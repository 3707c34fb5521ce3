package mxfile

import "strings"

// Style is how a cell looks: names of styles, and keys with values.
type Style struct {
	// Names are what stands without a value: ellipse, text, swimlane.
	Names []string
	keys  map[string]string
}

// maxStyle is the longest value of a style that is kept, in bytes: longer
// ones are pictures.
const maxStyle = 1000

// ParseStyle reads name;key=value;key=value.
func ParseStyle(s string) Style {
	var st Style
	for _, part := range strings.Split(s, ";") {
		part = strings.TrimSpace(part)
		key, value, found := strings.Cut(part, "=")
		switch {
		case part == "" || len(part) > maxStyle:
		case !found:
			st.Names = append(st.Names, part)
		default:
			if st.keys == nil {
				st.keys = map[string]string{}
			}
			st.keys[key] = value
		}
	}
	return st
}

// Get is the value of a key; empty where there is none.
func (s Style) Get(key string) string { return s.keys[key] }

// Has reports whether a style is named.
func (s Style) Has(name string) bool {
	for _, n := range s.Names {
		if n == name {
			return true
		}
	}
	return false
}

// Is reports whether a key is set to 1.
func (s Style) Is(key string) bool { return s.keys[key] == "1" }
