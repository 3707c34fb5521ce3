package sandbox

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// What parent and child say to each other: frames of a kind, a number of open
// files that come with it, a length, and so many bytes.
//
//	child:  hello
//	parent: setup              child: ready
//	parent: job                child: event or question (repeated), done
//	parent: answer, to each question
const (
	kindHello    = 'H'
	kindSetup    = 'S'
	kindReady    = 'R'
	kindJob      = 'J'
	kindEvent    = 'E'
	kindQuestion = 'Q'
	kindAnswer   = 'A'
	kindDone     = 'D'
)

// hello is what a child says first. A program that is not ready to be a child
// says something else, or nothing.
const hello = "bartizan-child-1"

const (
	headSize = 6
	// smallFrame bounds every frame but events, questions and answers, in bytes.
	smallFrame = 1 << 20
	maxFiles   = 8
)

// frame is one message.
type frame struct {
	kind  byte
	bytes []byte
	files []*os.File
}

// link is one end of what connects parent and child.
type link struct {
	out io.Writer
	in  *bufio.Reader
	// pass sends bytes together with open files; nil where the system cannot.
	pass func(p []byte, files []*os.File) error
	// passed are the files that came and were not taken yet.
	passed *[]*os.File
	close  func() error
	// frame is what a small one is put together in.
	frame []byte
}

const linkBuffer = 64 << 10

// send writes one frame. It is not for several goroutines at once.
func (l *link) send(f frame) error {
	head := appendHead(l.frame[:0], f)
	l.frame = head
	if len(f.files) > 0 {
		if l.pass == nil || len(f.files) > maxFiles {
			return fmt.Errorf("%d open files cannot be handed over", len(f.files))
		}
		if err := l.pass(head, f.files); err != nil {
			return err
		}
		head = head[:0]
	}
	if len(f.bytes) <= linkBuffer {
		l.frame = append(head, f.bytes...)
		_, err := l.out.Write(l.frame)
		return err
	}
	if len(head) > 0 {
		if _, err := l.out.Write(head); err != nil {
			return err
		}
	}
	_, err := l.out.Write(f.bytes)
	return err
}

// appendHead writes what stands before the bytes of a frame.
func appendHead(b []byte, f frame) []byte {
	return binary.BigEndian.AppendUint32(append(b, f.kind, byte(len(f.files))), uint32(len(f.bytes)))
}

// ErrTooLong is given for an event beyond Config.EventSize.
var ErrTooLong = errors.New("the message is too long")

// tooLong tells that a frame is longer than the other side may make it.
type tooLong struct{ size, limit int }

// Is makes it an ErrTooLong.
func (e tooLong) Is(err error) bool { return err == ErrTooLong }

func (e tooLong) Error() string {
	return fmt.Sprintf("a message of %d bytes, more than the limit of %d", e.size, e.limit)
}

// receive reads one frame, of at most limit bytes where its kind is one of the
// large ones.
func (l *link) receive(limit int) (frame, error) {
	var head [headSize]byte
	if _, err := io.ReadFull(l.in, head[:]); err != nil {
		return frame{}, err
	}
	f := frame{kind: head[0]}
	size := int(binary.BigEndian.Uint32(head[2:]))
	if f.kind != kindEvent && f.kind != kindAnswer && f.kind != kindQuestion {
		limit = smallFrame
	}
	if size > limit {
		return f, tooLong{size, limit}
	}
	var err error
	if f.bytes, err = l.body(size); err != nil {
		return f, err
	}
	f.files, err = l.take(int(head[1]))
	return f, err
}

// body reads the bytes of a frame. The buffer grows with what arrives, not with
// what was announced.
func (l *link) body(size int) ([]byte, error) {
	const step = 1 << 20
	if size <= step {
		b := make([]byte, size)
		_, err := io.ReadFull(l.in, b)
		return b, err
	}
	var b bytes.Buffer
	b.Grow(step)
	if _, err := io.CopyN(&b, l.in, int64(size)); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// take gives the files that came with a frame.
func (l *link) take(n int) ([]*os.File, error) {
	if n == 0 {
		return nil, nil
	}
	if l.passed == nil || n > len(*l.passed) {
		return nil, fmt.Errorf("%d open files were announced and did not come", n)
	}
	files := (*l.passed)[:n:n]
	*l.passed = (*l.passed)[n:]
	return files, nil
}
