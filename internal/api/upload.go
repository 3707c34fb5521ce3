package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/bartizan-security/bartizan/internal/service"
)

// metadata is the part of that name of an upload: what the sender says of the
// files.
type metadata struct {
	Files []fileMetadata `json:"files"`
}

// fileMetadata is about one file.
type fileMetadata struct {
	File      string `json:"file"`
	Reference string `json:"reference"`
	Name      string `json:"name"`
	MediaType string `json:"media_type"`
}

// upload reads the parts of a multipart body and gives the files on as they
// come. Parts may come in any order: a file that comes before the metadata part
// waits in a temporary file for what may be said of it; after the metadata part
// files flow straight through.
type upload struct {
	limits Limits
	temp   string
	parts  *multipart.Reader
	print  partPrints

	meta    *metadata
	fields  map[string]string // reference, name, media_type as parts of their own
	waiting []*waitingFile
	named   map[string]bool // files that came, by the name that metadata use
	count   int
	err     error
}

// waitingFile is a file that came before its metadata.
type waitingFile struct {
	filename, mediaType string
	spool               *os.File
}

// maxField is the most bytes of a field and of the metadata part.
const (
	maxField    = 8 << 10
	maxMetadata = 1 << 20
)

func newUpload(r *http.Request, w http.ResponseWriter, limits Limits, temp string) (*upload, error) {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" || params["boundary"] == "" {
		return nil, newProblem(kindMediaType, "an upload is multipart/form-data with a boundary")
	}
	body := http.MaxBytesReader(w, r.Body, limits.Upload)
	return &upload{
		limits: limits, temp: temp, parts: multipart.NewReader(body, params["boundary"]),
		fields: map[string]string{}, named: map[string]bool{},
	}, nil
}

// files gives each file, and an error at last where the upload is not good.
func (u *upload) files(yield func(service.File, error) bool) {
	defer u.clean()
	for u.err == nil {
		part, err := u.parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			if u.finish(yield) {
				return
			}
			break
		}
		if err != nil {
			u.err = partError(err)
			break
		}
		if !u.part(part, yield) {
			return
		}
	}
	if u.err != nil {
		yield(service.File{}, u.err)
	}
}

// part takes one part; it reports whether to go on.
func (u *upload) part(part *multipart.Part, yield func(service.File, error) bool) bool {
	field, filename := disposition(part)
	if filename == "" {
		u.err = u.field(field, part)
		return true
	}
	u.count++
	if u.count > u.limits.Files {
		u.err = tooMany(u.limits.Files)
		return true
	}
	content := &boundedFile{r: u.print.reading(filename, part), left: u.limits.File, limit: u.limits.File, name: filename}
	if u.meta == nil {
		u.err = u.wait(filename, part.Header.Get("Content-Type"), content)
		return true
	}
	return u.give(filename, part.Header.Get("Content-Type"), content, yield)
}

// disposition is the field and the file of a part. The file name keeps its
// folders, which Part.FileName would drop: they are the reference.
func disposition(part *multipart.Part) (field, filename string) {
	_, params, err := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
	if err != nil {
		return "", ""
	}
	return params["name"], params["filename"]
}

// field takes a part that is no file.
func (u *upload) field(name string, part io.Reader) error {
	limit := int64(maxField)
	if name == "metadata" {
		limit = maxMetadata
	}
	raw, err := io.ReadAll(io.LimitReader(part, limit+1))
	switch {
	case err != nil:
		return partError(err)
	case int64(len(raw)) > limit:
		return tooLarge(limit)
	case !isText(string(raw)):
		return badPart(name, "must be UTF-8 without NUL")
	}
	u.print.add(name, raw)
	if name == "metadata" {
		return u.metadata(raw)
	}
	if !slices.Contains([]string{"reference", "name", "media_type"}, name) {
		return badPart(name, "is no part of an upload: files (with a file name), metadata, reference, name, media_type are")
	}
	if _, twice := u.fields[name]; twice {
		return badPart(name, "stands more than once")
	}
	u.fields[name] = string(raw)
	return nil
}

func (u *upload) metadata(raw []byte) error {
	if u.meta != nil {
		return badPart("metadata", "stands more than once")
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	var m metadata
	if err := dec.Decode(&m); err != nil {
		return badPart("metadata", "must be {\"files\": [{\"file\", \"reference\", \"name\", \"media_type\"}]}")
	}
	seen := map[string]bool{}
	for _, f := range m.Files {
		if f.File == "" || seen[f.File] {
			return badPart("metadata", "each of files must say another file: the file name of its part")
		}
		seen[f.File] = true
		if len(f.Reference) > 1000 || len(f.Name) > 500 || len(f.MediaType) > 200 {
			return badPart("metadata", "a reference has at most 1000 bytes, a name 500, a media type 200")
		}
	}
	u.meta = &m
	return nil
}

// wait keeps a file until it is known what is said of it.
func (u *upload) wait(filename, mediaType string, content io.Reader) error {
	spool, err := os.CreateTemp(u.temp, "upload-*")
	if err != nil {
		return fmt.Errorf("keeping a file of an upload: %w", err)
	}
	u.waiting = append(u.waiting, &waitingFile{filename: filename, mediaType: mediaType, spool: spool})
	if _, err := io.Copy(spool, content); err != nil {
		return partError(err)
	}
	if _, err := spool.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("keeping a file of an upload: %w", err)
	}
	return nil
}

