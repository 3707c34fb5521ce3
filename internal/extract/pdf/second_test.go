package pdf

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

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
	f, err := within(time.Minute, func() (facts, error) { return readFacts(bytes.NewReader(data), int64(len(data)), "") })
	if err != nil || len(f.outline) != maxOutline {
		t.Errorf("%d entries, error %v", len(f.outline), err)
	}
}
