package sandbox_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/bartizan-security/bartizan/internal/extract/sandbox"
)

func TestMain(m *testing.M) {
	sandbox.ServeIfAsked(work)
	if call := os.Getenv("SANDBOX_TEST_LACKS"); call != "" {
		actOld(call)
		return
	}
	goleak.VerifyTestMain(m)
}

// work is what the children of these tests can do. The first word of a job
// says what; the rest is for that.
func work(c *sandbox.Call) (last bool) {
	verb, rest, _ := strings.Cut(string(c.Job), " ")
	switch verb {
	case "pid":
		tell(c, fmt.Sprint(os.Getpid()))
	case "echo":
		tell(c, rest)
	case "last":
		return true
	case "files":
		for _, f := range c.Files {
			b, err := io.ReadAll(f)
			tell(c, fmt.Sprint(string(b), err))
		}
	case "ask":
		b, f, err := c.Ask([]byte(rest))
		tell(c, fmt.Sprint(string(b), f != nil, err))
	case "post":
		post(c)
	case "spool":
		tell(c, spool(c))
	case "flood":
		tell(c, strings.Repeat("x", 1<<20))
	default:
		misbehave(c, verb, rest)
	}
	return false
}

func tell(c *sandbox.Call, s string) {
	if err := c.Send([]byte(s)); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

// postings is how many events post says.
const postings = 3000

// post says numbered events in every way, some of them long, all from the same
// memory.
func post(c *sandbox.Call) {
	var b []byte
	for i := range postings {
		b = fmt.Appendf(b[:0], "%d ", i)
		say := c.Post
		switch {
		case i%500 == 7:
			b = append(b, bytes.Repeat([]byte("x"), 100<<10)...)
		case i%500 == 9:
			b = append(b, bytes.Repeat([]byte("x"), 2<<20)...)
		case i%700 == 11:
			say = c.Send
		case i%700 == 13:
			if _, _, err := c.Ask([]byte("how many?")); err != nil {
				say = func([]byte) error { return err }
			}
		}
		if err := say(b); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// spool writes to a file that the parent hands over.
func spool(c *sandbox.Call) string {
	_, f, err := c.Ask(nil)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	for range 3 {
		if _, err = f.Write(make([]byte, 1<<20)); err != nil {
			return err.Error()
		}
	}
	return "written"
}

// misbehave does what a reader that was taken over, or met its match, may do.
func misbehave(c *sandbox.Call, verb, rest string) {
	switch verb {
	case "panic":
		panic("the reader is confused")
	case "exit":
		tell(c, "so far")
		os.Exit(7)
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
	case "burst":
		for fd := 3; fd < 20; fd++ {
			_, _ = writeTo(fd, []byte("E\x00\x7f\xff\xff\xffx"))
		}
		forever()
	case "nonsense":
		// What only a parent says, into whichever of the open files is the link.
		for fd := 3; fd < 20; fd++ {
			_, _ = writeTo(fd, []byte("A\x00\x00\x00\x00\x01x"))
		}
		forever()
	default:
		tell(c, attempt(verb, rest))
	}
}

// deep recurses until the stack is full: n is never negative.
func deep(n int) int {
	if n < 0 {
		return 0
	}
	return deep(n+1) + n
}

// attempt tries to reach out of the sandbox and says what came of it.
func attempt(verb, rest string) string {
	var err error
	switch verb {
	case "open":
		_, err = os.ReadFile(rest)
	case "list":
		_, err = os.ReadDir(rest)
	case "write":
		err = os.WriteFile(rest, []byte("x"), 0o600)
	case "remove":
		err = os.Remove(rest)
	case "mkdir":
		err = os.Mkdir(rest, 0o700)
	case "dial":
		_, err = net.Dial("tcp", rest)
	case "unix":
		_, err = net.Dial("unix", rest)
	case "listen":
		_, err = net.ListenPacket("udp", rest)
	case "exec":
		err = exec.Command(rest).Run()
	default:
		err = attemptCall(verb, rest)
	}
	if err == nil {
		return "done"
	}
	return err.Error()
}

// do runs a job and gives its events.
func do(t *testing.T, p *sandbox.Pool, j sandbox.Job, words string) ([]string, error) {
	t.Helper()
	var mu sync.Mutex
	var events []string
	j.Work = []byte(words)
	j.Event = func(e []byte) error {
		mu.Lock()
		defer mu.Unlock()
		events = append(events, string(e))
		return nil
	}
	err := p.Do(t.Context(), j)
	return events, err
}

func pool(t *testing.T, c sandbox.Config) *sandbox.Pool {
	t.Helper()
	p := sandbox.NewPool(c)
	t.Cleanup(p.Close)
	return p
}

func one(t *testing.T, p *sandbox.Pool, words string) string {
	t.Helper()
	events, err := do(t, p, sandbox.Job{}, words)
	if err != nil || len(events) != 1 {
		t.Fatalf("%s: events %q, error %v", words, events, err)
	}
	return events[0]
}

// confined is the configuration in which the shipped program reads.
var confined = sandbox.Config{Confine: true, Children: 1, Memory: 1 << 30}

func TestAChildIsReusedAndReplacedAfterSoManyJobs(t *testing.T) {
	p := pool(t, sandbox.Config{Children: 1, Jobs: 2})
	var pids []string
	for range 4 {
		pids = append(pids, one(t, p, "pid"))
	}
	if pids[0] != pids[1] || pids[1] == pids[2] || pids[2] != pids[3] {
		t.Errorf("children %v, want two of two jobs each", pids)
	}
}

func TestAChildThatSaysItIsTheLastTimeIsReplaced(t *testing.T) {
	p := pool(t, sandbox.Config{Children: 1})
	before := one(t, p, "pid")
	if _, err := do(t, p, sandbox.Job{}, "last"); err != nil {
		t.Fatal(err)
	}
	if after := one(t, p, "pid"); after == before {
		t.Errorf("the child %s works on", after)
	}
}

func TestWhatIsPostedComesWholeAndInOrderWithWhatIsSentAndAsked(t *testing.T) {
	p := pool(t, sandbox.Config{Children: 1})
	for range 2 { // of a child that is used again too
		came, asked := 0, 0
		j := sandbox.Job{
			Work: []byte("post"),
			Event: func(e []byte) error {
				n, rest, _ := bytes.Cut(e, []byte(" "))
				if string(n) != strconv.Itoa(came) || len(bytes.Trim(rest, "x")) > 0 {
					return fmt.Errorf("event %d begins with %.20q", came, e)
				}
				came++
				return nil
			},
			Ask: func([]byte) ([]byte, *os.File, error) {
				if asked++; (came-13)%700 != 0 {
					return nil, nil, fmt.Errorf("asked after %d events", came)
				}
				return nil, nil, nil
			},
		}
		if err := p.Do(t.Context(), j); err != nil || came != postings || asked == 0 {
			t.Fatalf("%d events, %d questions, error %v", came, asked, err)
		}
	}
}

func TestAFaultNamesItsReasonAndTheNextJobIsDone(t *testing.T) {
	second := sandbox.Job{Time: time.Second}
	quick := sandbox.Job{CPU: time.Second, Time: 20 * time.Second}
	tests := map[string]struct {
		words  string
		job    sandbox.Job
		reason sandbox.Reason
		says   string
	}{
		"a panic":                      {"panic", sandbox.Job{}, sandbox.Crash, "the reader is confused"},
		"an exit":                      {"exit", sandbox.Job{}, sandbox.Crash, "exit status 7"},
		"a hang":                       {"hang", second, sandbox.Time, "1s"},
		"a loop":                       {"spin", second, sandbox.Time, "1s"},
		"a loop beyond its time":       {"spin", quick, sandbox.CPU, ""},
		"memory":                       {"eat", sandbox.Job{}, sandbox.Memory, ""},
		"the stack":                    {"overflow", sandbox.Job{}, sandbox.Stack, ""},
		"more than it may say":         {"burst", sandbox.Job{}, sandbox.Output, "more than the limit"},
		"what makes no sense":          {"nonsense", sandbox.Job{}, sandbox.Output, "makes no sense"},
		"an unexpected question to us": {"ask anything", sandbox.Job{}, sandbox.Output, "makes no sense"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if tt.reason == sandbox.CPU && runtime.GOOS != "linux" {
				t.Skip("there is no such limit here")
			}
			c := confined
			c.EventSize = 1 << 16
			p := pool(t, c)
			one(t, p, "pid") // so that it is a warm child that fails
			events, err := do(t, p, tt.job, tt.words)
			var f *sandbox.Fault
			if errors.As(err, &f) && tt.reason == sandbox.Stack && f.Reason == sandbox.Memory {
				f.Reason = sandbox.Stack // a stack is memory too, and the race detector takes more of it
			}
			if !errors.As(err, &f) || f.Reason != tt.reason || !strings.Contains(f.Detail, tt.says) {
				t.Errorf("error %v, want %s that says %q", err, tt.reason, tt.says)
			}
			if tt.words == "exit" && !slices.Equal(events, []string{"so far"}) {
				t.Errorf("events %q before the fault", events)
			}
			if got := one(t, p, "echo still here"); got != "still here" {
				t.Errorf("the next job gives %q", got)
			}
		})
	}
}

func TestAnEventBeyondTheLimitIsNotSent(t *testing.T) {
	p := pool(t, sandbox.Config{Children: 1, EventSize: 1 << 16})
	events, err := do(t, p, sandbox.Job{}, "flood")
	if err != nil || len(events) != 0 {
		t.Errorf("%d events, error %v", len(events), err)
	}
}

func TestAChildThatDiedWhileItWaitedIsReplaced(t *testing.T) {
	p := pool(t, sandbox.Config{Children: 1})
	var pid int
	fmt.Sscan(one(t, p, "pid"), &pid)
	child, err := os.FindProcess(pid)
	if err == nil {
		err = child.Kill()
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := one(t, p, "echo again"); got != "again" {
		t.Errorf("%q", got)
	}
}

func TestQuestionsAreAnsweredWithBytesFilesAndErrors(t *testing.T) {
	if !sandbox.Passing {
		t.Skip("open files cannot be handed over here")
	}
	p := pool(t, confined)
	ask := func(q []byte) ([]byte, *os.File, error) {
		switch string(q) {
		case "file":
			f, err := os.Open(filepath.Join(t.TempDir(), "..", "."))
			return nil, f, err
		case "error":
			return nil, nil, errors.New("not for you")
		}
		return bytes.ToUpper(q), nil, nil
	}
	for words, want := range map[string]string{"ask bytes": "BYTESfalse<nil>", "ask file": "true<nil>", "ask error": "falsenot for you"} {
		events, err := do(t, p, sandbox.Job{Ask: ask}, words)
		if err != nil || len(events) != 1 || strings.ReplaceAll(events[0], " ", "") != strings.ReplaceAll(want, " ", "") {
			t.Errorf("%s: %q, error %v", words, events, err)
		}
	}
}

func TestFilesAreHandedOverToAConfinedChild(t *testing.T) {
	if !sandbox.Passing {
		t.Skip("open files cannot be handed over here")
	}
	p := pool(t, confined)
	var files []*os.File
	for i, text := range []string{"one", "two"} {
		name := filepath.Join(t.TempDir(), fmt.Sprint(i))
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files = append(files, f)
	}
	events, err := do(t, p, sandbox.Job{Files: files}, "files")
	if err != nil || !slices.Equal(events, []string{"one<nil>", "two<nil>"}) {
		t.Errorf("%q, error %v", events, err)
	}
}

func TestAFileThatWasHandedOverTakesSoMuch(t *testing.T) {
	if !sandbox.Passing {
		t.Skip("open files cannot be handed over here")
	}
	temporary := func([]byte) ([]byte, *os.File, error) {
		f, err := os.CreateTemp(t.TempDir(), "")
		return nil, f, err
	}
	for size, want := range map[int64]string{4 << 20: "written", 2 << 20: "file too large"} {
		c := confined
		c.FileSize = size
		events, err := do(t, pool(t, c), sandbox.Job{Ask: temporary}, "spool")
		if err != nil || len(events) != 1 || !strings.Contains(events[0], want) {
			t.Errorf("limit %d: %q, error %v", size, events, err)
		}
	}
}

func TestJobsRunAtOnceAndEndWithTheContext(t *testing.T) {
	p := pool(t, sandbox.Config{Children: 2})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	errs := make([]error, 3)
	for i := range errs {
		wg.Go(func() {
			errs[i] = p.Do(ctx, sandbox.Job{Work: []byte("hang"), Event: func([]byte) error { return nil }})
		})
	}
	cancel()
	wg.Wait()
	for _, err := range errs {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	}
	if got := one(t, p, "echo after"); got != "after" {
		t.Errorf("%q", got)
	}
}

func TestAnErrorOfTheCalleeEndsTheJob(t *testing.T) {
	p := pool(t, sandbox.Config{Children: 1})
	enough := errors.New("enough")
	err := p.Do(t.Context(), sandbox.Job{Work: []byte("echo x"), Event: func([]byte) error { return enough }})
	if !errors.Is(err, enough) {
		t.Errorf("error %v", err)
	}
}

func TestAClosedPoolGivesNoChild(t *testing.T) {
	p := sandbox.NewPool(sandbox.Config{})
	p.Close()
	if err := p.Do(t.Context(), sandbox.Job{}); !errors.Is(err, sandbox.ErrClosed) {
		t.Errorf("error %v", err)
	}
}

func TestAChildKnowsNothingOfItsParent(t *testing.T) {
	t.Setenv("BARTIZAN_LLM_API_KEY", "secret")
	if got := one(t, pool(t, sandbox.Config{Children: 1}), "environment"); got != "BARTIZAN_CHILD=1" {
		t.Errorf("environment %q", got)
	}
}

// forever blocks, in a way that the runtime does not take for a deadlock.
func forever() {
	for {
		time.Sleep(time.Hour)
	}
}
