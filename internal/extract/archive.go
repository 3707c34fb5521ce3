package extract

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// errBomb and errBudget end the reading of an archive.
var (
	errBomb   = errors.New("expands to many times its size: an archive bomb")
	errBudget = errors.New("the archive expands beyond the limit")
	errMember = errors.New("is larger than a document may be")
)

// ratioFrom is the size from which a member's ratio counts, in bytes.
const ratioFrom = 1 << 20

// zip reads a zip file: an export, or an archive of documents.
func (s *session) zip(in input) {
	zr, err := zip.NewReader(in.r, in.size)
	if err != nil {
		s.fail(in.error(KindDamaged, fmt.Errorf("the zip file is damaged or cut short: %w", err), "Fetch or export it again"))
		return
	}
	if err := s.checkMembers(in, zr); err != nil {
		s.fail(err)
		return
	}
	if s.office(in, zr) {
		return
	}
	if err := s.checkZip(in, zr); err != nil {
		s.fail(err)
		return
	}
	if name := officeFormat(zr); name != "" {
		s.foreign(in, foreign{name: name, document: true})
		return
	}
	s.container(in, "archive", func() { s.zipMembers(in, zr) })
}

// container reads what lies in an archive or folder, and tells where none of
// it is a document.
func (s *session) container(in input, what string, read func()) {
	before := s.documents + s.errors
	skipped := 0
	if s.opt.Summary != nil {
		skipped = len(s.opt.Summary.Skipped)
	}
	read()
	if s.done || s.documents+s.errors > before || !in.named {
		return
	}
	s.fail(in.nothing(what, s.opt.Summary.reasons(skipped)))
}

// nothing is the error about an archive or folder without a document.
func (in input) nothing(what, reasons string) *Error {
	return in.error(KindNothing, fmt.Errorf("the %s holds no document that can be read%s", what, reasons),
		"Bartizan reads PDF, Word, Markdown, HTML, text, Confluence exports, and archives of these")
}

// reasons says why the files from the given one on were passed over.
func (s *Summary) reasons(from int) string {
	const most = 3
	if s == nil || len(s.Skipped) == from {
		return ""
	}
	var parts []string
	for _, skip := range s.Skipped[from:min(from+most, len(s.Skipped))] {
		parts = append(parts, skip.Path+" ("+skip.Reason+")")
	}
	if more := len(s.Skipped) - from - most; more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	return "; passed over: " + strings.Join(parts, ", ")
}

// checkZip refuses an archive that is made to do harm.
func (s *session) checkZip(in input, zr *zip.Reader) *Error {
	if in.nesting >= s.limit.Nesting {
		return in.error(KindUnsafe, fmt.Errorf("archives stand in archives more than %d deep", s.limit.Nesting), "Unpack it first")
	}
	for _, f := range zr.File {
		if err := checkName(f.Name); err != nil {
			return in.error(KindUnsafe, err, "Nothing of the archive was read; unpack it by hand if you trust it")
		}
	}
	return nil
}

// checkName refuses member names that lead out of the archive.
func checkName(name string) error {
	clean := strings.ReplaceAll(name, "\\", "/")
	drive := len(clean) > 1 && clean[1] == ':'
	if strings.HasPrefix(clean, "/") || drive || slices.Contains(strings.Split(clean, "/"), "..") {
		return fmt.Errorf("unsafe archive: the member %q leads out of the archive", name)
	}
	return nil
}

// officeFormat tells the documents and programs that are zip files and not read.
func officeFormat(zr *zip.Reader) string {
	for _, f := range zr.File {
		switch {
		case f.Name == "META-INF/MANIFEST.MF":
			return "a Java archive"
		case f.Name == "mimetype":
			return "an OpenDocument or EPUB file"
		}
	}
	return ""
}

// zipMembers reads the members in the order of their names.
func (s *session) zipMembers(in input, zr *zip.Reader) {
	files := slices.Clone(zr.File)
	slices.SortStableFunc(files, func(a, b *zip.File) int { return strings.Compare(a.Name, b.Name) })
	names, members := make([]string, len(files)), map[string]bool{}
	for i, f := range files {
		names[i] = f.Name
		members[path.Clean(f.Name)] = true
	}
	exports, src := findExports(zr, names), &zipSource{s: s, zr: zr}
	for _, f := range files {
		if s.stopped() {
			return
		}
		if !s.exportMember(in, src, exports, f.Name) && !s.zipMember(in, f, members) {
			return
		}
	}
}

// zipMember reads one member. It reports false where the archive must not be
// read further.
func (s *session) zipMember(in input, f *zip.File, members map[string]bool) bool {
	if f.FileInfo().IsDir() {
		return true
	}
	m := in.member(f.Name)
	m.find = inArchive(members, strings.TrimSuffix(m.name, path.Clean(f.Name)), path.Clean(f.Name))
	if reason := passOver(f.Name, f.Mode()); reason != "" {
		s.opt.Summary.skip(m.display(), reason)
		return true
	}
	if f.Flags&1 != 0 {
		s.fail(m.error(KindEncrypted, errors.New("the member is encrypted"), "Unpack the archive with its password, and give the folder"))
		return true
	}
	r, err := f.Open()
	if errors.Is(err, zip.ErrAlgorithm) {
		s.fail(m.error(KindUnreadable, fmt.Errorf("the member is packed by a method that is not read (number %d)", f.Method), "Unpack the archive, and give the folder"))
		return true
	}
	if err != nil {
		s.fail(m.error(KindDamaged, fmt.Errorf("open: %w", err), ""))
		return true
	}
	defer r.Close()
	return s.member(m, r, int64(f.CompressedSize64))
}

