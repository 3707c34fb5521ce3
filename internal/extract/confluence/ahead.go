package confluence

import "io"

// aheadReader reads what comes next while what came is being used: expanding
// an archive takes as long as everything that is done with its content.
type aheadReader struct {
	full, empty chan []byte
	done        chan struct{}
	ended       chan struct{}
	// chunk is what is being read; rest what is left of it.
	chunk, rest []byte
	// err is set before full is closed.
	err error
}

const (
	aheadChunks = 4
	aheadSize   = 256 << 10
)

// readAhead reads in a goroutine that stop ends.
func readAhead(r io.Reader) *aheadReader {
	a := &aheadReader{
		full: make(chan []byte, aheadChunks), empty: make(chan []byte, aheadChunks),
		done: make(chan struct{}), ended: make(chan struct{}),
	}
	for range aheadChunks {
		a.empty <- nil // made when it is needed
	}
	go a.run(r)
	return a
}

func (a *aheadReader) run(r io.Reader) {
	defer close(a.ended)
	defer close(a.full)
	for idle := 0; idle < 100; idle++ {
		var chunk []byte
		select {
		case chunk = <-a.empty:
		case <-a.done:
			return
		}
		if chunk == nil {
			chunk = make([]byte, aheadSize)
		}
		n, err := r.Read(chunk[:aheadSize])
		if n > 0 {
			idle = 0
			select {
			case a.full <- chunk[:n]:
			case <-a.done:
				return
			}
		} else if err == nil {
			a.empty <- chunk // it never blocks: as many as there are fit in
		}
		if err != nil {
			a.err = err
			return
		}
	}
	a.err = io.ErrNoProgress
}

// Read implements io.Reader.
func (a *aheadReader) Read(p []byte) (int, error) {
	for len(a.rest) == 0 {
		if a.chunk != nil {
			a.empty <- a.chunk
			a.chunk = nil
		}
		chunk, ok := <-a.full
		if !ok {
			return 0, a.err
		}
		a.chunk, a.rest = chunk, chunk
	}
	n := copy(p, a.rest)
	a.rest = a.rest[n:]
	return n, nil
}

// stop ends the reading. The reader below is not used once it returns.
func (a *aheadReader) stop() {
	close(a.done)
	<-a.ended
}
