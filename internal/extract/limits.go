package extract

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Limits bound what one input may cost. A limit of 0 stands for its default.
type Limits struct {
	// Bytes of one document as given; default 256 MiB. A space export that is
	// read member by member may be larger.
	Bytes int64
	// TextBytes of a Markdown or text document; default 64 MiB.
	TextBytes int64
	// Pages of a PDF; default 5,000.
	Pages int
	// Members of an archive; default 20,000.
	Members int
	// Expanded bytes of an archive and the archives in it; default 2 GiB.
	Expanded int64
	// Ratio of expanded to packed bytes of a member; default 200. It counts
	// from 1 MiB on.
	Ratio int64
	// Nesting of archives in archives; default 2.
	Nesting int
	// Depth of lists and quotes of a document; default 50.
	Depth int
	// XMLDepth of the elements of a web page, a page of an export, or a part of a
	// Word document; default 200. What is deeper is read as if it were not.
	// Entities have no limit: none that a document declares is replaced.
	XMLDepth int
	// TableCells of a document; default 200,000.
	TableCells int
	// Time that reading one document may take; for an archive or export, from
	// one document to the next. Default 2 minutes.
	Time time.Duration
	// CPU is the processor time that one input may take, an archive or export
	// as a whole; default 10 minutes. It holds on Linux.
	CPU time.Duration
	// Memory that a process which reads may take; default 2 GiB.
	Memory int64
	// Output is the size of one document as read, text and structure; default
	// 256 MiB.
	Output int64
}

func (l Limits) withDefaults() Limits {
	for _, limit := range limits {
		if v := limit.of(&l); v.get() <= 0 {
			v.set(limit.standard)
		}
	}
	return l
}

// unit says how a limit is written.
type unit string

const (
	inBytes unit = "bytes"
	inTime  unit = "time"
	counted unit = "number"
)

// namedLimit is a limit as a person knows it.
type namedLimit struct {
	name     string
	unit     unit
	standard int64
	of       func(*Limits) number
	what     string
}

// limits are all limits, by the names that people give them.
var limits = []namedLimit{
	{"bytes", inBytes, 256 << 20, func(l *Limits) number { return whole[int64]{&l.Bytes} }, "one document as given"},
	{"text", inBytes, 64 << 20, func(l *Limits) number { return whole[int64]{&l.TextBytes} }, "a Markdown or text document"},
	{"pages", counted, 5000, func(l *Limits) number { return whole[int]{&l.Pages} }, "pages of a PDF"},
	{"members", counted, 20_000, func(l *Limits) number { return whole[int]{&l.Members} }, "members of an archive"},
	{"expanded", inBytes, 2 << 30, func(l *Limits) number { return whole[int64]{&l.Expanded} }, "what comes out of an archive"},
	{"ratio", counted, 200, func(l *Limits) number { return whole[int64]{&l.Ratio} }, "expanded to packed bytes of a member"},
	{"nesting", counted, 2, func(l *Limits) number { return whole[int]{&l.Nesting} }, "archives in archives"},
	{"depth", counted, 50, func(l *Limits) number { return whole[int]{&l.Depth} }, "lists in lists, quotes in quotes"},
	{"xml-depth", counted, 200, func(l *Limits) number { return whole[int]{&l.XMLDepth} }, "elements in elements of a web page, wiki page or Word document"},
	{"cells", counted, 200_000, func(l *Limits) number { return whole[int]{&l.TableCells} }, "table cells of a document"},
	{"time", inTime, int64(2 * time.Minute), func(l *Limits) number { return whole[time.Duration]{&l.Time} }, "reading one document"},
	{"cpu", inTime, int64(10 * time.Minute), func(l *Limits) number { return whole[time.Duration]{&l.CPU} }, "processor time for one file or archive (Linux)"},
	{"memory", inBytes, 2 << 30, func(l *Limits) number { return whole[int64]{&l.Memory} }, "memory of a process that reads"},
	{"output", inBytes, 256 << 20, func(l *Limits) number { return whole[int64]{&l.Output} }, "one document as read"},
}

// number is a limit of any type.
type number interface {
	get() int64
	set(int64)
}

type whole[N ~int | ~int64] struct{ at *N }

func (w whole[N]) get() int64  { return int64(*w.at) }
func (w whole[N]) set(v int64) { *w.at = N(v) }

// Set sets a limit as a person writes it: its name, "=", and a number, a size
// such as 512MiB, or a time such as 5m.
func (l *Limits) Set(assignment string) error {
	name, value, ok := strings.Cut(assignment, "=")
	i := slices.IndexFunc(limits, func(known namedLimit) bool { return known.name == name })
	switch {
	case !ok:
		return fmt.Errorf("%q is no limit: write NAME=VALUE, such as pages=10000", assignment)
	case i < 0:
		return fmt.Errorf("there is no limit %q: choose one of %s", name, strings.Join(limitNames(), ", "))
	}
	n, err := limits[i].unit.parse(strings.TrimSpace(value))
	if err != nil || n <= 0 {
		return fmt.Errorf("the limit %s cannot be %q: give %s", name, value, limits[i].unit.example())
	}
	limits[i].of(l).set(n)
	return nil
}

// sizes are the units in which bytes are given.
var sizes = []struct {
	suffix string
	bytes  int64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}, {"B", 1},
}

func (u unit) parse(value string) (int64, error) {
	switch u {
	case inTime:
		d, err := time.ParseDuration(value)
		return int64(d), err
	case inBytes:
		for _, size := range sizes {
			if n, ok := strings.CutSuffix(value, size.suffix); ok {
				v, err := strconv.ParseInt(strings.TrimSpace(n), 10, 32)
				return v * size.bytes, err
			}
		}
	}
	return strconv.ParseInt(value, 10, 64)
}

func (u unit) example() string {
	switch u {
	case inTime:
		return "a time such as 90s or 5m"
	case inBytes:
		return "a size such as 512MiB"
	}
	return "a whole number above 0"
}

func (u unit) format(n int64) string {
	switch {
	case u == inTime:
		return strings.Replace(time.Duration(n).String(), "m0s", "m", 1)
	case u == inBytes && n%(1<<30) == 0:
		return fmt.Sprintf("%dGiB", n>>30)
	case u == inBytes:
		return fmt.Sprintf("%dMiB", n>>20)
	}
	return strconv.FormatInt(n, 10)
}

func limitNames() []string {
	var names []string
	for _, l := range limits {
		names = append(names, l.name)
	}
	return names
}

// LimitHelp lists the limits, a line each, with their defaults.
func LimitHelp() string {
	var b strings.Builder
	for _, l := range limits {
		fmt.Fprintf(&b, "  %-10s %-8s %s\n", l.name, l.unit.format(l.standard), l.what)
	}
	return b.String()
}
