package main

import (
	"io"
	"os"

	"golang.org/x/term"
)

// isTerminal reports whether a person looks at w, and may see colours.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// colors reports whether w may get colours: a terminal, and nobody said no
// (no-color.org).
func colors(w io.Writer) bool {
	return isTerminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

const plainWidth = 100 // columns where w is no terminal

// terminalWidth is how many columns w has.
func terminalWidth(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			return width
		}
	}
	return plainWidth
}
