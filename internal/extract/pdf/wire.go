package pdf

import (
	"bytes"
	"encoding/binary"
	"encoding/gob"
	"fmt"
	"io"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// What parent and child say to each other: frames, each a length of four
// bytes and a gob. After a request come the bytes of the document.
//
//	child:  hello
//	parent: setup            child: ready
//	parent: request, bytes   child: answer     (repeated)

// hello is what a child says first. A program that is not ready to be a child
// says something else.
const hello = "bartizan-pdf-child-1\n"

// maxFrame bounds a frame, in bytes.
const maxFrame = 1 << 30

// setup is what a child needs to know before it starts its engine.
type setup struct {
	CacheDir string
	Memory   int64
}

// ready tells whether the engine runs.
type ready struct {
	Fault  fault
	Detail string
}

// request asks for one document. Its bytes follow.
type request struct {
	Name     string
	Password string
	MaxPages int
	Size     int64
	// Alone keeps the second reader out.
	Alone bool
	// Seconds is how long the parent waits; the child ends itself a little
	// later should the parent have gone.
	Seconds int
}

// answer is a document as it was read, or why it was not.
type answer struct {
	Fault  fault
	Detail string
	Source threatmodel.Source
	// Last is true where the child ends after this answer.
	Last bool
}

func writeFrame(w io.Writer, v any) error {
	var b bytes.Buffer
	b.Write(make([]byte, 4))
	if err := gob.NewEncoder(&b).Encode(v); err != nil {
		return fmt.Errorf("encode %T: %w", v, err)
	}
	if b.Len()-4 > maxFrame {
		return fmt.Errorf("a message of %d bytes is too long", b.Len())
	}
	frame := b.Bytes()
	binary.BigEndian.PutUint32(frame, uint32(len(frame)-4))
	_, err := w.Write(frame)
	return err
}

func readFrame(r io.Reader, v any) error {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > maxFrame {
		return fmt.Errorf("a message of %d bytes is too long", n)
	}
	// The buffer grows with what arrives, not with what was announced.
	var b bytes.Buffer
	if _, err := io.CopyN(&b, r, int64(n)); err != nil {
		return err
	}
	return gob.NewDecoder(&b).Decode(v)
}
