package extract

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/bartizan-security/bartizan/internal/extract/confluence"
)

// tarFile reads a tar file that can be read at any place. One that holds an
// export is read by the export's order and not by its own.
func (s *session) tarFile(in input) {
	x, err := indexTar(s, in.r, in.size)
	if err == nil {
		if exports := findExports(x, x.order); len(exports) > 0 {
			s.container(in, "archive", func() { s.tarExports(in, x, exports) })
			return
		}
	}
	s.tar(in, io.NewSectionReader(in.r, 0, in.size))
}

// tarExports reads a tar file that holds exports.
func (s *session) tarExports(in input, x *tarIndex, exports []*export) {
	if in.nesting >= s.limit.Nesting {
		s.fail(in.error(KindUnsafe, fmt.Errorf("archives stand in archives more than %d deep", s.limit.Nesting), "Unpack it first"))
		return
	}
	for _, name := range x.order {
		if s.stopped() {
			return
		}
		if err := checkName(name); err != nil {
			s.fail(in.error(KindUnsafe, err, "The rest of the archive was not read; unpack it by hand if you trust it"))
			return
		}
		if s.exportMember(in, x, exports, name) {
			continue
		}
		m := in.member(name)
		at := x.files[name]
		if reason := passOver(name, at.mode); reason != "" {
			s.opt.Summary.skip(m.display(), reason)
			continue
		}
		if !s.member(m, x.open(at), 0) {
			return
		}
	}
}

// gzipTar reads a compressed tar file. One that holds an export is expanded
// into a file first, where it can be read at any place.
func (s *session) gzipTar(in input, whole io.Reader) {
	if !s.holdsExport(in) {
		s.tar(in, whole)
		return
	}
	create := s.opt.Spool
	if create == nil {
		create = confluence.TempSpool
	}
	file, err := create()
	if err != nil {
		s.fail(in.error(KindUnreadable, fmt.Errorf("make a temporary file for the archive: %w", err), ""))
		return
	}
	defer file.Close()
	size, err := io.Copy(io.NewOffsetWriter(file, 0), io.LimitReader(whole, s.limit.Expanded-s.expanded))
	more, _ := io.CopyN(io.Discard, whole, 1)
	switch {
	case errors.Is(err, errBomb):
		s.fail(in.error(KindUnsafe, err, "The archive was not read"))
	case err == nil && more > 0:
		s.fail(in.error(KindUnsafe, errBudget, "The archive was not read"))
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, gzip.ErrChecksum):
		s.fail(in.error(KindDamaged, fmt.Errorf("expand the archive: %w", err), "Fetch it again"))
	default:
		in.r, in.size = file, size
		s.tarFile(in)
	}
}

// holdsExport looks for the files of an export in a compressed tar file.
func (s *session) holdsExport(in input) bool {
	zr, err := gzip.NewReader(io.NewSectionReader(in.r, 0, in.size))
	if err != nil {
		return false
	}
	defer zr.Close()
	tr := tar.NewReader(&ratioReader{r: zr, left: min(max(ratioFrom, in.size*s.limit.Ratio), s.limit.Expanded)})
	for range s.limit.Members {
		if s.ctx.Err() != nil {
			return false
		}
		h, err := tr.Next()
		if err != nil {
			return false
		}
		if base := path.Base(h.Name); base == entitiesName || base == confluence.IndexName {
			return true
		}
	}
	return false
}

// tarIndex gives access to the members of a tar file.
type tarIndex struct {
	s *session
	r io.ReaderAt
	// files are the members by their clean name, order these names sorted.
	files map[string]tarMember
	order []string
}

type tarMember struct {
	at, size int64
	mode     fs.FileMode
}

// indexTar finds where the members of a tar file lie.
func indexTar(s *session, r io.ReaderAt, size int64) (*tarIndex, error) {
	x := &tarIndex{s: s, r: r, files: map[string]tarMember{}}
	section := io.NewSectionReader(r, 0, size)
	tr := tar.NewReader(section)
	for range s.limit.Members {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			x.order = slices.Sorted(func(yield func(string) bool) {
				for name := range x.files {
					if !yield(name) {
						return
					}
				}
			})
			return x, nil
		}
		if err != nil {
			return nil, err
		}
		if h.Typeflag == tar.TypeDir || h.Typeflag == tar.TypeXGlobalHeader || h.Typeflag == tar.TypeGNUSparse {
			continue
		}
		// The reader reads headers in whole blocks, so it stands where the
		// data begins.
		at, err := section.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, err
		}
		name := h.Name
		if checkName(name) == nil {
			name = strings.TrimPrefix(path.Clean(name), "./")
		}
		x.files[name] = tarMember{at, h.Size, h.FileInfo().Mode()}
	}
	return nil, errors.New("the archive has too many members")
}

func (x *tarIndex) open(m tarMember) *io.SectionReader { return io.NewSectionReader(x.r, m.at, m.size) }

// Open implements fs.FS, for the files that tell what an export is.
func (x *tarIndex) Open(name string) (fs.File, error) {
	m, ok := x.files[name]
	if !ok || !m.mode.IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return tarOpened{x.open(m)}, nil
}

// tarOpened is an open member.
type tarOpened struct{ *io.SectionReader }

// Stat implements fs.File; nobody asks.
func (tarOpened) Stat() (fs.FileInfo, error) { return nil, errors.ErrUnsupported }

// Close implements fs.File.
func (tarOpened) Close() error { return nil }

func (x *tarIndex) names(dir string) []string {
	var names []string
	for _, name := range x.order {
		if path.Dir(name) == dir {
			names = append(names, path.Base(name))
		}
	}
	return names
}

func (x *tarIndex) whole(name string) ([]byte, error) {
	f, err := x.Open(name)
	if err != nil {
		return nil, err
	}
	return x.s.expand(f, 0)
}

func (x *tarIndex) stream(name string) (io.ReadCloser, error) {
	f, err := x.Open(name)
	if err != nil {
		return nil, err
	}
	return &budgetReader{x.s, f, f}, nil
}
