package pdf

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

func TestAChildThatDiesIsReplaced(t *testing.T) {
	data, err := os.ReadFile(filepath.FromSlash("../../../testdata/designs/telemetry/telemetry.pdf"))
	if err != nil {
		t.Fatal(err)
	}
	r := NewReader(Options{})
	defer r.Close()
	first, err := r.Read(t.Context(), "a.pdf", bytes.NewReader(data), int64(len(data)), "")
	if err != nil {
		t.Fatal(err)
	}
	if len(r.idle) != 1 {
		t.Fatalf("%d children wait", len(r.idle))
	}
	if err := r.idle[0].cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	second, err := r.Read(t.Context(), "a.pdf", bytes.NewReader(data), int64(len(data)), "")
	if err != nil || second.Body != first.Body {
		t.Errorf("after the child died: %d bytes, error %v", len(second.Body), err)
	}
}

func TestTheChildKnowsNothingOfItsParent(t *testing.T) {
	t.Setenv("BARTIZAN_LLM_API_KEY", "secret")
	opt, err := Options{}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	c, err := startChild(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	defer c.end()
	if len(c.cmd.Env) != 1 || !strings.HasPrefix(c.cmd.Env[0], childVariable+"=") {
		t.Errorf("environment %v", c.cmd.Env)
	}
}

func TestAnAnswerThatDoesNotHoldTogetherIsRefused(t *testing.T) {
	block := func(start, end int, text string) threatmodel.Block {
		return threatmodel.Block{Text: text, Locator: threatmodel.Locator{ByteStart: start, ByteEnd: end}}
	}
	tests := map[string]struct {
		blocks []threatmodel.Block
		ok     bool
	}{
		"in order":        {[]threatmodel.Block{block(0, 3, "one"), block(4, 7, "two")}, true},
		"another text":    {[]threatmodel.Block{block(0, 3, "two")}, false},
		"behind the end":  {[]threatmodel.Block{block(4, 9, "two")}, false},
		"before its turn": {[]threatmodel.Block{block(4, 7, "two"), block(0, 3, "one")}, false},
		"backwards":       {[]threatmodel.Block{block(3, 0, "")}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if err := check(threatmodel.Source{Body: "one two", Blocks: tt.blocks}); (err == nil) != tt.ok {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestTheSecondReaderMayPanicOrHang(t *testing.T) {
	if _, err := within(time.Minute, func() (facts, error) { panic("broken") }); err == nil || !strings.Contains(err.Error(), "broken") {
		t.Errorf("a panic gives error %v", err)
	}
	release := make(chan struct{})
	defer close(release)
	if _, err := within(time.Millisecond, func() (facts, error) { <-release; return facts{}, nil }); !errors.Is(err, errSlow) {
		t.Errorf("a hang gives error %v", err)
	}
	got, err := within(time.Minute, func() (facts, error) { return facts{title: "Design"}, nil })
	if err != nil || got.title != "Design" {
		t.Errorf("%+v, error %v", got, err)
	}
}

func TestTheSecondReaderStopsInAnOutlineThatLoops(t *testing.T) {
	data := []byte("%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Outlines 2 0 R >>\nendobj\n2 0 obj\n<< /First 3 0 R >>\nendobj\n" +
		"3 0 obj\n<< /Title (Again) /First 3 0 R /Next 3 0 R >>\nendobj\n")
	offsets := []int{bytes.Index(data, []byte("1 0 obj")), bytes.Index(data, []byte("2 0 obj")), bytes.Index(data, []byte("3 0 obj"))}
	start := len(data)
	data = append(data, "xref\n0 4\n0000000000 65535 f \n"...)
	for _, o := range offsets {
		data = append(data, fmt.Sprintf("%010d 00000 n \n", o)...)
	}
	data = append(data, fmt.Sprintf("trailer\n<< /Size 4 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", start)...)
	f, err := within(time.Minute, func() (facts, error) { return readFacts(data, "") })
	if err != nil || len(f.outline) != maxOutline {
		t.Errorf("%d entries, error %v", len(f.outline), err)
	}
}
