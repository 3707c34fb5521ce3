package pdf

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"time"
)

// childVariable is the environment variable that makes a program a child.
const childVariable = "BARTIZAN_PDF_CHILD"

// RunChildIfAsked makes this process a child that reads documents for its
// parent, where it was started as one; it does not return then. It is to be
// called before anything else.
func RunChildIfAsked() {
	if os.Getenv(childVariable) == "" {
		return
	}
	// What else writes to the standard output must not disturb the answers.
	out := os.Stdout
	os.Stdout = os.Stderr
	if err := serve(bufio.NewReaderSize(os.Stdin, 1<<16), out); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// ownMemory is what a child may take beside the engine's memory, in bytes: the
// document, its glyphs, the compilation of the engine.
const ownMemory = 3 << 29

// serve answers requests until the parent closes the pipe, or a document
// breaks the engine.
func serve(in *bufio.Reader, out io.Writer) error {
	if _, err := io.WriteString(out, hello); err != nil {
		return err
	}
	debug.SetGCPercent(400)
	var s setup
	if err := readFrame(in, &s); err != nil {
		return err
	}
	limitMemory(uint64(s.Memory) + ownMemory)
	// Garbage is collected in time before that limit.
	debug.SetMemoryLimit(s.Memory + ownMemory/2)
	e, err := startEngine(s)
	if err != nil {
		name, detail := report(err)
		return writeFrame(out, ready{Fault: name, Detail: detail})
	}
	if err := writeFrame(out, ready{}); err != nil {
		return err
	}
	for {
		var req request
		if err := readFrame(in, &req); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		data := make([]byte, req.Size)
		if _, err := io.ReadFull(in, data); err != nil {
			return err
		}
		last, err := reply(out, e, req, data)
		if err != nil || last {
			return err
		}
	}
}

// reply answers one request. It reports whether the engine is to be replaced.
func reply(out io.Writer, e *engine, req request, data []byte) (last bool, err error) {
	defer time.AfterFunc(time.Duration(req.Seconds+5)*time.Second, func() { os.Exit(1) }).Stop()
	source, err := e.read(req, data)
	if err != nil {
		name, detail := report(err)
		last = e.tired || breaksEngine(name)
		return last, writeFrame(out, answer{Fault: name, Detail: detail, Last: last})
	}
	return e.tired, writeFrame(out, answer{Source: source, Last: e.tired})
}

// breaksEngine reports whether an engine cannot be used after a fault.
func breaksEngine(f fault) bool { return f == "memory" || f == "crashed" }