// member is the input for a member of an archive.
func (in input) member(name string) input {
	where := name
	if in.where != "" {
		where = in.where + ": " + name
	}
	m := input{path: in.path, where: where, name: path.Clean(name), nesting: in.nesting + 1}
	if !in.root {
		m.name = in.name + "/" + m.name
	}
	return m
}

// member reads a member whose bytes come from r; packed is their size in the
// archive, or 0 where it is not known. It reports false where the archive
// must not be read further.
func (s *session) member(m input, r io.Reader, packed int64) bool {
	data, err := s.expand(r, packed)
	switch {
	case errors.Is(err, errBomb), errors.Is(err, errBudget):
		s.fail(m.error(KindUnsafe, err, "The rest of the archive was not read"))
		return false
	case errors.Is(err, errMember):
		s.fail(m.error(KindTooLarge, fmt.Errorf("%w: more than %s", err, megabytes(s.limit.Bytes)), ""))
		return true
	case err != nil:
		s.fail(m.error(KindDamaged, fmt.Errorf("the archive is damaged or cut short: %w", err), "Fetch or export it again"))
		return true
	}
	m.r, m.size = bytes.NewReader(data), int64(len(data))
	s.file(m)
	return !s.done
}

// expand reads packed bytes into memory within the limits.
func (s *session) expand(r io.Reader, packed int64) ([]byte, error) {
	most := min(s.limit.Bytes, s.limit.Expanded-s.expanded)
	bomb := int64(-1)
	if packed > 0 {
		bomb = max(ratioFrom, packed*s.limit.Ratio)
		most = min(most, bomb)
	}
	var buf bytes.Buffer
	n, err := io.Copy(&buf, io.LimitReader(r, most+1))
	s.expanded += n
	switch {
	case n > most && most == bomb:
		return nil, errBomb
	case s.expanded > s.limit.Expanded:
		return nil, errBudget
	case n > most:
		return nil, errMember
	case err != nil:
		return nil, err
	}
	return buf.Bytes(), nil
}

// gzip reads a compressed file: an archive, or one document.
func (s *session) gzip(in input) {
	if in.nesting > s.limit.Nesting {
		s.fail(in.error(KindUnsafe, fmt.Errorf("archives stand in archives more than %d deep", s.limit.Nesting), "Unpack it first"))
		return
	}
	zr, err := gzip.NewReader(io.NewSectionReader(in.r, 0, in.size))
	if err != nil {
		s.fail(in.error(KindDamaged, fmt.Errorf("the gzip file is damaged: %w", err), "Fetch it again"))
		return
	}
	defer zr.Close()
	// A bomb of a tar file is caught member by member, so only the whole is
	// measured against the size of the file here.
	unpacked := &ratioReader{r: zr, left: max(ratioFrom, in.size*s.limit.Ratio)}
	head := make([]byte, headSize)
	n, err := io.ReadFull(unpacked, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		s.fail(in.error(KindDamaged, fmt.Errorf("the gzip file is damaged or cut short: %w", err), "Fetch it again"))
		return
	}
	whole := io.MultiReader(bytes.NewReader(head[:n]), unpacked)
	if isTar(head[:n]) {
		s.gzipTar(in, whole)
		return
	}
	in.name = strings.TrimSuffix(in.name, ".gz")
	in.nesting++
	s.member(in, whole, 0)
}

// ratioReader fails with errBomb when more comes out than may.
type ratioReader struct {
	r    io.Reader
	left int64
}

// Read implements io.Reader.
func (r *ratioReader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	r.left -= int64(n)
	if r.left < 0 {
		return n, errBomb
	}
	return n, err
}

// tar reads a tar file in the order in which it comes.
func (s *session) tar(in input, r io.Reader) {
	if in.nesting >= s.limit.Nesting {
		s.fail(in.error(KindUnsafe, fmt.Errorf("archives stand in archives more than %d deep", s.limit.Nesting), "Unpack it first"))
		return
	}
	s.container(in, "archive", func() { s.tarMembers(in, tar.NewReader(r)) })
}

func (s *session) tarMembers(in input, tr *tar.Reader) {
	for members := 1; !s.stopped(); members++ {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err := s.checkTar(in, h, err, members); err != nil {
			s.fail(err)
			return
		}
		m := in.member(h.Name)
		if h.Typeflag == tar.TypeDir || h.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		if reason := passOver(h.Name, h.FileInfo().Mode()); reason != "" {
			s.opt.Summary.skip(m.display(), reason)
			continue
		}
		if !s.member(m, tr, 0) {
			return
		}
	}
}

// checkTar refuses a broken archive and one that is made to do harm.
func (s *session) checkTar(in input, h *tar.Header, err error, members int) *Error {
	switch {
	case errors.Is(err, errBomb):
		return in.error(KindUnsafe, err, "The rest of the archive was not read")
	case err != nil:
		return in.error(KindDamaged, fmt.Errorf("the tar file is damaged or cut short: %w", err), "Fetch it again")
	case members > s.limit.Members:
		return in.error(KindTooLarge, fmt.Errorf("the archive has more than %d members", s.limit.Members), "Split it")
	}
	if err := checkName(h.Name); err != nil {
		return in.error(KindUnsafe, err, "The rest of the archive was not read; unpack it by hand if you trust it")
	}
	return nil
}

// passOver says why a file in a folder or archive is no document; empty where
// it may be one.
func passOver(name string, mode fs.FileMode) string {
	for _, part := range strings.Split(name, "/") {
		if strings.HasPrefix(part, ".") && part != "." {
			return "hidden"
		}
		if part == "__MACOSX" || part == "node_modules" {
			return "not part of the documents"
		}
	}
	switch {
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	case !mode.IsRegular():
		return "not a regular file"
	case sourceExtensions[strings.ToLower(path.Ext(name))] && !mayBePage(name):
		return sourceReason
	}
	return ""
}
