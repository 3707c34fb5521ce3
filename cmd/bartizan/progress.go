package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/bartizan-security/bartizan/internal/analyze"
	"github.com/bartizan-security/bartizan/internal/extract"
	"github.com/bartizan-security/bartizan/internal/report/visible"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

const (
	// liveEvery and plainEvery are how often progress is shown on a terminal
	// and elsewhere; nothing is said of what takes less than quietFor.
	liveEvery  = 100 * time.Millisecond
	plainEvery = 5 * time.Second
	quietFor   = 2 * time.Second
)

// progress tells how far a run has come: one line that is written over on a
// terminal, a line every few seconds elsewhere.
type progress struct {
	w     io.Writer
	live  bool
	quiet bool
	now   func() time.Time
	// cost is what so many tokens cost; nil where prices are not known.
	cost func(in, out int) string

	mu      sync.Mutex
	started time.Time
	shown   time.Time
	drawn   bool
}

func newProgress(w io.Writer, quiet bool, now func() time.Time) *progress {
	return &progress{w: w, live: isTerminal(w), quiet: quiet, now: now, started: now()}
}

// update shows what analysis reports.
func (p *progress) update(x analyze.Progress) {
	text := fmt.Sprintf("%-9s %d/%d", x.Stage, x.Done, x.Total)
	if n := x.TokensIn + x.TokensOut; n > 0 {
		text += fmt.Sprintf("   %s tokens", thousands(n))
		if p.cost != nil {
			text += p.cost(x.TokensIn, x.TokensOut)
		}
	}
	p.show(text)
}

// recognizing shows that a page is about to be recognised.
func (p *progress) recognizing(r extract.Recognizing) {
	p.show(fmt.Sprintf("%-9s %s, page %d/%d", "ocr", visible.Line(r.Document), r.Page, r.Pages))
}

// step shows a count; total 0 is not known.
func (p *progress) step(stage threatmodel.Stage, done, total int) {
	text := fmt.Sprintf("%-9s %d", stage, done)
	if total > 0 {
		text += fmt.Sprintf("/%d", total)
	}
	p.show(text)
}

func (p *progress) show(text string) {
	if p.quiet {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	every := plainEvery
	if p.live {
		every = liveEvery
	}
	if now.Sub(p.started) < quietFor || now.Sub(p.shown) < every {
		return
	}
	p.shown = now
	if p.live {
		fmt.Fprintf(p.w, "\r\x1b[K%s", cut(text, terminalWidth(p.w)-1))
		p.drawn = true
		return
	}
	fmt.Fprintln(p.w, text)
}

// line writes a line that stays, also where progress is not shown: it says what
// a person must know.
func (p *progress) line(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	fmt.Fprintln(p.w, visible.Line(fmt.Sprintf(format, args...)))
}

// done takes the live line away.
func (p *progress) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
}

func (p *progress) clear() {
	if p.drawn {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.drawn = false
	}
}

// cut shortens a line to n characters, so that it does not wrap.
func cut(s string, n int) string {
	if r := []rune(s); n > 0 && len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// thousands writes a number with commas.
func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
