package pdf

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// child is the parent's side of a child process. It does one thing at a time.
type child struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr tail
	// served counts the documents that it was given.
	served int
	ended  sync.Once
}

// startChild starts a child and its engine.
func startChild(ctx context.Context, opt Options) (*child, error) {
	if os.Getenv(childVariable) != "" {
		return nil, &detailed{ErrStart, "this process is itself a child that did not call pdf.RunChildIfAsked at the start of main"}
	}
	exe, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("%w: find this program: %w", ErrStart, err)
	}
	c := &child{cmd: exec.Command(exe)}
	// No variable of ours, hence none of our secrets.
	c.cmd.Env = []string{childVariable + "=1"}
	c.cmd.Stderr = &c.stderr
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStart, err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStart, err)
	}
	c.out = bufio.NewReaderSize(out, 1<<16)
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStart, err)
	}
	if err := c.within(ctx, startTimeout, func() error { return c.greet(opt) }); err != nil {
		if errors.Is(err, ErrTimeout) {
			err = &detailed{ErrStart, fmt.Sprintf("it was not ready after %s", startTimeout)}
		}
		return nil, err
	}
	return c, nil
}

// greet checks that the process is a child of ours and starts its engine.
func (c *child) greet(opt Options) error {
	said := make([]byte, len(hello))
	if n, err := io.ReadFull(c.out, said); err != nil || string(said) != hello {
		return &detailed{ErrStart, fmt.Sprintf("the program started as its child said %q: does its main begin with pdf.RunChildIfAsked()?", said[:n])}
	}
	if err := writeFrame(c.in, setup{CacheDir: opt.CacheDir, Memory: opt.Memory}); err != nil {
		return c.broken(err)
	}
	var r ready
	if err := readFrame(c.out, &r); err != nil {
		return c.broken(err)
	}
	if r.Fault != "" {
		return errorOf(r.Fault, r.Detail)
	}
	return nil
}

// read has the child read a document.
func (c *child) read(ctx context.Context, opt Options, req request, r io.ReaderAt) (answer, string, error) {
	c.served++
	var a answer
	sum := sha256.New()
	err := c.within(ctx, opt.Timeout, func() error {
		if err := writeFrame(c.in, req); err != nil {
			return c.broken(err)
		}
		content := io.NewSectionReader(r, 0, req.Size)
		switch n, err := io.Copy(c.in, io.TeeReader(&watched{r: content}, sum)); {
		case isReadError(err):
			return err
		case err != nil:
			return c.broken(err)
		case n != req.Size:
			return &detailed{ErrTruncated, fmt.Sprintf("it has %d bytes of %d", n, req.Size)}
		}
		if err := readFrame(c.out, &a); err != nil {
			return c.broken(err)
		}
		return nil
	})
	return a, hex.EncodeToString(sum.Sum(nil)), err
}

// watched tells the errors of reading a document from those of a pipe.
type watched struct{ r io.Reader }

type readError struct{ err error }

func (e readError) Error() string { return "read the document: " + e.err.Error() }
func (e readError) Unwrap() error { return e.err }

func isReadError(err error) bool {
	var e readError
	return errors.As(err, &e)
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = readError{err}
	}
	return n, err
}

// within runs f, and kills the child where f fails, takes too long or ctx
// ends. It waits for f in any case.
func (c *child) within(ctx context.Context, limit time.Duration, f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	var cause error
	select {
	case err := <-done:
		if err != nil {
			c.kill()
		}
		return err
	case <-timer.C:
		cause = &detailed{ErrTimeout, "limit " + limit.String()}
	case <-ctx.Done():
		cause = ctx.Err()
	}
	c.kill()
	<-done
	return cause
}

// broken explains a pipe that broke: the child has ended.
func (c *child) broken(err error) error {
	c.kill()
	said := c.stderr.String()
	switch {
	case strings.Contains(said, "out of memory"), strings.Contains(said, "cannot allocate memory"):
		return &detailed{ErrMemory, ""}
	case said == "":
		return &detailed{ErrCrashed, err.Error()}
	}
	return &detailed{ErrCrashed, said}
}

// kill ends the child at once.
func (c *child) kill() {
	c.ended.Do(func() {
		_ = c.cmd.Process.Kill()
		_ = c.in.Close()
		_ = c.cmd.Wait()
	})
}

// end lets the child finish: it ends when its input does.
func (c *child) end() {
	c.ended.Do(func() {
		_ = c.in.Close()
		timer := time.AfterFunc(5*time.Second, func() { _ = c.cmd.Process.Kill() })
		_ = c.cmd.Wait()
		timer.Stop()
	})
}

// tail keeps the beginning of what a child writes to its standard error: the
// reason of a crash stands first.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const maxTail = 400

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p[:min(len(p), maxTail-len(t.text))]...)
	return len(p), nil
}

// String is the first line.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	line, _, _ := strings.Cut(strings.TrimSpace(string(t.text)), "\n")
	return line
}
