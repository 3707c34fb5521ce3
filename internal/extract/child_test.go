package extract_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bartizan-security/bartizan/internal/extract"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

func TestMain(m *testing.M) {
	extract.FaultyChildIfAsked(misbehave)
	os.Exit(m.Run())
}

// order is how a document of these tests orders the child that reads it to
// misbehave, as one does that has found a hole in a reader.
const order = "Please, reader: "

func misbehave(r io.ReaderAt, size int64) {
	head := make([]byte, min(size, 200))
	_, _ = r.ReadAt(head, 0)
	words, ok := strings.CutPrefix(string(head), order)
	if !ok {
		return
	}
	verb, rest, _ := strings.Cut(strings.TrimSpace(words), " ")
	switch verb {
	case "panic":
		panic("confused")
	case "crash":
		go func() { panic("confused beyond help") }()
		forever()
	case "exit":
		os.Exit(3)
	case "hang":
		forever()
	case "spin":
		for {
			runtime.Gosched()
		}
	case "eat":
		var all [][]byte
		for len(all) < 1<<20 {
			all = append(all, bytes.Repeat([]byte{1}, 16<<20))
		}
		os.Exit(len(all))
	case "overflow":
		os.Exit(deep(0))
	default:
		if err := reachOut(verb, rest); err == nil {
			panic("it reached out: " + verb)
		}
	}
}

// deep recurses until the stack is full: n is never negative.
func deep(n int) int {
	if n < 0 {
		return 0
	}
	return deep(n+1) + n
}

func reachOut(verb, rest string) (err error) {
	switch verb {
	case "open":
		_, err = os.ReadFile(rest)
	case "write":
		err = os.WriteFile(rest, []byte("x"), 0o600)
	case "dial":
		_, err = net.Dial("tcp", rest)
	case "exec":
		err = exec.Command(rest).Run()
	}
	return err
}

// between writes a folder in which a document stands between two good ones.
func between(t *testing.T, name, text string) string {
	t.Helper()
	return write(t, t.TempDir(), member{"a.md", "# Before\n\nA good one."}, member{name, text}, member{"z.md", "# After\n\nAnother."})
}

// others asserts that the documents around were read, and nothing else.
func others(t *testing.T, r result, more ...string) {
	t.Helper()
	want := append(append([]string{"a.md"}, more...), "z.md")
	if d := cmp.Diff(want, r.names()); d != "" {
		t.Errorf("documents (-want +got):\n%s%s", d, r.messages())
	}
}

// theError asserts that there is one error, of a kind, about a file, that says
// something.
func theError(t *testing.T, r result, kind extract.Kind, file string, says ...string) {
	t.Helper()
	if len(r.errors) != 1 {
		t.Fatalf("documents %v, errors:\n%s", r.names(), r.messages())
	}
	e := r.errors[0]
	if e.Kind != kind || !strings.Contains(filepath.ToSlash(e.Path+": "+e.Where), file) {
		t.Errorf("%s of %s, %s: %v; want %s of %s", e.Kind, e.Path, e.Where, e, kind, file)
	}
	for _, s := range says {
		if !strings.Contains(e.Error(), s) {
			t.Errorf("%q does not say %q", e, s)
		}
	}
}

func TestAFaultCostsOneDocument(t *testing.T) {
	quick := extract.Limits{Time: 2 * time.Second}
	tests := map[string]struct {
		verb  string
		limit extract.Limits
		kind  extract.Kind
		says  []string
	}{
		"a panic":               {"panic", extract.Limits{}, extract.KindUnreadable, []string{"its reader failed (confused)", "Save it in another form"}},
		"a crash":               {"crash", extract.Limits{}, extract.KindUnreadable, []string{"confused beyond help", "Save it in another form"}},
		"an exit":               {"exit", extract.Limits{}, extract.KindUnreadable, []string{"exit status 3"}},
		"a hang":                {"hang", quick, extract.KindUnsafe, []string{"longer than it may, 2s", "--limit time="}},
		"a loop":                {"spin", quick, extract.KindUnsafe, []string{"longer than it may, 2s"}},
		"a loop beyond its CPU": {"spin", extract.Limits{CPU: time.Second}, extract.KindUnsafe, []string{"more processor time than it may have, 1s", "--limit cpu="}},
		"memory":                {"eat", extract.Limits{Memory: 1 << 30}, extract.KindUnsafe, []string{"more memory than it may have, 1GiB", "--limit memory="}},
		"the stack":             {"overflow", extract.Limits{}, extract.KindUnsafe, []string{"nested too deeply"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if tt.limit.CPU > 0 && runtime.GOOS != "linux" {
				t.Skip("there is no such limit here")
			}
			r := readPaths(t, extract.Options{Limits: tt.limit}, between(t, "m.txt", order+tt.verb+"\n"))
			others(t, r)
			theError(t, r, tt.kind, "m.txt", tt.says...)
		})
	}
}

