package extract

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// ReadPaths reads files, folders and archives that describe one system, in
// the order given; a folder with everything below it, in the order of names.
//
// In a folder, hidden files and what is no document are passed over and
// listed in Options.Summary, and a symbolic link is followed only to a file
// that lies in the folder too. A document that is reached twice is read once.
// Errors are as those of [Read].
func ReadPaths(ctx context.Context, paths []string, opt Options) iter.Seq2[Document, error] {
	return func(yield func(Document, error) bool) {
		w := &walker{batch: newBatch(ctx, opt, yield), seen: map[string]bool{}, given: paths}
		defer w.close()
		defer w.flush()
		for _, p := range paths {
			if w.stopped() {
				return
			}
			w.path(p)
		}
	}
}

// walker reads from the file system.
type walker struct {
	*batch
	// seen holds the real paths of the files that were read.
	seen map[string]bool
	// given are the paths that a person gave.
	given []string
	// exports are those in the folder being read.
	exports []*export
}

func (w *walker) path(name string) {
	info, err := os.Stat(name)
	if err != nil {
		w.fail(pathError(name, err))
		return
	}
	switch {
	case info.IsDir():
		w.folder(name)
	case info.Mode().IsRegular():
		w.named(name)
	default:
		w.fail(&Error{Path: name, Kind: KindNotDocument, Err: errors.New("this is no regular file")})
	}
}

// named reads a file that was given by name.
func (w *walker) named(name string) {
	if w.again(name) {
		return
	}
	f, err := os.Open(name)
	if err != nil {
		w.fail(pathError(name, err))
		return
	}
	w.open(f, input{path: name, name: filepath.Base(name), named: true, root: true, find: amongNamed(w.given, name)})
}

// open has a file read, and closes it then.
func (w *walker) open(f *os.File, in input) {
	info, err := f.Stat()
	if err != nil {
		_ = f.Close()
		w.fail(pathError(in.path, err))
		return
	}
	in.r, in.size = f, info.Size()
	w.read(in, f.Close)
}

// again reports whether a file was read before, and notes that it is now.
func (w *walker) again(name string) bool {
	real, err := filepath.EvalSymlinks(name)
	if err == nil {
		real, err = filepath.Abs(real)
	}
	if err != nil {
		return false
	}
	if w.seen[real] {
		w.skip(name, "read already")
		return true
	}
	w.seen[real] = true
	return false
}

// folder reads the documents below a folder. Files are opened through
// os.Root, so that no link leads out of it.
func (w *walker) folder(name string) {
	root, err := os.OpenRoot(name)
	if err != nil {
		w.fail(pathError(name, err))
		return
	}
	defer root.Close()
	in := input{path: name, named: true}
	w.exports = nil
	w.container(in, func() {
		err := fs.WalkDir(root.FS(), ".", func(p string, entry fs.DirEntry, err error) error {
			return w.entry(root, p, entry, err)
		})
		if err != nil && !errors.Is(err, fs.SkipAll) {
			w.fail(pathError(name, err))
		}
	})
}

func (w *walker) entry(root *os.Root, p string, entry fs.DirEntry, err error) error {
	full := filepath.Join(root.Name(), filepath.FromSlash(p))
	switch {
	case w.stopped():
		return fs.SkipAll
	case err != nil:
		w.fail(pathError(full, err))
		return nil
	case entry.IsDir():
		return w.enter(root, p, full)
	}
	for _, e := range w.exports {
		if part, _ := e.part(p); part {
			return nil
		}
	}
	mode := entry.Type()
	if mode&fs.ModeSymlink != 0 {
		info, err := root.Stat(p)
		if err != nil || info.IsDir() {
			w.skip(full, "a symbolic link that leads to a folder or out of the folder given")
			return nil
		}
		mode = info.Mode()
	}
	if reason := passOver(p, mode); reason != "" {
		w.skip(full, reason)
		return nil
	}
	if w.again(full) {
		return nil
	}
	f, err := root.Open(p)
	if err != nil {
		w.fail(pathError(full, err))
		return nil
	}
	w.open(f, input{path: full, name: p, find: inFolder(root, p)})
	return nil
}

// enter decides on a folder, the one given or one below it, and reads an
// export that lies in it.
func (w *walker) enter(root *os.Root, p, full string) error {
	base := path.Base(p)
	if p != "." && (strings.HasPrefix(base, ".") || base == "node_modules") {
		w.skip(full, "hidden or not part of the documents")
		return fs.SkipDir
	}
	for _, e := range w.exports {
		if _, unread := e.part(path.Join(p, "x")); unread {
			e.note(w.skip, input{path: filepath.Join(root.Name(), filepath.FromSlash(e.dir))})
			return fs.SkipDir
		}
	}
	if e := findExport(root.FS(), p); e != nil {
		w.exports = append(w.exports, e)
		in := input{path: full, name: p}
		if p == "." {
			in.name = ""
		}
		if !w.again(filepath.Join(full, e.file())) {
			w.readExport(in, e, root.FS())
		}
	}
	return nil
}

// pathError says what the system had against a path.
func pathError(name string, err error) *Error {
	cause := err
	var pe *fs.PathError
	if errors.As(err, &pe) {
		cause = pe.Err
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &Error{Path: name, Kind: KindMissing, Err: fmt.Errorf("there is no such file or folder: %w", fs.ErrNotExist), Remedy: "Check the spelling"}
	case errors.Is(err, fs.ErrPermission):
		return &Error{Path: name, Kind: KindDenied, Err: fmt.Errorf("it may not be read: %w", cause), Remedy: "Check its permissions"}
	}
	return &Error{Path: name, Kind: KindUnreadable, Err: cause}
}
