package postgres

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/postgres/query"
)

// ModelText is the JSON of a model as model.json has it, two spaces a level, cut
// where the items of its lists begin: a change of one item changes one piece, found
// without reading the others.
type ModelText struct {
	pieces [][]byte
	// base is the last version that is stored whole, 0 for none.
	base int64
}

// itemStart begins an item of a list of the model. No text within the JSON holds it:
// line ends are escaped there.
var itemStart = []byte("\n    {\n")

// itemEnd ends an item.
var itemEnd = []byte("\n    }")

// CutModel cuts the JSON of a model. The text keeps the bytes.
func CutModel(raw []byte) *ModelText {
	t := &ModelText{}
	for {
		at := -1
		if len(raw) > 0 {
			at = bytes.Index(raw[1:], itemStart)
		}
		if at < 0 {
			t.pieces = append(t.pieces, raw)
			return t
		}
		t.pieces, raw = append(t.pieces, raw[:at+1]), raw[at+1:]
	}
}

// Bytes are the JSON.
func (t *ModelText) Bytes() []byte { return bytes.Join(t.pieces, nil) }

// Digest is the SHA-256 of the JSON.
func (t *ModelText) Digest() []byte {
	sum := sha256.New()
	for _, p := range t.pieces {
		sum.Write(p)
	}
	return sum.Sum(nil)
}

// Item is the JSON of an item of a list by its id; nil where there is none.
func (t *ModelText) Item(id string) []byte {
	if at, end := t.find(id); at >= 0 {
		return t.pieces[at][len("\n    "):end]
	}
	return nil
}

// find gives the piece that an item is in, and where in it the item ends.
func (t *ModelText) find(id string) (at, end int) {
	quoted, err := json.Marshal(id)
	if err != nil {
		return -1, 0
	}
	begin := append(append(bytes.Clone(itemStart), `      "id": `...), quoted...)
	for i, p := range t.pieces {
		if rest, ok := bytes.CutPrefix(p, begin); ok && len(rest) > 0 && (rest[0] == ',' || rest[0] == '\n') {
			if end := bytes.Index(p, itemEnd); end >= 0 {
				return i, end + len(itemEnd)
			}
		}
	}
	return -1, 0
}

// Replace gives the text in which an item has another JSON.
func (t *ModelText) Replace(id string, item any) (*ModelText, error) {
	at, end := t.find(id)
	if at < 0 {
		return nil, fmt.Errorf("the model's text holds no %s", id)
	}
	var b bytes.Buffer
	b.WriteString("\n    ")
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("    ", "  ")
	if err := e.Encode(item); err != nil {
		return nil, fmt.Errorf("writing %s: %w", id, err)
	}
	out := &ModelText{pieces: append([][]byte{}, t.pieces...), base: t.base}
	out.pieces[at] = append(bytes.TrimSuffix(b.Bytes(), []byte("\n")), t.pieces[at][end:]...)
	return out, nil
}

// modelPatch is what one text has otherwise than another of as many pieces.
type modelPatch struct {
	Edits []pieceEdit `json:"edits"`
}

type pieceEdit struct {
	At   int    `json:"at"`
	Text string `json:"text"`
}

// patch makes one text of the other; false where they are not alike.
func (t *ModelText) patch(to *ModelText) (modelPatch, bool) {
	var out modelPatch
	if len(t.pieces) != len(to.pieces) {
		return out, false
	}
	size := 0
	for i, p := range to.pieces {
		if !bytes.Equal(t.pieces[i], p) {
			out.Edits = append(out.Edits, pieceEdit{i, string(p)})
			size += len(p)
		}
	}
	return out, 4*size < to.size()
}

func (t *ModelText) size() int {
	n := 0
	for _, p := range t.pieces {
		n += len(p)
	}
	return n
}

// apply changes the text.
func (t *ModelText) apply(packed []byte) error {
	raw, err := Decompress(packed)
	if err != nil {
		return err
	}
	var p modelPatch
	if err := json.Unmarshal(raw, &p); err != nil {
		return fmt.Errorf("reading what differs between two versions of a model: %w", err)
	}
	for _, e := range p.Edits {
		if e.At < 0 || e.At >= len(t.pieces) {
			return errors.New("reading what differs between two versions of a model: it is of another model")
		}
		t.pieces[e.At] = []byte(e.Text)
	}
	return nil
}

// mostPatches bounds how many patches stand between a version and one that is whole.
const mostPatches = 64

// pack gives what is stored of a version that comes after another: base is nil where
// it is stored whole.
func (t *ModelText) pack(before *ModelText, number int64) (content []byte, base *int64, err error) {
	if before != nil && before.base > 0 && number-before.base <= mostPatches {
		if p, ok := before.patch(t); ok {
			raw, err := json.Marshal(p)
			return Compress(raw), &before.base, err
		}
	}
	return Compress(t.Bytes()), nil, nil
}

// ModelText is a version of a system's model, and its row. It is [ErrNoRows] where
// there is none.
func (tx *Tx) ModelText(ctx context.Context, system uuid.UUID, number int64) (*ModelText, query.ModelVersion, error) {
	rows, err := tx.ModelVersionSinceWhole(ctx, system, number)
	if err == nil && len(rows) == 0 {
		err = ErrNoRows
	}
	if err != nil {
		return nil, query.ModelVersion{}, err
	}
	t := &ModelText{}
	for i := range rows {
		if err := t.advance(&rows[i]); err != nil {
			return nil, query.ModelVersion{}, fmt.Errorf("version %d of the model: %w", rows[i].Number, err)
		}
	}
	return t, rows[len(rows)-1], nil
}

// advance makes of the text before a version that of the version.
func (t *ModelText) advance(row *query.ModelVersion) error {
	if row.Base != nil {
		return t.apply(row.Content)
	}
	raw, err := Decompress(row.Content)
	if err != nil {
		return err
	}
	*t = *CutModel(raw)
	t.base = row.Number
	return nil
}

// PutModelText stores a version that comes after another; before is nil where it is
// stored whole. Content, base and digest are set here.
func (tx *Tx) PutModelText(ctx context.Context, p query.InsertModelVersionParams, t, before *ModelText) (query.ModelVersion, error) {
	var err error
	if p.Content, p.Base, err = t.pack(before, p.Number); err != nil {
		return query.ModelVersion{}, err
	}
	p.Digest = t.Digest()
	return tx.InsertModelVersion(ctx, p)
}
