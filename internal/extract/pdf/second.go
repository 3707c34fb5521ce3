package pdf

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	ledong "github.com/ledongthuc/pdf"

	"github.com/bartizan-security/bartizan/internal/extract/pdf/layout"
)

// The second reader is another library, asked for what the engine found
// nothing of: title and outline of files whose objects it reads more
// leniently. It panics and hangs on some files, so it gets little time.
const (
	secondTimeout = 2 * time.Second
	secondMaxSize = 64 << 20
)

// errSlow is given where the second reader did not end: it runs on.
var errSlow = errors.New("the second reader did not end")

// facts are what the second reader finds.
type facts struct {
	title   string
	outline []layout.Entry
	// portfolio is true for a document that only wraps the files it carries.
	portfolio bool
}

// second asks the second reader, where the engine found no title or no
// outline, or files whose place it does not know. It reports errSlow alone: what the second reader cannot read is
// merely not known.
func (d *document) second(req request) error {
	if d.about.Title != "" && len(d.about.Outline) > 0 && !d.carries() || req.size > secondMaxSize {
		return nil
	}
	f, err := within(secondTimeout, func() (facts, error) { return readFacts(req.file, req.size, req.how.Password) })
	if errors.Is(err, errSlow) {
		return err
	}
	d.portfolio = f.portfolio
	if d.about.Title == "" {
		d.about.Title = strings.TrimSpace(f.title)
	}
	if len(d.about.Outline) == 0 {
		d.about.Outline = f.outline
	}
	return nil
}

// within runs f for a time. What panics in it is its error.
func within(limit time.Duration, f func() (facts, error)) (facts, error) {
	type result struct {
		facts facts
		err   error
	}
	// There is room for the result of one that comes too late.
	done := make(chan result, 1)
	go func() {
		var r result
		defer func() {
			if p := recover(); p != nil {
				r = result{err: fmt.Errorf("panic: %v", p)}
			}
			done <- r
		}()
		r.facts, r.err = f()
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case r := <-done:
		return r.facts, r.err
	case <-timer.C:
		return facts{}, errSlow
	}
}

func readFacts(file io.ReaderAt, size int64, password string) (facts, error) {
	asked := false
	r, err := ledong.NewReaderEncrypted(file, size, func() string {
		if asked {
			return "" // no other password follows
		}
		asked = true
		return password
	})
	if err != nil {
		return facts{}, err
	}
	f := facts{title: r.Trailer().Key("Info").Key("Title").Text()}
	f.portfolio = r.Trailer().Key("Root").Key("Collection").Kind() == ledong.Dict
	f.walk(r.Trailer().Key("Root").Key("Outlines").Key("First"), 1)
	return f, nil
}

// walk collects an entry and those that follow it on its level.
func (f *facts) walk(v ledong.Value, level int) {
	for ; v.Kind() == ledong.Dict && len(f.outline) < maxOutline; v = v.Key("Next") {
		title := strings.Join(strings.Fields(v.Key("Title").Text()), " ")
		f.outline = append(f.outline, layout.Entry{Title: title, Level: level})
		if level < maxOutlineDepth {
			f.walk(v.Key("First"), level+1)
		}
	}
}