// give hands one file on; it reports whether more are wanted.
func (u *upload) give(filename, mediaType string, content io.Reader, yield func(service.File, error) bool) bool {
	f := u.describe(filename, mediaType)
	f.Content = content
	if f.Reference == "" || len(f.Reference) > 1000 || len(f.Name) > 500 || !isText(f.Reference) || !isText(f.Name) {
		u.err = badPart(filename, "wants a file name of at most 500 bytes, and a reference of at most 1000")
		return true
	}
	u.named[filename] = true
	return yield(f, nil)
}

// describe says what is known of a file: by its part, the fields, the metadata.
func (u *upload) describe(filename, mediaType string) service.File {
	f := service.File{Reference: filename, Name: path.Base(strings.ReplaceAll(filename, `\`, "/")), MediaType: mediaType}
	if mediaType == "application/octet-stream" {
		f.MediaType = "" // what clients say that do not know
	}
	said := fileMetadata{Reference: u.fields["reference"], Name: u.fields["name"], MediaType: u.fields["media_type"]}
	if u.meta != nil {
		for _, m := range u.meta.Files {
			if m.File == filename {
				said = m
			}
		}
	}
	f.Reference, f.Name, f.MediaType = or(said.Reference, f.Reference), or(said.Name, f.Name), or(said.MediaType, f.MediaType)
	return f
}

// finish gives the files that waited, and checks that all was said and sent.
// It reports whether the reader of files had enough.
func (u *upload) finish(yield func(service.File, error) bool) (enough bool) {
	if u.err = u.whole(); u.err != nil {
		return false
	}
	for _, f := range u.waiting {
		if !u.give(f.filename, f.mediaType, f.spool, yield) {
			return true
		}
		if u.err != nil {
			return false
		}
	}
	if u.meta != nil {
		for _, m := range u.meta.Files {
			if !u.named[m.File] {
				u.err = badPart("metadata", fmt.Sprintf("tells of %q, which was not sent", m.File))
				return false
			}
		}
	}
	return false
}

func (u *upload) whole() error {
	if u.count == 0 {
		return badPart("file", "is missing: send each document as a part with a file name")
	}
	single := u.fields["reference"] != "" || u.fields["name"] != "" || u.fields["media_type"] != ""
	if single && u.count > 1 {
		return badPart("reference", "reference, name and media_type are for one file alone; say them of several in the part metadata")
	}
	if single && u.meta != nil {
		return badPart("reference", "say it in the part metadata, or in parts of their own, not in both")
	}
	return nil
}

// clean removes what waited.
func (u *upload) clean() {
	for _, f := range u.waiting {
		_ = f.spool.Close()
		_ = os.Remove(f.spool.Name()) // the system's temporary folder is cleaned anyway
	}
	u.waiting = nil
}

func badPart(name, detail string) *problem {
	return problemOf(&service.Error{Kind: service.KindInvalid, Pointer: "/" + name, Message: name + " " + detail})
}

func tooMany(files int) *problem {
	return newProblem(string(service.KindTooLarge), fmt.Sprintf("an upload holds at most %d files; send them in several", files))
}

// partError is what reading a part met: a limit, or a body that is broken.
func partError(err error) error {
	var ready *problem
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &ready):
		return ready
	case errors.As(err, &large):
		return tooLarge(large.Limit)
	case isTimeout(err):
		return problemOf(err)
	}
	return newProblem(kindMalformed, "the multipart body is broken, or did not come whole")
}

// boundedFile ends with an error where a file is too large.
type boundedFile struct {
	r           io.Reader
	left, limit int64
	name        string
}

// Read implements io.Reader.
func (b *boundedFile) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, newProblem(string(service.KindTooLarge), fmt.Sprintf("%s is larger than the %d bytes that a document may have", b.name, b.limit))
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.r.Read(p)
	b.left -= int64(n)
	if b.left < 0 {
		return n, nil // the next read says so
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = partError(err)
	}
	return n, err
}

// partPrints is the fingerprint of an upload: over what its parts hold, in any
// order, and not over the boundary between them, which each try makes anew.
type partPrints struct {
	parts []*partPrint
}

type partPrint struct {
	name string
	hash hash.Hash
}

func (p *partPrints) add(name string, content []byte) {
	h := sha256.New()
	h.Write(content)
	p.parts = append(p.parts, &partPrint{name: "field " + name, hash: h})
}

// reading hashes a file while somebody reads it.
func (p *partPrints) reading(name string, r io.Reader) io.Reader {
	part := &partPrint{name: "file " + name, hash: sha256.New()}
	p.parts = append(p.parts, part)
	return io.TeeReader(r, part.hash)
}

func (p *partPrints) sum() []byte {
	lines := make([]string, 0, len(p.parts))
	for _, part := range p.parts {
		lines = append(lines, fmt.Sprintf("%q %x", part.name, part.hash.Sum(nil)))
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return sum[:]
}

// printParts reads an upload only for its fingerprint.
func (s *server) printParts(r *http.Request, w http.ResponseWriter, f *fingerprint) error {
	u, err := newUpload(r, w, s.cfg.Limits, s.cfg.TempDir)
	if err != nil {
		return err
	}
	for {
		part, err := u.parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			f.content = u.print.sum()
			return nil
		}
		if err != nil {
			return partError(err)
		}
		name, filename := disposition(part)
		if filename == "" {
			raw, err := io.ReadAll(io.LimitReader(part, maxMetadata))
			if err != nil {
				return partError(err)
			}
			u.print.add(name, raw)
			continue
		}
		if _, err := io.Copy(io.Discard, u.print.reading(filename, part)); err != nil {
			return partError(err)
		}
	}
}