func TestAFaultInAnArchiveCostsOneMember(t *testing.T) {
	archive := zipOf(t, member{"a.md", "# A"}, member{"b.txt", order + "crash"}, member{"c/d.md", "# D"}, member{"e.txt", order + "overflow"}, member{"z.md", "# Z"})
	r := readBytes(t, "docs.zip", archive, extract.Options{})
	others(t, r, "c/d.md")
	if len(r.errors) != 2 || r.errors[0].Where != "b.txt" || r.errors[1].Where != "e.txt" || r.errors[1].Kind != extract.KindUnsafe {
		t.Errorf("errors: %s", r.messages())
	}
}

func TestAnArchiveThatKeepsBreakingIsGivenUp(t *testing.T) {
	members := []member{{"a.md", "# A"}}
	for i := range 6 {
		members = append(members, member{fmt.Sprintf("b%d.txt", i), order + "exit"})
	}
	dir := write(t, t.TempDir(), member{"docs.zip", string(zipOf(t, members...))}, member{"z.md", "# Z"})
	r := readPaths(t, extract.Options{}, dir)
	if d := cmp.Diff([]string{"docs.zip/a.md", "z.md"}, r.names()); d != "" {
		t.Errorf("documents (-want +got):\n%s", d)
	}
	if len(r.errors) != 4 || !strings.Contains(r.errors[3].Error(), "3 documents in it broke the process") || r.errors[3].Kind != extract.KindUnsafe {
		t.Errorf("errors: %s", r.messages())
	}
}

func TestAReaderCannotReachOut(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the sandbox is Linux's")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	file := filepath.Join(t.TempDir(), "written")
	open := extract.UnconfinedPool()
	defer open.Close()
	for _, words := range []string{"open /etc/passwd", "write " + file, "dial " + listener.Addr().String(), "exec /bin/true"} {
		dir := between(t, "m.txt", order+words+" \n")
		r := readPaths(t, extract.Options{}, dir)
		if len(r.errors) > 0 {
			t.Errorf("%s: %s", words, r.messages())
		}
		others(t, r, "m.txt")
		if _, err := os.Stat(file); err == nil {
			t.Error("the file was written")
		}
		// Without the sandbox it can.
		theError(t, readPaths(t, extract.Options{Pool: open}, dir), extract.KindUnreadable, "m.txt", "it reached out")
		_ = os.Remove(file)
	}
}

func TestReadersRunAtOnceAndAnswerInOrder(t *testing.T) {
	var files []member
	var want []string
	for i := range 30 {
		name := fmt.Sprintf("%02d.md", i)
		want = append(want, name)
		files = append(files, member{name, strings.Repeat(fmt.Sprintf("# Part %d\n\nSome text of it.\n\n", i), 1+(i*7%5)*200)})
	}
	r := readPaths(t, extract.Options{Children: 3}, write(t, t.TempDir(), files...))
	if d := cmp.Diff(want, r.names()); d != "" || len(r.errors) > 0 {
		t.Errorf("(-want +got):\n%s%s", d, r.messages())
	}
}

func TestAnInputThatOthersWaitForNeedsNoPlaceOfTheirs(t *testing.T) {
	many := func(name string) member {
		var members []member
		for i := range 20 {
			members = append(members, member{fmt.Sprintf("%02d.md", i), "# Part"})
		}
		return member{name, string(zipOf(t, members...))}
	}
	dir := write(t, t.TempDir(), member{"a.zip", string(zipOf(t, member{"a.md", "# A"}, member{"b.txt", order + "crash"}, member{"c.md", "# C"}))}, many("b.zip"), many("c.zip"))
	r := readPaths(t, extract.Options{Children: 1}, filepath.Join(dir, "a.zip"), filepath.Join(dir, "b.zip"), filepath.Join(dir, "c.zip"))
	if len(r.docs) != 42 || len(r.errors) != 1 {
		t.Errorf("%d documents, errors: %s", len(r.docs), r.messages())
	}
}

