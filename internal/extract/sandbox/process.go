package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"time"
)

// startTimeout bounds the start of a child, on a busy machine.
const startTimeout = time.Minute

func processors() int { return runtime.GOMAXPROCS(0) }

// process is the parent's side of a child. It does one thing at a time.
type process struct {
	cmd    *exec.Cmd
	link   *link
	config Config
	stderr tail
	// jobs counts those that it was given; heard is true once it said something
	// in the last of them.
	jobs  int
	heard bool

	mu sync.Mutex
	// cause is why the parent killed it, if it did.
	cause error
	once  sync.Once
}

// start starts a child and makes it ready for jobs.
func start(ctx context.Context, c Config) (*process, error) {
	if os.Getenv(variable) != "" {
		return nil, fmt.Errorf("%w: this process is itself such a child, and did not serve at the start of main", ErrStart)
	}
	exe, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("%w: find this program: %w", ErrStart, err)
	}
	p := &process{cmd: exec.Command(exe), config: c}
	// No variable of ours, hence none of our secrets.
	p.cmd.Env = []string{variable + "=1"}
	p.cmd.Stderr = &p.stderr
	l, started, err := connect(p.cmd)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStart, err)
	}
	p.link = l
	err = p.cmd.Start()
	started()
	if err != nil {
		_ = l.close()
		return nil, fmt.Errorf("%w: %w", ErrStart, err)
	}
	defer context.AfterFunc(ctx, func() { p.kill(ctx.Err()) })()
	defer p.within(startTimeout, fmt.Errorf("%w: it was not ready after %s", ErrStart, startTimeout))()
	if err := p.greet(); err != nil {
		p.kill(err)
		return nil, p.why()
	}
	return p, nil
}

// greet checks that the process is a child of ours and tells it what it may do.
func (p *process) greet() error {
	f, err := p.link.receive(smallFrame)
	if err != nil || f.kind != kindHello || string(f.bytes) != hello {
		return fmt.Errorf("%w: the program that was started as a child does not serve: its main must begin with extract.ChildIfAsked() (%s)", ErrStart, p.stderr.first())
	}
	s := setup{Confine: p.config.Confine, Folders: p.config.Folders, Memory: p.config.Memory, FileSize: p.config.FileSize, EventSize: p.config.EventSize}
	if err := p.link.send(frame{kind: kindSetup, bytes: pack(s)}); err != nil {
		return fmt.Errorf("%w: %w", ErrStart, err)
	}
	var r ready
	if f, err = p.link.receive(smallFrame); err == nil {
		err = unpack(f.bytes, &r)
	}
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w (%s)", ErrStart, err, p.stderr.first())
	case r.Unconfined != "":
		return fmt.Errorf("%w: %s", ErrUnconfined, r.Unconfined)
	}
	return nil
}

// do has the child do a job. After an error the child has ended. It reports
// whether it is to be given another.
func (p *process) do(ctx context.Context, j Job) (again bool, err error) {
	p.jobs++
	p.heard = false
	defer context.AfterFunc(ctx, func() { p.kill(ctx.Err()) })()
	allowance(p.cmd.Process.Pid, j.CPU)
	late := &Fault{Reason: Time, Detail: "limit " + j.Time.String()}
	// One timer serves all of the job: there may be hundreds of thousands of
	// events.
	timer := time.AfterFunc(j.Time, func() { p.kill(late) })
	defer timer.Stop()
	err = p.link.send(frame{kind: kindJob, bytes: j.Work, files: j.Files})
	timer.Stop()
	for err == nil {
		timer.Reset(j.Time)
		var f frame
		f, err = p.link.receive(p.config.EventSize)
		timer.Stop()
		if err != nil {
			break
		}
		p.heard = true
		switch f.kind {
		case kindEvent:
			if err := j.Event(f.bytes); err != nil {
				p.kill(err)
				return false, err
			}
		case kindQuestion:
			err = p.answer(j, late, f.bytes)
		case kindDone:
			var d done
			if err = unpack(f.bytes, &d); err == nil {
				return !d.Last && p.jobs < p.config.Jobs, nil
			}
		default:
			err = errGarbled
		}
	}
	return false, p.explain(err)
}

// answer answers a question of the child.
func (p *process) answer(j Job, late error, question []byte) error {
	if j.Ask == nil {
		return errGarbled
	}
	var a answer
	var err error
	var file *os.File
	if a.Bytes, file, err = j.Ask(question); err != nil {
		a = answer{Failed: true, Error: err.Error()}
	}
	f := frame{kind: kindAnswer, bytes: pack(a)}
	if file != nil {
		defer file.Close()
		f.files = []*os.File{file}
	}
	defer p.within(j.Time, late)()
	return p.link.send(f)
}

// within kills the child for a cause when the time is over before the function
// that it returns is called.
func (p *process) within(limit time.Duration, cause error) (stop func()) {
	timer := time.AfterFunc(limit, func() { p.kill(cause) })
	return func() { timer.Stop() }
}

// kill ends the child at once, for a cause. The first cause counts.
func (p *process) kill(cause error) {
	p.mu.Lock()
	if p.cause == nil {
		p.cause = cause
	}
	p.mu.Unlock()
	_ = p.cmd.Process.Kill()
	_ = p.link.close()
	p.wait()
}

// end lets the child finish: it ends when its link does.
func (p *process) end() {
	_ = p.link.close()
	defer time.AfterFunc(5*time.Second, func() { _ = p.cmd.Process.Kill() }).Stop()
	p.wait()
}

func (p *process) wait() { p.once.Do(func() { _ = p.cmd.Wait() }) }

func (p *process) why() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cause
}

// explain says why the link to a child broke, or what came over it made no
// sense.
func (p *process) explain(err error) error {
	var long tooLong
	if errors.As(err, &long) || errors.Is(err, errGarbled) {
		p.kill(&Fault{Reason: Output, Detail: err.Error()})
		return p.why()
	}
	if cause := p.why(); cause != nil {
		p.wait()
		return cause
	}
	// It ended by itself, or is about to.
	p.end()
	return p.ended()
}

// deaths are what a program of ours says when the system or its own runtime
// ends it.
var deaths = []struct {
	said   string
	reason Reason
}{
	{"stack overflow", Stack},
	{"goroutine stack exceeds", Stack},
	{"out of memory", Memory},
	{"cannot allocate memory", Memory},
	{"failed to allocate", Memory}, // as the race detector says it
	{"CPU time limit exceeded", CPU},
	{"signal: killed", Memory}, // by the system, which wants its memory back
}

// ended is the fault of a child that ended by itself.
func (p *process) ended() *Fault {
	state := p.cmd.ProcessState.String()
	said := p.stderr.all()
	for _, d := range deaths {
		if strings.Contains(said, d.said) || strings.Contains(state, d.said) {
			return &Fault{Reason: d.reason}
		}
	}
	if said := p.stderr.first(); said != "" {
		return &Fault{Reason: Crash, Detail: said}
	}
	return &Fault{Reason: Crash, Detail: state}
}

// tail keeps the beginning of what a child writes to its standard error: the
// reason of a crash stands first.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const maxTail = 2000

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p[:min(len(p), maxTail-len(t.text))]...)
	return len(p), nil
}

func (t *tail) all() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}

// first is the first line, cut short.
func (t *tail) first() string {
	const most = 200
	line, _, _ := strings.Cut(strings.TrimSpace(t.all()), "\n")
	return strings.ToValidUTF8(line[:min(len(line), most)], "")
}
