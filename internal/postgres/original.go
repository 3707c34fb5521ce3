package postgres

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// pieceSize is how much of an original one row holds, before compression.
const pieceSize = 4 << 20

// ErrDamaged is given where an original is not what its digest says.
var ErrDamaged = errors.New("the content does not fit its SHA-256")

// PutOriginal keeps the bytes of a document under their SHA-256, once within an
// organization. It reads r from its beginning, in pieces, and gives [ErrDamaged]
// where the bytes are others than digest and size say.
func (tx *Tx) PutOriginal(ctx context.Context, digest [32]byte, size int64, r io.ReadSeeker) error {
	pieces := (size + pieceSize - 1) / pieceSize
	tag, err := tx.Exec(ctx, `insert into bartizan.original (organization_id, sha256, size, pieces) values ($1, $2, $3, $4) on conflict do nothing`,
		tx.Organization, digest[:], size, pieces)
	if err != nil {
		return fmt.Errorf("keeping an original: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return nil // the same bytes are there
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("reading a document from its beginning: %w", err)
	}
	return tx.putPieces(ctx, digest, size, r)
}

func (tx *Tx) putPieces(ctx context.Context, digest [32]byte, size int64, r io.Reader) error {
	sum, read := sha256.New(), int64(0)
	buffer := make([]byte, min(pieceSize, size+1))
	for number := 0; ; number++ {
		n, err := io.ReadFull(r, buffer)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return fmt.Errorf("reading a document: %w", err)
		}
		if n == 0 {
			break
		}
		sum.Write(buffer[:n])
		if read += int64(n); read > size {
			break
		}
		if _, err := tx.Exec(ctx, `insert into bartizan.original_piece (organization_id, sha256, number, content) values ($1, $2, $3, $4)`,
			tx.Organization, digest[:], number, Compress(buffer[:n])); err != nil {
			return fmt.Errorf("keeping piece %d of an original: %w", number, err)
		}
	}
	if read != size || [32]byte(sum.Sum(nil)) != digest {
		return fmt.Errorf("keeping an original: %w", ErrDamaged)
	}
	return nil
}

// Original is a document's bytes, read piece by piece: no connection is held
// between two.
type Original struct {
	Size int64

	ctx          context.Context // of the reader's whole life
	db           *DB
	organization uuid.UUID
	digest       [32]byte
	pieces, next int
	rest         []byte
	sum          hash.Hash
	err          error
}

// Original opens the bytes kept under a SHA-256; [ErrNoRows] where there are
// none. Reading ends with [ErrDamaged] where they do not fit it.
func (db *DB) Original(ctx context.Context, organization uuid.UUID, digest [32]byte) (*Original, error) {
	o := &Original{ctx: ctx, db: db, organization: organization, digest: digest, sum: sha256.New()}
	err := db.Tenant(ctx, organization, func(tx *Tx) error {
		return tx.QueryRow(ctx, `select size, pieces from bartizan.original where sha256 = $1`, digest[:]).Scan(&o.Size, &o.pieces)
	})
	if err != nil {
		return nil, fmt.Errorf("opening an original: %w", err)
	}
	return o, nil
}

// Read implements io.Reader.
func (o *Original) Read(p []byte) (int, error) {
	for len(o.rest) == 0 && o.err == nil {
		o.err = o.piece()
	}
	n := copy(p, o.rest)
	o.rest = o.rest[n:]
	if n > 0 || len(p) == 0 {
		return n, nil
	}
	return 0, o.err
}

// piece loads the next piece; io.EOF after the last.
func (o *Original) piece() error {
	if o.next == o.pieces {
		if [32]byte(o.sum.Sum(nil)) != o.digest {
			return fmt.Errorf("reading an original: %w", ErrDamaged)
		}
		return io.EOF
	}
	var packed []byte
	err := o.db.Tenant(o.ctx, o.organization, func(tx *Tx) error {
		return tx.QueryRow(o.ctx, `select content from bartizan.original_piece where sha256 = $1 and number = $2`, o.digest[:], o.next).Scan(&packed)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("reading an original: piece %d is gone: %w", o.next, ErrDamaged)
	}
	if err != nil {
		return fmt.Errorf("reading piece %d of an original: %w", o.next, err)
	}
	if o.rest, err = Decompress(packed); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	o.sum.Write(o.rest)
	o.next++
	return nil
}

// Close ends reading.
func (o *Original) Close() error {
	o.rest, o.err = nil, io.ErrClosedPipe
	return nil
}