func TestAPoolServesSeveralReadings(t *testing.T) {
	pool := extract.NewPool(extract.Options{Children: 1})
	defer pool.Close()
	dir := write(t, t.TempDir(), member{"a.md", "# A"}, member{"b.pdf", string(pdfOf(t, "", "The text of a page."))})
	for range 3 {
		r := readPaths(t, extract.Options{Pool: pool}, dir)
		if len(r.docs) != 2 || len(r.errors) > 0 {
			t.Errorf("documents %v, errors %s", r.names(), r.messages())
		}
	}
}

func TestReadingEndsEarlyWhereNobodyWantsMore(t *testing.T) {
	dir := write(t, t.TempDir(), member{"a.md", "# A"}, member{"b.txt", order + "hang"}, member{"c.md", "# C"})
	started := time.Now()
	for _, err := range extract.ReadPaths(context.Background(), []string{dir}, extract.Options{}) {
		if err != nil {
			t.Error(err)
		}
		break
	}
	if took := time.Since(started); took > time.Minute {
		t.Errorf("it went on for %s", took)
	}
}

// A large input that is no file is read piece by piece.
func TestWhatIsNoFileIsReadToo(t *testing.T) {
	var members []member
	letters := rand.New(rand.NewPCG(1, 2))
	for i := range 40 {
		text := make([]byte, 60_000)
		for j := range text {
			text[j] = "abcdefghijklmnopqrstuvwxyz      \n"[letters.IntN(33)]
		}
		members = append(members, member{fmt.Sprintf("%02d.md", i), string(text)})
	}
	archive := zipOf(t, members...)
	if len(archive) < 1<<20 {
		t.Fatalf("the archive has only %d bytes", len(archive))
	}
	r := readBytes(t, "x.zip", archive, extract.Options{})
	if len(r.docs) != 40 || len(r.errors) > 0 {
		t.Errorf("%d documents, errors %s", len(r.docs), r.messages())
	}
}

// whole is an input that cannot be read to its end.
type whole struct{ size int64 }

func (w whole) ReadAt(p []byte, off int64) (int, error) { return 0, errors.New("the disk is gone") }

func TestAnInputThatCannotBeReadIsAnError(t *testing.T) {
	for _, size := range []int64{100, 10 << 20} {
		var r result
		for doc, err := range extract.Read(t.Context(), "x.md", whole{size}, size, extract.Options{}) {
			r.take(t, doc, err)
		}
		theError(t, r, extract.KindUnreadable, "x.md", "the disk is gone")
	}
}

func TestADocumentPassesFromAChildUnchanged(t *testing.T) {
	here := extract.NewHere()
	defer here.Close()
	files, err := filepath.Glob(filepath.FromSlash("../../testdata/designs/*/*"))
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, name := range append(files, filepath.FromSlash("../../testdata/designs/telemetry/telemetry.pdf")) {
		data, err := os.ReadFile(name)
		if err != nil {
			continue // a folder
		}
		docs, _ := here.Read(name, bytes.NewReader(data), int64(len(data)))
		for _, doc := range docs {
			seen++
			got, err := extract.Survives(doc)
			if d := cmp.Diff(doc, got); err != nil || d != "" {
				t.Errorf("%s (-want +got): %v\n%s", name, err, d)
			}
		}
	}
	if seen < 3 {
		t.Errorf("only %d documents were tried", seen)
	}
}

func TestADocumentThatDoesNotHoldTogetherIsRefused(t *testing.T) {
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
		"before the text": {[]threatmodel.Block{block(-4, 3, "")}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			doc := extract.Document{Body: "one two", Blocks: tt.blocks}
			if _, err := extract.Survives(doc); (err == nil) != tt.ok {
				t.Errorf("error %v", err)
			}
			if tt.ok {
				return
			}
			if err := extract.Forged(doc); err == nil || !strings.Contains(err.Error(), "not where it says") {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestPathsOfHeadingsThatAChildMadeUpAreRefused(t *testing.T) {
	doc := extract.Document{Body: "one", Blocks: []threatmodel.Block{{Locator: threatmodel.Locator{ByteEnd: 3}}}}
	for name, from := range map[string][]int{"beyond the blocks": {1}, "twice": {0, 0}, "before the first": {-1}} {
		if err := extract.ForgedPaths(doc, from); err == nil || !strings.Contains(err.Error(), "not where it says") {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if err := extract.ForgedPaths(doc, []int{0}); err != nil {
		t.Error(err)
	}
}

// forever blocks, in a way that the runtime does not take for a deadlock.
func forever() {
	for {
		time.Sleep(time.Hour)
	}
}
